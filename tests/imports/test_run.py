"""Importing records: what is written, what is refused and why, and that a second run changes nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crm_graph.auth.policy import resolve
from crm_graph.db.ids import encode
from crm_graph.imports import cells
from crm_graph.imports import run as run_module
from crm_graph.imports.mapping import From, MappingInvalid
from crm_graph.imports.organizations import importing_actor
from crm_graph.imports.sample import DEALS, MENDED, REFUSED, write_sample
from crm_graph.plan.changes import Effect
from crm_graph.plan.writes.write import insert_fields

from .conftest import Importing

CUSTOMERS = """
source = "old"
[[table]]
entity = "Customer"
file = "customers.csv"
key = "id"
[table.fields]
name = "name"
email = "mail"
kind = "kind"
bornOn = { column = "born", format = "%m/%d/%Y" }
creditLimit = { column = "limit", decimal = "," }
parent = { column = "parent", by = "externalId" }
"""


@pytest.fixture
def customers(tmp_path: Path):
    def write(*rows: str, header: str = "id,name,mail,kind,born,limit,parent") -> list[Path]:
        path = tmp_path / "customers.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return [path]

    return write


async def test_a_second_run_changes_nothing(importing: Importing, customers) -> None:
    files = customers('1,Ada,ada@example.com,PERSON,12/10/1815,"1.234,50",', "2,Bob,,PERSON,,,1")
    first = await importing.run(CUSTOMERS, files)
    assert first.total == {"created": 2}
    rows = await importing.fetch("SELECT * FROM customers WHERE organization_id = $1 ORDER BY external_id")
    ada, bob = rows
    assert (ada["name"], ada["email"], ada["kind"], ada["born_on"]) == (
        "Ada",
        "ada@example.com",
        "PERSON",
        date(1815, 12, 10),
    )
    assert (ada["credit_limit"], ada["currency"], ada["source"], ada["external_id"]) == (
        Decimal("1234.50"),
        "EUR",
        "old",
        "1",
    )
    assert (bob["parent_id"], bob["email"], bob["credit_limit"]) == (ada["id"], None, None)
    events = await importing.fetch(
        "SELECT type, row_id FROM outbox_events WHERE organization_id = $1 ORDER BY sequence"
    )
    assert [e["type"] for e in events] == ["customer.created", "customer.created", "customer.updated"]
    audit = await importing.fetch("SELECT channel, actor_id FROM audit_entries WHERE organization_id = $1")
    assert {(a["channel"], a["actor_id"]) for a in audit} == {("import", None)}
    before = await importing.footprint()
    again = await importing.run(CUSTOMERS, files)
    assert again.total == {"unchanged": 2}
    after = await importing.footprint()
    assert after == {**before, "import_runs": before["import_runs"] + 1}
    assert await importing.fetch("SELECT * FROM customers WHERE organization_id = $1 ORDER BY external_id") == rows


async def test_only_what_changed_in_the_file_is_written(importing: Importing, customers) -> None:
    await importing.run(CUSTOMERS, customers("1,Ada,,PERSON,,,", "2,Bob,,PERSON,,,"))
    result = await importing.run(
        CUSTOMERS, customers("1,Ada,,PERSON,,,", "2,Bert,b@example.com,PERSON,,,", "3,Cy,,PERSON,,,2")
    )
    assert result.total == {"unchanged": 1, "updated": 1, "created": 1}
    entry = (
        await importing.fetch(
            "SELECT changes FROM audit_entries WHERE organization_id = $1 AND action = 'update' ORDER BY at"
        )
    )[0]
    assert entry["changes"] == {"name": ["Bob", "Bert"], "email": [None, "b@example.com"]}


async def test_a_dry_run_reports_the_same_and_writes_nothing(importing: Importing, customers) -> None:
    files = customers("1,Ada,,PERSON,,,", "2,Bob,,ROBOT,,,", "3,Cy,,PERSON,,,1", "4,Di,,PERSON,,,7")
    before = await importing.footprint()
    dry = await importing.run(CUSTOMERS, files, dry=True)
    told = {
        e: [(line.key, line.effect, line.faults, line.notes) for line in lines] for e, lines in importing.lines.items()
    }
    assert await importing.footprint() == before
    real = await importing.run(CUSTOMERS, files)
    assert dry.total == real.total == {"created": 2, "refused": 2}
    assert told == {
        e: [(line.key, line.effect, line.faults, line.notes) for line in lines] for e, lines in importing.lines.items()
    }


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1,,,PERSON,,,", ("VALUE_INVALID", "name", "")),
        ("1,Ada,nonsense,PERSON,,,", ("VALUE_INVALID", "email", "nonsense")),
        ("1,Ada,,PERSONN,,,", ("VALUE_INVALID", "kind", "PERSONN")),
        ("1,Ada,,PERSON,13/13/2013,,", ("VALUE_INVALID", "bornOn", "13/13/2013")),
        ("1,Ada,,PERSON,,lots,", ("VALUE_INVALID", "creditLimit", "lots")),
        ('1,Ada,,PERSON,,"1,2345",', ("VALUE_INVALID", "creditLimit", "1,2345")),
        ("1,Ada,,PERSON,,,9", ("REFERENCE_NOT_FOUND", "parent", "9")),
        (",Ada,,PERSON,,,", ("VALUE_INVALID", "externalId", "")),
        ("1,Ada,,PERSON,,", ("VALUE_INVALID", "", "")),
        ("2,Twin,,PERSON,,,", ("KEY_TAKEN", "externalId", "2")),
    ],
)
async def test_refused_records_take_no_others_along(
    importing: Importing, customers, row: str, fault: tuple[str, str, str]
) -> None:
    result = await importing.run(CUSTOMERS, customers("2,Bob,,PERSON,,,", row, "3,Cy,,PERSON,,,"))
    assert result.total == {"created": 2, "refused": 1}
    assert importing.faults("Customer") == [fault]
    names = await importing.fetch("SELECT name FROM customers WHERE organization_id = $1 ORDER BY name")
    assert [r["name"] for r in names] == ["Bob", "Cy"]
    assert await importing.count("outbox_events") == 2
    [kept] = await importing.fetch("SELECT * FROM import_rows WHERE organization_id = $1 AND effect = 'refused'")
    assert (kept["line"], kept["errors"][0]["code"], kept["row_id"]) == (3, fault[0], None)


async def test_candidates_are_reported_and_never_taken(importing: Importing, tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    files = list(sample.files)
    result = await importing.run(sample.mapping, files)
    assert result.counts["Opportunity from deals.jsonl"] == {"created": DEALS - REFUSED, "refused": REFUSED}
    nearest = {f.value: f.candidates[0].value for line in importing.lines["Opportunity"] for f in line.faults}
    assert nearest == MENDED
    assert await importing.count("opportunities") == DEALS - REFUSED
    result = await importing.run(sample.mended, files)
    assert result.total == {"created": REFUSED, "unchanged": 9 + DEALS - REFUSED}
    rows = await importing.fetch(
        "SELECT c.name AS customer, p.name AS product, o.amount, o.close_on"
        " FROM opportunities o JOIN customers c ON c.id = o.customer_id"
        " JOIN products p ON p.id = o.product_id WHERE o.organization_id = $1 AND o.external_id = 'D-000'"
    )
    assert rows == [
        {
            "customer": "Northwind Traders",
            "product": "Anchor Bolt M-12",
            "amount": Decimal(500),
            "close_on": date(2026, 1, 1),
        }
    ]


async def test_a_reference_that_several_records_match_is_refused(
    importing: Importing, customers, tmp_path: Path
) -> None:
    await importing.run(CUSTOMERS, customers("1,Ada,,PERSON,,,", "2,Ada,,PERSON,,,"))
    (tmp_path / "contacts.csv").write_text("id,name,at\n1,Ann,Ada\n")
    contacts = (
        CUSTOMERS.split("[[table]]", maxsplit=1)[0]
        + """
[[table]]
entity = "Contact"
file = "contacts.csv"
key = "id"
[table.fields]
name = "name"
customer = { column = "at", by = "name" }
"""
    )
    await importing.run(contacts, [tmp_path / "contacts.csv"])
    assert importing.faults("Contact") == [("REFERENCE_NOT_FOUND", "customer", "Ada")]
    assert await importing.count("contacts") == 0


async def test_a_missing_reference_may_be_left_empty_and_is_told(importing: Importing, customers) -> None:
    mapping = CUSTOMERS.replace('by = "externalId" }', 'by = "externalId", missing = "null" }')
    result = await importing.run(mapping, customers("1,Ada,,PERSON,,,9"))
    assert result.total == {"created": 1}
    [line] = importing.lines["Customer"]
    assert [(n.field, n.value) for n in line.notes] == [("parent", "9")]


async def test_an_import_has_the_rights_of_its_actor(importing: Importing, customers) -> None:
    storefront = replace(importing.actor, policy=resolve(frozenset({"storefront"})))
    with pytest.raises(MappingInvalid, match="may not read Customer"):
        await importing.run(CUSTOMERS, customers("1,Ada,,PERSON,,12,", "2,Bob,,PERSON,,,7"), actor=storefront)
    files = customers("1,Ada,,PERSON,,12,")
    agent = replace(importing.actor, policy=resolve(frozenset({"service_agent"})))
    result = await importing.run(CUSTOMERS, files, actor=agent)
    assert result.total == {"refused": 1}
    assert importing.faults("Customer")[0][0] == "WRITE_ACCESS_DENIED"
    assert await importing.count("customers") == 0


async def test_a_crash_leaves_whole_chunks_and_a_second_run_ends_it(
    importing: Importing, customers, monkeypatch
) -> None:
    files = customers(*(f"{n},N{n},,PERSON,,," for n in range(25)))
    mapping = CUSTOMERS.replace('parent = { column = "parent", by = "externalId" }\n', "")
    real, calls = run_module.write_rows, []

    async def dies(*args, **options):
        calls.append(1)
        found = await real(*args, **options)
        if len(calls) == 2:
            raise RuntimeError
        return found

    monkeypatch.setattr(run_module, "write_rows", dies)
    with pytest.raises(RuntimeError):
        await importing.run(mapping, files, chunk=10)
    assert (
        await importing.count("customers")
        == await importing.count("outbox_events")
        == await importing.count("import_rows")
        == 10
    )
    monkeypatch.undo()
    result = await importing.run(mapping, files, chunk=10)
    assert result.total == {"unchanged": 10, "created": 15}
    states = await importing.fetch("SELECT status FROM import_runs WHERE organization_id = $1 ORDER BY id")
    assert [s["status"] for s in states] == ["STARTED", "FINISHED"]


async def test_two_imports_of_the_same_at_once_make_each_record_once(importing: Importing, customers) -> None:
    files = customers(*(f"{n},N{n},,PERSON,,," for n in range(60)))
    results = await asyncio.gather(*(importing.run(CUSTOMERS, files, chunk=20) for _ in range(2)))
    assert sum(r.total["created"] for r in results) == 60
    assert sum(r.total["unchanged"] for r in results) == 60
    assert await importing.count("customers") == 60


async def test_json_lines_contents_as_key_and_kinds_of_value(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    lines = [
        '{"a": {"n": 1}, "when": "31.01.2026 09:30", "who": "1"}',
        "not json",
        "[]",
        "",
        '{"a": {"n": 2}, "when": "x", "who": "1"}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    mapping = """
source = "old"
[[table]]
entity = "Customer"
rows = [{ id = "1", name = "Ada" }]
key = "id"
[table.fields]
name = "name"
[[table]]
entity = "Ticket"
file = "*.jsonl"
[table.fields]
number = { template = "T-{a.n}" }
subject = { constant = "From the old system" }
customer = { column = "who", by = "externalId" }
openedAt = { column = "when", format = "%d.%m.%Y %H:%M" }
"""
    result = await importing.run(mapping, [path])
    assert result.counts["Ticket from *.jsonl"] == {"created": 1, "refused": 3}
    [ticket] = await importing.fetch(
        "SELECT number, opened_at, length(external_id) AS key FROM tickets WHERE organization_id = $1"
    )
    assert ticket == {"number": "T-1", "opened_at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "key": 32}
    assert (await importing.run(mapping, [path])).counts["Ticket from *.jsonl"] == {"unchanged": 1, "refused": 3}
    assert all(line.effect in (Effect.UNCHANGED, Effect.REFUSED) for line in importing.lines["Ticket"])


OPPORTUNITIES = """
source = "old"
[[table]]
entity = "Opportunity"
file = "opportunities.csv"
key = "id"
[table.fields]
name = "name"
customer = { column = "customer", by = "name" }
"""


async def test_a_reference_by_name_reaches_what_the_caller_sees(importing: Importing, tmp_path: Path) -> None:
    organization = importing.actor.organization_id
    async with importing.database.transaction(organization, None, "test") as tx:
        user = {"name": "Rep", "email": "rep@example.com", "roles": ["sales_rep"]}
        rep = (await insert_fields(tx, importing.actor, "User", user)).id
        made = await insert_fields(tx, importing.actor, "Customer", {"name": "Acme", "kind": "PERSON", "owner_id": rep})
        assert not made.errors
    actor = await importing_actor(importing.database, encode("org", organization), "rep@example.com")
    path = tmp_path / "opportunities.csv"
    path.write_text("id,name,customer\n1,Deal,Acme\n2,None,Nobody\n", encoding="utf-8")
    await importing.run(OPPORTUNITIES, [path], actor=actor)
    assert importing.faults("Opportunity") == [("REFERENCE_NOT_FOUND", "customer", "Nobody")]


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1234.50", ".", "1234.50"),
        ("1,234,567", ".", "1234567"),
        ("1,234.5", ".", "1234.5"),
        ("5 000", ".", "5000"),
        ("12,5", ",", "12.5"),
        ("1.234,50", ",", "1234.50"),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, decimal: str, number: str) -> None:
    assert cells._number(From(column="x", decimal=decimal), text) == Decimal(number)


@pytest.mark.parametrize("text", ["12,5", "1,234", "1,2,3.5", "1e3", "1.234,50", "12 34", "1_000", "١٢", ""])
def test_a_number_is_never_guessed(text: str) -> None:
    """A decimal comma taken for a grouping one would make 12,5 into 125."""
    with pytest.raises(cells.CellFault):
        cells._number(From(column="x"), text)
