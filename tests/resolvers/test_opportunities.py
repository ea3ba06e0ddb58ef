"""Opportunities through their pipeline, over HTTP: what every move leaves behind, and that a refused one leaves nothing."""

from uuid import UUID

import pytest

from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("verb", "status", "event", "more"),
    [
        ("winOpportunity", "WON", "opportunity.won", {}),
        ("loseOpportunity", "LOST", "opportunity.lost", {"reason": "Too dear"}),
    ],
)
async def test_closing_leaves_its_traces(
    world: World, verb: str, status: str, event: str, more: dict[str, object]
) -> None:
    found = await world.open()
    row, stage = found["id"], await world.stage(found["pipeline_id"], status)
    events, _, audited, former = await world.left(row)
    record, codes = await world.do("administrator", verb, row, closedOn="2026-05-04", note="test close", **more)
    assert (codes, record and record["status"]) == ([], status)
    after = await world.row(row)
    assert (after["status"], str(after["close_on"]), after["loss_reason"]) == (status, "2026-05-04", more.get("reason"))
    assert f"sta_{after['stage_id'].hex}" == stage
    assert await world.left(row) == ([*events, event], [f"{stage} test close"], audited + 1, former + 1)


async def test_moving_leaves_its_traces(world: World) -> None:
    found = await world.open()
    row, stage = found["id"], await world.stage(found["pipeline_id"], "OPEN", found["stage_id"])
    events, _, audited, former = await world.left(row)
    record, codes = await world.do("administrator", "moveOpportunityStage", row, stageId=stage, note="test move")
    assert (codes, record and record["status"]) == ([], "OPEN")
    assert f"sta_{(await world.row(row))['stage_id'].hex}" == stage
    assert await world.left(row) == (
        [*events, "opportunity.stage_moved"],
        [f"{stage} test move"],
        audited + 1,
        former + 1,
    )


async def test_a_lost_opportunity_is_opened_again(world: World) -> None:
    found = await world.open()
    row, stage = found["id"], f"sta_{found['stage_id'].hex}"
    assert (await world.do("administrator", "loseOpportunity", row, reason="Too dear"))[1] == []
    assert (await world.do("administrator", "moveOpportunityStage", row, stageId=stage))[1] == []
    after = await world.row(row)
    assert (after["status"], after["loss_reason"], after["stage_id"]) == ("OPEN", None, found["stage_id"])


@pytest.mark.parametrize("outcome", ["WON", "LOST"])
async def test_moving_does_not_close(world: World, outcome: str) -> None:
    found = await world.open()
    stage = await world.stage(found["pipeline_id"], outcome)
    await world.refused("administrator", "moveOpportunityStage", found["id"], "STAGE_CLOSES_OPPORTUNITY", stageId=stage)


async def test_the_state_of_an_opportunity_refuses(world: World) -> None:
    row = (await world.open())["id"]
    assert (await world.do("administrator", "winOpportunity", row))[1] == []
    await world.refused("administrator", "winOpportunity", row, "OPPORTUNITY_CLOSED")
    await world.refused("administrator", "loseOpportunity", row, "OPPORTUNITY_CLOSED", reason="Late")


async def test_if_match_holds_where_nothing_changes(world: World) -> None:
    found = await world.open()
    move = {"stageId": f"sta_{found['stage_id'].hex}"}
    traces = await world.traces()
    record, codes = await world.do("administrator", "moveOpportunityStage", found["id"], **move)
    assert codes == []
    assert record is not None
    assert (await world.do("administrator", "moveOpportunityStage", found["id"], ifMatch=record["etag"], **move)) == (
        record,
        [],
    )
    assert await world.traces() == traces
    await world.refused("administrator", "moveOpportunityStage", found["id"], "ETAG_MISMATCH", ifMatch="old", **move)


async def test_who_may_not_write_learns_nothing_of_the_state(world: World) -> None:
    """A partner sees the opportunity, and is refused alike while it is open and when it is won."""
    partner = world.api.people["partner_rep"]["email"]
    partner_id = await world.connection.fetchval("SELECT partner_id FROM users WHERE email = $1", partner)
    found = await world.open(f"o.partner_id = '{partner_id}'")
    verbs: list[tuple[str, dict[str, object]]] = [
        ("winOpportunity", {}),
        ("loseOpportunity", {"reason": "Late"}),
        ("moveOpportunityStage", {"stageId": f"sta_{found['stage_id'].hex}"}),
        ("moveOpportunityStage", {"stageId": await world.stage(found["pipeline_id"], "WON")}),
    ]
    for verb, more in verbs:
        await world.refused("partner_rep", verb, found["id"], "WRITE_ACCESS_DENIED", **more)
    assert (await world.do("administrator", "winOpportunity", found["id"]))[1] == []
    for verb, more in verbs:
        await world.refused("partner_rep", verb, found["id"], "WRITE_ACCESS_DENIED", **more)


async def test_a_key_is_settled_before_the_record_is_looked_at(world: World) -> None:
    """A repeated request has its first outcome, and another input under the key is refused as such, seen or not."""
    row = (await world.open())["id"]
    assert (await world.do("administrator", "winOpportunity", row, idempotencyKey="k-1"))[1] == []
    traces = await world.traces()
    record, codes = await world.do("administrator", "winOpportunity", row, idempotencyKey="k-1")
    assert (codes, record and record["status"], await world.traces()) == ([], "WON", traces)
    nobody = UUID(int=1)
    _, codes = await world.do("administrator", "winOpportunity", nobody, idempotencyKey="k-1")
    assert codes == ["IDEMPOTENCY_KEY_REUSED"]
    _, codes = await world.do("administrator", "winOpportunity", nobody)
    assert codes == ["NOT_FOUND"]
