"""What people change about themselves, over HTTP, after somebody else approves."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from crm_graph.graph import writing
from tests.resolvers.changes.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_name_waits_for_approval_by_somebody_else(world: World) -> None:
    name = (await world.customer())["name"]
    [change] = (await world.update(name="Jördis Neu"))["pendingChanges"]
    assert change["waitsFor"] == "APPROVAL"
    assert await world.mails() == []
    before = await world.traces()
    for verb, given in (("approveChange", {}), ("rejectChange", {"reason": "no"})):
        assert await world.decide("customer", verb, change["id"], **given) == ["WRITE_ACCESS_DENIED"]
        assert await world.decide("partner_rep", verb, change["id"], **given) == ["NOT_FOUND"]
        assert await world.decide("other_org_administrator", verb, change["id"], **given) == ["NOT_FOUND"]
    assert await world.decide("administrator", "verifyChange", change["id"], code="x") == ["WRITE_ACCESS_DENIED"]
    assert await world.traces() == before
    assert (await world.customer())["name"] == name
    assert await world.decide("service_agent", "approveChange", change["id"]) == []
    assert (await world.customer())["name"] == "Jördis Neu"
    agent = world.api.people["service_agent"]["name"]
    entries = await world.connection.fetch(
        "SELECT a.entity, a.actor_kind, u.name FROM audit_entries a JOIN users u ON u.id = a.actor_id ORDER BY at DESC, a.id DESC LIMIT 2"
    )
    assert {(e["entity"], e["name"]) for e in entries} == {("Customer", agent), ("ChangeRequest", agent)}
    events = await world.connection.fetch("SELECT type FROM outbox_events ORDER BY sequence DESC LIMIT 2")
    assert [e["type"] for e in events] == ["customer.updated", "change_request.applied"]
    row = await world.connection.fetchrow("SELECT * FROM change_requests")
    assert (row["requested_by_id"], row["state"]) == (world.user["id"], "APPLIED")
    assert row["decided_by_id"] not in (None, world.user["id"])


async def test_staff_who_is_the_customer_does_not_approve_for_themselves(world: World) -> None:
    [change] = (await world.update(name="Jördis Selbst"))["pendingChanges"]
    admin = world.api.people["administrator"]["name"]
    key = "UPDATE users SET customer_id = $1 WHERE name = $2 AND organization_id = $3"
    await world.connection.execute(key, world.user["customer_id"], admin, world.user["o"])
    try:
        await asyncio.sleep(0.2)  # the caller that is remembered is forgotten on notification
        before = await world.traces()
        assert await world.decide("administrator", "approveChange", change["id"]) == ["WRITE_ACCESS_DENIED"]
        assert await world.traces() == before
    finally:
        await world.connection.execute(key, None, admin, world.user["o"])
        await asyncio.sleep(0.2)


async def test_approval_needs_the_right_to_write_the_field(world: World) -> None:
    """Service agents write up to INTERNAL; the tax number is CONFIDENTIAL: they neither see its value nor approve."""
    done = await world.update(taxNumber="DE123456788", bornOn="1990-05-17")
    by_field = {c["field"]: c for c in done["pendingChanges"]}
    tax, born = by_field["taxNumber"], by_field["bornOn"]
    assert (tax["after"], born["after"]) == ("DE123456788", "1990-05-17")
    text = "query ($id: ID!) { changeRequest(id: $id) { field before after customer { name } } }"
    answer = await world.api.as_("service_agent")(text, {"id": tax["id"]})
    assert (answer.data["changeRequest"]["field"], answer.data["changeRequest"]["after"]) == ("taxNumber", "•••")
    assert b"DE123456788" not in answer.body
    answer = await world.api.as_("service_agent")(text, {"id": born["id"]})
    assert answer.data["changeRequest"]["after"] == "1990-01-01"  # masked, as the field is
    before = await world.traces()
    assert await world.decide("service_agent", "approveChange", tax["id"]) == ["WRITE_ACCESS_DENIED"]
    assert await world.decide("service_agent", "rejectChange", tax["id"], reason="no") == ["WRITE_ACCESS_DENIED"]
    assert await world.traces() == before
    assert await world.decide("sales_manager", "approveChange", tax["id"]) == []
    assert (await world.customer())["tax_number"] == "DE123456788"
    assert await world.decide("sales_manager", "approveChange", born["id"]) == []
    assert str((await world.customer())["born_on"]) == "1990-05-17"


@pytest.mark.parametrize("persona", ["customer", "administrator"])
async def test_a_birthday_is_a_day_that_was(world: World, persona: str) -> None:
    today = dt.datetime.now(dt.UTC).date()
    for day in (dt.date(1, 1, 1), dt.date(1799, 12, 31), today + dt.timedelta(2), dt.date(9999, 12, 31)):
        before = await world.traces()
        done = await world.update(persona, bornOn=day.isoformat())
        assert done["userErrors"] == [{"code": "VALUE_INVALID", "field": ["bornOn"]}], day
        assert await world.traces() == before
    assert (await world.update(persona, bornOn=today.isoformat()))["userErrors"] == []


async def test_all_that_waits_is_answered_in_the_order_it_was_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one statement, however many there are."""
    sent, read = [], writing._read

    async def counted(*arguments: Any) -> bytes:
        sent.append(arguments)
        return await read(*arguments)

    await world.update(name="Jördis Reihe")
    await world.update(bornOn="1980-02-03")
    monkeypatch.setattr(writing, "_read", counted)
    done = await world.update(taxNumber="DE811907980")
    changes = [(c["field"], c["after"]) for c in done["pendingChanges"]]
    assert changes == [("name", "Jördis Reihe"), ("bornOn", "1980-02-03"), ("taxNumber", "DE811907980")]
    assert len(sent) == 2, "the customer, and the changes"


async def test_hidden_and_masked_values_are_told_from_empty_ones(world: World) -> None:
    """`hiddenFields` and `maskedFields` name `before` and `after` where the field they are values of is hidden or masked."""
    done = await world.update(taxNumber="DE136695976", name="Jördis Honest")
    by_field = {c["field"]: c["id"] for c in done["pendingChanges"]}
    text = "query ($id: ID!) { changeRequest(id: $id) { after hiddenFields maskedFields } }"
    why = 'query ($id: ID!) { explainAccess(node: $id, field: "after") { shown } }'

    async def shown(persona: str, field: str) -> tuple[set[str], set[str], str]:
        found = (await world.api.as_(persona)(text, {"id": by_field[field]})).data["changeRequest"]
        values = {"before", "after"}
        explained = (await world.api.as_(persona)(why, {"id": by_field[field]})).data["explainAccess"]
        return values & {*found["hiddenFields"]}, values & {*found["maskedFields"]}, explained["shown"]

    assert await shown("service_agent", "taxNumber") == (set(), {"before", "after"}, "MASKED")
    assert await shown("service_agent", "name") == (set(), set(), "VALUE")
    assert await shown("sales_manager", "taxNumber") == (set(), set(), "VALUE")
    assert await shown("customer", "taxNumber") == (set(), set(), "VALUE")
    document = '{"levels": {"Customer.taxNumber": {"read": "RESTRICTED"}}}'
    await world.connection.execute(
        "INSERT INTO access_policies (organization_id, id, version, document, note)"
        " VALUES ($1, gen_random_uuid(), 1, $2, '')",
        world.user["o"],
        document,
    )
    try:
        await asyncio.sleep(0.2)
        assert await shown("service_agent", "taxNumber") == ({"before", "after"}, set(), "HIDDEN")
        assert await shown("sales_manager", "taxNumber") == (set(), {"before", "after"}, "MASKED")
    finally:
        await world.connection.execute("DELETE FROM access_policies; DELETE FROM access_revisions")
        await asyncio.sleep(0.2)


async def test_a_rejected_change_says_why(world: World) -> None:
    [change] = (await world.update(name="Jördis Anders"))["pendingChanges"]
    assert await world.decide("sales_manager", "rejectChange", change["id"], reason="  ") == ["VALUE_INVALID"]
    assert await world.decide("sales_manager", "rejectChange", change["id"], reason="Please send the papers") == []
    answer = await world.api.as_("customer")(
        "{ changeRequests(filter: {state: {eq: REJECTED}}) { nodes { reason after customer { id } } } }"
    )
    assert answer.data["changeRequests"]["nodes"] == [
        {"reason": "Please send the papers", "after": "Jördis Anders", "customer": {"id": world.me}}
    ]
    assert await world.decide("sales_manager", "approveChange", change["id"]) == ["CHANGE_NOT_PENDING"]


async def test_who_approves_sees_what_changed_meanwhile(world: World) -> None:
    [change] = (await world.update(name="Jördis Später"))["pendingChanges"]
    await world.update("administrator", name="Jördis Zwischen")
    before = await world.traces()
    assert await world.decide("sales_manager", "approveChange", change["id"]) == ["CHANGE_OUTDATED"]
    assert await world.traces() == before
    text = "query ($id: ID!) { changeRequest(id: $id) { etag before after customer { name } } }"
    shown = (await world.api.as_("sales_manager")(text, {"id": change["id"]})).data["changeRequest"]
    assert (shown["after"], shown["customer"]["name"]) == ("Jördis Später", "Jördis Zwischen")
    assert await world.decide("sales_manager", "approveChange", change["id"], anyway=True, ifMatch="stale") == [
        "ETAG_MISMATCH"
    ]
    assert await world.decide("sales_manager", "approveChange", change["id"], anyway=True, ifMatch=shown["etag"]) == []
    assert (await world.customer())["name"] == "Jördis Später"


async def test_a_code_does_not_undo_what_staff_wrote_meanwhile(world: World) -> None:
    [change] = (await world.update(email="new@example.com"))["pendingChanges"]
    code = await world.code()
    await world.update("administrator", email="staff@example.com")
    before = await world.traces()
    assert await world.decide("customer", "verifyChange", change["id"], code=code) == ["CHANGE_OUTDATED"]
    assert await world.traces() == before
    assert await world.state(change["id"]) == "PENDING"


async def test_a_code_is_taken_for_the_request_that_was_read(world: World) -> None:
    [change] = (await world.update(email="new@example.com"))["pendingChanges"]
    code, before = await world.code(), await world.traces()
    given = {"code": code, "ifMatch": "stale"}
    assert await world.decide("customer", "verifyChange", change["id"], **given) == ["ETAG_MISMATCH"]
    assert await world.traces() == before
    text = "query ($id: ID!) { changeRequest(id: $id) { etag } }"
    etag = (await world.api.as_("customer")(text, {"id": change["id"]})).data["changeRequest"]["etag"]
    assert await world.decide("customer", "verifyChange", change["id"], code=code, ifMatch=etag) == []
    assert (await world.customer())["email"] == "new@example.com"


async def test_approving_and_asking_anew_at_once(world: World) -> None:
    for n in range(4):
        name = (await world.customer())["name"]
        [change] = (await world.update(name=f"Jördis A{n}"))["pendingChanges"]
        decided, asked = await asyncio.gather(
            world.decide("sales_manager", "approveChange", change["id"]), world.update(name=f"Jördis B{n}")
        )
        assert asked["userErrors"] == []
        state, now = await world.state(change["id"]), (await world.customer())["name"]
        assert (decided, state, now) in (
            ([], "APPLIED", f"Jördis A{n}"),
            (["CHANGE_NOT_PENDING"], "REPLACED", name),
        )
        pending = await world.connection.fetch("SELECT after_value FROM change_requests WHERE state = 'PENDING'")
        assert [r["after_value"] for r in pending] == [f"Jördis B{n}"]
