"""Apps are asked for by mutation, work once they were reviewed, and every step is on record."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from crm_graph.auth import tokens
from tests.auth.oauth.conftest import CALLBACK, App, Site, arrived, pkce
from tests.auth.oauth.partners import APP, PORTAL, SERVICE, Partnership, partnership

UNKNOWN = "cli_" + "0" * 32


@pytest.fixture
async def acme(site: Site) -> Partnership:
    return await partnership(site)


async def own(site: Site, app: App, **more: str) -> Any:
    return (await site.token(app, grant_type="client_credentials", **more)).json()


async def names(acme: Partnership, token: str, arguments: str = "") -> list[str]:
    answer = await acme.ask(token, f"{{ apps{arguments} {APP} }}")
    assert "errors" not in answer, answer
    return [one["name"] for one in answer["data"]["apps"]]


async def test_an_app_works_nowhere_until_it_is_approved(acme: Partnership) -> None:
    site = acme.site
    made = await acme.register(acme.administrator, partnerId=None, scopes=["openid", "customers:read"])
    assert made["userErrors"] == []
    shown, secret = made["app"], made["secret"]
    assert (shown["status"], shown["proof"], shown["partnerId"]) == ("PENDING", "SECRET", None)
    assert shown["grantTypes"] == ["AUTHORIZATION_CODE", "REFRESH_TOKEN"]
    row = await site.world.admin.fetchrow("SELECT * FROM oauth_clients")
    assert row["secret_hash"] == tokens.digest(secret.encode())
    app = App(shown["id"], secret, CALLBACK)
    asking = app.asking(code_challenge=pkce()[1], scope="openid customers:read")
    assert (await site.authorize(asking)).status_code == 400
    refused = await site.token(app, grant_type="refresh_token", refresh_token="nothing")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    done = await acme.act(acme.administrator, "approveApp", id=app.client_id, note="Looks good")
    assert (done["app"]["status"], done["app"]["reviewNote"]) == ("ACTIVE", "Looks good")
    given = await site.tokens(app, scope="openid customers:read")
    assert await site.works(given["access_token"])
    assert (await acme.act(acme.administrator, "suspendApp", id=app.client_id))["app"]["status"] == "SUSPENDED"
    assert await site.ends(given["access_token"])
    assert (await site.authorize(asking)).status_code == 400
    assert (await acme.act(acme.administrator, "approveApp", id=app.client_id))["app"]["status"] == "ACTIVE"
    assert (await site.authorize(asking)).status_code in (200, 303)


async def test_every_step_is_on_record_without_anything_secret(acme: Partnership) -> None:
    client_id, app = await acme.registered(acme.partner_admin)
    secrets = [app.secret]
    entry, event = await acme.on_record("app.registered")
    assert (entry["action"], entry["actor_kind"], entry["channel"]) == ("create", "partner", "api")
    assert entry["request_id"]
    assert entry["changes"]["scopes"] == [None, PORTAL["scopes"]]
    assert event["payload"]["id"] in str(event["row_id"])
    for verb, type_, status in (
        ("approveApp", "app.approved", ["PENDING", "ACTIVE"]),
        ("suspendApp", "app.suspended", ["ACTIVE", "SUSPENDED"]),
    ):
        await acme.act(acme.administrator, verb, id=client_id)
        entry, _ = await acme.on_record(type_)
        assert (entry["action"], entry["actor_kind"], entry["changes"]["status"]) == ("update", "staff", status)
    secrets.append((await acme.act(acme.partner_admin, "rotateAppSecret", shows="secret", id=client_id))["secret"])
    entry, _ = await acme.on_record("app.secret_rotated")
    assert entry["changes"]["oldSecretUntil"][1]
    client_id, _ = await acme.registered(acme.partner_admin, proof="PUBLIC")
    await acme.act(acme.administrator, "rejectApp", id=client_id, note="Not now")
    entry, _ = await acme.on_record("app.rejected")
    assert entry["changes"]["reviewNote"] == [None, "Not now"]
    admin = acme.site.world.admin
    hashes = [tokens.digest(str(secret).encode()).hex() for secret in secrets]
    for table in ("audit_entries", "outbox_events", "idempotency_keys"):
        text = str([dict(row) for row in await admin.fetch(f"SELECT * FROM {table}")])
        assert not [one for one in (*secrets, *hashes) if str(one) in text], table


async def test_the_secret_is_told_once(acme: Partnership) -> None:
    first = await acme.register(acme.partner_admin, idempotencyKey="one")
    again = await acme.register(acme.partner_admin, idempotencyKey="one")
    assert first["secret"].startswith("crm_sec_")
    assert (again["app"], again["secret"]) == (first["app"], None)
    listed = await acme.ask(acme.partner_admin, f"{{ apps {APP} }}")
    assert first["secret"] not in json.dumps(listed)
    public = await acme.register(acme.partner_admin, proof="PUBLIC")
    assert (public["app"]["proof"], public["secret"]) == ("PUBLIC", None)


async def test_a_secret_is_changed_by_those_whose_app_it_is_and_by_reviewers(acme: Partnership) -> None:
    app = await acme.service(["partner_rep"])
    assert "access_token" in await own(acme.site, app)
    for token in (acme.partner_admin, acme.administrator):
        done = await acme.act(token, "rotateAppSecret", shows="secret", id=app.client_id, overlapHours=0)
        assert (await own(acme.site, app))["error"] == "invalid_client"
        app = App(app.client_id, done["secret"], "")
        assert "access_token" in await own(acme.site, app)
    assert await acme.codes(acme.partner_admin, "rotateAppSecret", id=app.client_id, overlapHours=721) == [
        ("VALUE_INVALID", "overlapHours")
    ]
    client_id, _ = await acme.registered(acme.partner_admin, proof="PUBLIC")
    assert await acme.codes(acme.partner_admin, "rotateAppSecret", id=client_id) == [("APP_STATE", "")]


async def test_whoever_has_no_right_may_nothing(acme: Partnership) -> None:
    client_id, _ = await acme.registered(acme.partner_admin)
    for token in (acme.sales_rep, acme.partner_rep):
        assert await acme.codes(token, "registerApp", **PORTAL) == [("WRITE_ACCESS_DENIED", "")]
        assert await acme.codes(token, "rotateAppSecret", id=client_id) == [("WRITE_ACCESS_DENIED", "")]
        answer = await acme.ask(token, "{ apps { name } }")
        assert answer["data"] == {"apps": None}
        assert answer["errors"][0]["extensions"]["code"] == "FIELD_ACCESS_DENIED"
    for verb in ("approveApp", "rejectApp", "suspendApp"):
        # a partner's administrator reviews nothing, though a careless policy gives them the right
        for token in (acme.sales_rep, acme.partner_admin, acme.other_admin):
            assert await acme.codes(token, verb, id=client_id) == [("WRITE_ACCESS_DENIED", "")], verb


async def test_what_one_has_nothing_to_do_with_is_as_if_it_were_not_there(acme: Partnership) -> None:
    theirs, _ = await acme.registered(acme.partner_admin, name="Theirs")
    ours, _ = await acme.registered(acme.administrator, name="Ours", scopes=["openid"])
    assert await names(acme, acme.administrator) == ["Ours", "Theirs"]
    assert await names(acme, acme.administrator, "(status: ACTIVE)") == []
    assert await names(acme, acme.administrator, "(first: 1)") == ["Ours"]
    assert await names(acme, acme.partner_admin) == ["Theirs"]
    assert await names(acme, acme.other_admin) == []
    refused = {}
    for client_id in (theirs, ours, UNKNOWN, f"usr_{UNKNOWN[4:]}"):
        refused[client_id] = await acme.codes(acme.other_admin, "rotateAppSecret", id=client_id)
    assert set(map(str, refused.values())) == {"[('NOT_FOUND', '')]"}
    assert await acme.codes(acme.administrator, "approveApp", id=UNKNOWN) == [("NOT_FOUND", "")]
    # other partners are not named either: one that is there answers as one that is not
    for partner in (f"par_{acme.other.hex}", "par_" + "0" * 32, f"usr_{acme.other.hex}"):
        given = {**PORTAL, "partnerId": partner}
        assert await acme.codes(acme.partner_admin, "registerApp", **given) == [("REFERENCE_NOT_FOUND", "partnerId")]


async def test_a_key_without_the_scope_has_no_right(acme: Partnership) -> None:
    site = acme.site
    user = await site.world.user(site.organization, roles=["administrator"])
    for scopes, allowed in ((["customers:read"], False), (["apps:register"], True), (["apps:review"], True)):
        key = await site.world.key(site.organization, user, scopes)
        answer = await acme.ask(key, "{ apps { name } }")
        assert ("errors" not in answer) is allowed, scopes


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"redirectUris": ["http://portal.test/cb"]}, "REDIRECT_URI_INVALID", "redirectUris"),
        ({"redirectUris": ["https://portal.test/*"]}, "REDIRECT_URI_INVALID", "redirectUris"),
        ({"redirectUris": []}, "VALUE_INVALID", "redirectUris"),
        ({"scopes": ["nonsense"]}, "SCOPE_INVALID", "scopes"),
        ({"scopes": ["unicorns:read"]}, "SCOPE_INVALID", "scopes"),
        ({"scopes": []}, "VALUE_INVALID", ""),
        ({"name": " "}, "VALUE_INVALID", ""),
        ({"name": "a\u202eb"}, "VALUE_INVALID", ""),
        ({"purpose": "x" * 301}, "VALUE_INVALID", ""),
        ({"grantTypes": ["REFRESH_TOKEN"]}, "VALUE_INVALID", ""),
        ({"grantTypes": ["CLIENT_CREDENTIALS", "AUTHORIZATION_CODE"]}, "VALUE_INVALID", "redirectUris"),
        ({"proof": "KEYS"}, "VALUE_INVALID", ""),
        ({"proof": "KEYS", "publicKeys": "nonsense"}, "VALUE_INVALID", ""),
        ({"publicKeys": '{"keys": []}'}, "VALUE_INVALID", ""),
        ({**SERVICE, "redirectUris": None, "proof": "PUBLIC"}, "VALUE_INVALID", ""),
        ({**SERVICE, "redirectUris": None, "scopes": ["openid", "customers:read"]}, "VALUE_INVALID", ""),
    ],
)
async def test_what_makes_no_sense_is_refused(acme: Partnership, given: dict[str, Any], code: str, field: str) -> None:
    assert await acme.codes(acme.partner_admin, "registerApp", **{**PORTAL, **given}) == [(code, field)]


async def test_keys_are_registered_in_public_only(acme: Partnership) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    public, private = (json.dumps({"keys": [key.as_dict(private=private)]}) for private in (False, True))
    wanted = {**PORTAL, "proof": "KEYS"}
    assert await acme.codes(acme.partner_admin, "registerApp", **wanted, publicKeys=private) == [("VALUE_INVALID", "")]
    made = await acme.register(acme.partner_admin, **{**wanted, "publicKeys": public})
    assert (made["app"]["proof"], made["secret"]) == ("KEYS", None)


async def test_each_decision_has_its_states(acme: Partnership) -> None:
    client_id, _ = await acme.registered(acme.partner_admin)
    assert await acme.codes(acme.administrator, "suspendApp", id=client_id) == [("APP_STATE", "")]
    long = {"id": client_id, "note": "x" * 501}
    assert await acme.codes(acme.administrator, "rejectApp", **long) == [("VALUE_INVALID", "")]
    await acme.act(acme.administrator, "rejectApp", id=client_id)
    for verb in ("approveApp", "rejectApp", "suspendApp"):
        assert await acme.codes(acme.administrator, verb, id=client_id) == [("APP_STATE", "")]
    client_id, _ = await acme.registered(acme.partner_admin)
    await acme.act(acme.administrator, "approveApp", id=client_id)
    for verb in ("approveApp", "rejectApp"):
        assert await acme.codes(acme.administrator, verb, id=client_id) == [("APP_STATE", "")]


async def test_nobody_asks_without_end(acme: Partnership) -> None:
    for _ in range(20):
        await acme.registered(acme.partner_admin)
    assert await acme.codes(acme.partner_admin, "registerApp", **PORTAL) == [("TOO_MANY_APPS", "")]
    await acme.registered(acme.other_admin)


async def test_an_app_without_refresh_tokens_gets_none(acme: Partnership) -> None:
    client_id, app = await acme.registered(
        acme.administrator, scopes=["openid", "customers:read"], grantTypes=["AUTHORIZATION_CODE"]
    )
    await acme.act(acme.administrator, "approveApp", id=client_id)
    assert "refresh_token" not in await acme.site.tokens(app, scope="openid customers:read")


async def test_who_asked_is_named_to_those_who_see_them(acme: Partnership) -> None:
    await acme.registered(acme.partner_admin)
    for token in (acme.administrator, acme.partner_admin):
        [shown] = (await acme.ask(token, f"{{ apps {APP} }}"))["data"]["apps"]
        assert shown["requestedBy"].startswith("usr_")
        assert shown["partnerId"] == f"par_{acme.partner.hex}"
    admin = acme.site.world.admin
    user = await admin.fetchval("SELECT requested_by FROM oauth_clients")
    key = await acme.site.world.key(acme.site.organization, user, ["apps:register"])
    [shown] = (await acme.ask(key, f"{{ apps {APP} }}"))["data"]["apps"]
    assert (shown["requestedBy"], shown["partnerId"]) == (None, None)


async def test_a_refused_consent_goes_back_to_the_app(acme: Partnership) -> None:
    """Ada is none of the partner's people."""
    app = await acme.portal()
    sent = arrived(await acme.site.authorize(app.asking(code_challenge=pkce()[1], scope="openid")))
    assert (sent["error"], sent["to"]) == ("access_denied", CALLBACK)
    assert "code" not in sent
