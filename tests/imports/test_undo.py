"""Undoing an import: what it made goes, what it changed is restored, and what was worked on since is kept and told."""

from pathlib import Path
from uuid import uuid4

import pytest

from crm_graph.db.ids import encode
from crm_graph.imports.sample import write_sample
from crm_graph.imports.undo import CHANGED, HAS_PARTS, ImportRunUnknown, undo
from crm_graph.plan.changes import Action, Change, Effect
from crm_graph.plan.writes.write import write

from .conftest import Importing

MAPPING = """
source = "old"
[[table]]
entity = "Customer"
file = "customers.csv"
key = "id"
[table.fields]
name = "name"
city = "city"
parent = { column = "parent", by = "externalId" }
"""


@pytest.fixture
def customers(tmp_path: Path):
    def write_file(*rows: str) -> list[Path]:
        path = tmp_path / "customers.csv"
        path.write_text("\n".join(["id,name,city,parent", *rows]) + "\n")
        return [path]

    return write_file


async def state(importing: Importing) -> list[dict]:
    return await importing.fetch(
        "SELECT c.external_id, c.name, c.city, p.external_id AS parent"
        " FROM customers c LEFT JOIN customers p ON p.id = c.parent_id"
        " WHERE c.organization_id = $1 ORDER BY c.external_id"
    )


async def edit(importing: Importing, action: Action, entity: str, external_id: str | None = None, **values: object):
    async with importing.database.transaction(importing.actor.organization_id, None, "test") as tx:
        row = None
        if external_id:
            row = (
                await importing.fetch(
                    "SELECT id FROM customers WHERE organization_id = $1 AND external_id = $2", external_id
                )
            )[0]["id"]
            if entity == "Contact":
                values["customerId"] = encode("cus", row)
        change = Change(entity, action, id=encode("cus", row) if row and entity == "Customer" else None, values=values)
        outcome = await write(tx, importing.actor, change)
    assert outcome.effect is not Effect.REFUSED, outcome


async def test_undo_removes_and_restores(importing: Importing, customers) -> None:
    await importing.run(MAPPING, customers("1,Ada,Ulm,", "2,Bob,Bonn,1"))
    before = await state(importing)
    second = await importing.run(
        MAPPING, customers("1,Ada Lovelace,London,", "2,Bob,Bonn,3", "3,Cy,Rome,", "4,Di,Oslo,3")
    )
    assert second.total == {"created": 2, "updated": 2}
    undone = await undo(importing.database, importing.actor, second.run)
    assert (dict(undone.counts), undone.kept) == ({"removed": 2, "restored": 2}, [])
    assert await state(importing) == before
    audit = await importing.fetch(
        "SELECT action, channel FROM audit_entries WHERE organization_id = $1 ORDER BY at DESC, id DESC LIMIT 4"
    )
    assert sorted(a["action"] for a in audit) == ["delete", "delete", "update", "update"]
    with pytest.raises(ImportRunUnknown):
        await undo(importing.database, importing.actor, second.run)


async def test_undoing_one_after_the_other_leaves_nothing(importing: Importing, customers) -> None:
    first = await importing.run(MAPPING, customers("1,Ada,Ulm,", "2,Bob,Bonn,1"))
    second = await importing.run(MAPPING, customers("1,Ada Lovelace,London,", "2,Bob,Bonn,1"))
    await undo(importing.database, importing.actor, second.run)
    undone = await undo(importing.database, importing.actor, first.run)
    assert (dict(undone.counts), await state(importing)) == ({"removed": 2}, [])


async def test_what_was_worked_on_since_is_kept(importing: Importing, customers) -> None:
    await importing.run(MAPPING, customers("1,Ada,Ulm,"))
    run = await importing.run(MAPPING, customers("1,Ada,London,", "2,Bob,Bonn,", "3,Cy,Rome,", "4,Di,Oslo,"))
    await edit(importing, Action.UPDATE, "Customer", "1", city="Paris")
    await edit(importing, Action.UPDATE, "Customer", "2", city="Bern")
    await edit(importing, Action.CREATE, "Contact", "3", name="Ann")
    undone = await undo(importing.database, importing.actor, run.run)
    assert dict(undone.counts) == {"removed": 1, "kept": 3}
    assert sorted(why for _, why in undone.kept) == sorted([CHANGED, CHANGED, HAS_PARTS])
    assert [(r["external_id"], r["city"]) for r in await state(importing)] == [
        ("1", "Paris"),
        ("2", "Bern"),
        ("3", "Rome"),
    ]
    assert await importing.count("contacts") == 1


async def test_what_others_need_is_kept(importing: Importing, customers) -> None:
    run = await importing.run(MAPPING, customers("1,Ada,Ulm,", "2,Bob,Bonn,"))
    row = (await importing.fetch("SELECT id FROM customers WHERE organization_id = $1 AND external_id = '1'"))[0]["id"]
    await edit(importing, Action.CREATE, "Opportunity", name="Sale", customerId=encode("cus", row))
    undone = await undo(importing.database, importing.actor, run.run)
    assert dict(undone.counts) == {"removed": 1, "kept": 1}
    assert [r["external_id"] for r in await state(importing)] == ["1"]


async def test_a_whole_export_is_taken_back(importing: Importing, tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    result = await importing.run(sample.mended, list(sample.files))
    undone = await undo(importing.database, importing.actor, result.run)
    assert dict(undone.counts) == {"removed": result.total["created"]}
    for table in ("customers", "products", "opportunities"):
        assert await importing.count(table) == 0


async def test_an_unknown_run(importing: Importing) -> None:
    with pytest.raises(ImportRunUnknown):
        await undo(importing.database, importing.actor, uuid4())
