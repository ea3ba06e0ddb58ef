"""Columns of a file for fields of the organisation's own: checked, reported and taken back as shipped ones are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import encode
from crm_graph.imports.mapping import MappingInvalid, parse
from crm_graph.imports.organizations import importing_actor
from crm_graph.imports.undo import ARCHIVED, CHANGED, undo
from crm_graph.plan.writes.write import insert_fields

from .conftest import Importing

MAPPING = """
source = "old"
[[table]]
entity = "Customer"
file = "customers.csv"
key = "id"
[table.clean]
grade = { case = "title" }
[table.fields]
name = "name"
xShoeSize = "size"
xGrade = "grade"
xSince = { column = "since", format = "%d.%m.%Y" }
xShare = { column = "share", decimal = "," }
xLoyal = { column = "loyal", default = false }
xMemo = { template = "{grade} since {since}" }
"""
FIELDS: dict[str, dict[str, Any]] = {
    "xShoeSize": {"kind": "INT", "slot": "custom_number_1"},
    "xGrade": {"kind": "CHOICE", "slot": "custom_text_1", "choices": ["Gold", "Silver"]},
    "xSince": {"kind": "DATE", "slot": "custom_date_1"},
    "xShare": {"kind": "DECIMAL", "slot": "custom_number_2"},
    "xLoyal": {"kind": "BOOLEAN", "slot": "custom_flag_1"},
    "xMemo": {"kind": "STRING", "slot": "custom_text_2", "searchable": True},
}
Files = Callable[..., list[Path]]


@pytest.fixture
def customers(tmp_path: Path) -> Files:
    def write_file(*rows: str) -> list[Path]:
        path = tmp_path / "customers.csv"
        path.write_text("\n".join(["id,name,size,grade,since,share,loyal", *rows]) + "\n")
        return [path]

    return write_file


async def define(importing: Importing, **changed: dict[str, Any]) -> Actor:
    """The organisation's fields; gives the command line's actor, who knows them."""
    async with importing.database.transaction(importing.actor.organization_id, None, "test") as tx:
        for name, values in FIELDS.items():
            given = {"entity": "CUSTOMER", "name": name, "description": "d", **values, **changed.get(name, {})}
            assert not (await insert_fields(tx, importing.actor, "CustomField", given)).errors
    return await as_(importing, None)


async def as_(importing: Importing, email: str | None) -> Actor:
    return await importing_actor(importing.database, encode("org", importing.actor.organization_id), email)


async def user(importing: Importing, role: str) -> Actor:
    async with importing.database.transaction(importing.actor.organization_id, None, "test") as tx:
        given = {"name": role, "email": f"{role}@example.com", "roles": [role]}
        assert not (await insert_fields(tx, importing.actor, "User", given)).errors
    return await as_(importing, f"{role}@example.com")


async def values(importing: Importing) -> dict[str, tuple[Any, ...]]:
    slots = ", ".join(one["slot"] for one in FIELDS.values())
    found = await importing.fetch(f"SELECT external_id, {slots} FROM customers WHERE organization_id = $1")
    return {row.pop("external_id"): tuple(None if v is None else str(v) for v in row.values()) for row in found}


ADA, BOB = '1,Ada,41,gold,31.01.2020,"1,25",yes', "2,Bob,,silver,,,"
IMPORTED = {
    "1": ("41", "Gold", "2020-01-31", "1.25", "True", "Gold since 31.01.2020"),
    "2": (None, "Silver", None, None, "False", None),
}


async def test_columns_fill_them(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    done = await importing.run(MAPPING, customers(ADA, BOB), actor=actor)
    assert done.total == {"created": 2}
    assert await values(importing) == IMPORTED
    again = await importing.run(MAPPING, customers(ADA, BOB), actor=actor)
    assert again.total == {"unchanged": 2}
    audit = await importing.fetch(
        "SELECT changes->>'xShoeSize' AS size FROM audit_entries WHERE organization_id = $1 AND entity = 'Customer'"
        " AND changes ? 'xShoeSize'"
    )
    assert [a["size"] for a in audit] == ["[null, 41]"]
    found = await importing.fetch("SELECT custom_text_2_search::text AS v FROM customers WHERE organization_id = $1")
    assert sum("'gold':1" in (row["v"] or "") for row in found) == 1


async def test_a_dry_run_reports_the_same_and_writes_nothing(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    before = await importing.footprint()
    done = await importing.run(MAPPING, customers(ADA, "2,Bob,huge,,,,"), actor=actor, dry=True)
    assert done.total == {"created": 1, "refused": 1}
    assert importing.faults("Customer") == [("VALUE_INVALID", "xShoeSize", "huge")]
    assert await importing.footprint() == before


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ("1,Ada,41.5,,,,", "xShoeSize", "41.5"),
        ("1,Ada,,Bronze,,,", "xGrade", "Bronze"),
        ("1,Ada,,,2020-01-31,,", "xSince", "2020-01-31"),
        ('1,Ada,,,,"1.25",', "xShare", "1.25"),
        ("1,Ada,,,,,perhaps", "xLoyal", "perhaps"),
    ],
)
async def test_a_value_of_another_kind_refuses_its_row(
    importing: Importing, customers: Files, row: str, field: str, value: str
) -> None:
    actor = await define(importing)
    done = await importing.run(MAPPING, customers(row, BOB), actor=actor)
    assert done.total == {"created": 1, "refused": 1}
    assert importing.faults("Customer") == [("VALUE_INVALID", field, value)]
    assert list(await values(importing)) == ["2"]


async def test_a_misspelt_choice_is_told_the_nearest(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    await importing.run(MAPPING, customers("1,Ada,,Slver,,,"), actor=actor)
    [line] = importing.lines["Customer"]
    assert [c.value for c in line.faults[0].candidates] == ["Silver"]


async def test_levels_of_the_importer_hold(importing: Importing, customers: Files) -> None:
    """A field that the importer sees and may not write refuses each row that fills it; the record stays away."""
    levels = {name: {"read_level": "INTERNAL", "write_level": "INTERNAL"} for name in FIELDS}
    await define(importing, **{**levels, "xShoeSize": {"read_level": "INTERNAL", "write_level": "RESTRICTED"}})
    rep = await user(importing, "sales_rep")
    before = await importing.count("customers")
    done = await importing.run(MAPPING, customers(ADA), actor=rep)
    assert done.total == {"refused": 1}
    assert {(code, name) for code, name, _ in importing.faults("Customer")} == {("WRITE_ACCESS_DENIED", "xShoeSize")}
    assert await importing.count("customers") == before
    allowed = MAPPING.replace('xShoeSize = "size"\n', "")
    assert (await importing.run(allowed, customers(ADA), actor=rep)).total == {"created": 1}
    assert (await values(importing))["1"] == (None, *IMPORTED["1"][1:])


async def test_a_field_that_the_importer_does_not_know_is_a_name_that_never_was(
    importing: Importing, customers: Files
) -> None:
    actor = await define(importing, xShoeSize={"read_level": "RESTRICTED", "write_level": "RESTRICTED"})
    rep = await user(importing, "sales_rep")
    footprint = await importing.footprint()
    told = []
    for mapping in (MAPPING, MAPPING.replace("xShoeSize", "xNeverWas")):
        with pytest.raises(MappingInvalid) as refused:
            await importing.run(mapping, customers(ADA), actor=rep)
        told.append(refused.value.message.replace("xShoeSize", "NAME").replace("xNeverWas", "NAME"))
    assert told[0] == told[1]
    assert "table 1 (Customer), NAME: there is no such field to import" in told[0]
    assert "xGrade" in told[0]
    assert told[0].count("NAME") == 1
    assert await importing.footprint() == footprint
    assert (await importing.run(MAPPING, customers(ADA), actor=actor)).total == {"created": 1}


async def test_another_organisation_has_no_such_field(importing: Importing, customers: Files) -> None:
    with pytest.raises(MappingInvalid, match="xShoeSize: there is no such field"):
        await importing.run(MAPPING, customers(ADA), actor=await as_(importing, None))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('xShoeSize = { column = "size", by = "name" }', "no reference"),
        ('xShoeSize = { column = "size", constant = 1 }', "exactly one"),
        ('xshoe = "size"', "no such field"),
    ],
)
def test_what_can_be_told_without_the_organisation_is_told_at_once(field: str, message: str) -> None:
    with pytest.raises(MappingInvalid, match=message):
        parse(MAPPING.replace('xShoeSize = "size"', field))


def test_an_entity_without_custom_fields_takes_none() -> None:
    with pytest.raises(MappingInvalid, match="xShoeSize: there is no such field"):
        parse('source = "s"\n[[table]]\nentity = "Team"\nfile = "t.csv"\n[table.fields]\nname = "n"\nxShoeSize = "s"')


async def test_undo_takes_them_back(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    await importing.run(MAPPING, customers(ADA, BOB), actor=actor)
    second = await importing.run(
        MAPPING, customers("1,Ada,44,silver,01.02.2021,,no", "2,Bob,39,gold,,,yes", "3,Cy,40,,,,"), actor=actor
    )
    assert second.total == {"created": 1, "updated": 2}
    undone = await undo(importing.database, actor, second.run)
    assert (dict(undone.counts), undone.kept) == ({"removed": 1, "restored": 2}, [])
    assert await values(importing) == IMPORTED


async def write(importing: Importing, sql: str) -> None:
    async with importing.database.transaction(importing.actor.organization_id, None, "test") as tx:
        await (await tx.raw()).execute(sql, importing.actor.organization_id)


async def test_what_somebody_changed_in_them_since_is_kept(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    await importing.run(MAPPING, customers(ADA, BOB), actor=actor)
    second = await importing.run(MAPPING, customers(ADA.replace("41", "44"), BOB.replace(",,", ",39,", 1)), actor=actor)
    await write(
        importing,
        "UPDATE customers SET custom_number_1 = 50, version = version + 1 WHERE organization_id = $1 AND external_id = '2'",
    )
    undone = await undo(importing.database, actor, second.run)
    assert dict(undone.counts) == {"restored": 1, "kept": 1}
    assert [why for _, why in undone.kept] == [CHANGED]
    assert {key: row[0] for key, row in (await values(importing)).items()} == {"1": "41", "2": "50"}


async def test_a_field_archived_since_keeps_what_it_was_filled_with(importing: Importing, customers: Files) -> None:
    actor = await define(importing)
    await importing.run(MAPPING, customers(ADA, BOB), actor=actor)
    second = await importing.run(MAPPING, customers(ADA.replace("41", "44"), BOB.replace("Bob", "Rob")), actor=actor)
    assert second.total == {"updated": 2}
    await write(
        importing, "UPDATE custom_fields SET archived_at = now() WHERE organization_id = $1 AND name = 'xShoeSize'"
    )
    undone = await undo(importing.database, await as_(importing, None), second.run)
    assert dict(undone.counts) == {"restored": 1, "kept": 1}
    assert [why for _, why in undone.kept] == [ARCHIVED]
    assert {key: row[0] for key, row in (await values(importing)).items()} == {"1": "44", "2": None}
