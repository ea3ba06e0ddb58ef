"""Acting for companies and households, over HTTP: who may, what they see and change, and what is on record."""

import asyncio
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from crm_graph.auth.oauth import registration
from crm_graph.auth.oauth.registration import Application
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from tests.auth.conftest import sign_in
from tests.auth.oauth.conftest import pkce
from tests.people.acting import UPDATE, WHO, Acting, acting_in
from tests.people.conftest import People, form_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMERS = "{ customers { totalCount nodes { id name email taxNumber website } } }"
ORDERS = "{ orders(first: 200) { totalCount nodes { number customer { id } total { amount } } } }"
ADDRESS = "mutation ($i: UpdateAddressInput!) { updateAddress(input: $i) { address { street } userErrors { code } } }"
AUDIT = "query ($id: ID!) { auditEntries(node: $id) { action userId userName userKind actingForId actingForName } }"
COMPANY = "Alpenglas Moser GmbH"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def acting(people: People) -> Acting:
    return await acting_in(people)


async def test_a_storefront_can_offer_the_choice(acting: Acting) -> None:
    own = f"cus_{acting.me['customer_id'].hex}"
    viewer = (await acting.ask(None, WHO)).data["viewer"]
    assert (viewer["customerId"], viewer["actingFor"]) == (own, None)
    names = [one["name"].casefold() for one in viewer["actsFor"]]
    assert names == sorted(names)
    found = {one["role"]: (one["kind"], one["mayChange"]) for one in viewer["actsFor"]}
    assert found == {
        "PORTAL_ADMIN": ("ORGANIZATION", True), "PORTAL_USER": ("ORGANIZATION", False), "ADULT": ("HOUSEHOLD", True),
    }  # fmt: skip
    assert {one["name"] for one in viewer["actsFor"] if one["role"] == "PORTAL_ADMIN"} == {COMPANY}
    for role, id_ in acting.whom.items():
        viewer = (await acting.ask(role, WHO)).data["viewer"]
        assert (viewer["customerId"], viewer["actingFor"], len(viewer["actsFor"])) == (own, id_, 3)
    for persona in ("administrator", "sales_rep", "partner_rep", "storefront"):
        assert (await acting.api.as_(persona)(WHO)).data["viewer"]["actsFor"] == []


@pytest.mark.parametrize("role", ["PORTAL_ADMIN", "PORTAL_USER", "ADULT"])
async def test_one_sees_the_rows_of_whom_one_acts_for_and_no_others(acting: Acting, role: str) -> None:
    id_ = acting.whom[role]
    [node] = (await acting.ask(role, CUSTOMERS)).data["customers"]["nodes"]
    row = await acting.admin.fetchrow("SELECT * FROM customers WHERE id = $1", acting.uuid(role))
    shown = {"name": row["name"], "email": row["email"], "taxNumber": row["tax_number"], "website": row["website"]}
    assert node == {"id": id_, **shown}  # what is marked for the subject, whatever its level
    numbers = await acting.admin.fetch("SELECT number FROM orders WHERE customer_id = $1", acting.uuid(role))
    orders = (await acting.ask(role, ORDERS)).data["orders"]
    assert {one["number"] for one in orders["nodes"]} == {row["number"] for row in numbers}
    assert {one["customer"]["id"] for one in orders["nodes"]} <= {id_}
    denied = await acting.ask(role, "{ customers { nodes { creditLimit { amount } riskNote } } }")
    assert denied.codes == ["FIELD_ACCESS_DENIED"] * 2
    own = (await acting.ask(None, CUSTOMERS)).data["customers"]["nodes"]
    assert [one["id"] for one in own] == [f"cus_{acting.me['customer_id'].hex}"]  # without the header: oneself
    for one in (f"cus_{acting.me['customer_id'].hex}", *(set(acting.whom.values()) - {id_})):
        found = await acting.ask(role, "query ($id: ID!) { customer(id: $id) { id } }", {"id": one})
        assert found.data["customer"] is None


@pytest.mark.parametrize("role", ["PORTAL_ADMIN", "ADULT"])
async def test_nothing_is_shown_of_other_people(acting: Acting, role: str) -> None:
    """Neither of a company's contacts nor of a household's members: not their records, not what is known of them."""
    whom = acting.uuid(role)
    others = await acting.admin.fetch(
        "SELECT c.* FROM contacts c WHERE c.customer_id = $1 AND c.person_id IS DISTINCT FROM $2", whom,
        acting.me["customer_id"],
    )  # fmt: skip
    assert others
    await acting.admin.execute(
        "UPDATE contacts SET email = 'secret.' || replace(id::text, '-', '') || '@people.example', phone = '+431234567'"
        " WHERE customer_id = $1", whom,
    )  # fmt: skip
    query = """{ customers { nodes { contacts { totalCount nodes { id } } members { totalCount nodes { id } } } }
      contacts { nodes { id name role email phone person { id name email } } } householdMembers { nodes { id } } users { nodes { name email } } }"""
    answer = await acting.ask(role, query)
    assert b"people.example" not in answer.body
    assert b"431234567" not in answer.body
    for one in others:
        assert one["name"].encode() not in answer.body
    [node] = answer.json["data"]["customers"]["nodes"]
    assert (node["contacts"], node["members"]) == (None, None)
    shown = answer.json["data"]["contacts"]["nodes"]
    assert len(shown) == len(others) + 1
    for contact in shown:
        assert contact["name"].endswith(".")  # initials: what the role customer sees of any contact
        assert (contact["role"], contact["email"], contact["phone"], contact["person"]) == (None,) * 4
    assert answer.json["data"]["householdMembers"]["nodes"] == []
    assert [one["name"] for one in answer.json["data"]["users"]["nodes"]] == [acting.me["name"]]
    for condition in ('email: { startsWith: "secret" }', 'person: { name: { startsWith: "a" } }', "role: { eq: USER }"):
        refused = await acting.ask(role, f"{{ contacts(filter: {{ {condition} }}) {{ totalCount }} }}")
        assert refused.codes == ["PREDICATE_ACCESS_DENIED"], condition
    found = await acting.ask(role, '{ contacts(search: "secret") { totalCount } }')
    assert found.codes == ["PREDICATE_ACCESS_DENIED"] or found.data["contacts"]["totalCount"] == 0
    # those who live together see each other as little as strangers do
    for one in (other["person_id"] for other in others if other["person_id"]):
        hidden = await acting.ask(role, "query ($id: ID!) { node(id: $id) { id } }", {"id": f"cus_{one.hex}"})
        assert hidden.data["node"] is None


async def test_a_refusal_is_the_same_whatever_the_reason(acting: Acting) -> None:
    """Nobody learns whether there is such a customer, and the database is not even asked."""
    organization = acting.people.organization
    stranger = await acting.admin.fetchval(
        "SELECT id FROM customers WHERE organization_id = $1 AND kind = 'ORGANIZATION' AND id <> ALL ($2)",
        organization, [decode(one)[1] for one in acting.whom.values()],
    )  # fmt: skip
    elsewhere = await acting.admin.fetchval("SELECT id FROM customers WHERE organization_id <> $1", organization)
    contact = await acting.admin.fetchval(
        "SELECT id FROM contacts WHERE organization_id = $1 AND person_id = $2", organization, acting.me["customer_id"]
    )
    known = acting.whom["PORTAL_ADMIN"]
    wanted = {
        "no link": f"cus_{stranger.hex}", "elsewhere": f"cus_{elsewhere.hex}", "nobody": "cus_" + "0" * 32,
        "oneself": f"cus_{acting.me['customer_id'].hex}", "no customer": f"con_{contact.hex}",
        "another kind": known.replace("cus_", "con_"), "nothing": "", "nonsense": "x", "two": f"{known}, {known}",
    }  # fmt: skip
    answers = {why: await acting.ask(id_, WHO) for why, id_ in wanted.items()}
    for persona in ("administrator", "sales_rep", "service_agent", "partner_admin", "storefront"):
        answers[persona] = await acting.ask("PORTAL_ADMIN", WHO, persona=persona)
    twice = [(k.encode(), v.encode()) for k, v in acting.api.headers("customer").items()]
    twice += [(b"x-acting-for", known.encode())] * 2
    answers["sent twice"] = await acting.api.request("POST", "/graphql", json={"query": WHO}, headers=twice)
    both = {"x-acting-for": known, "x-view-as": f"usr_{acting.me['id'].hex}"}
    answers["looking as them"] = await acting.api.as_("administrator")(WHO, headers=both)
    bodies = {why: answer.body.replace(answer.headers["x-request-id"].encode(), b"") for why, answer in answers.items()}
    assert set(bodies.values()) == {bodies["no link"]}, bodies
    assert {(answer.status, *answer.codes) for answer in answers.values()} == {(403, "ACTING_FOR_REFUSED")}
    assert all(answer.sql == () for answer in answers.values())
    schema = await acting.api.request(
        "GET", "/schema.graphql", headers={**acting.api.headers("customer"), "x-acting-for": wanted["no link"]}
    )
    assert (schema.status, schema.json["errors"][0]["extensions"]["code"]) == (403, "ACTING_FOR_REFUSED")
    looking = {"x-acting-for": known, "x-view-as": f"usr_{acting.me['id'].hex}"}
    assert (await acting.api.as_("customer")(WHO, headers=looking)).codes == ["VIEW_AS_REFUSED"]


async def test_a_portal_user_changes_nothing(acting: Acting) -> None:
    before, id_ = await acting.left(), acting.whom["PORTAL_USER"]
    answer = await acting.ask("PORTAL_USER", UPDATE, {"i": {"id": id_, "city": "Linz"}})
    assert (answer.status, answer.codes) == (403, ["ACTING_FOR_READS"])
    assert await acting.left() == before
    query = '{ __schema { mutationType { name } } __type(name: "UpdateCustomerInput") { name } }'
    shown = (await acting.ask("PORTAL_USER", query)).data
    assert (shown["__schema"]["mutationType"], shown["__type"]) == (None, None)
    fields = '{ __type(name: "UpdateCustomerInput") { inputFields { name } } }'
    shown = (await acting.ask("PORTAL_ADMIN", fields)).data["__type"]["inputFields"]
    assert {"website", "email"} < {one["name"] for one in shown}


@pytest.mark.parametrize("role", ["PORTAL_ADMIN", "ADULT"])
async def test_who_speaks_for_a_customer_changes_what_people_change_and_both_are_on_record(
    acting: Acting, role: str
) -> None:
    id_, whom = acting.whom[role], acting.uuid(role)
    before = await acting.left()
    for given in ({"riskNote": "x"}, {"notes": "x", "city": "Graz"}):
        answer = await acting.ask(role, UPDATE, {"i": {"id": id_, **given}})
        assert {e["code"] for e in answer.json["data"]["updateCustomer"]["userErrors"]} == {"WRITE_ACCESS_DENIED"}
    # without the header it does not exist, and with it, oneself does not
    for header, target in ((None, id_), (role, f"cus_{acting.me['customer_id'].hex}")):
        answer = await acting.ask(header, UPDATE, {"i": {"id": target, "city": "Graz"}})
        assert [e["code"] for e in answer.json["data"]["updateCustomer"]["userErrors"]] == ["NOT_FOUND"]
    assert await acting.left() == before

    mail = f"new.{role.lower()}@post.example".replace("_", "-")
    asked = {"id": id_, "city": "Graz", "email": mail, "name": f"{COMPANY} & Co"}
    done = (await acting.ask(role, UPDATE, {"i": asked})).data["updateCustomer"]
    assert (done["userErrors"], done["customer"]["city"]) == ([], "Graz")
    waits = {one["field"]: one for one in done["pendingChanges"]}
    assert {name: one["waitsFor"] for name, one in waits.items()} == {"email": "VERIFICATION", "name": "APPROVAL"}
    request = await acting.admin.fetchrow(
        "SELECT * FROM change_requests WHERE id = $1", decode(waits["email"]["id"])[1]
    )
    assert (request["customer_id"], request["requested_by_id"]) == (whom, acting.me["id"])
    [text] = await acting.people.mails(mail)
    code = next(line.strip() for line in text.splitlines() if line.startswith("    "))
    verify = "mutation ($i: VerifyChangeInput!) { verifyChange(input: $i) { userErrors { code } } }"
    given = {"i": {"id": waits["email"]["id"], "code": code}}
    unseen = await acting.ask(None, verify, given)
    assert [e["code"] for e in unseen.json["data"]["verifyChange"]["userErrors"]] == ["NOT_FOUND"]
    assert (await acting.ask(role, verify, given)).data["verifyChange"]["userErrors"] == []
    assert await acting.admin.fetchval("SELECT email FROM customers WHERE id = $1", whom) == mail
    address = await acting.admin.fetchval("SELECT id FROM addresses WHERE customer_id = $1 ORDER BY id LIMIT 1", whom)
    street = await acting.ask(role, ADDRESS, {"i": {"id": f"adr_{address.hex}", "street": "Neue Gasse 1"}})
    assert street.json["data"]["updateAddress"] == {"address": {"street": "Neue Gasse 1"}, "userErrors": []}

    name = await acting.admin.fetchval("SELECT name FROM customers WHERE id = $1", whom)
    entries = (await acting.api.as_("administrator")(AUDIT, {"id": id_})).data["auditEntries"]
    mine = [one for one in entries if one["actingForId"]]
    assert len(mine) >= 2
    assert {tuple(one.values()) for one in mine} == {
        ("update", f"usr_{acting.me['id'].hex}", acting.me["name"], "customer", id_, name)
    }
    history = await acting.admin.fetchval(
        "SELECT history_actor_id FROM customers_history WHERE id = $1 ORDER BY history_from DESC LIMIT 1", whom
    )
    assert history == acting.me["id"]
    # what one does as oneself is on record without
    await acting.ask(None, UPDATE, {"i": {"id": f"cus_{acting.me['customer_id'].hex}", "city": f"Ulm {role}"}})
    entries = (
        await acting.api.as_("administrator")(AUDIT, {"id": f"cus_{acting.me['customer_id'].hex}"})
    ).data["auditEntries"]  # fmt: skip
    assert entries[0]["userId"] == f"usr_{acting.me['id'].hex}"
    assert {one["actingForId"] for one in entries} == {None}


async def test_a_repeated_key_is_of_whom_one_acts_for(acting: Acting) -> None:
    given = {"id": acting.whom["PORTAL_ADMIN"], "city": "Wels", "idempotencyKey": "acting-1"}
    done = [(await acting.ask("PORTAL_ADMIN", UPDATE, {"i": given})).data["updateCustomer"] for _ in range(2)]
    assert done[0] == done[1]
    for header in ("ADULT", None):
        other = (await acting.ask(header, UPDATE, {"i": given})).json["data"]["updateCustomer"]
        assert (other["customer"], [e["code"] for e in other["userErrors"]]) == (None, ["IDEMPOTENCY_KEY_REUSED"])


async def test_a_cursor_is_of_whom_one_acts_for(acting: Acting) -> None:
    query = "query ($after: String) { orders(first: 1, after: $after) { pageInfo { endCursor } nodes { id } } }"
    cursor = (await acting.ask("PORTAL_USER", query)).data["orders"]["pageInfo"]["endCursor"]
    assert (await acting.ask("PORTAL_USER", query, {"after": cursor})).status == 200
    for header in ("PORTAL_ADMIN", None):
        assert (await acting.ask(header, query, {"after": cursor})).codes == ["CURSOR_INVALID"]


async def test_sessions_and_narrowed_keys_act_too(acting: Acting) -> None:
    world = acting.people.world
    scoped = await world.key(acting.me["id"], "only_orders", ["orders:read:internal"])
    offered = (await acting.ask(None, WHO, persona=scoped)).data["viewer"]["actsFor"]
    assert {(one["name"], one["kind"]) for one in offered} == {(None, None)}  # which it may not see of customers
    seen = (await acting.ask("PORTAL_USER", "{ orders { totalCount } }", persona=scoped)).data["orders"]["totalCount"]
    assert seen == (await acting.ask("PORTAL_USER", ORDERS)).data["orders"]["totalCount"] > 0
    assert (await acting.ask("PORTAL_USER", CUSTOMERS, persona=scoped)).codes == ["FIELD_ACCESS_DENIED"]
    customer = acting.api.people["customer"]
    async with acting.people.browser() as client:
        assert (await sign_in(client, customer["email"], customer["password"])).status_code == 303
        for role, id_ in acting.whom.items():
            headers = {"x-acting-for": id_, "sec-fetch-site": "same-origin", "origin": "http://localhost"}
            answer = await client.post("/graphql", json={"query": WHO}, headers=headers)
            assert answer.json()["data"]["viewer"]["actingFor"] == id_, role


async def _registered(acting: Acting, **more: Any) -> tuple[str, str]:
    """Client id and secret of a new app."""
    database = Database(acting.api.url, 1)
    wanted = Application("Shop", "orders", "client_secret_basic", ("*:read:internal",), **more)
    async with database.transaction(acting.people.organization, None, "test") as tx:
        client_id, secret = await registration.create(tx, acting.people.organization, wanted)
    await database.dispose()
    assert secret is not None
    return client_id, secret


async def test_an_app_acts_as_the_person_who_let_it_in_and_none_on_its_own(acting: Acting) -> None:
    """The consent page says so. One that works by itself acts for nobody, not even if its user is a customer."""
    callback, customer = "http://127.0.0.1:9999/cb", acting.api.people["customer"]
    client_id, secret = await _registered(acting, redirect_uris=(callback,))
    own_id, own_secret = await _registered(acting, user_id=acting.me["id"])
    verifier, challenge = pkce()
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": callback, "scope": "*:read:internal",
        "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    header = {"x-acting-for": acting.whom["PORTAL_USER"]}
    async with acting.people.browser() as browser:
        await sign_in(browser, customer["email"], customer["password"])
        shown = await browser.get("/oauth/authorize", params=asked)
        assert "for you and for the companies and households for which you may act" in shown.text
        [request] = re.findall(r'name="request" value="([^"]*)"', shown.text)
        agreed = {"form_token": form_token(shown), "request": request.replace("&amp;", "&"), "decision": "allow"}
        sent = (await browser.post("/oauth/consent", data=agreed)).headers["location"]
        [code] = parse_qs(urlsplit(sent).query)["code"]
        exchange = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": verifier,
        }
        token = (await browser.post("/oauth/token", data=exchange, auth=(client_id, secret))).json()["access_token"]
        alone = {"grant_type": "client_credentials", "scope": "*:read:internal"}
        own = (await browser.post("/oauth/token", data=alone, auth=(own_id, own_secret))).json()["access_token"]
    found = []
    for bearer in (token, own):
        headers = {"authorization": f"Bearer {bearer}", **header}
        found.append(await acting.api.request("POST", "/graphql", json={"query": WHO}, headers=headers))
    assert found[0].data["viewer"]["actingFor"] == acting.whom["PORTAL_USER"]
    assert (found[1].status, found[1].codes) == (403, ["ACTING_FOR_REFUSED"])
    headers = {"authorization": f"Bearer {own}"}
    alone_viewer = await acting.api.request("POST", "/graphql", json={"query": WHO}, headers=headers)
    assert alone_viewer.data["viewer"]["actsFor"] == []


async def test_refusals_are_counted(acting: Acting) -> None:
    await acting.ask("cus_" + "1" * 32, WHO)
    until = time.monotonic() + 10
    counted = "SELECT sum(times) FROM access_denials WHERE actor_id = $1 AND coordinate = 'X-Acting-For'"
    while not await acting.admin.fetchval(counted, acting.me["id"]):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
