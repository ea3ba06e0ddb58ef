"""The matrix: every role × entity × field × channel, generated from the registries.

What is expected comes from `matrix.txt` by way of `interpreter.py`; every byte of each response is searched for
planted secrets. A field is covered when it is declared, a channel when it is registered (`channels/`).
"""

from itertools import product

import asyncpg
import pytest

from crm_graph.entity import REGISTRY
from tests.access.channels import CHANNELS, CUSTOM_CHANNELS, Channel, Probe
from tests.access.interpreter import ROLES, SECOND_PARTNER, read_matrix
from tests.access.secrets import World, load_rows
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAYS_OF_TWO = {
    "select", "by id", "nodes", "nested path", "nested count", "totalCount", "hiddenFields", "relation filter", "search",
    "group", "aggregate", "cursor", "auditEntries", "mutation of what is not seen", "mutation payload", "attached file",
}  # fmt: skip
"""By these a second partner is asked, too, who shares a customer with the first."""


async def test_the_matrix_names_every_entity_and_role() -> None:
    matrix = read_matrix()
    named = {entity for _, entity in matrix.granted} - {"*"}
    assert named <= set(REGISTRY)
    assert {role for role, _ in matrix.granted} == set(ROLES)


@pytest.mark.parametrize("name", CHANNELS)
async def test_a_channel_shows_what_the_matrix_shows(planted_api: Api, world: World, name: str) -> None:
    asking = (*ROLES, SECOND_PARTNER) if name in WAYS_OF_TWO else ROLES
    for entity, role in product(REGISTRY, asking):  # so that what is asked alike is read and validated once
        await _asked(CHANNELS[name], Probe(planted_api, world, role, entity))


@pytest.mark.parametrize("name", CUSTOM_CHANNELS)
async def test_a_channel_shows_custom_fields_as_the_matrix_says(
    custom_api: Api, custom_world: World, name: str
) -> None:
    """Who may see one sees it so; to all others it is a name that never was."""
    for entity, role in product(custom_world.rows.own, ROLES):
        await _asked(CUSTOM_CHANNELS[name], Probe(custom_api, custom_world, role, entity))


async def _asked(channel: Channel, probe: Probe) -> None:
    try:
        await channel(probe)
    except AssertionError as error:
        error.add_note(f"in the cell {probe.role} × {probe.entity}")
        raise


async def test_the_second_partner_looks_after_a_customer_of_the_first(world: World) -> None:
    """So what is asked of both above is of one customer, each with rows of its own beside."""
    both = [world.callers["partner_rep"], world.callers[SECOND_PARTNER]]
    customers = [{row["id"] for row in world.rows.visible(caller, "Customer")} for caller in both]
    assert customers[0] & customers[1]
    for entity in ("DealRegistration", "Opportunity", "PriceList", "PartnerAgreement", "User"):
        own = [{row["id"] for row in world.rows.visible(caller, entity) if row["partner_id"]} for caller in both]
        assert own[0], entity
        assert own[1], entity
        assert not own[0] & own[1], entity


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
