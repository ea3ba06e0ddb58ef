"""The fixtures themselves: callers are who they say, and statements are counted."""

import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("persona", ["administrator", "sales_rep", "partner_rep", "customer", "storefront"])
async def test_one_statement_is_counted_for_a_request(api: Api, persona: str) -> None:
    answer = await api.as_(persona)("{ products(first: 2) { nodes { name } } }")
    assert len(answer.data["products"]["nodes"]) == 2
    assert len(answer.sql) == 1


async def test_the_other_organisation_has_a_caller(api: Api) -> None:
    ours, theirs = [
        (await api.as_(p)("{ organizations { nodes { name } } }")).data
        for p in ("administrator", "other_org_administrator")
    ]
    assert [n["name"] for n in ours["organizations"]["nodes"]] == ["Helvara Energie"]
    assert [n["name"] for n in theirs["organizations"]["nodes"]] == ["Lindgrün Gartenstrom"]
