"""Which groups are kept, in which order, and how many of them."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.aggregates.conftest import World
from tests.aggregates.recount import aggregated, grouped

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def groups(listings: World, arguments: str, fields: str, persona: str = "administrator") -> Any:
    answer = await listings.api.as_(persona)(f"{{ found: customerAggregate({arguments}) {{ {fields} }} }}")
    assert len(answer.sql) == 1
    return answer.data["found"]


async def test_without_keys_there_is_one_group_be_it_empty(listings: World) -> None:
    nobody = 'filter: {name: {eq: "nobody is called so"}}'
    said = "groupCount hasMore groups { key { segment } count sum { employees annualRevenue { amount } } avg { employees } max { createdAt } countDistinct { owner } }"
    assert await groups(listings, nobody, said) == {
        "groupCount": 1,
        "hasMore": False,
        "groups": [
            {
                "key": {"segment": None},
                "count": 0,
                "sum": {"employees": None, "annualRevenue": []},
                "avg": {"employees": None},
                "max": {"createdAt": None},
                "countDistinct": {"owner": 0},
            }
        ],
    }
    by = f"{nobody}, groupBy: [{{segment: VALUE}}]"
    assert await groups(listings, by, "groupCount hasMore groups { count }") == {
        "groupCount": 0,
        "hasMore": False,
        "groups": [],
    }


async def test_groups_are_ordered_by_their_keys_with_the_empty_one_last(listings: World) -> None:
    found = await groups(
        listings, "groupBy: [{segment: VALUE}, {city: VALUE}], first: 200", "groups { key { segment city } }"
    )
    keys = [(g["key"]["segment"], g["key"]["city"]) for g in found["groups"]]
    segments = [segment for segment, _ in keys]
    assert None in segments
    assert segments == sorted((s for s in segments if s), key=str) + [None] * segments.count(None)
    assert len(keys) == len(set(keys))


async def test_groups_are_ordered_by_what_is_counted_and_summed(listings: World) -> None:
    rows = await listings.rows("administrator", "customer")
    expected = grouped(rows, [("country", "VALUE")])
    found = await groups(
        listings, "groupBy: [{country: VALUE}], orderBy: [{count: DESC}]", "groups { key { country } count }"
    )
    counts = [g["count"] for g in found["groups"]]
    assert counts == sorted((len(r) for r in expected.values()), reverse=True)
    found = await groups(
        listings,
        "groupBy: [{country: VALUE}], orderBy: [{sum: {annualRevenue: DESC_NULLS_FIRST}}]",
        "groups { key { country } }",
    )
    euros = [aggregated(expected[g["key"]["country"],], "sum", "annualRevenue").get("EUR") for g in found["groups"]]
    nothing = euros.count(None)
    assert nothing
    assert euros == [None] * nothing + sorted((e for e in euros if e is not None), reverse=True)
    found = await groups(
        listings, "groupBy: [{createdAt: YEAR}], orderBy: [{key: {createdAt: DESC}}]", "groups { key { createdAt } }"
    )
    years = [g["key"]["createdAt"] for g in found["groups"]]
    assert years == sorted(years, reverse=True)
    assert years[-1] == "1999-01-01T00:00:00+00:00"


@pytest.mark.parametrize("persona", ["administrator", "sales_rep"])
async def test_having_keeps_the_groups_that_match(listings: World, persona: str) -> None:
    rows = await listings.rows(persona, "customer")
    expected = grouped(rows, [("country", "VALUE"), ("kind", "VALUE")])
    middle = sorted(len(r) for r in expected.values())[len(expected) // 2]
    revenue = {key: aggregated(some, "sum", "annualRevenue").get("EUR") for key, some in expected.items()}
    least = sorted(v for v in revenue.values() if v is not None)[1]
    for having, keeps in (
        (f"count: {{gte: {middle}}}", lambda key: len(expected[key]) >= middle),
        (
            f'sum: {{annualRevenue: {{gt: "{least}", currency: "EUR"}}}}',
            lambda key: revenue[key] is not None and revenue[key] > least,
        ),
        ("sum: {annualRevenue: {isNull: true}}", lambda key: revenue[key] is None),
        (
            f"count: {{lt: {middle}}}, max: {{employees: {{isNull: false}}}}",
            lambda key: len(expected[key]) < middle and aggregated(expected[key], "max", "employees") is not None,
        ),
        (
            'avg: {employees: {between: {from: "10", to: "200.5"}}}',
            lambda key: (
                (value := aggregated(expected[key], "avg", "employees")) is not None
                and Decimal(10) <= value <= Decimal("200.5")
            ),
        ),
        (
            'min: {createdAt: {lt: "2000-01-01T00:00:00Z"}}',
            lambda key: aggregated(expected[key], "min", "createdAt").year < 2000,
        ),
    ):
        arguments = f"groupBy: [{{country: VALUE}}, {{kind: VALUE}}], first: 200, having: {{{having}}}"
        found = await groups(listings, arguments, "groupCount groups { key { country kind } }", persona)
        kept = Counter((g["key"]["country"], g["key"]["kind"]) for g in found["groups"])
        assert kept == Counter(key for key in expected if keeps(key)), having
        assert 0 < len(kept) < len(expected), having
        assert found["groupCount"] == len(kept)


async def test_the_first_groups_and_how_many_there_are(listings: World) -> None:
    by = "groupBy: [{city: VALUE}]"
    whole = await groups(listings, f"{by}, first: 200", "groupCount hasMore groups { key { city } }")
    assert 3 < whole["groupCount"] == len(whole["groups"])
    assert whole["hasMore"] is False
    some = await groups(listings, f"{by}, first: 3", "groupCount hasMore groups { key { city } } a: groups { count }")
    assert (some["groupCount"], some["hasMore"]) == (whole["groupCount"], True)
    assert some["groups"] == whole["groups"][:3]
    assert len(some["a"]) == 3
    none = await groups(listings, f"{by}, first: 0", "groupCount hasMore groups { count }")
    assert none == {"groupCount": whole["groupCount"], "hasMore": True, "groups": []}
    assert await groups(listings, f"{by}, first: {whole['groupCount']}", "hasMore") == {"hasMore": False}


async def test_having_without_keys_keeps_the_one_group_or_none(listings: World) -> None:
    assert (await groups(listings, "having: {count: {gt: 0}}", "groupCount"))["groupCount"] == 1
    assert await groups(listings, "having: {count: {eq: 0}}", "groupCount groups { count }") == {
        "groupCount": 0,
        "groups": [],
    }


async def test_a_plan_serves_all_values_of_having_and_each_part_of_dates_has_its_own(listings: World) -> None:
    query = """query ($by: [CustomerGroupBy!], $having: CustomerHaving, $order: [CustomerGroupOrderBy!], $first: Int) {
        customerAggregate(groupBy: $by, having: $having, orderBy: $order, first: $first) { groups { key { createdAt } count } }
    }"""
    ask = listings.api.as_("administrator")
    rows = await listings.rows("administrator", "customer")
    texts = set()
    for part in ("YEAR", "MONTH"):
        for least in (1, 20):
            answer = await ask(
                query,
                {
                    "by": [{"createdAt": part}],
                    "having": {"count": {"gte": least}},
                    "order": [{"count": "DESC"}, {"key": {"createdAt": "ASC"}}],
                    "first": 200,
                },
            )
            texts.add(answer.sql[0])
            expected = {key[0]: len(some) for key, some in grouped(rows, [("createdAt", part)]).items()}
            found = [(g["key"]["createdAt"], g["count"]) for g in answer.data["customerAggregate"]["groups"]]
            assert found == sorted(((k, n) for k, n in expected.items() if n >= least), key=lambda e: (-e[1], e[0]))
    assert len(texts) == 2
