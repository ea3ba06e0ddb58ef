"""Teams are a tree, and nobody raises themselves by moving one."""

import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOVE = "mutation ($id: ID!, $to: ID) { updateTeam(input: {id: $id, parentId: $to}) { userErrors { code field } } }"


async def test_a_team_is_never_below_itself(writable_api: Api) -> None:
    ask = writable_api.as_("administrator")
    teams = (await ask("{ teams(first: 50) { nodes { id parent { id } } } }")).data["teams"]["nodes"]
    child = next(t for t in teams if t["parent"])
    for team, to in ((child["parent"]["id"], child["id"]), (child["id"], child["id"])):
        answer = await ask(MOVE, {"id": team, "to": to})
        [error] = answer.data["updateTeam"]["userErrors"]
        assert (error["code"], error["field"]) == ("VALUE_INVALID", ["parentId"])
    again = (await ask("{ teams(first: 50) { nodes { id parent { id } } } }")).data["teams"]["nodes"]
    assert again == teams
