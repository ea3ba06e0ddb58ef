"""What people change about themselves, over HTTP: at once, by a code, by approval; and that a refusal leaves nothing."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.auth import api_keys
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.session import Database
from crm_graph.graph import writing
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TABLES = ("customers", "addresses", "change_requests", "change_codes", "outgoing_mails", "audit_entries")
_MORE = ("outbox_events", "idempotency_keys", "customers_history")
_UPDATE = """mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) {
  customer { id name email phone city etag } pendingChanges { id entity field before after state waitsFor }
  userErrors { code field } } }"""
_ADDRESS = """mutation ($i: UpdateAddressInput!) { updateAddress(input: $i) {
  address { street } pendingChanges { id } userErrors { code field } } }"""


class World:
    """A demo of its own and its customer persona; everything pending is forgotten between tests."""

    def __init__(self, api: Api, connection: Any, database: Database) -> None:
        self.api, self.connection, self.database = api, connection, database
        self.user: Any = None
        self.tokens: dict[str, str] = {}

    async def open(self) -> None:
        self.user = await self.connection.fetchrow(
            "SELECT u.organization_id AS o, u.id, u.customer_id FROM users u JOIN organizations g ON g.id = u.organization_id"
            " WHERE g.external_id = 'main' AND u.customer_id IS NOT NULL"
        )

    @property
    def me(self) -> str:
        return f"cus_{self.user['customer_id'].hex}"

    async def customer(self) -> dict[str, Any]:
        return dict(await self.connection.fetchrow("SELECT * FROM customers WHERE id = $1", self.user["customer_id"]))

    async def address(self) -> Any:
        return await self.connection.fetchrow(
            "SELECT * FROM addresses WHERE customer_id = $1 ORDER BY id LIMIT 1", self.user["customer_id"]
        )

    async def traces(self) -> list[Any]:
        counts = [await self.connection.fetchval(f"SELECT count(*) FROM {t}") for t in (*_TABLES, *_MORE)]
        return [*counts, await self.customer(), dict(await self.address())]

    async def mails(self) -> list[Any]:
        return await self.connection.fetch("SELECT recipient, body FROM outgoing_mails ORDER BY created_at, id")

    async def code(self) -> str:
        return re.findall(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", (await self.mails())[-1]["body"])[0]

    async def ask(self, persona: str, text: str, verb: str, /, **given: object) -> dict[str, Any]:
        # a field of the payload that the caller never sees is an error of its own, and no matter here
        return (await self.api.as_(persona)(text, {"i": given})).json["data"][verb]

    async def update(self, persona: str = "customer", /, **given: object) -> dict[str, Any]:
        return await self.ask(persona, _UPDATE, "updateCustomer", **{"id": self.me, **given})

    async def decide(self, persona: str, verb: str, change: str, /, **given: object) -> list[str]:
        title = verb[0].upper() + verb[1:]
        text = (
            f"mutation ($i: {title}Input!) {{ {verb}(input: $i) {{ changeRequest {{ id }} userErrors {{ code }} }} }}"
        )
        return [e["code"] for e in (await self.ask(persona, text, verb, id=change, **given))["userErrors"]]

    async def state(self, change: str) -> str:
        return await self.connection.fetchval(
            "SELECT state FROM change_requests WHERE id = $1::text::uuid", change.removeprefix("chr_")
        )

    async def scoped(self, *scopes: str) -> str:
        """A persona that is the customer with a key of these scopes."""
        name = " ".join(scopes)
        async with self.database.transaction(self.user["o"], self.user["id"], "test") as tx:
            token = await api_keys.create(tx, self.user["o"], self.user["id"], name=name, days=1, scopes=scopes)
        self.api.tokens[name] = token  # type: ignore[index]
        return name


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection, database = await asyncpg.connect(url), Database(url, 1)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            found = World(api, connection, database)
            await found.open()
            yield found
        await database.dispose()
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared: World) -> World:
    await shared.connection.execute("DELETE FROM change_requests")
    await shared.connection.execute("DELETE FROM outgoing_mails")
    await shared.connection.execute(
        "UPDATE customers SET email = 'old@example.com' WHERE id = $1", shared.user["customer_id"]
    )
    return shared


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
    done = await world.ask("customer", _ADDRESS, "updateAddress", id=f"adr_{found['id'].hex}", street="Neue Gasse 1")
    assert done == {"address": {"street": "Neue Gasse 1"}, "pendingChanges": [], "userErrors": []}
    other = await world.connection.fetchrow(
        "SELECT id FROM addresses WHERE organization_id = $1 AND customer_id <> $2",
        world.user["o"],
        world.user["customer_id"],
    )
    before = await world.traces()
    done = await world.ask("customer", _ADDRESS, "updateAddress", id=f"adr_{other['id'].hex}", street="x")
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


async def test_one_refusal_refuses_all_of_it(world: World) -> None:
    before = await world.traces()
    done = await world.update(city="Kiel", email="new@example.com", name="X", notes="mine", creditLimit=EUR)
    assert {(e["code"], *e["field"]) for e in done["userErrors"]} == {
        ("WRITE_ACCESS_DENIED", "notes"),
        ("WRITE_ACCESS_DENIED", "creditLimit"),
    }
    assert done["pendingChanges"] == []
    done = await world.update(city="Kiel", email="j•••@example.com", name="X")
    assert [(e["code"], *e["field"]) for e in done["userErrors"]] == [("VALUE_INVALID", "email")]
    done = await world.update(city="Kiel", name="X", ifMatch="stale")
    assert [e["code"] for e in done["userErrors"]] == ["ETAG_MISMATCH"]
    assert await world.traces() == before


EUR = {"amount": "1", "currency": "EUR"}


@pytest_asyncio.fixture(loop_scope="session")
async def own_rep(world: World) -> AsyncIterator[World]:
    """The sales rep is the customer, and owns the record: they write it up to INTERNAL by their grants."""
    connection, me = world.connection, world.user["customer_id"]
    rep = await connection.fetchrow(
        "SELECT id, roles, customer_id FROM users WHERE name = $1 AND organization_id = $2",
        world.api.people["sales_rep"]["name"],
        world.user["o"],
    )
    was = (await world.customer())["owner_id"]
    person = "UPDATE users SET customer_id = $1, roles = $2 WHERE id = $3"
    owner = "UPDATE customers SET owner_id = $1 WHERE id = $2"
    await connection.execute(person, me, [*rep["roles"], "customer"], rep["id"])
    await connection.execute(owner, rep["id"], me)
    await asyncio.sleep(0.2)  # the caller that is remembered is forgotten on notification
    yield world
    await connection.execute(person, rep["customer_id"], rep["roles"], rep["id"])
    await connection.execute(owner, was, me)
    await asyncio.sleep(0.2)


async def test_what_grants_let_one_write_of_oneself_is_checked_as_ever(own_rep: World) -> None:
    """Beside a field that has to wait, a reference is still looked up, and money is in the record's currency."""
    world = own_rep
    foreign = await world.connection.fetchval(
        "SELECT id FROM customers WHERE organization_id <> $1 LIMIT 1", world.user["o"]
    )
    before = await world.traces()
    for field, value, code in (
        ("parentId", f"cus_{foreign.hex}", "REFERENCE_NOT_FOUND"),
        ("annualRevenue", {"amount": "1", "currency": "JPY"}, "VALUE_INVALID"),
    ):
        given = {"city": "Kiel", "taxNumber": "DE123456788", field: value}
        done = await world.update("sales_rep", **given)
        assert [(e["code"], e["field"][0]) for e in done["userErrors"]] == [(code, field)]
        assert await world.traces() == before
    done = await world.update("sales_rep", city="Kleve", annualRevenue=EUR, taxNumber="DE987654321")
    assert (done["userErrors"], [c["field"] for c in done["pendingChanges"]]) == ([], ["taxNumber"])
    row = await world.customer()
    assert (row["city"], row["annual_revenue"], row["version"]) == ("Kleve", 1, before[-2]["version"] + 1)
    assert row["tax_number"] == before[-2]["tax_number"]


async def test_nobody_else_is_the_very_person(world: World) -> None:
    """Neither another customer nor, where the customer is a company, those who sign in for it."""
    other = await world.connection.fetchval(
        "SELECT id FROM customers WHERE organization_id = $1 AND id <> $2 LIMIT 1",
        world.user["o"],
        world.user["customer_id"],
    )
    before = await world.traces()
    done = await world.update(id=f"cus_{other.hex}", city="Kiel")
    assert [e["code"] for e in done["userErrors"]] == ["NOT_FOUND"]
    kind = "UPDATE customers SET kind = $2 WHERE id = $1"
    await world.connection.execute(kind, world.user["customer_id"], "ORGANIZATION")
    try:
        for given in ({"city": "Kiel"}, {"name": "X"}, {"email": "new@example.com"}):
            done = await world.update(**given)
            assert [e["code"] for e in done["userErrors"]] == ["WRITE_ACCESS_DENIED"]
    finally:
        await world.connection.execute(kind, world.user["customer_id"], "PERSON")
    assert [*(await world.traces())[:6]] == before[:6]
    # a delegate, who acts in the role and is not that customer
    assert (await world.update("storefront", city="Kiel"))["userErrors"][0]["code"] == "NOT_FOUND"
    assert (await world.update("partner_rep", city="Kiel"))["userErrors"][0]["code"] == "NOT_FOUND"


async def test_scopes_narrow_it(world: World) -> None:
    reading = await world.scoped("customers:read:restricted")
    low = await world.scoped("customers:read:restricted", "customers:write:partner")
    before = await world.traces()
    assert (await world.update(reading, city="Kiel"))["userErrors"][0]["code"] == "WRITE_ACCESS_DENIED"
    assert (await world.update(low, city="Kiel"))["userErrors"][0]["code"] == "WRITE_ACCESS_DENIED"
    assert await world.traces() == before
    wide = await world.scoped("customers:read:internal", "customers:write:internal")
    assert (await world.update(wide, city="Kiel"))["userErrors"] == []
    answer = await world.api.as_(wide)(
        "mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) { userErrors { code field } } }",
        {"i": {"id": world.me, "taxNumber": "DE1"}},
    )
    assert answer.data["updateCustomer"]["userErrors"] == [{"code": "WRITE_ACCESS_DENIED", "field": ["taxNumber"]}]


async def test_a_repeated_request_is_carried_out_once(world: World) -> None:
    first = await world.update(email="new@example.com", name="Jördis Einmal", idempotencyKey="once")
    again = await world.update(email="new@example.com", name="Jördis Einmal", idempotencyKey="once")
    assert first == again
    assert len(first["pendingChanges"]) == 2
    assert len(await world.mails()) == 1


async def test_staff_see_what_is_pending_and_write_as_before(world: World) -> None:
    await world.update(name="Jördis Wartet")
    answer = await world.api.as_("sales_manager")(
        '{ changeRequests(filter: {state: {eq: PENDING}, entity: {eq: "Customer"}}) { totalCount nodes { field after } } }'
    )
    assert answer.data["changeRequests"] == {"totalCount": 1, "nodes": [{"field": "name", "after": "Jördis Wartet"}]}
    done = await world.update("sales_manager", email="staff@example.com")
    assert done["customer"]["email"] == "staff@example.com"
    assert [c["after"] for c in done["pendingChanges"]] == ["Jördis Wartet"]


async def test_the_schema_shows_what_may_be_changed(world: World) -> None:
    def inputs(sdl: str, name: str) -> set[str]:
        body = re.search(rf"input {name} {{(.*?)\n}}", sdl, re.DOTALL)
        return set(re.findall(r"^  (\w+):", body[1], re.MULTILINE)) if body else set()

    sdl = (await world.api.request("GET", "/schema.graphql", headers=world.api.headers("customer"))).body.decode()
    assert inputs(sdl, "UpdateCustomerInput") == {
        *("id", "ifMatch", "idempotencyKey", "name", "email", "phone"),
        *("website", "city", "country", "locale", "bornOn", "taxNumber"),
    }
    assert inputs(sdl, "UpdateAddressInput") == {
        *("id", "ifMatch", "idempotencyKey", "street", "postalCode", "city", "country")
    }
    assert "verifyChange" in sdl
    assert "approveChange" not in sdl
    assert "createCustomer" not in sdl
    agent = (
        await world.api.request("GET", "/schema.graphql", headers=world.api.headers("service_agent"))
    ).body.decode()
    assert "approveChange" in agent
    assert "verifyChange" not in agent
    shop = (await world.api.request("GET", "/schema.graphql")).body.decode()
    assert "ChangeRequest" not in shop
    assert "updateCustomer" not in shop
