"""Invitations over HTTP: who may send which, what a link is worth, and that nobody learns who else has an account."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.people.conftest import People, form_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "a long enough password"
REP = ["partner_rep"]


async def accept(people: People, link: str, **given: str) -> httpx.Response:
    """Open a link in a browser of its own and post its form."""
    async with people.browser() as client:
        form = await client.get(link)
        if form.status_code != 200:
            return form
        token = link.partition("token=")[2]
        data = {"form_token": form_token(form), "token": token, "name": "Zoé", "password": PASSWORD, **given}
        response = await client.post("/invitation", data=data)
        if response.status_code == 303:
            assert (await client.get("/account")).status_code == 200
        return response


async def test_a_partner_admin_invites_somebody_who_comes_in(people: People) -> None:
    email, admin = "zoe@rhone.example", await people.user("partner_admin")
    sent = await people.invite("partner_admin", email=email, roles=REP, name="Zoé Petit")
    assert sent["userErrors"] == []
    shown = sent["invitation"]
    assert (shown["state"], shown["roles"], shown["partnerId"]) == ("PENDING", REP, f"par_{admin['partner_id'].hex}")
    link = await people.link(email)
    token = link.partition("token=")[2]
    assert len(token) == 43
    for table in ("invitations", "audit_entries", "outbox_events"):  # the link is a secret: at rest only its hash
        rows = await people.admin.fetch(f"SELECT t::text AS text FROM {table} t")
        assert not any(token in row["text"] for row in rows)
    assert (await accept(people, link, password="short")).status_code == 422
    assert (await accept(people, link, name=" ")).status_code == 422
    assert (await accept(people, link)).headers["location"] == "/account"
    user = await people.admin.fetchrow("SELECT * FROM users WHERE email = $1", email)
    assert (user["name"], user["roles"], user["partner_id"]) == ("Zoé", REP, admin["partner_id"])
    audit = await people.admin.fetchrow(
        "SELECT * FROM audit_entries WHERE row_id = $1 AND action = 'create'", user["id"]
    )
    assert (audit["action"], audit["actor_id"], audit["channel"]) == ("create", admin["id"], "invitation")
    before = await people.traces()
    assert (await accept(people, link)).status_code == 410  # once
    assert await people.traces() == before
    listed = (await people.api.as_("partner_admin")("{ invitations { id state userId } }")).data["invitations"]
    assert {"id": shown["id"], "state": "ACCEPTED", "userId": f"usr_{user['id'].hex}"} in listed


async def test_who_sent_an_invitation_is_told_to_who_sees_them(people: People) -> None:
    admin = await people.user("partner_admin")
    partner = f"par_{admin['partner_id'].hex}"
    sent = await people.invite("administrator", email="by.us@rhone.example", roles=REP, partner=partner)
    assert sent["userErrors"] == []
    asked = "{ invitations { id invitedBy partnerId } }"
    for persona, shown in (("administrator", await people.id_of("administrator")), ("partner_admin", None)):
        listed = (await people.api.as_(persona)(asked)).data["invitations"]
        assert {"id": sent["invitation"]["id"], "invitedBy": shown, "partnerId": partner} in listed
    own = await people.invite("partner_admin", email="by.them@rhone.example", roles=REP)
    listed = (await people.api.as_("partner_admin")(asked)).data["invitations"]
    assert {"id": own["invitation"]["id"], "invitedBy": f"usr_{admin['id'].hex}", "partnerId": partner} in listed


async def test_of_two_at_once_one_comes_in(people: People) -> None:
    await people.invite("partner_admin", email="twice@rhone.example", roles=REP)
    link = await people.link("twice@rhone.example")
    statuses = [r.status_code for r in await asyncio.gather(*(accept(people, link) for _ in range(3)))]
    assert sorted(statuses) == [303, 410, 410]
    assert await people.admin.fetchval("SELECT count(*) FROM users WHERE email = 'twice@rhone.example'") == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"roles": ["administrator"]}, "ROLE_NOT_ASSIGNABLE"),
        ({"roles": ["sales_rep"]}, "ROLE_NOT_ASSIGNABLE"),
        ({"roles": ["customer"]}, "ROLE_NOT_ASSIGNABLE"),
        ({"roles": ["no_such_role"]}, "ROLE_NOT_ASSIGNABLE"),
        ({"roles": []}, "VALUE_INVALID"),
        ({"email": "no address"}, "VALUE_INVALID"),
        ({"name": "x" * 101}, "VALUE_INVALID"),
        ({"name": "a\nb"}, "VALUE_INVALID"),
        ({"partner": "par_" + "0" * 32}, "REFERENCE_NOT_FOUND"),
        ({"partner": "cus_" + "0" * 32}, "REFERENCE_NOT_FOUND"),
    ],
)
async def test_what_a_partner_admin_may_not_ask_for(people: People, given: dict[str, Any], code: str) -> None:
    asked = {"email": "new@rhone.example", "roles": REP, **given}
    assert code in await people.codes("partner_admin", "inviteUser", **asked)


async def test_another_partner_is_one_that_does_not_exist(people: People) -> None:
    other = (await people.user("other_partner_rep"))["partner_id"]
    real, invented = [
        await people.codes("partner_admin", "inviteUser", email="new@rhone.example", roles=REP, partner=f"par_{row}")
        for row in (other.hex, "0" * 32)
    ]
    assert real == invented == ["REFERENCE_NOT_FOUND"]


@pytest.mark.parametrize("persona", ["partner_rep", "sales_manager", "sales_rep", "customer", "storefront"])
async def test_others_invite_nobody(people: People, persona: str) -> None:
    assert await people.codes(persona, "inviteUser", email="new@rhone.example", roles=REP) == ["WRITE_ACCESS_DENIED"]
    answer = await people.api.as_(persona)("{ invitations { email } }")
    assert answer.codes == ["FIELD_ACCESS_DENIED"]


async def test_who_is_known_elsewhere_is_invited_like_anybody(people: People) -> None:
    """The same answer, as many mails and rows; the mail alone says that there is an account, and has no link."""
    staff, other = await people.user("sales_rep"), await people.user("other_partner_rep")
    seen = []
    for email in (staff["email"], other["email"], "nobody@elsewhere.example"):
        before = await people.traces()
        answer = await people.invite("partner_admin", email=email, roles=REP)
        after = await people.traces()
        changed = {t: after[t] - before[t] for t in before if t != "people" and after[t] != before[t]}
        seen.append((answer["userErrors"], answer["invitation"]["state"], changed))
        token = "/invitation?token=" in (await people.mails(email))[-1]
        assert token == (email == "nobody@elsewhere.example")
    assert seen[0] == seen[1] == seen[2]
    own = (await people.user("partner_rep"))["email"]
    assert await people.codes("partner_admin", "inviteUser", email=own.upper(), roles=REP) == ["KEY_TAKEN"]
    assert await people.codes("administrator", "inviteUser", email=staff["email"], roles=["sales_rep"]) == ["KEY_TAKEN"]


async def test_a_link_ends_when_it_is_replaced_withdrawn_too_old_or_its_sender_may_no_more(people: People) -> None:
    email = "late@rhone.example"
    await people.invite("partner_admin", email=email, roles=REP)
    first = await people.link(email)
    second_id = (await people.invite("partner_admin", email=email.upper(), roles=REP))["invitation"]["id"]
    second = await people.link(email.upper())
    assert (await accept(people, first)).status_code == 410
    for persona in ("other_partner_rep", "sales_manager"):
        assert await people.codes(persona, "withdrawInvitation", invitation=second_id) == ["WRITE_ACCESS_DENIED"]
    assert await people.codes("partner_admin", "withdrawInvitation", invitation="inv_" + "0" * 32) == ["NOT_FOUND"]
    assert await people.codes("partner_admin", "withdrawInvitation", invitation=second_id) == []
    assert await people.codes("partner_admin", "withdrawInvitation", invitation=second_id) == ["INVITATION_NOT_PENDING"]
    assert (await accept(people, second)).status_code == 410
    await people.invite("partner_admin", email=email, roles=REP)
    third = await people.link(email)
    for spoil, mend in (
        ("UPDATE invitations SET expires_at = now() WHERE state = 'PENDING'",
         "UPDATE invitations SET expires_at = now() + interval '1 day' WHERE state = 'PENDING'"),
        ("UPDATE users SET status = 'SUSPENDED' WHERE name = 'Luc Morel'",
         "UPDATE users SET status = 'ACTIVE' WHERE name = 'Luc Morel'"),
        ("UPDATE users SET roles = '{partner_rep}' WHERE name = 'Luc Morel'",
         "UPDATE users SET roles = '{partner_admin}' WHERE name = 'Luc Morel'"),
    ):  # fmt: skip
        await people.admin.execute(spoil)
        before = await people.traces()
        assert (await accept(people, third)).status_code == 410
        assert await people.traces() == before
        await people.admin.execute(mend)
    assert (await accept(people, third)).status_code == 303


async def test_what_is_wrong_with_a_link_is_not_told(people: People) -> None:
    async with people.browser(address="203.0.113.50") as client:
        texts = {(await client.get(f"/invitation?token={t}")).text for t in ("", "x" * 43, "x" * 5000, "%00", "é")}
    assert len(texts) == 1
    async with people.browser(address="203.0.113.51") as client:
        statuses = [(await client.get(f"/invitation?token={n}")).status_code for n in range(25)]
    assert statuses[0] == 410
    assert statuses[-1] == 429


async def test_a_form_of_another_site_does_not_count(people: People) -> None:
    await people.invite("partner_admin", email="forged@rhone.example", roles=REP)
    link = await people.link("forged@rhone.example")
    token = link.partition("token=")[2]
    before = await people.traces()
    async with people.browser() as client:
        data = {"form_token": "0" * 64, "token": token, "name": "Z", "password": PASSWORD}
        assert (await client.post("/invitation", data=data)).status_code == 403
        good = form_token(await client.get(link))
        cross = await client.post(
            "/invitation", data={**data, "form_token": good}, headers={"sec-fetch-site": "cross-site"}
        )
        assert cross.status_code == 403
    assert await people.traces() == before


async def test_administrators_invite_anybody(people: People) -> None:
    partner = (await people.user("partner_rep"))["partner_id"]
    sent = await people.invite("administrator", email="agent@helvara.example", roles=["service_agent"])
    assert (sent["userErrors"], sent["invitation"]["partnerId"]) == ([], None)
    sent = await people.invite("administrator", email="rep@rhone.example", roles=REP, partner=f"par_{partner.hex}")
    assert sent["invitation"]["partnerId"] == f"par_{partner.hex}"
    wrong = await people.codes("administrator", "inviteUser", email="x@helvara.example", roles=REP)
    assert wrong == ["ROLE_NOT_ASSIGNABLE"]  # a role of partners' people
    assert (await accept(people, await people.link("agent@helvara.example"))).status_code == 303


async def test_one_address_gets_so_many_mails_and_one_sender_sends_so_many(people: People) -> None:
    email = "often@rhone.example"
    for _ in range(7):
        assert (await people.invite("partner_admin", email=email, roles=REP))["userErrors"] == []
    assert len(await people.mails(email)) == 5
    await people.admin.execute(
        "INSERT INTO invitations (organization_id, id, email, name, roles, partner_id, invited_by, token_hash, expires_at)"
        " SELECT organization_id, gen_random_uuid(), 'x@y.example', '', '{}', partner_id, id, sha256(n::text::bytea),"
        " now() FROM users, generate_series(1, 100) n WHERE name = 'Luc Morel' AND organization_id = $1",
        people.organization,
    )
    assert await people.codes("partner_admin", "inviteUser", email="a@b.example", roles=REP) == ["TOO_MANY_INVITATIONS"]
    await people.admin.execute("DELETE FROM invitations WHERE email = 'x@y.example'")


async def test_a_repeated_request_invites_once(people: People) -> None:
    given = {"email": "again@rhone.example", "roles": REP, "idempotencyKey": "invite-1"}
    first, second = [await people.invite("partner_admin", **given) for _ in range(2)]
    assert first["invitation"]["id"] == second["invitation"]["id"]
    assert len(await people.mails("again@rhone.example")) == 1
