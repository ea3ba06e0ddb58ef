"""The documents and answers that a process keeps are bounded, and long ones do not hold its event loop."""

import asyncio
import threading

import pytest

from crm_graph.graph import documents
from crm_graph.graph.documents import Documents, Recent
from crm_graph.graph.limits import Limits
from crm_graph.graph.types import full_schema

SCHEMA = full_schema()
LONG = "{ __typename }" + "#" + "x" * documents.LONGEST_KEPT


def test_recent_forgets_the_least_used_and_keeps_within_its_weight() -> None:
    kept: Recent[str, str] = Recent(3, 10)
    for key in "abc":
        kept.put(key, key, 3)
    assert kept.get("a") == "a"
    kept.put("d", "d", 1)
    assert [kept.get(k) for k in "abcd"] == ["a", None, "c", "d"]
    kept.put("e", "e", 8)
    assert [kept.get(k) for k in "acde"] == [None, None, "d", "e"]
    kept.put("e", "again", 2)
    kept.put("f", "f", 7)
    assert [kept.get(k) for k in "def"] == ["d", "again", "f"]
    kept.put("g", "too heavy", 11)
    assert len(kept) == 0


def test_a_short_document_is_kept_and_a_long_one_is_not() -> None:
    async def ask() -> None:
        known = Documents(SCHEMA, Limits())
        first = await known.operation("{ __typename }", None)
        assert await known.operation("{ __typename }", None) is first
        long = await known.operation(LONG, None)
        assert await known.operation(LONG, None) is not long
        assert long.plans is not first.plans
        assert (await known.operation("query A { __typename }", "A")).plans is first.plans
        assert len({first.identity, long.identity}) == 2

    asyncio.run(ask())


def test_the_texts_kept_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_TEXT", 40)

    async def ask() -> None:
        known = Documents(SCHEMA, Limits())
        first = await known.operation("query A { __typename }", "A")
        await known.operation("query B { __typename }", "B")
        assert await known.operation("query A { __typename }", "A") is not first

    asyncio.run(ask())


def test_only_a_long_document_is_prepared_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[bool] = []
    original = documents.parse_document

    def parse(text: str, limits: Limits) -> object:
        prepared.append(threading.current_thread() is threading.main_thread())
        return original(text, limits)

    monkeypatch.setattr(documents, "parse_document", parse)

    async def ask() -> None:
        known = Documents(SCHEMA, Limits())
        await known.operation("{ __typename }", None)
        await known.operation(LONG, None)

    asyncio.run(ask())
    assert prepared == [True, False]
