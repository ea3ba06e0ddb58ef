"""A condition means the same to every caller: on what two of them both see in plain, it matches alike."""

import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep", "other_partner_rep"])
@pytest.mark.parametrize(
    "condition",
    [
        '{ gte: "z" }',
        '{ lt: "b" }',
        '{ between: { from: "K", to: "m" } }',
        '{ startsWith: "lod" }',
        '{ contains: "UE" }',
    ],
)
async def test_texts_compare_folded_whoever_asks(api: Api, persona: str, condition: str) -> None:
    """Case and accents make no difference, whether the city shows on all rows or on some."""
    mine = (await api.as_(persona)("{ customers(first: 200) { nodes { id city } } }")).data["customers"]["nodes"]
    ids = [node["id"] for node in mine if node["city"]]
    query = f"query ($ids: [ID!]) {{ customers(first: 200, filter: {{ id: {{ in: $ids }}, city: {condition} }}) {{ nodes {{ id }} }} }}"
    found = [(await api.as_(who)(query, {"ids": ids})).data["customers"]["nodes"] for who in (persona, "administrator")]
    assert found[0] == found[1]
