"""Files of proposals, over HTTP: how they come in, who reads them, and when a link is over."""

import asyncio
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from crm_graph.auth.oauth.access_token import AccessToken, kept
from crm_graph.db.ids import uuid7
from tests.resolvers.proposals.conftest import World, row_id
from tests.resolvers.proposals.test_page import browser, link_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = "id status attachments(orderBy: [{name: ASC}]) { nodes { id name public mediaType size downloadUrl addedBy { id } } }"
PDF = b"%PDF-1.7 and the rest"


async def begun(world: World, proposal: str, name: str, *, by: str = "sales_manager", **given: object) -> Any:
    """What `addProposalAttachment` answers."""
    answer = await world.api.as_(by)(
        "mutation ($i: AddProposalAttachmentInput!) { addProposalAttachment(input: $i) { uploadUrl userErrors { code } } }",
        {"i": {"id": proposal, "name": name, **given}},
    )
    return answer.data["addProposalAttachment"]


async def sent_file(world: World, proposal: str, name: str, content: bytes, **given: object) -> Any:
    url = (await begun(world, proposal, name, **given))["uploadUrl"]
    return await world.api.request("POST", url, content=content)


async def files(world: World, proposal: str, by: str = "sales_manager") -> list[Any]:
    seen = await world.seen(proposal, by=by, shown=FILES)
    nodes: list[Any] = seen["attachments"]["nodes"]
    return nodes


async def stored(world: World) -> list[int]:
    tables = ("file_contents", "proposal_attachments", "proposal_attachments_history", "audit_entries", "outbox_events")
    return [await world.value(f"SELECT count(*) FROM {table}") for table in tables]


async def test_a_file_goes_in_once_comes_out_and_is_frozen_with_its_version(world: World) -> None:
    proposal = (await world.draft())["id"]
    url = (await begun(world, proposal, "Data sheet.pdf", public=True))["uploadUrl"]
    answer = await world.api.request("POST", url, content=PDF)
    assert (answer.status, answer.json["userErrors"]) == (201, [])
    again = await world.api.request("POST", url, content=b"%PDF- another")
    assert (again.status, again.json["userErrors"][0]["code"]) == (409, "KEY_TAKEN")
    assert (await sent_file(world, proposal, "costs.csv", b"a;b\n")).status == 201
    ours, sheet = await files(world, proposal)
    assert (ours["name"], ours["public"], ours["mediaType"]) == ("costs.csv", False, "text/csv")
    assert (sheet["id"], sheet["size"], sheet["mediaType"]) == (answer.json["id"], len(PDF), "application/pdf")
    assert "proposal_attachment.created" in await world.events(sheet["id"])
    found = await world.api.request("GET", sheet["downloadUrl"])
    assert (found.status, found.body) == (200, PDF)
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"].startswith('attachment; filename="Data sheet.pdf"')

    late = (await begun(world, proposal, "late.txt"))["uploadUrl"]
    await world.done("submitProposal", {"id": proposal})
    before = await stored(world)
    refused = await world.api.request("POST", late, content=b"too late")
    assert (refused.status, refused.json["userErrors"][0]["code"]) == (409, "STATE_REFUSED")
    assert (await begun(world, proposal, "x.txt"))["userErrors"] == [{"code": "STATE_REFUSED"}]
    await world.refused("removeProposalAttachment", {"id": proposal, "attachmentId": sheet["id"]}, "STATE_REFUSED")
    marked = {"id": proposal, "attachmentId": ours["id"], "public": True}
    await world.refused("markProposalAttachment", marked, "STATE_REFUSED")
    assert await stored(world) == before

    second = (await world.done("reviseProposal", {"id": proposal}))["id"]
    copies = await files(world, second)
    assert [one["name"] for one in copies] == ["costs.csv", "Data sheet.pdf"]
    assert (
        await world.value("SELECT count(DISTINCT content_id) FROM proposal_attachments WHERE name = 'costs.csv'") == 1
    )
    await world.done("removeProposalAttachment", {"id": second, "attachmentId": copies[0]["id"]})
    await world.done("markProposalAttachment", {"id": second, "attachmentId": copies[1]["id"], "public": False})
    assert [(one["name"], one["public"]) for one in await files(world, second)] == [("Data sheet.pdf", False)]
    assert [(one["name"], one["public"]) for one in await files(world, proposal)][1] == ("Data sheet.pdf", True)
    assert (await world.api.request("GET", copies[0]["downloadUrl"])).status == 410, "what is removed is gone"


async def test_the_addressee_gets_what_is_marked_and_nothing_else(world: World) -> None:
    """EspoCRM #2152: an internal file of a record that a customer sees."""
    proposal = (await world.draft())["id"]
    assert (await sent_file(world, proposal, "für Sie.txt", b"for you", public=True)).status == 201
    assert (await sent_file(world, proposal, "margin.csv", b"for us")).status == 201
    internal = (await files(world, proposal))[1]
    assert internal["name"] == "margin.csv"
    await world.done("submitProposal", {"id": proposal})
    await world.done("sendProposal", {"id": proposal})
    (mine,) = await files(world, proposal, "customer")
    found = await world.api.request("GET", mine["downloadUrl"])
    assert (found.status, found.body, mine["addedBy"]) == (200, b"for you", None)
    assert unquote(found.headers["content-disposition"].partition("UTF-8''")[2]) == "für Sie.txt"
    answer = await world.api.as_("customer")(
        "query ($i: ID!) { node(id: $i) { ... on ProposalAttachment { name downloadUrl } } }", {"i": internal["id"]}
    )
    assert answer.data["node"] is None
    for stolen in (
        mine["downloadUrl"].replace(mine["id"], internal["id"]),
        internal["downloadUrl"].replace(internal["id"], mine["id"]),
        mine["downloadUrl"][:-1] + ("0" if mine["downloadUrl"][-1] != "0" else "1"),
        mine["downloadUrl"].rpartition(".")[0],
        f"/files/{proposal}/{mine['downloadUrl'].rpartition('/')[2]}",
    ):
        refused = await world.api.request("GET", stolen)
        assert (refused.status, b"for us" in refused.body) == (410, False), stolen

    link = await link_of(world, proposal)
    other = await world.sent()
    async with browser(world) as client:
        page = (await client.get(link)).text
        assert "für Sie.txt" in page
        assert "margin.csv" not in page
        served = await client.get(f"{link}/files/{mine['id']}")
        assert (served.status_code, served.content) == (200, b"for you")
        assert served.headers["content-disposition"].startswith("attachment")
        assert (await client.get(f"{link}/files/{internal['id']}")).status_code == 410
        elsewhere = await link_of(world, other["id"])
        assert (await client.get(f"{elsewhere}/files/{mine['id']}")).status_code == 410


async def test_names_and_contents_that_mean_no_good(world: World) -> None:
    proposal = (await world.draft())["id"]
    named = {
        "../../etc/passwd": "passwd",
        "C:\\Users\\ada\\offer.txt": "offer.txt",
        "a\u202efdp.exe": "afdp.exe",
        'q"uo\x07te.txt': "q_uote.txt",
        "page.html": "page.html",
        "picture.svg": "picture.svg",
    }
    for given in named:
        assert (await sent_file(world, proposal, given, b"<script>alert(1)</script>")).status == 201, given
    found = {one["name"]: one for one in await files(world, proposal)}
    assert set(found) == set(named.values())
    for name in ("page.html", "picture.svg", "afdp.exe"):
        served = await world.api.request("GET", found[name]["downloadUrl"])
        assert served.headers["content-type"] == "application/octet-stream"
        assert served.headers["content-disposition"].startswith("attachment")
    for name in ("", " . ", "/", "n" * 201):
        assert (await begun(world, proposal, name))["userErrors"] == [{"code": "VALUE_INVALID"}], name
    before = await stored(world)
    for name, content, status, code in (
        ("a.pdf", b"<html>", 422, "FILE_REFUSED"),
        ("a.png", PDF, 422, "FILE_REFUSED"),
        ("a.txt", b"\x00\x01", 422, "FILE_REFUSED"),
        ("a.txt", b"", 422, "FILE_REFUSED"),
        ("a.bin", b"x" * 10_000_001, 413, "BODY_TOO_LARGE"),
    ):
        refused = await sent_file(world, proposal, name, content)
        assert (refused.status, refused.codes) == (status, [code]), name
    for path in ("/files/nothing", f"/files/{'A' * 9_000}", found["page.html"]["downloadUrl"].rpartition("/")[2]):
        refused = await world.api.request("POST", path if path.startswith("/") else f"/files/{path}", content=b"x")
        assert (refused.status, refused.codes) == (410, ["LINK_OVER"])
    assert await stored(world) == before


async def test_a_link_ends_with_what_its_reader_may_see(world: World) -> None:
    """What the reader of a link loses, the link loses: a share that expires, a key that is revoked."""
    proposal = (await world.draft())["id"]
    assert (await sent_file(world, proposal, "plan.txt", b"the plan")).status == 201
    rep = await world.value("SELECT id FROM users WHERE name = $1", world.api.people["sales_rep"]["name"])
    connection, row = world.connection, row_id(proposal)
    opportunity = await world.value(
        "SELECT id FROM opportunities WHERE organization_id = $1 AND owner_id <> $2"
        " AND team_id IS DISTINCT FROM (SELECT team_id FROM users WHERE id = $2) LIMIT 1",
        world.organization,
        rep,
    )
    await connection.execute("UPDATE proposals SET opportunity_id = $2 WHERE id = $1", row, opportunity)
    assert await world.seen(proposal, by="sales_rep", shown=FILES) is None
    share = uuid7()
    await connection.execute(
        "INSERT INTO opportunity_shares (organization_id, id, version, created_at, updated_at, opportunity_id, user_id,"
        " level, valid_from, valid_until) VALUES ($1, $2, 1, now(), now(), $3, $4, 'CONFIDENTIAL',"
        " now() - interval '1 day', now() + interval '1 day')",
        world.organization, share, opportunity, rep,
    )  # fmt: skip
    (shared,) = await files(world, proposal, "sales_rep")
    assert (await world.api.request("GET", shared["downloadUrl"])).body == b"the plan"
    await connection.execute("UPDATE opportunity_shares SET valid_until = now() WHERE id = $1", share)
    assert (await world.api.request("GET", shared["downloadUrl"])).status == 410

    (ours,) = await files(world, proposal)
    late = (await begun(world, proposal, "late.txt"))["uploadUrl"]
    key = await world.value(
        "UPDATE api_keys SET revoked_at = now() WHERE organization_id = $1 AND revoked_at IS NULL AND user_id ="
        " (SELECT id FROM users WHERE name = $2 AND organization_id = $1) RETURNING id",
        world.organization, world.api.people["sales_manager"]["name"],
    )  # fmt: skip
    assert key is not None
    try:
        async with asyncio.timeout(5):
            while (await world.api.request("GET", ours["downloadUrl"])).status != 410:
                await asyncio.sleep(0.05)
        assert (await world.api.request("POST", late, content=b"x")).codes == ["LINK_OVER"]
    finally:
        await connection.execute("UPDATE api_keys SET revoked_at = NULL WHERE id = $1", key)
        async with asyncio.timeout(5):
            while (await world.api.as_("sales_manager")("{ __typename }")).status != 200:
                await asyncio.sleep(0.05)


async def test_what_is_kept_of_an_access_token_is_the_token() -> None:
    token = AccessToken("https://a.test", uuid7(), uuid7(), uuid7(), ("orders:read", "openid"), 1, 2)
    assert kept(orjson.loads(orjson.dumps(token))) == token


async def test_who_acts_for_somebody_reads_as_such_and_who_looks_as_somebody_gets_no_link(world: World) -> None:
    ask, manager = world.api.as_("customer"), world.api.as_("sales_manager")
    acts_for = (await ask("{ viewer { actsFor { id role } } }")).data["viewer"]["actsFor"]
    company = next(one["id"] for one in acts_for if one["role"] == "PORTAL_ADMIN")
    proposal = (await world.draft(customerId=company))["id"]
    assert (await sent_file(world, proposal, "plan.txt", b"the plan", public=True)).status == 201
    await world.done("submitProposal", {"id": proposal})
    await world.done("sendProposal", {"id": proposal})
    text, given = "query ($i: ID!) { proposal(id: $i) { attachments { nodes { name downloadUrl } } } }", {"i": proposal}
    assert (await ask(text, given)).data["proposal"] is None
    seen = (await ask(text, given, headers={"x-acting-for": company})).data["proposal"]
    (node,) = seen["attachments"]["nodes"]
    assert (await world.api.request("GET", node["downloadUrl"])).body == b"the plan"
    other = (await manager("{ viewer { userId } }")).data["viewer"]["userId"]
    looking = await world.api.as_("administrator")(text, given, headers={"x-view-as": other})
    (shown,) = looking.data["proposal"]["attachments"]["nodes"]
    assert (shown["name"], shown["downloadUrl"]) == ("plan.txt", None)


async def test_files_of_messages_are_read_as_the_message_is(world: World) -> None:
    """Internal messages' files are internal; who wrote nothing there attaches nothing; later than the day nobody does."""
    agent = await world.value("SELECT id FROM users WHERE name = $1", world.api.people["service_agent"]["name"])
    rows = await world.connection.fetch(
        "SELECT m.id, m.ticket_id FROM ticket_messages m JOIN tickets t ON t.id = m.ticket_id WHERE t.customer_id = $1"
        " AND m.author_id IS NOT NULL ORDER BY m.ticket_id, m.id LIMIT 3",
        row_id(world.customer),
    )
    assert len(rows) == 3
    tickets = {row["ticket_id"] for row in rows}  # open, whichever the demo has closed by this day
    await world.connection.execute(
        "UPDATE tickets SET status = 'OPEN', resolved_at = NULL, closed_at = NULL, merged_into_id = NULL WHERE id = ANY($1)",
        tickets,
    )
    for row, public, days in zip(rows, (True, False, True), (0, 0, 2), strict=True):
        await world.connection.execute(
            "UPDATE ticket_messages SET public = $2, author_id = $3, sent_at = now() - $4 * interval '1 day' WHERE id = $1",
            row["id"], public, agent, days,
        )  # fmt: skip
    public, internal, old = (f"msg_{row['id'].hex}" for row in rows)

    async def add(message: str, content: bytes, by: str = "service_agent") -> list[str]:
        answer = await world.api.as_(by)(
            "mutation ($i: AddMessageAttachmentInput!) { addMessageAttachment(input: $i) { uploadUrl userErrors { code } } }",
            {"i": {"id": message, "name": "photo.txt"}},
        )
        payload = answer.data["addMessageAttachment"]
        if payload["uploadUrl"]:
            assert (await world.api.request("POST", payload["uploadUrl"], content=content)).status == 201
        return [error["code"] for error in payload["userErrors"]]

    assert await add(public, b"for both") == await add(internal, b"among us") == []
    before = await stored(world)
    assert await add(old, b"late") == ["STATE_REFUSED"]
    assert await add(public, b"x", "customer") == ["WRITE_ACCESS_DENIED"]
    assert await add(internal, b"x", "customer") == ["NOT_FOUND"]
    assert await stored(world) == before
    text = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on TicketMessage { attachments(filter: {name: {eq: "photo.txt"}}) { nodes { id downloadUrl } } } } }'
    ours = (await world.api.as_("service_agent")(text, {"ids": [public, internal]})).data["nodes"]
    found = [(await world.api.request("GET", one["attachments"]["nodes"][0]["downloadUrl"])).body for one in ours]
    assert found == [b"for both", b"among us"]
    theirs = (await world.api.as_("customer")(text, {"ids": [public, internal]})).data["nodes"]
    assert theirs[1] is None
    (seen,) = theirs[0]["attachments"]["nodes"]
    assert (await world.api.request("GET", seen["downloadUrl"])).body == b"for both"
    hidden = ours[1]["attachments"]["nodes"][0]["id"]
    stolen = await world.api.request("GET", seen["downloadUrl"].replace(seen["id"], hidden))
    assert (stolen.status, b"among us" in stolen.body) == (410, False)
    await world.connection.execute("UPDATE ticket_messages SET public = FALSE WHERE id = $1", row_id(public))
    assert (await world.api.request("GET", seen["downloadUrl"])).status == 410, "what becomes internal is read no more"
