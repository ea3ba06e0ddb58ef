"""Filtering, ordering and paging by custom fields of every kind, against what Python makes of the same values."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.custom_fields.conftest import Workers

pytestmark = pytest.mark.asyncio(loop_scope="session")


def fold(text: str) -> str:
    return text.lower().replace("ä", "a").replace("é", "e")


KINDS: dict[str, tuple[str, Callable[[Random], Any], str, Callable[[Any], Any]]] = {
    "STRING": ("xText", lambda r: r.choice("äaBbÉe") + str(r.randrange(40)), "String", fold),
    "CHOICE": ("xChoice", lambda r: r.choice(["Low", "high", "middle"]), "String", fold),
    "EMAIL_ADDRESS": ("xMail", lambda r: f"{r.randrange(60)}@example.com", "EmailAddress", fold),
    "PHONE_NUMBER": ("xPhone", lambda r: f"+4930{r.randrange(100000, 999999)}", "PhoneNumber", fold),
    "URL": ("xPage", lambda r: f"https://example.com/{r.randrange(50)}", "URL", fold),
    "INT": ("xCount", lambda r: r.randrange(-30, 30), "Int", lambda v: v),
    "DECIMAL": ("xRate", lambda r: f"{r.randrange(-3000, 3000) / 100:.2f}", "Decimal", Decimal),
    "DATE": ("xDay", lambda r: f"2026-0{r.randrange(1, 10)}-1{r.randrange(10)}", "Date", lambda v: v),
    "DATE_TIME": ("xMoment", lambda r: f"2026-01-01T1{r.randrange(10)}:00:00Z", "DateTime", lambda v: v),
    "BOOLEAN": ("xFlag", lambda r: r.random() < 0.5, "Boolean", lambda v: v),
}
kinds = pytest.mark.parametrize("kind", KINDS)


async def filled(workers: Workers, kind: str) -> tuple[str, list[dict[str, Any]]]:
    """A field of this kind with a value on some customers, made once; its name and all customers by id."""
    name, make, scalar, _ = KINDS[kind]
    known = await workers.fetch("SELECT 1 FROM custom_fields WHERE name = $1", name)
    if not known:
        more = {"choices": ["Low", "high", "middle"]} if kind == "CHOICE" else {}
        await workers.made(name, kind, **more)
        random = Random(kind)
        everybody = await workers.pages("administrator", "id")
        text = (
            f"mutation ($id: ID!, $value: {scalar}) {{ updateCustomer(input: {{id: $id, {name}: $value}})"
            " { userErrors { code message } } }"
        )
        for customer in random.sample(everybody, 60):
            answer = await workers.data("administrator", text, {"id": customer["id"], "value": make(random)})
            assert answer["updateCustomer"]["userErrors"] == []
    return name, await workers.pages("administrator", f"id {name}")


@kinds
@pytest.mark.parametrize("direction", ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_FIRST"])
async def test_order_and_cursors_are_those_of_python(workers: Workers, kind: str, direction: str) -> None:
    name, rows = await filled(workers, kind)
    key, down, first = KINDS[kind][3], direction.startswith("DESC"), direction.endswith("NULLS_FIRST")
    full = sorted((r for r in rows if r[name] is not None), key=lambda r: (key(r[name]), r["id"]), reverse=down)
    empty = sorted((r for r in rows if r[name] is None), key=lambda r: r["id"], reverse=down)
    expected = [r["id"] for r in ([*empty, *full] if first else [*full, *empty])]
    arguments = f", orderBy: [{{{name}: {direction}}}]"
    assert [r["id"] for r in await workers.pages("administrator", "id", 47, arguments)] == expected
    assert [r["id"] for r in await backwards(workers, 47, arguments)] == expected


async def backwards(workers: Workers, size: int, arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = None
    while True:
        text = (
            f"query ($before: String) {{ customers(last: {size}, before: $before {arguments})"
            " { edges { node { id } } pageInfo { hasPreviousPage startCursor } } }"
        )
        page = (await workers.data("administrator", text, {"before": before}))["customers"]
        found = [edge["node"] for edge in page["edges"]] + found
        if not page["pageInfo"]["hasPreviousPage"]:
            return found
        before = page["pageInfo"]["startCursor"]


async def test_a_second_key_and_a_filter_hold_within_the_order(workers: Workers) -> None:
    name, _ = await filled(workers, "CHOICE")
    rows = await workers.pages("administrator", f"id {name} city createdAt")
    kept = [r for r in rows if r["createdAt"] >= "2024-06-01"]
    expected = sorted(kept, key=lambda r: (r["createdAt"], r["id"]), reverse=True)
    expected.sort(key=lambda r: (r[name] is None, fold(r[name] or "")))
    arguments = f', filter: {{createdAt: {{gte: "2024-06-01T00:00:00Z"}}}}, orderBy: [{{{name}: ASC}}, {{createdAt: DESC}}, {{id: DESC}}]'
    assert 60 < len(expected) < len(rows)
    assert [r["id"] for r in await workers.pages("administrator", "id", 13, arguments)] == [r["id"] for r in expected]


@kinds
async def test_filters_are_those_of_python(workers: Workers, kind: str) -> None:
    name, rows = await filled(workers, kind)
    scalar, key = KINDS[kind][2:]
    values = sorted({r[name] for r in rows if r[name] is not None}, key=key)
    some = values[len(values) // 3]
    several = values[: len(values) // 2]
    condition = f"{scalar}Filter"
    wanted: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
        ({"eq": some}, lambda v: v == some),
        ({"ne": some}, lambda v: v is not None and v != some),
        ({"isNull": True}, lambda v: v is None),
        ({"isNull": False}, lambda v: v is not None),
    ]
    if kind != "BOOLEAN":
        wanted += [
            ({"in": several}, lambda v: v in several),
            ({"notIn": several}, lambda v: v is not None and v not in several),
            ({"gt": some}, lambda v: v is not None and key(v) > key(some)),
            ({"lte": some}, lambda v: v is not None and key(v) <= key(some)),
            ({"between": {"from": values[0], "to": some}}, lambda v: v is not None and key(v) <= key(some)),
        ]
    if scalar in ("String", "EmailAddress", "PhoneNumber", "URL"):
        wanted += [
            ({"startsWith": str(some)[:2].upper()}, lambda v: v is not None and fold(v).startswith(fold(some[:2]))),
            ({"contains": str(some)[1:3]}, lambda v: v is not None and fold(some[1:3]) in fold(v)),
        ]
    text = (
        f"query ($f: {condition}) {{ customers(first: 200, filter: {{{name}: $f}}) {{ totalCount nodes {{ id }} }} }}"
    )
    for given, matches in wanted:
        expected = [r["id"] for r in rows if matches(r[name])]
        found = (await workers.data("administrator", text, {"f": given}))["customers"]
        assert found["totalCount"] == len(expected), given
        assert [r["id"] for r in found["nodes"]] == expected[:200], given


async def test_a_cursor_goes_on_where_a_value_was_though_it_changed_since(workers: Workers) -> None:
    name, _ = await filled(workers, "INT")
    ordered = f", orderBy: [{{{name}: ASC}}]"
    text = f"query ($after: String) {{ customers(first: 5, after: $after {ordered}) {{ nodes {{ id {name} }} pageInfo {{ endCursor }} }} }}"
    first = (await workers.data("administrator", text, {"after": None}))["customers"]
    rest = (await workers.data("administrator", text, {"after": first["pageInfo"]["endCursor"]}))["customers"]
    last = first["nodes"][-1]
    update = (
        f"mutation ($id: ID!, $v: Int) {{ updateCustomer(input: {{id: $id, {name}: $v}}) {{ userErrors {{ code }} }} }}"
    )
    await workers.data("administrator", update, {"id": last["id"], "v": None})
    assert (await workers.data("administrator", text, {"after": first["pageInfo"]["endCursor"]}))["customers"] == rest
    await workers.data("administrator", update, {"id": last["id"], "v": last[name]})
    other = await workers.ask("sales_manager", text, {"after": first["pageInfo"]["endCursor"]})
    assert other.codes == ["CURSOR_INVALID"]


async def test_an_order_in_a_nested_list_and_of_related_rows(workers: Workers) -> None:
    await workers.made("xRank", "INT", entity="CONTACT")
    slot = (await workers.fetch("SELECT slot FROM custom_fields WHERE name = 'xRank'"))[0]["slot"]
    await workers.fetch(f"UPDATE contacts SET {slot} = ascii(substr(id::text, 30)) WHERE substr(id::text, 31, 1) > '7'")
    seen = await workers.data(
        "administrator",
        "{ customers(first: 200) { nodes { contacts(first: 3, orderBy: [{xRank: DESC}]) { nodes { id xRank } }"
        " all: contacts(first: 100) { nodes { id xRank } } } } }",
    )
    some = 0
    for customer in seen["customers"]["nodes"]:
        every = customer["all"]["nodes"]
        full = sorted((c for c in every if c["xRank"] is not None), key=lambda c: (c["xRank"], c["id"]), reverse=True)
        empty = sorted((c for c in every if c["xRank"] is None), key=lambda c: c["id"], reverse=True)
        assert customer["contacts"]["nodes"] == [*full, *empty][:3]
        some += len(full) > 1
    assert some
    related = "{ customers(filter: {contacts: {some: {xRank: {gt: 50}}}}) { totalCount } }"
    assert (await workers.data("administrator", related))["customers"]["totalCount"] > 0
