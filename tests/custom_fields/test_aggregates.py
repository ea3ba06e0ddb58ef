"""Custom fields in groups: what is answered is what the caller could have counted from their own lists."""

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import pytest_asyncio

from tests.aggregates.recount import cut
from tests.custom_fields.conftest import Workers

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELDS = {
    "xWord": ("STRING", "'Word ' || (n % 4)", {}),
    "xGrade": ("CHOICE", "(ARRAY['Gold', 'silver', 'Bronze'])[n % 3 + 1]", {"choices": ["Gold", "silver", "Bronze"]}),
    "xWhole": ("INT", "n % 7", {}),
    "xShare": ("DECIMAL", "round((n % 9) / 8.0, 3)", {}),
    "xSince": ("DATE", "DATE '2020-01-30' + (n * 11 % 900)", {}),
    "xAt": ("DATE_TIME", "TIMESTAMPTZ '2020-12-31 22:30Z' + make_interval(hours => n * 37 % 9000)", {}),
    "xYes": ("BOOLEAN", "n % 2 = 0", {}),
}
NUMBERS, DATED = ("xWhole", "xShare"), ("xSince", "xAt")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(workers: Workers) -> Workers:
    """Customers with values in two thirds of the rows, at a level that a sales rep has on some rows only."""
    slots = {}
    for name, (kind, _, more) in FIELDS.items():
        slots[name] = (await workers.made(name, kind, **more))["slot"]
    numbered = "(SELECT id AS i, row_number() OVER (ORDER BY id)::integer AS n FROM customers) r"
    given = ", ".join(f"{slots[name]} = CASE WHEN n % 3 > 0 THEN {sql} END" for name, (_, sql, _) in FIELDS.items())
    await workers.fetch(f"UPDATE customers SET {given} FROM {numbered} WHERE id = r.i")
    return workers


async def listed(workers: Workers, persona: str) -> list[dict[str, Any]]:
    return await workers.pages(persona, " ".join(FIELDS))


PERSONAS = ("administrator", "sales_rep")


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("part", ["VALUE", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY"])
async def test_groups_by_value_and_by_part_of_a_date(filled: Workers, persona: str, part: str) -> None:
    rows = await listed(filled, persona)
    assert any(row["xWord"] is None for row in rows)
    names = [name for name in FIELDS if part == "VALUE" or name in DATED]
    for name in names:
        text = (
            "query ($by: [CustomerGroupBy!]) { customerAggregate(first: 200, groupBy: $by)"
            f" {{ groupCount groups {{ key {{ {name} }} count }} }} }}"
        )
        found = (await filled.data(persona, text, {"by": [{name: part}]}))["customerAggregate"]
        wanted = Counter(cut(row[name], part) if name in DATED else row[name] for row in rows)
        assert found["groupCount"] == len(wanted)
        if len(wanted) <= 200:
            assert Counter({group["key"][name]: group["count"] for group in found["groups"]}) == wanted, name


@pytest.mark.parametrize("persona", PERSONAS)
async def test_aggregates_of_groups(filled: Workers, persona: str) -> None:
    rows = await listed(filled, persona)
    text = (
        "{ customerAggregate(first: 200, groupBy: [{xGrade: VALUE}, {kind: VALUE}]) { groups { key { xGrade kind } count"
        " countDistinct { xWord xSince xYes } sum { xWhole xShare } avg { xWhole xShare }"
        " min { xWhole xShare xSince xAt } max { xWhole xShare xSince xAt } } } }"
    )
    groups = (await filled.data(persona, text))["customerAggregate"]["groups"]
    kinds = {c["id"]: c["kind"] for c in await filled.pages(persona, "id kind")}
    by: dict[tuple[Any, Any], list[dict[str, Any]]] = defaultdict(list)
    for row in await filled.pages(persona, f"id {' '.join(FIELDS)}"):
        by[row["xGrade"], kinds[row["id"]]].append(row)
    assert len(groups) == len(by)
    assert sum(map(len, by.values())) == len(rows)
    for group in groups:
        some = by[group["key"]["xGrade"], group["key"]["kind"]]

        def values(name: str, some: list[dict[str, Any]] = some) -> list[Any]:
            found = [row[name] for row in some if row[name] is not None]
            return [Decimal(str(one)) for one in found] if name in NUMBERS else found

        assert group["count"] == len(some)
        assert group["countDistinct"] == {n: len({*values(n)}) for n in ("xWord", "xSince", "xYes")}
        for name in (*NUMBERS, *DATED):
            there = values(name)
            for word, pick in (("min", min), ("max", max)):
                answered = group[word][name]
                shown = None if answered is None or name in DATED else Decimal(str(answered))
                assert (answered if name in DATED else shown) == (pick(there) if there else None)
        for name in NUMBERS:
            there = values(name)
            assert group["sum"][name] == (None if not there else group["sum"][name])
            if there:
                assert Decimal(group["sum"][name]) == sum(there)
                mean = (sum(there) / len(there)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
                assert Decimal(group["avg"][name]) == mean


async def test_having_and_order(filled: Workers) -> None:
    rows = await listed(filled, "sales_rep")
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["xWord"]] += Decimal(row["xShare"] or 0)
    middle = sorted(sums.values())[len(sums) // 2]
    text = (
        "query ($h: CustomerHaving, $o: [CustomerGroupOrderBy!]) { customerAggregate(groupBy: [{xWord: VALUE}], having: $h,"
        " orderBy: $o) { groups { key { xWord } sum { xShare } } } }"
    )
    having = {"sum": {"xShare": {"gte": str(middle)}}, "max": {"xSince": {"gt": "2000-01-01"}}}
    asked = {"h": having, "o": [{"sum": {"xShare": "DESC"}}]}
    groups = (await filled.data("sales_rep", text, asked))["customerAggregate"]["groups"]
    wanted = sorted((total for word, total in sums.items() if total >= middle and word), reverse=True)
    assert [Decimal(g["sum"]["xShare"]) for g in groups] == wanted
    keyed = {"h": None, "o": [{"key": {"xWord": "DESC"}}]}
    groups = (await filled.data("sales_rep", text, keyed))["customerAggregate"]["groups"]
    assert [g["key"]["xWord"] for g in groups] == [*sorted((w for w in sums if w), reverse=True), None]


async def test_groups_below_a_record_and_conditions_beside_them(filled: Workers) -> None:
    await filled.made("xWeight", "INT", entity="CONTACT")
    slot = (await filled.fetch("SELECT slot FROM custom_fields WHERE name = 'xWeight'"))[0]["slot"]
    await filled.fetch(f"UPDATE contacts SET {slot} = 3")
    text = (
        "{ customers(first: 5, filter: {contacts: {some: {}}}) { nodes { contacts { totalCount }"
        " contactsAggregate(filter: {xWeight: {eq: 3}}) { count sum { xWeight } avg { xWeight } max { xWeight } } } } }"
    )
    nodes = (await filled.data("administrator", text))["customers"]["nodes"]
    assert nodes
    for node in nodes:
        count = node["contacts"]["totalCount"]
        assert node["contactsAggregate"] == {
            "count": count,
            "sum": {"xWeight": str(3 * count)},
            "avg": {"xWeight": "3"},
            "max": {"xWeight": 3},
        }
    having = (
        "{ contactAggregate(groupBy: [{xWeight: VALUE}], having: {sum: {xWeight: {gt: 3}}}, orderBy: [{avg: {xWeight: ASC}}])"
        " { groups { key { xWeight } } } }"
    )
    found = (await filled.data("administrator", having))["contactAggregate"]
    assert found == {"groups": [{"key": {"xWeight": 3}}]}


async def test_a_choice_groups_even_if_nothing_filters_by_it(filled: Workers) -> None:
    """As a shipped choice does; a text that is neither filtered nor ordered by does not."""
    await filled.made("xSilent", "CHOICE", choices=["a"], filterable=False, sortable=False)
    await filled.made("xLoose", "STRING", filterable=False, sortable=False)
    text = "{ customerAggregate(groupBy: [{NAME: VALUE}]) { groupCount } }"
    assert (await filled.data("administrator", text.replace("NAME", "xSilent")))["customerAggregate"]["groupCount"] == 1
    refused = await filled.ask("administrator", text.replace("NAME", "xLoose"))
    assert {*refused.codes} == {"GRAPHQL_VALIDATION_FAILED"}
