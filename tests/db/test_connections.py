"""Who connects takes a role: the application's login may do nothing as itself, so a plain connection is a failure."""

import ast
from pathlib import Path

import pytest

import crm_graph

SOURCE = Path(crm_graph.__file__).parent
OPENERS = frozenset({"connect", "create_pool", "create_engine", "create_async_engine"})
LIBRARIES = frozenset({"asyncpg", "sqlalchemy", "psycopg"})
AS_THE_LOGIN_ITSELF = {
    "migrations/__init__.py": "migrations run as the login that owns the tables",
    "demo/load.py": "VACUUM (ANALYZE) is the owner's, whose URL it is given",
}
"""Modules outside db/ that connect without a role, and why. Whoever adds one says why here."""


def roleless(source: str) -> list[int]:
    """Lines where a library's own way of connecting is used or imported, or ours is told to take no role."""
    tree = ast.parse(source)
    modules, functions = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {n.asname or n.name.partition(".")[0]: n.name.partition(".")[0] for n in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in LIBRARIES:
            functions |= {n.asname or n.name for n in node.names if n.name in OPENERS}
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in OPENERS:
                found = modules.get(name) in LIBRARIES
            case ast.Name(id=name):
                found = name in functions
            case ast.Call(func=ast.Name(id="connect"), args=[_, ast.Constant(value=None)]):
                found = True
            case ast.Call(func=ast.Name(id="connect"), keywords=keywords):
                found = any(k.arg == "role" and isinstance(k.value, ast.Constant) for k in keywords)
            case _:
                found = False
        if found:
            lines.append(node.lineno)
    return sorted(lines)


def test_no_module_outside_db_connects_without_a_role() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): lines
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] != "db" and (lines := roleless(path.read_text("utf-8")))
    }
    assert set(found) == set(AS_THE_LOGIN_ITSELF), found
    assert all(len(lines) == 1 for lines in found.values()), "one justified place each"


@pytest.mark.parametrize(
    "source",
    [
        "import asyncpg\nasyncpg.connect(url)",
        "import asyncpg as pg\npg.create_pool(url)",
        "from asyncpg import connect\nconnect(url)",
        "from sqlalchemy.ext.asyncio import create_async_engine as engine\nengine(url)",
        "from crm_graph.db.connection import connect\nconnect(url, None)",
        "from crm_graph.db.connection import connect\nconnect(url, role=None)",
    ],
)
def test_it_would_be_found(source: str) -> None:
    assert roleless(source) == [2]
    assert roleless("from crm_graph.db.connection import connect\nconnect(url, Role.READER)") == []
