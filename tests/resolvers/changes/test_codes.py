"""What people change about themselves, over HTTP, at once or by a code that is sent to them."""

import asyncio

import pytest

from tests.resolvers.changes.conftest import ADDRESS, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_at_once_is_written_with_audit_and_event(world: World) -> None:
    events = await world.connection.fetchval("SELECT count(*) FROM outbox_events")
    done = await world.update(city="Ulm")
    assert (done["userErrors"], done["pendingChanges"], done["customer"]["city"]) == ([], [], "Ulm")
    assert (await world.customer())["city"] == "Ulm"
    entry = await world.connection.fetchrow("SELECT * FROM audit_entries ORDER BY at DESC, id DESC LIMIT 1")
    assert (entry["actor_id"], entry["actor_kind"], entry["action"]) == (world.user["id"], "customer", "update")
    assert await world.connection.fetchval("SELECT count(*) FROM outbox_events") == events + 1
    assert await world.mails() == []


async def test_an_address_is_changed_at_once(world: World) -> None:
    found = await world.address()
    done = await world.ask("customer", ADDRESS, "updateAddress", id=f"adr_{found['id'].hex}", street="Neue Gasse 1")
    assert done == {"address": {"street": "Neue Gasse 1"}, "pendingChanges": [], "userErrors": []}
    other = await world.connection.fetchrow(
        "SELECT id FROM addresses WHERE organization_id = $1 AND customer_id <> $2",
        world.user["o"],
        world.user["customer_id"],
    )
    before = await world.traces()
    done = await world.ask("customer", ADDRESS, "updateAddress", id=f"adr_{other['id'].hex}", street="x")
    assert [e["code"] for e in done["userErrors"]] == ["NOT_FOUND"]
    assert await world.traces() == before


async def test_a_new_address_is_verified_by_the_code_that_is_sent_to_it(world: World) -> None:
    done = await world.update(email="new@example.com", city="Trier")
    [change] = done["pendingChanges"]
    assert done["userErrors"] == []
    assert (done["customer"]["email"], done["customer"]["city"]) == ("old@example.com", "Trier")
    assert {k: change[k] for k in ("field", "before", "after", "waitsFor")} == {
        "field": "email",
        "before": "old@example.com",
        "after": "new@example.com",
        "waitsFor": "VERIFICATION",
    }
    assert [m["recipient"] for m in await world.mails()] == ["new@example.com"]
    code = await world.code()
    assert await world.decide("customer", "verifyChange", change["id"], code="AAAA-AAAA-AAAA") == ["CODE_INVALID"]
    assert (await world.customer())["email"] == "old@example.com"
    assert await world.decide("customer", "verifyChange", change["id"], code=code.lower().replace("-", " ")) == []
    assert (await world.customer())["email"] == "new@example.com"
    assert await world.state(change["id"]) == "APPLIED"
    assert await world.decide("customer", "verifyChange", change["id"], code=code) == ["CHANGE_NOT_PENDING"]


async def test_the_code_is_nowhere_but_in_the_mail(world: World) -> None:
    await world.update(email="new@example.com")
    code = (await world.code()).replace("-", "")
    for table in ("change_requests", "change_codes", "change_requests_history", "audit_entries", "outbox_events"):
        rows = await world.connection.fetch(f"SELECT t::text AS text FROM {table} t")
        assert rows
        assert not any(code in row["text"] for row in rows), table


async def test_audit_entries_of_a_change_do_not_keep_its_values(world: World) -> None:
    """They stay for good, and what was asked for is emptied a month after it ended."""
    await world.update(name="Jördis Unikat")
    entries = await world.connection.fetch("SELECT changes::text FROM audit_entries WHERE entity = 'ChangeRequest'")
    assert any('"state": [null, "PENDING"]' in one["changes"] for one in entries)
    assert not any("Unikat" in one["changes"] for one in entries)


async def test_a_code_for_a_telephone_number_goes_to_the_address_on_file(world: World) -> None:
    done = await world.update(phone="+49 30 901820")
    assert [c["after"] for c in done["pendingChanges"]] == ["+4930901820"]
    assert [m["recipient"] for m in await world.mails()] == ["old@example.com"]
    await world.connection.execute("UPDATE customers SET email = NULL WHERE id = $1", world.user["customer_id"])
    before = await world.traces()
    done = await world.update(phone="+49 30 901821")
    assert done["userErrors"] == [{"code": "VERIFICATION_IMPOSSIBLE", "field": ["phone"]}]
    assert await world.traces() == before


async def test_codes_may_be_tried_a_few_times_only_even_at_once(world: World) -> None:
    [change] = (await world.update(email="new@example.com"))["pendingChanges"]
    code = await world.code()
    tried = await asyncio.gather(
        *(world.decide("customer", "verifyChange", change["id"], code=f"WRONG{n}") for n in range(9))
    )
    assert tried == [["CODE_INVALID"]] * 9
    assert await world.connection.fetchval("SELECT attempts FROM change_codes") == 5
    assert await world.decide("customer", "verifyChange", change["id"], code=code) == ["CODE_INVALID"]
    assert (await world.customer())["email"] == "old@example.com"


async def test_a_wrong_code_under_an_idempotency_key_counts_and_frees_the_key(world: World) -> None:
    [change] = (await world.update(email="new@example.com"))["pendingChanges"]
    code = await world.code()
    again = {"idempotencyKey": "verify-once"}
    assert await world.decide("customer", "verifyChange", change["id"], code="WRONG", **again) == ["CODE_INVALID"]
    assert await world.connection.fetchval("SELECT attempts FROM change_codes") == 1
    assert await world.decide("customer", "verifyChange", change["id"], code=code, **again) == []
    assert await world.decide("customer", "verifyChange", change["id"], code=code, **again) == []
    assert (await world.customer())["email"] == "new@example.com"


async def test_of_two_verifications_at_once_one_writes(world: World) -> None:
    [change] = (await world.update(email="new@example.com"))["pendingChanges"]
    code, version = await world.code(), (await world.customer())["version"]
    done = await asyncio.gather(*(world.decide("customer", "verifyChange", change["id"], code=code) for _ in range(4)))
    assert sorted(done) == [[], *[["CHANGE_NOT_PENDING"]] * 3]
    assert (await world.customer())["version"] == version + 1


async def test_a_newer_request_replaces_the_older(world: World) -> None:
    [first] = (await world.update(email="first@example.com"))["pendingChanges"]
    code = await world.code()
    [second] = (await world.update(email="second@example.com"))["pendingChanges"]
    assert (await world.state(first["id"]), await world.state(second["id"])) == ("REPLACED", "PENDING")
    assert await world.decide("customer", "verifyChange", first["id"], code=code) == ["CHANGE_NOT_PENDING"]
    assert await world.decide("customer", "verifyChange", second["id"], code=code) == ["CODE_INVALID"]
    assert (await world.customer())["email"] == "old@example.com"


async def test_mails_with_codes_are_few(world: World) -> None:
    for n in range(5):
        assert (await world.update(email=f"n{n}@example.com"))["userErrors"] == []
    before = await world.traces()
    done = await world.update(email="n6@example.com", city="Bonn")
    assert [e["code"] for e in done["userErrors"]] == ["TOO_MANY_CHANGES"]
    assert await world.traces() == before


async def test_what_has_expired_is_not_verified(world: World) -> None:
    done = await world.update(email="new@example.com")
    [change] = done["pendingChanges"]
    await world.connection.execute("UPDATE change_requests SET expires_at = now() - interval '1 second'")
    code, before = await world.code(), await world.traces()
    assert await world.decide("customer", "verifyChange", change["id"], code=code) == ["CHANGE_NOT_PENDING"]
    assert await world.traces() == before
    assert (await world.update())["pendingChanges"] == []


async def test_an_address_that_somebody_else_has_is_answered_as_any_other(world: World) -> None:
    """No oracle: who asks learns nothing of who else is a customer."""
    taken = await world.connection.fetchval(
        "SELECT email FROM customers WHERE email IS NOT NULL AND id <> $1 LIMIT 1", world.user["customer_id"]
    )
    one, other = await world.update(email=taken), await world.update(email="nobody@example.com")
    for answer in (one, other):
        for change in answer["pendingChanges"]:
            change.pop("id")
            change.pop("after")
    assert one == other
