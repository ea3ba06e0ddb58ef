"""What is done about how somebody signs in is on record, in its transaction, for themselves and who manages people."""

import asyncio
import json
import re
from typing import Any

import pyotp
import pytest
from sqlalchemy.exc import IntegrityError

from crm_graph.db.ids import encode
from tests.auth.authenticator import Phone
from tests.auth.conftest import ADA, PASSWORD, post, sign_in
from tests.auth.oauth.conftest import ISSUER, Site
from tests.auth.passkeys import add
from tests.auth.second_step import SETUP, begin, forget_used_codes, step

AUDIT = """query ($node: ID!, $first: Int = 200) { auditEntries(node: $node, first: $first) {
  action userId userKind channel changes { field before after hidden } } }"""
NEW = "a longer password than before"


async def rows(site: Site) -> list[tuple[Any, ...]]:
    """The entries on Ada, oldest first: action, whether she is the actor, kind, channel, details."""
    found = await site.world.admin.fetch(
        "SELECT action, actor_id, actor_kind, channel, changes::text FROM audit_entries"
        " WHERE entity = 'User' AND row_id = $1 ORDER BY at, id",
        site.ada,
    )
    return [
        (r["action"], r["actor_id"] == site.ada, r["actor_kind"], r["channel"], {k: v[1] for k, v in json.loads(r[4]).items()})
        for r in found
    ]  # fmt: skip


async def test_each_act_leaves_an_entry_and_no_secret(site: Site) -> None:
    browser, secrets_told = site.browser, [PASSWORD, NEW]
    await site.world.admin.execute("DELETE FROM audit_entries")

    await post(browser, "/account", "/sign-out")
    await sign_in(browser)
    made = await post(
        browser, "/account", "/account/keys", name="Reports", days="30", narrow="yes", scopes="orders:read"
    )
    token = re.search(r"crm_[A-Za-z0-9_]{20,}", made.text)
    assert token
    key = await site.world.admin.fetchrow("SELECT id, prefix FROM api_keys WHERE name = 'Reports'")
    await post(browser, "/account", "/account/keys/revoke", id=str(key["id"]))
    await post(browser, "/account", "/account/keys/revoke", id=str(key["id"]))  # ended already: nothing more
    phone = Phone(ISSUER)
    assert (await add(browser, phone, "Pixel")).status_code == 303
    passkey = await site.world.admin.fetchval("SELECT id FROM passkeys")
    await post(browser, "/account/passkeys", "/account/passkeys/remove", id=str(passkey))
    app = pyotp.TOTP(await begin(browser))
    codes = (await post(browser, SETUP, f"{SETUP}/confirm", code=app.now())).text
    recovery = re.findall(r"<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</code>", codes)
    await post(browser, SETUP, f"{SETUP}/codes")
    await post(browser, SETUP, f"{SETUP}/off")
    portal = await site.register()
    tokens = await site.tokens(portal)
    await post(browser, "/account/apps", "/account/apps", id=portal.client_id)
    await post(browser, "/account/password", "/account/password", current=PASSWORD, password=NEW)
    await site.world.session(site.organization, site.ada)
    await post(browser, "/account", "/account/sessions/revoke-others")

    found = await rows(site)
    assert all(mine and kind == "staff" for _, mine, kind, _, _ in found)
    assert [(action, channel, details) for action, _, _, channel, details in found] == [
        ("sign_out", "sign_in", {}),
        ("sign_in", "sign_in", {"methods": "pwd", "browser": "an unknown browser"}),
        ("api_key_made", "account", {"name": "Reports", "prefix": key["prefix"], "scopes": "orders:read", "days": 30}),
        ("api_key_revoked", "account", {"name": "Reports", "prefix": key["prefix"]}),
        ("passkey_added", "account", {"name": "Pixel"}),
        ("passkey_removed", "account", {"name": "Pixel"}),
        ("recovery_codes_made", "account", {"codes": 10}),
        ("second_step_on", "account", {}),
        ("recovery_codes_made", "account", {"codes": 10}),
        ("second_step_off", "account", {}),
        ("app_connected", "oauth", {"app": "Portal", "scopes": found[10][4]["scopes"]}),
        ("app_disconnected", "account", {"app": "Portal"}),
        ("password_set", "account", {}),
        ("session_revoked", "account", {"sessions": 1}),
    ]
    assert "customers:read" in found[10][4]["scopes"]
    secrets_told += [token[0], app.secret, *recovery, tokens["access_token"], tokens["refresh_token"]]
    kept = json.dumps([details for *_, details in found])
    assert recovery
    assert not [secret for secret in secrets_told if secret in kept or secret.replace("-", "") in kept]


async def test_a_refusal_and_a_failed_transaction_leave_nothing(site: Site) -> None:
    await site.world.admin.execute("DELETE FROM audit_entries")
    await post(site.browser, "/account/password", "/account/password", current="wrong", password=NEW)
    await post(site.browser, "/account/password", "/account/password", current=PASSWORD, password="short")
    await post(site.browser, "/account", "/account/keys", name="", days="30", narrow="no")
    assert await rows(site) == []
    # the entry and the change go together: where the entry cannot be written, the password stays
    await site.world.admin.execute(
        "ALTER TABLE audit_entries ADD CONSTRAINT no_more CHECK (action <> 'password_set') NOT VALID"
    )
    try:
        before = await site.world.admin.fetchval("SELECT hash FROM credentials WHERE user_id = $1", site.ada)
        with pytest.raises(IntegrityError, match="no_more"):
            await post(site.browser, "/account/password", "/account/password", current=PASSWORD, password=NEW)
        assert await site.world.admin.fetchval("SELECT hash FROM credentials WHERE user_id = $1", site.ada) == before
    finally:
        await site.world.admin.execute("ALTER TABLE audit_entries DROP CONSTRAINT no_more")


async def test_failures_are_counted(site: Site) -> None:
    async with site.client() as stranger:
        for password in ("wrong one", "wrong two"):
            assert (await sign_in(stranger, password=password)).status_code == 422
        assert (await sign_in(stranger, email="nobody@acme.test", password="x")).status_code == 422
    await site.browser.get("/account")
    for _ in range(400):
        found = await site.world.admin.fetch("SELECT user_id, times FROM sign_in_failures")
        if found:
            break
        await asyncio.sleep(0.01)
    assert [tuple(row) for row in found] == [(site.ada, 2)], "one counter, and none for whom there is not"
    assert "sign_in_failed" not in {action for action, *_ in await rows(site)}


async def test_they_are_read_by_who_manages_people_and_by_oneself(site: Site) -> None:
    world, node = site.world, encode("usr", site.ada)
    await world.admin.execute(
        "INSERT INTO sign_in_failures (organization_id, id, user_id, hour, times, last_at)"
        " VALUES ($1, gen_random_uuid(), $2, date_trunc('hour', now()), 7, now())",
        site.organization, site.ada,
    )  # fmt: skip

    async def seen(role: str, user: Any = None, **more: object) -> Any:
        user = user or await world.user(site.organization, name=role, roles=[role])
        key = await world.key(site.organization, user)
        async with site.client() as client:
            body = {"query": AUDIT, "variables": {"node": node, **more}}
            answer = await client.post("/graphql", json=body, headers={"authorization": f"Bearer {key}"})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]["auditEntries"]

    entries = await seen("administrator")
    [failed] = [entry for entry in entries if entry["action"] == "sign_in_failed"]
    assert (failed["userId"], failed["userKind"], failed["channel"]) == (None, "storefront", "sign_in")
    assert {one["field"]: one["after"] for one in failed["changes"]}["times"] == "7"
    [came] = [entry for entry in entries if entry["action"] == "sign_in"]
    assert (came["userId"], came["userKind"]) == (node, "staff")
    assert {"field": "methods", "before": None, "after": "pwd", "hidden": False} in came["changes"]
    assert len(await seen("administrator", first=1)) == 1
    assert "sign_in" in {entry["action"] for entry in await seen("", site.ada)}, "Ada manages nobody, and is Ada"
    others = await seen("sales_manager")
    assert others is None or not {entry["action"] for entry in others} & {"sign_in", "sign_in_failed", "password_set"}


async def test_a_changed_address_is_on_record_like_any_field(site: Site) -> None:
    admin = await site.world.user(site.organization, name="Root", roles=["administrator"])
    key, node = await site.world.key(site.organization, admin), encode("usr", site.ada)
    update = 'mutation ($id: ID!) { updateUser(input: {id: $id, email: "ada@new.test"}) { userErrors { code } } }'
    async with site.client() as client:
        headers = {"authorization": f"Bearer {key}"}
        await client.post("/graphql", json={"query": update, "variables": {"id": node}}, headers=headers)
        answer = await client.post("/graphql", json={"query": AUDIT, "variables": {"node": node}}, headers=headers)
    [entry] = [e for e in answer.json()["data"]["auditEntries"] if e["action"] == "update"]
    assert entry["userId"] == encode("usr", admin)
    assert {"field": "email", "before": ADA, "after": "ada@new.test", "hidden": False} in entry["changes"]


async def test_the_second_step_and_a_reset_name_who_proved_it(site: Site) -> None:
    world, browser = site.world, site.browser
    app = pyotp.TOTP(await begin(browser))
    await post(browser, SETUP, f"{SETUP}/confirm", code=app.now())
    await forget_used_codes(world)
    await post(browser, "/account", "/sign-out")
    await world.admin.execute("DELETE FROM audit_entries")
    await sign_in(browser)
    assert await rows(site) == [], "half a sign-in is none"
    await step(browser, code=app.now())
    await post(browser, "/sign-in/forgotten", "/sign-in/forgotten", email=ADA)
    link = ""
    for _ in range(400):
        body = await world.admin.fetchval("SELECT body FROM outgoing_mails WHERE body LIKE '%/sign-in/reset?token=%'")
        if body:
            link = re.search(r"token=(\S+)", body)[1]
            break
        await asyncio.sleep(0.01)
    async with site.client() as elsewhere:
        await post(elsewhere, f"/sign-in/reset?token={link}", "/sign-in/reset", token=link, password=NEW)
    found = await rows(site)
    assert [(action, mine, channel) for action, mine, _, channel, _ in found] == [
        ("sign_in", True, "sign_in"),
        ("password_set", True, "sign_in"),
    ]
    assert found[0][4]["methods"] == "pwd, otp, mfa"
    assert link not in json.dumps([details for *_, details in found])
