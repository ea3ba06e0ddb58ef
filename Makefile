SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= .crm-graph
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run test test-deep test-full check fix schema golden bench migration lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## make .venv with everything pinned in requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@echo "Installing what requirements.lock pins into $(VENV): a minute or two, once." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: free-port $(STAMP) ## serve the demo organisation (PORT, DATA_DIR; CHECK=1 checks itself and ends)
	@exec $(BIN)/python -m crm_graph serve --demo --port $(PORT) --data-dir "$(DATA_DIR)" $(if $(CHECK),--check)

free-port:
	@$(PYTHON) scripts/port.py $(PORT)

test: $(STAMP) ## the tests that need nothing but wheels; a file is one process's, as its set-up is dear
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-deep: $(STAMP) ## non-interference, service levels and goals with many examples, each time others: minutes; to run nightly
	CRM_GRAPH_TEST_DEEP=1 $(BIN)/python -m pytest tests/access/test_non_interference_generated.py tests/service/test_sla.py \
		tests/resolvers/key_accounts/test_goal_figures.py

test-full: $(STAMP) ## the tests that need a browser, Node or minutes; installs what they need
	$(BIN)/python scripts/full_requirements.py
	CRM_GRAPH_TEST_FULL=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m full

check: $(STAMP) ## format, lint, types, layers; lock file, schema, documents and migrations up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/lock.py --check
	$(BIN)/python -m crm_graph schema --check docs/schema.graphql
	$(BIN)/python scripts/reference.py --check
	$(BIN)/python -m crm_graph migrate --check

fix: $(STAMP) ## format and repair what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(STAMP) ## rewrite docs/schema.graphql and the generated tables of the documents (read the diff)
	$(BIN)/python -m crm_graph schema --out docs/schema.graphql
	$(BIN)/python scripts/reference.py

golden: schema ## rewrite the golden cases from what the code does now (read the diff)
	$(BIN)/python -m pytest tests/golden --golden-update

bench: $(STAMP) ## measure against hand-written SQL and plain servers
	$(BIN)/python -m benchmarks

migration: $(STAMP) ## write a migration from the model: make migration NAME=add_customer_credit_limit
	@test -n "$(NAME)" || { echo 'say what it does: make migration NAME=add_customer_credit_limit'; exit 2; }
	$(BIN)/python -m crm_graph migrate --new "$(NAME)"

lock: $(STAMP) ## pin the newest versions that pyproject.toml allows
	$(BIN)/python scripts/lock.py --upgrade

clean: ## remove caches and .venv (never .crm-graph: that is data)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
