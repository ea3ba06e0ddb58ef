"""Importing people and taking that back: roles are given by the same rules, and somebody stays in charge."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.policy import resolved
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.rights import Right
from crm_graph.imports.undo import undo
from crm_graph.plan.policies.judge import LockOut
from crm_graph.plan.writes import role_assignment

from .conftest import Importing

MAPPING = """
source = "old"
[[table]]
entity = "User"
file = "users.csv"
key = "id"
[table.fields]
name = "name"
status = "status"
roles = { column = "roles", split = "/" }
"""
Users = Callable[..., list[Path]]


@pytest.fixture
def users(tmp_path: Path) -> Users:
    def write_file(*rows: str) -> list[Path]:
        path = tmp_path / "users.csv"
        path.write_text("\n".join(["id,name,status,roles", *rows]) + "\n")
        return [path]

    return write_file


async def people(importing: Importing) -> list[tuple[str, str, list[str]]]:
    found = await importing.fetch("SELECT name, status, roles FROM users WHERE organization_id = $1 ORDER BY name")
    return [(row["name"], row["status"], row["roles"]) for row in found]


@pytest.mark.parametrize("last", ["1,Boss,SUSPENDED,administrator", "1,Boss,ACTIVE,sales_rep"])
async def test_an_import_leaves_somebody_in_charge(
    importing: Importing, users: Users, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await importing.run(MAPPING, users("1,Boss,ACTIVE,administrator", "2,Rep,ACTIVE,sales_rep"))
    loads = []

    async def counted(*given: object, **more: object) -> object:
        loads.append(given)
        return await in_force(*given, **more)

    monkeypatch.setattr(role_assignment, "in_force", counted)
    done = await importing.run(MAPPING, users(last, "2,Reppy,ACTIVE,sales_rep", "3,New,ACTIVE,sales_rep"))
    assert done.total == {"refused": 1, "updated": 1, "created": 1}
    assert [code for code, _, _ in importing.faults("User")] == [LockOut.code]
    assert await people(importing) == [
        ("Boss", "ACTIVE", ["administrator"]),
        ("New", "ACTIVE", ["sales_rep"]),
        ("Reppy", "ACTIVE", ["sales_rep"]),
    ]
    assert len(loads) == 1, "the policy is loaded once for all rows"
    handed_over = await importing.run(MAPPING, users(last, "2,Reppy,ACTIVE,administrator"))
    assert handed_over.total == {"updated": 2}


async def test_an_undo_leaves_somebody_in_charge(importing: Importing, users: Users) -> None:
    first = await importing.run(MAPPING, users("1,Boss,ACTIVE,administrator", "2,Rep,ACTIVE,sales_rep"))
    undone = await undo(importing.database, importing.actor, first.run)
    assert dict(undone.counts) == {"removed": 1, "kept": 1}
    assert [why for _, why in undone.kept] == ["Nobody else could change the access policy then."]
    assert await people(importing) == [("Boss", "ACTIVE", ["administrator"])]


async def test_an_undo_that_would_suspend_the_last_in_charge(importing: Importing, users: Users) -> None:
    await importing.run(MAPPING, users("1,Boss,ACTIVE,administrator", "2,Old,SUSPENDED,administrator"))
    second = await importing.run(MAPPING, users("2,Old,ACTIVE,administrator", "3,Rep,ACTIVE,sales_rep"))
    await importing.run(MAPPING, users("1,Boss,SUSPENDED,administrator"))
    undone = await undo(importing.database, importing.actor, second.run)
    assert dict(undone.counts) == {"removed": 1, "kept": 1}
    assert await people(importing) == [("Boss", "SUSPENDED", ["administrator"]), ("Old", "ACTIVE", ["administrator"])]


@pytest.mark.parametrize("rights", [frozenset(), frozenset({Right.POLICY_WRITE})])
async def test_an_undo_restores_no_roles_that_one_may_not_give(
    importing: Importing, users: Users, rights: frozenset[Right]
) -> None:
    await importing.run(MAPPING, users("1,A,ACTIVE,administrator", "2,B,ACTIVE,administrator", "3,C,ACTIVE,sales_rep"))
    second = await importing.run(MAPPING, users("2,B,ACTIVE,sales_rep", "3,Cy,ACTIVE,sales_rep"))
    policy = resolved({"people": ROLES["administrator"]}, frozenset({"people"}), rights_by={"people": rights})
    undone = await undo(importing.database, replace(importing.actor, roles=("people",), policy=policy), second.run)
    assert dict(undone.counts) == {"restored": 1, "kept": 1}
    assert await people(importing) == [
        ("A", "ACTIVE", ["administrator"]),
        ("B", "ACTIVE", ["sales_rep"]),
        ("C", "ACTIVE", ["sales_rep"]),
    ]
