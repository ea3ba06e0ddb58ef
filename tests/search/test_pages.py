"""Pages of a search: the order is total, and cursors belong to it."""

import pytest

from tests.fixtures.api import Api
from tests.search.world import LIST, change, customer, find

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOSS = "administrator"


async def walk(api: Api, persona: str, search: str, size: int, *, back: bool = False) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    at = None
    while True:
        window = {"first": None, "last": size, "before": at} if back else {"first": size, "after": at}
        page = await find(api, persona, search, **window)
        ids = [e["node"]["id"] for e in page["edges"]]
        found = ids + found if back else found + ids
        assert page["totalCount"] >= len(found)
        at = page["pageInfo"]["startCursor" if back else "endCursor"]
        if not page["pageInfo"]["hasPreviousPage" if back else "hasNextPage"]:
            return found


@pytest.mark.parametrize("persona", ["administrator", "sales_rep", "partner_rep"])
async def test_pages_fit_together_both_ways(api: Api, persona: str) -> None:
    """Many rows of one rank: the id decides."""
    whole = (await find(api, persona, "gmbh"))["edges"]
    assert len(whole) >= 4
    expected = [e["node"]["id"] for e in whole]
    total = (await find(api, persona, "gmbh"))["totalCount"]
    forwards = await walk(api, persona, "gmbh", max(2, total // 4))
    assert forwards[: len(expected)] == expected
    assert len(set(forwards)) == len(forwards) == total
    assert await walk(api, persona, "gmbh", max(2, total // 3), back=True) == forwards


async def test_ranks_never_rise_from_page_to_page(api: Api) -> None:
    first = await find(api, BOSS, "a", first=20)
    second = await find(api, BOSS, "a", first=20, after=first["pageInfo"]["endCursor"])
    ranks = [e["rank"] for e in (*first["edges"], *second["edges"])]
    assert ranks == sorted(ranks, reverse=True)
    pairs = [(-e["rank"], -int(e["node"]["id"][4:], 16)) for e in (*first["edges"], *second["edges"])]
    assert pairs == sorted(pairs)


async def test_a_cursor_belongs_to_its_search(api: Api) -> None:
    cursor = (await find(api, BOSS, "gmbh", first=2))["pageInfo"]["endCursor"]
    for other in ({"search": "ag"}, {"search": "GmbH"}, {"search": None}):
        answer = await api.as_(BOSS)(LIST, {"first": 2, "after": cursor, **other})
        assert (answer.codes, answer.json.get("data")) == (["CURSOR_INVALID"], None), other
    plain = await api.as_(BOSS)("{ customers(first: 2) { pageInfo { endCursor } } }")
    answer = await api.as_(BOSS)(
        LIST, {"first": 2, "search": "gmbh", "after": plain.data["customers"]["pageInfo"]["endCursor"]}
    )
    assert answer.codes == ["CURSOR_INVALID"]
    answer = await api.as_("sales_rep")(LIST, {"first": 2, "search": "gmbh", "after": cursor})
    assert answer.codes == ["CURSOR_INVALID"]


async def test_a_cursor_outlives_the_change_of_its_row(writable_api: Api) -> None:
    """The position is found in the history, whose rows have no stored vectors."""
    made = [await customer(writable_api, name=f"Dachsbau {i}", notes="x") for i in range(4)]
    page = await find(writable_api, BOSS, "dachsbau", first=2)
    assert [e["node"]["id"] for e in page["edges"]] == [made[3], made[2]]
    await change(writable_api, made[2], name="Something else", notes="dachsbau")
    after = await find(writable_api, BOSS, "dachsbau", first=1, after=page["pageInfo"]["endCursor"])
    assert [e["node"]["id"] for e in after["edges"]] == [made[1]]
    gone = await writable_api.as_(BOSS)(
        "mutation ($id: ID!) { deleteCustomer(input: { id: $id }) { userErrors { message } } }", {"id": made[2]}
    )
    assert not gone.data["deleteCustomer"]["userErrors"]
    after = await find(writable_api, BOSS, "dachsbau", first=5, after=page["pageInfo"]["endCursor"])
    assert [e["node"]["id"] for e in after["edges"]] == [made[1], made[0]]
