"""A partner's app gets what its partner may have: when it is registered, when it asks, and when its tokens are used."""

import json
from typing import Any

import pytest

from crm_graph.auth.oauth.registration import Application, create
from crm_graph.errors import ValueInvalid
from crm_graph.schema.shares import EVER, FOREVER
from tests.auth.conftest import PASSWORD, sign_in
from tests.auth.oauth.conftest import CALLBACK, App, Site, arrived, pkce
from tests.auth.oauth.partners import PORTAL, SERVICE, Partnership, partnership
from tests.auth.oauth.test_device import answered, codes, poll, typed

CUSTOMERS = "{ customers(first: 9) { nodes { name industry city creditLimit { amount } hiddenFields maskedFields } } }"
SCOPES = "openid offline_access customers:read:internal"


@pytest.fixture
async def acme(site: Site) -> Partnership:
    return await partnership(site)


async def own(site: Site, app: App, **more: str) -> Any:
    return (await site.token(app, grant_type="client_credentials", **more)).json()


async def person(acme: Partnership, email: str = "pia@nordwind.test", **values: object) -> Any:
    """Somebody who signs in in Ada's browser instead of her."""
    site = acme.site
    given = {"name": "Pia", "roles": ["partner_rep"], "partner_id": acme.partner, **values}
    id_ = await site.world.user(site.organization, email=email, password=PASSWORD, **given)
    site.browser.cookies.clear()
    assert (await sign_in(site.browser, email)).status_code == 303
    return id_


async def customer(acme: Partnership, name: str, shared: bool) -> None:
    site = acme.site
    row = await site.world.row(
        "customers", site.organization, name=name, kind="ORGANIZATION", stage="CUSTOMER", currency="CHF", city="Basel",
        credit_limit=1234,
    )  # fmt: skip
    if shared:
        await site.world.row(
            "customer_shares",
            site.organization,
            customer_id=row,
            partner_id=acme.partner,
            level="INTERNAL",
            valid_from=EVER,
            valid_until=FOREVER,
        )


async def becomes(acme: Partnership, user_roles: list[str]) -> None:
    """The partner's people have these roles from now on."""
    await acme.site.world.admin.execute(
        "UPDATE users SET roles = $1 WHERE partner_id = $2 AND job_title IS DISTINCT FROM 'Integration'",
        user_roles,
        acme.partner,
    )


@pytest.mark.parametrize(
    "scope",
    [
        "customers:read:confidential",  # partners see shared customers up to INTERNAL
        "customers:write",  # and change none
        "users:read:internal",
        "opportunities:write:internal",
        "quotas:read",
        "*:read:public",
        "*:write",
        "policy:read",
        "changes:approve",
    ],
)
async def test_no_scope_beyond_the_partner_is_registered(acme: Partnership, scope: str) -> None:
    wanted = {**PORTAL, "scopes": ["openid", "customers:read", scope]}
    for token, more in (
        (acme.partner_admin, {}),
        (acme.administrator, {"partnerId": f"par_{acme.partner.hex}"}),
    ):
        assert await acme.codes(token, "registerApp", **wanted, **more) == [("SCOPE_BEYOND_PARTNER", "scopes")]
    # of ours it may be, as tokens narrow to what their users may do
    assert (await acme.register(acme.administrator, **wanted))["userErrors"] == []


async def test_a_partner_without_people_gets_nothing(acme: Partnership) -> None:
    empty = await acme.site.world.row("partners", acme.site.organization, name="Empty", kind="AGENT")
    wanted = {**PORTAL, "partnerId": f"par_{empty.hex}", "scopes": ["customers:read:public"]}
    assert await acme.codes(acme.administrator, "registerApp", **wanted) == [("SCOPE_BEYOND_PARTNER", "scopes")]


async def test_what_the_partner_may_have_is_asked_again_when_the_app_is_approved(acme: Partnership) -> None:
    client_id, _ = await acme.registered(acme.partner_admin)
    await becomes(acme, ["customer"])
    assert await acme.codes(acme.administrator, "approveApp", id=client_id) == [("SCOPE_BEYOND_PARTNER", "scopes")]


async def test_an_authorization_gives_what_the_partner_may_have_today(acme: Partnership) -> None:
    site = acme.site
    app = await acme.portal(scopes=[*SCOPES.split(), "opportunities:read"])
    await person(acme)
    token = (await site.tokens(app, scope=SCOPES))["access_token"]
    assert await site.works(token)
    document = {"roles": {"app_admin": {"custom": True, "extends": "partner_rep"}, "partner_rep": {"grants": {
        "Customer": [{"rule": "shared", "read": "PARTNER"}]}}}}  # fmt: skip
    await site.world.admin.execute("UPDATE access_policies SET document = $1", json.dumps(document))
    for scope in (SCOPES, "customers:read:internal"):
        refused = arrived(await site.authorize(app.asking(code_challenge=pkce()[1], scope=scope)))
        assert refused["error"] == "invalid_scope", scope
    assert "openid" in (await site.tokens(app, scope="openid opportunities:read"))["scope"]


async def test_a_refresh_gives_what_the_partner_may_have_today(acme: Partnership) -> None:
    site = acme.site
    app = await acme.portal(scopes=[*SCOPES.split(), "opportunities:read"])
    await person(acme)
    first = await site.tokens(app, scope=f"{SCOPES} opportunities:read")
    assert "customers:read:internal" in first["scope"]
    document = {"roles": {"app_admin": {"custom": True, "extends": "partner_rep"},
                          "partner_rep": {"grants": {"Customer": []}}}}  # fmt: skip
    await site.world.admin.execute("UPDATE access_policies SET document = $1", json.dumps(document))
    renewed = (await site.refreshed(app, first["refresh_token"])).json()
    assert renewed["scope"] == "openid offline_access opportunities:read"


async def test_a_partners_app_is_for_the_partners_people(acme: Partnership) -> None:
    """Staff would bring it rows that the partner never sees; people of another partner theirs."""
    site = acme.site
    app = await acme.portal(scopes=SCOPES.split())
    for email, values in (
        ("sam@acme.test", {"partner_id": None, "roles": ["sales_manager"]}),
        ("oda@suedwind.test", {"partner_id": acme.other}),
    ):
        await person(acme, email, **values)
        sent = arrived(await site.authorize(app.asking(code_challenge=pkce()[1], scope=SCOPES)))
        assert sent["error"] == "access_denied"
    pia = await person(acme)
    given = await site.tokens(app, scope=SCOPES)
    assert await site.works(given["access_token"])
    # she leaves: tokens end with it, and no refresh brings them back
    await site.world.admin.execute("UPDATE users SET partner_id = $1 WHERE id = $2", acme.other, pia)
    assert await site.ends(given["access_token"])
    assert (await site.refreshed(app, given["refresh_token"])).status_code == 400


async def test_a_persons_token_sees_no_more_than_scope_and_role_both_allow(acme: Partnership) -> None:
    site = acme.site
    await customer(acme, "Shared", shared=True)
    await customer(acme, "Hidden", shared=False)
    await customer(acme, "Other", shared=False)
    app = await acme.portal(scopes=[*SCOPES.split(), "users:read"])
    pia = await person(acme, job_title="Buyer", region="North")
    try:
        full = (await site.tokens(app, scope="customers:read:internal"))["access_token"]
        low = (await site.tokens(app, scope="customers:read"))["access_token"]
        me = (await site.tokens(app, scope="users:read"))["access_token"]
        shown = await site.ask(full, CUSTOMERS)
        [only] = shown["data"]["customers"]["nodes"]
        assert (only["name"], only["city"], only["creditLimit"]) == ("Shared", "Basel", {"amount": "1000"})
        assert "creditLimit" in only["maskedFields"]
        [only] = (await site.ask(low, CUSTOMERS))["data"]["customers"]["nodes"]
        # the scope caps masks as well: from one level further below not even the range shows
        assert (only["name"], only["creditLimit"]) == ("Shared", None)
        assert set(only["hiddenFields"]) > set(shown["data"]["customers"]["nodes"][0]["hiddenFields"])
        # a type without a scope of its own is not there, neither from the root nor nested
        for query in ("{ users { totalCount } }", "{ opportunities { totalCount } }"):
            assert (await site.ask(full, query))["errors"][0]["extensions"]["code"] == "FIELD_ACCESS_DENIED", query
        # nor what is above the scope's level, about herself either
        user = f'{{ user(id: "usr_{pia.hex}") {{ jobTitle email }} }}'
        assert (await site.ask(me, user))["data"]["user"] == {"jobTitle": "Buyer", "email": None}
        # a filter on what the scope hides is refused, as it is for anybody who may not see it
        by_email = '{ users(filter: {email: {eq: "pia@nordwind.test"}}) { totalCount } }'
        assert (await site.ask(me, by_email))["errors"][0]["extensions"]["code"] == "PREDICATE_ACCESS_DENIED"
    finally:
        await site.world.admin.execute("DELETE FROM customer_shares; DELETE FROM customers")


async def test_a_scope_that_the_role_lacks_grants_nothing(acme: Partnership) -> None:
    site = acme.site
    app = await site.register(scopes=("openid", "customers:read:restricted", "quotas:write", "policy:write"))
    await person(acme)
    token = (await site.tokens(app, scope="customers:read:restricted quotas:write policy:write"))["access_token"]
    viewer = (await site.ask(token, "{ viewer { rights } }"))["data"]["viewer"]
    assert viewer == {"rights": []}
    for query in ("{ quotas { totalCount } }", "{ accessPolicy { version } }"):
        assert (await site.ask(token, query))["errors"][0]["extensions"]["code"] == "FIELD_ACCESS_DENIED", query


async def test_the_service_user_of_a_partners_app(acme: Partnership) -> None:
    site = acme.site
    await customer(acme, "Shared", shared=True)
    await customer(acme, "Hidden", shared=False)
    try:
        client_id, app = await acme.registered(acme.partner_admin, **{**SERVICE, "redirectUris": None})
        assert (await own(site, app))["error"] == "invalid_client"
        approve = {"id": client_id}
        assert await acme.codes(acme.administrator, "approveApp", **approve) == [("VALUE_INVALID", "roles")]
        for role in ("service_agent", "administrator", "unheard_of"):
            refused = await acme.codes(acme.administrator, "approveApp", **approve, roles=["partner_rep", role])
            assert refused == [("ROLE_BEYOND_PARTNER", "roles")], role
        done = await acme.act(acme.administrator, "approveApp", **approve, roles=["partner_rep"])
        assert done["app"]["actsAs"].startswith("usr_")
        user = await site.world.admin.fetchrow("SELECT * FROM users WHERE name = 'Sync'")
        assert (user["partner_id"], user["roles"]) == (acme.partner, ["partner_rep"])
        token = (await own(site, app))["access_token"]
        viewer = (await site.ask(token, "{ viewer { kind roles partnerId } }"))["data"]["viewer"]
        assert viewer == {"kind": "app", "roles": ["partner_rep"], "partnerId": f"par_{acme.partner.hex}"}
        found = await site.ask(token, "{ customers { nodes { name } } }")
        assert found["data"]["customers"]["nodes"] == [{"name": "Shared"}]
        # more roles in the user's record are none for the app: the partner's people have them not
        await site.world.admin.execute(
            "UPDATE users SET roles = '{administrator,partner_rep}' WHERE id = $1", user["id"]
        )
        await becomes(acme, ["customer"])
        assert (await own(site, app))["scope"] == ""
        assert await nothing(site, token)
    finally:
        await site.world.admin.execute("DELETE FROM customer_shares; DELETE FROM customers")


async def nothing(site: Site, token: str) -> bool:
    found = await site.ask(token, "{ viewer { roles } customers { nodes { name } } }")
    return found["data"] == {"viewer": {"roles": []}, "customers": None}


async def test_whoever_may_not_give_roles_approves_no_app_that_acts_on_its_own(acme: Partnership) -> None:
    site = acme.site
    document = {"roles": {"app_admin": {"custom": True, "extends": "partner_rep", "rights": ["apps:register"]},
                          "reviewer": {"custom": True, "extends": "sales_manager",
                                       "rights": ["apps:register", "apps:review"]}}}  # fmt: skip
    await site.world.admin.execute("UPDATE access_policies SET document = $1", json.dumps(document))
    reviewer = await site.world.key(
        site.organization, await site.world.user(site.organization, name="Rita", roles=["reviewer"])
    )
    client_id, _ = await acme.registered(acme.partner_admin, **{**SERVICE, "redirectUris": None})
    refused = await acme.codes(reviewer, "approveApp", id=client_id, roles=["partner_rep"])
    assert refused == [("WRITE_ACCESS_DENIED", "roles")]
    portal, _ = await acme.registered(acme.partner_admin)
    assert (await acme.act(reviewer, "approveApp", id=portal))["app"]["status"] == "ACTIVE"


async def test_the_command_line_is_held_to_it_too(acme: Partnership) -> None:
    site = acme.site
    user = await site.world.user(site.organization, name="Bot", roles=["partner_rep"], partner_id=acme.partner)
    async with site.world.database.transaction(site.organization, None, "cli") as tx:
        wanted = Application("Bot", "", "client_secret_basic", ("customers:read",), user_id=user)
        client_id, secret = await create(tx, site.organization, wanted)
        other = Application("Bot", "", "client_secret_basic", ("customers:read",), user_id=user, partner_id=acme.other)
        with pytest.raises(ValueInvalid):
            await create(tx, site.organization, other)
    assert await site.world.admin.fetchval("SELECT partner_id FROM oauth_clients") == acme.partner
    token = (await own(site, App(client_id, secret, "")))["access_token"]
    await site.world.admin.execute("UPDATE users SET partner_id = $1 WHERE id = $2", acme.other, user)
    assert await site.ends(token)


async def test_consent_names_levels_that_the_partner_may_have(acme: Partnership) -> None:
    app = await acme.portal()
    await person(acme)
    page = await acme.site.authorize(app.asking(code_challenge=pkce()[1], scope="openid customers:read:internal"))
    assert page.status_code == 200
    assert "customers: internal details" in page.text
    assert CALLBACK not in page.headers.get("location", "")


async def test_a_partners_app_for_devices_is_for_its_people_too(acme: Partnership) -> None:
    site = acme.site
    app = await acme.portal(scopes=["customers:read"], redirectUris=None, grantTypes=["DEVICE_CODE"], proof="PUBLIC")
    for email, partner, works in (("oda@suedwind.test", acme.other, False), ("pia@nordwind.test", acme.partner, True)):
        await person(acme, email, partner_id=partner)
        given = await codes(site, app, scope="customers:read")
        await answered(site, await typed(site, given.user_code))
        answer = (await poll(site, app, given.device_code)).json()
        assert ("access_token" in answer) is works, answer
        assert works or answer["error"] == "access_denied"
