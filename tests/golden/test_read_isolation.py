"""Compiled reads answer the same under row-level security, which the setting `read_isolation` turns on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from crm_graph.db.roles import Role
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo
from tests.golden.test_golden import ask, personas

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASES = (
    "customer_360",
    "first_page",
    "last_page",
    "filters",
    "relation_filters",
    "nodes_and_interfaces",
    "several_roots",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def isolated_api(demo_url: str, demo_template: Demo) -> AsyncIterator[Api]:
    """The application on the same demo, with the setting on."""
    async with running(demo_url, demo_template.data_dir, demo_template.personas, read_isolation="on") as started:
        yield started


@pytest.mark.parametrize("case", CASES)
async def test_both_settings_answer_alike(api: Api, isolated_api: Api, case: str) -> None:
    for persona in personas(case):
        usual, isolated = await ask(api, case, persona), await ask(isolated_api, case, persona)
        assert isolated.sql == usual.sql
        assert isolated.body == usual.body
        assert isolated.status == 200


async def test_callers_of_several_organisations_take_turns_on_a_connection(isolated_api: Api) -> None:
    query = "{ organizations { nodes { id name } } }"
    seen = []
    for persona in ("administrator", "other_org_administrator", "administrator", "other_org_administrator"):
        nodes = (await isolated_api.as_(persona)(query)).data["organizations"]["nodes"]
        assert len(nodes) == 1
        seen.append(nodes[0]["id"])
    assert seen[:2] == seen[2:]
    assert len(set(seen)) == 2


async def test_it_is_on(api: Api, isolated_api: Api) -> None:
    for one, role in ((api, Role.READER), (isolated_api, Role.BOUND_READER)):
        for pool in one.lanes._pools.values():
            connection = await pool.acquire()
            assert await connection.raw.fetchval("SELECT current_user::text") == role
            pool.release(connection)


async def test_an_unknown_token_and_host_are_refused_as_ever(isolated_api: Api) -> None:
    query = b'{"query": "{ __typename }"}'
    json = {"content-type": "application/json"}
    for headers, code in (
        ({"authorization": "Bearer crm_key_no"}, "UNAUTHENTICATED"),
        ({"host": "nobody.test"}, "UNKNOWN_HOST"),
    ):
        answer = await isolated_api.request("POST", "/graphql", content=query, headers={**json, **headers})
        assert answer.codes == [code]
