"""A share that is over, and a partner's user who is suspended: nothing is seen any more by any way, on no process.

Two applications on one database stand for two processes. All shares end at one moment that passes, with no worker
running; then every way is asked by which any of what they showed was seen before.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.auth.conftest import sign_in
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo
from tests.partners.conftest import ONE, Trade

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHIN = 5.0
MARK = "Zqx"
"""In every name of what the shares show, and in nothing else."""
LISTS = {
    "customers": "name id contacts(first: 3) { nodes { name } } addresses(first: 3) { nodes { street } }",
    "contacts": "name customer { id name }",
    "addresses": "street",
    "keyAccounts": "id strategy customer { name } plans(first: 3) { nodes { title } }",
    "keyAccountPlans": "title goals(first: 3) { nodes { title } } tactics(first: 3) { nodes { title } }",
    "goals": "title",
    "tactics": "title",
    "opportunities": "name customer { name } lines(first: 3) { totalCount }",
    "tickets": "subject customer { name }",
    "dealRegistrations": "customerName customer { name }",
    "customerShares": "customer { id name }",
    "partnerActivities": "subject customer { id name }",
    "partnerCoverages": "name customerShares(first: 5) { nodes { customer { name } } }",
    "orders": "number customer { name }",
}
FOUND = {"name": {"startsWith": MARK}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def processes(trade: Trade, small_demo_template: Demo) -> AsyncIterator[list[Api]]:
    async with running(trade.url, small_demo_template.data_dir, small_demo_template.personas) as another:
        yield [trade.api, another]


class Shared:
    """What is shared with the partner, in each way there is, and the requests that show it."""

    def __init__(self, trade: Trade) -> None:
        self.trade, self.shares = trade, dict[str, str]()
        self.customers: list[str] = []
        self.ids: list[str] = []

    async def make(self, *arguments: str, **values: object) -> str:
        return await self.trade.made("administrator", *arguments, **values)

    async def customer(self, name: str, **values: object) -> str:
        created = await self.make(
            "createCustomer", "customer { id }", name=f"{MARK} {name}", kind="ORGANIZATION", **values
        )
        given: dict[str, object] = {"customerId": created}
        contact = await self.make("createContact", "contact { id }", name=f"{MARK} Contact", **given)
        address = await self.make("createAddress", "address { id }", street=f"{MARK} Street", **given)
        self.ids += [created, contact, address]
        self.customers.append(created)
        return created

    async def share(self, kind: str, **values: object) -> None:
        node = kind[0].lower() + kind[1:]
        self.shares[kind] = await self.make(f"create{kind}", f"{node} {{ id }}", level="INTERNAL", **values)

    async def build(self) -> None:
        partner = await self.trade.partner(ONE)
        by_hand = await self.customer("by hand")
        territory = await self.make("createTerritory", "territory { id }", name="Atlantis")
        await self.customer("by coverage", territoryId=territory)
        of_account, of_sale = await self.customer("of an account"), await self.customer("of a sale")
        await self.share("CustomerShare", customerId=by_hand, partnerId=partner)
        await self.share("PartnerCoverage", name="Of Atlantis", territoryId=territory, partnerId=partner)
        account = await self.make(
            "createKeyAccount", "keyAccount { id }", customerId=of_account, strategy=f"{MARK} strategy"
        )
        plan = await self.make("createKeyAccountPlan", "keyAccountPlan { id }", keyAccountId=account, title=f"{MARK} plan",
                               startsOn="2026-01-01", endsOn="2027-12-31")  # fmt: skip
        goal = await self.make(
            "createGoal", "goal { id }", planId=plan, title=f"{MARK} goal", metric="TICKETS", target="3"
        )
        tactic = await self.make("createTactic", "tactic { id }", planId=plan, title=f"{MARK} tactic")
        await self.share("KeyAccountShare", keyAccountId=account, partnerId=partner)
        sale = await self.make("createOpportunity", "opportunity { id }", customerId=of_sale, name=f"{MARK} sale")
        await self.share("OpportunityShare", opportunityId=sale, partnerId=partner)
        self.ids += [account, plan, goal, tactic, sale]
        # what is the partner's own stays its own; whom it is about shows no more
        await self.make(
            "createOpportunity", "opportunity { id }", customerId=by_hand, name="Own sale", partnerId=partner
        )
        for customer in self.customers[:2]:
            about = {"customerId": customer, "subject": "Own"}
            await self.trade.made(ONE, "openTicket", "ticket { id }", body="Own.", **about)
            await self.trade.made(ONE, "recordPartnerActivity", "partnerActivity { id }", **about)

    def requests(self) -> dict[str, tuple[str, dict[str, object]]]:
        """By name of the way; each answer names something of what is shared, or counts it."""
        ways: dict[str, tuple[str, dict[str, object]]] = {
            f"list {name}": (f"{{ {name}(first: 200, orderBy: [{{createdAt: DESC}}]) {{ nodes {{ {shown} }} }} }}", {})
            for name, shown in LISTS.items()
            if name not in ("dealRegistrations", "partnerCoverages", "orders")
        }
        node = (
            "... on Customer { name } ... on Contact { name } ... on Address { street } ... on KeyAccount { strategy }"
        )
        node += (
            " ... on KeyAccountPlan { title } ... on Goal { title } ... on Tactic { title } ... on Opportunity { name }"
        )
        ways |= {
            f"node {i[:3]} {n}": (f"query ($id: ID!) {{ node(id: $id) {{ {node} }} }}", {"id": i})
            for n, i in enumerate(self._seen())
        }
        filtered = "query ($f: CustomerFilter) { %s }"
        ways |= {
            "nodes": (f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {node} }} }}", {"ids": self.ids}),
            "by id": ("query ($id: ID!) { customer(id: $id) { name email } }", {"id": self.customers[1]}),
            "filter": (filtered % "customers(first: 9, filter: $f) { nodes { name } }", {"f": FOUND}),
            "search": (f'{{ customers(first: 9, search: "{MARK}") {{ nodes {{ name }} }} }}', {}),
            "search contacts": (f'{{ contacts(first: 9, search: "{MARK}") {{ nodes {{ name }} }} }}', {}),
            "group": (filtered % "customerAggregate(filter: $f, groupBy: [{name: VALUE}]) { groups { key { name } count } }", {"f": FOUND}),
            "relation filter": ("query ($f: CustomerFilter) { tickets(first: 9, filter: {customer: $f}) { nodes { customer { name } } } }", {"f": FOUND}),
            "own sale": ('{ opportunities(first: 9, filter: {name: {eq: "Own sale"}}) { nodes { customer { name } } } }', {}),
            "explain": ('query ($id: ID!) { explainAccess(node: $id, field: "name") { shown } }', {"id": self.customers[0]}),
        }  # fmt: skip
        return ways

    def _seen(self) -> list[str]:
        """Ids that are shared: of the customers of the sale and the account only these are."""
        shared = set(self.customers[:2])
        parts = [i for n, i in enumerate(self.ids[:12]) if self.ids[n - n % 3] in shared]
        return parts + self.ids[12:]

    COUNTS = (
        ("count", "query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }", {"f": FOUND}),
        ("aggregate", "query ($f: CustomerFilter) { customerAggregate(filter: $f) { groups { count } } }", {"f": FOUND}),
        ("count of a relation", "query ($f: CustomerFilter) { tickets(filter: {customer: $f}) { totalCount } }", {"f": FOUND}),
    )  # fmt: skip


def counted(answer: Any) -> int:
    (found,) = answer.data.values()
    return int(found["totalCount"] if "totalCount" in found else sum(group["count"] for group in found["groups"]))


async def test_a_share_that_is_over_stops_every_way_everywhere(trade: Trade, processes: list[Api]) -> None:
    shared = Shared(trade)
    await shared.build()
    page = f'query ($after: String) {{ customers(first: 1, after: $after, orderBy: [{{name: ASC}}], search: "{MARK}") {{ nodes {{ name }} pageInfo {{ endCursor }} }} }}'
    opened = {
        "customerId": shared.customers[0],
        "subject": "Again",
        "body": "Again.",
        "idempotencyKey": "before it ended",
    }
    again = "mutation ($i: OpenTicketInput!) { openTicket(input: $i) { ticket { id customer { name } } userErrors { code } } }"
    for api in processes:  # each of them has plans, documents and the caller at hand
        ask = api.as_(ONE)
        for way, (query, variables) in shared.requests().items():
            answer = await ask(query, variables)
            told = "VALUE" if way == "explain" else MARK
            assert told in answer.body.decode(), (way, answer.body)
        for way, query, variables in shared.COUNTS:
            assert counted(await ask(query, variables)) >= 2, way
        assert MARK in (await ask(again, {"i": opened})).body.decode()
    cursor = (await processes[0].as_(ONE)(page)).data["customers"]["pageInfo"]["endCursor"]
    assert MARK in (await processes[0].as_(ONE)(page, {"after": cursor})).body.decode()

    ends = await trade.connection.fetchval("SELECT now() + interval '1 second'")
    for kind, node in shared.shares.items():
        await shared.make(
            f"update{kind}", f"{kind[0].lower() + kind[1:]} {{ id }}", id=node, validUntil=ends.isoformat()
        )
    while await trade.connection.fetchval("SELECT clock_timestamp() <= $1", ends):
        await asyncio.sleep(0.05)

    for api in reversed(processes):
        ask = api.as_(ONE)
        for way, (query, variables) in shared.requests().items():
            answer = await ask(query, variables)
            assert answer.status == 200
            assert MARK not in answer.body.decode().replace(f'"{MARK}"', ""), (way, answer.body)
            assert "VALUE" not in answer.body.decode(), way
        for way, query, variables in shared.COUNTS:
            assert counted(await ask(query, variables)) == 0, way
        for after in (None, cursor):  # made before: it leads to nothing, or is none any more
            assert MARK not in (await ask(page, {"after": after})).body.decode()
        replayed = (await ask(again, {"i": opened})).data["openTicket"]
        assert MARK not in str(replayed)  # the ticket that it made then is the partner's own, its customer is not
        anew = {**opened, "idempotencyKey": f"after {id(api)}", "subject": "New"}
        assert [e["code"] for e in (await ask(again, {"i": anew})).data["openTicket"]["userErrors"]] == [
            "REFERENCE_NOT_FOUND"
        ]
        for name, shown in LISTS.items():
            assert MARK not in (await ask(f"{{ {name}(first: 200) {{ nodes {{ {shown} }} }} }}")).body.decode(), name


ADMIN = "partner_admin"
WHO = "{ customers(first: 1) { totalCount } }"


async def with_a_file(trade: Trade) -> str:
    """Attach a file to a message of the partner's, and begin to attach another: the link to send that to."""
    customers = await trade.ask(ADMIN, "{ customers(first: 1) { nodes { id } } }")
    given = {
        "customerId": customers.data["customers"]["nodes"][0]["id"],
        "subject": "With a file",
        "body": "See there.",
    }
    found, _ = await trade.send(ADMIN, "openTicket", "ticket { messages(first: 1) { nodes { id } } }", **given)
    message = found["messages"]["nodes"][0]["id"]
    begin = "mutation ($i: AddMessageAttachmentInput!) { addMessageAttachment(input: $i) { uploadUrl } }"
    urls = [
        (await trade.ask(ADMIN, begin, i={"id": message, "name": name})).data["addMessageAttachment"]["uploadUrl"]
        for name in ("a.txt", "late.txt")
    ]
    assert (await trade.api.request("POST", urls[0], content=b"what is in it")).status == 201
    late: str = urls[1]
    return late


async def test_a_suspended_partner_user_stops_everywhere(trade: Trade, processes: list[Api]) -> None:
    """Key, session, password and links to files, on each process; all of it remembered there a moment before."""
    person = trade.api.people[ADMIN]
    user = await trade.connection.fetchval("SELECT id FROM users WHERE email = $1", person["email"])
    browsers = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app=api.app), base_url="http://localhost") for api in processes
    ]
    try:
        cookies = []
        for client in browsers:
            assert (await sign_in(client, person["email"], person["password"])).status_code == 303
            cookies.append("; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar))
        upload = await with_a_file(trade)
        links = "{ messageAttachments(first: 1) { nodes { downloadUrl } } }"
        paths = [node["downloadUrl"] for node in (await trade.ask(ADMIN, links)).data["messageAttachments"]["nodes"]]
        assert paths

        async def answers() -> list[int]:
            """What each way answers: 200 while it works."""
            said = []
            for api, client, cookie in zip(processes, browsers, cookies, strict=True):
                said.append((await api.as_(ADMIN)(WHO)).status)
                client.cookies.clear()  # it says its cookie again and again, also where it was told to drop it
                own = {"sec-fetch-site": "same-origin", "cookie": cookie}
                said.append((await client.post("/graphql", json={"query": WHO}, headers=own)).status_code)
                said.append((await client.get("/account", headers=own)).status_code)
                said += [(await api.request("GET", path)).status for path in paths]
            return said

        assert (await trade.ask(ADMIN, WHO)).data["customers"]["totalCount"] > 0
        assert set(await answers()) == {200}
        await trade.made("administrator", "suspendUser", "user { id }", id=f"usr_{user.hex}")
        deadline = time.monotonic() + WITHIN
        while 200 in (said := await answers()):
            assert time.monotonic() < deadline, said
        assert set(said) <= {401, 303, 410}, said  # refused, sent to sign in, and a link that is over
        for api, client in zip(processes, browsers, strict=True):
            assert (await api.request("POST", upload, content=b"late")).status == 410
            assert (await sign_in(client, person["email"], person["password"])).status_code != 303
    finally:
        await trade.made("administrator", "reactivateUser", "user { id }", id=f"usr_{user.hex}")
        for client in browsers:
            await client.aclose()
