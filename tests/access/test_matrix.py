"""The matrix: every role × entity × field × channel, generated from the registries.

What is expected comes from `matrix.txt` by way of `interpreter.py`; every byte of each response is searched for
planted secrets. A field is covered when it is declared, a channel when it is registered (`channels/`).
"""

import asyncpg
import pytest

from crm_graph.entity import REGISTRY
from tests.access.channels import CHANNELS, CUSTOM_CHANNELS, Probe
from tests.access.interpreter import ROLES, SECOND_PARTNER, read_matrix
from tests.access.secrets import World, load_rows
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_matrix_names_every_entity_and_role() -> None:
    matrix = read_matrix()
    named = {entity for _, entity in matrix.granted} - {"*"}
    assert named <= set(REGISTRY)
    assert {role for role, _ in matrix.granted} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", CHANNELS)
async def test_a_channel_shows_what_the_matrix_shows(planted_api: Api, world: World, name: str, role: str) -> None:
    for entity in REGISTRY:
        try:
            await CHANNELS[name](Probe(planted_api, world, role, entity))
        except AssertionError as error:
            error.add_note(f"in the cell {role} × {entity} × {name}")
            raise


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", CUSTOM_CHANNELS)
async def test_a_channel_shows_custom_fields_as_the_matrix_says(
    custom_api: Api, custom_world: World, name: str, role: str
) -> None:
    """Who may see one sees it so; to all others it is a name that never was."""
    for entity in custom_world.rows.own:
        try:
            await CUSTOM_CHANNELS[name](Probe(custom_api, custom_world, role, entity))
        except AssertionError as error:
            error.add_note(f"in the cell {role} × {entity} × {name}")
            raise


WAYS_OF_TWO = (
    "select", "nodes", "nested path", "totalCount", "relation filter", "search", "group", "mutation of what is not seen",
    "attached file",
)  # fmt: skip


async def test_a_second_partner_of_a_customer_is_shown_its_own(planted_api: Api, world: World) -> None:
    """Two partners look after one customer; the second is asked about all that partners see, as the first is above."""
    rows, one, other = world.rows, world.callers["partner_rep"], world.callers[SECOND_PARTNER]
    both = [{row["id"] for row in rows.visible(caller, "Customer")} for caller in (one, other)]
    assert both[0] & both[1], "a customer of both"
    for entity in ("DealRegistration", "Opportunity", "PriceList", "PartnerAgreement", "User"):
        seen = [{row["id"] for row in rows.visible(c, entity) if row["partner_id"]} for c in (one, other)]
        assert seen[0], entity
        assert seen[1], entity
        assert not seen[0] & seen[1], entity
    for entity in (e for e in REGISTRY if rows.matrix.highest(SECOND_PARTNER, e) is not None):
        for name in WAYS_OF_TWO:
            try:
                await CHANNELS[name](Probe(planted_api, world, SECOND_PARTNER, entity))
            except AssertionError as error:
                error.add_note(f"in the cell {SECOND_PARTNER} × {entity} × {name}")
                raise


async def test_no_channel_wrote_anything(planted_api: Api, planted_url: str, world: World) -> None:
    """After all of the above: the rows are those that were there, with no trace of a write."""
    connection = await asyncpg.connect(planted_url)
    rows = await load_rows(connection)
    written = await connection.fetchval("SELECT count(*) FROM audit_entries WHERE channel = 'api'")
    events = await connection.fetchval("SELECT count(*) FROM outbox_events")
    await connection.close()
    assert (written, events) == (0, 0)
    for name in REGISTRY:
        assert dict(rows.tables[name]) == dict(world.rows.tables[name]), name


async def test_the_search_finds_secrets(planted_api: Api, world: World) -> None:
    """The detector can fail: an administrator meets secrets, and what they see would be a leak for anybody else."""
    found = await world.as_(planted_api, "administrator")(
        "{ customers(first: 5) { nodes { riskNote creditLimit { amount } } } opportunities(first: 50) { nodes { margin { amount } } } }"
    )
    assert world.secrets.found["administrator"] >= 10
    for other in ("sales_rep", "partner_rep", "customer", "storefront"):
        with pytest.raises(AssertionError, match="sees"):
            world.secrets.check(other, world.callers[other], found.body)
