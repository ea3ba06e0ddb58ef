"""`--golden-update` writes the cases anew from what the code does."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden cases anew; read the diff")
