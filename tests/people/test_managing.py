"""Suspending people and giving them roles, over HTTP: one's own partner's only, and nothing beyond one's own."""

import asyncio
import time

import pytest

from crm_graph.auth import sessions
from crm_graph.db.session import Database
from tests.people.conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWER = "{ viewer { userId } }"
SHOWN = "user { id status roles }"


async def test_a_suspended_person_is_out_in_every_process_and_comes_back(people: People) -> None:
    rep = await people.user("partner_rep")
    id_, database = await people.id_of("partner_rep"), Database(people.api.url, 1)
    async with database.transaction(people.organization, rep["id"], "test") as tx:
        token = await sessions.create(tx, people.organization, rep["id"], hours=1, user_agent="", address="::1")
    await database.dispose()
    both = (people.world.api, people.world.other)
    by_session = {"authorization": f"Bearer {token}"}

    async def asked(headers: dict[str, str]) -> list[int]:
        found = [await p.client.post("/graphql", json={"query": VIEWER}, headers=headers) for p in both]
        return [one.status_code for one in found]

    key = people.api.headers("partner_rep")
    assert (await asked(by_session), await asked(key)) == ([200, 200], [200, 200])
    done = await people.act("partner_admin", "suspendUser", SHOWN, id=id_)
    assert (done["userErrors"], done["user"]["status"]) == ([], "SUSPENDED")
    until = time.monotonic() + 5
    while await asked(by_session) != [401, 401] or await asked(key) != [401, 401]:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    assert (await people.act("partner_admin", "suspendUser", SHOWN, id=id_))["user"]["status"] == "SUSPENDED"
    done = await people.act("partner_admin", "reactivateUser", SHOWN, id=id_)
    assert done["user"]["status"] == "ACTIVE"
    until = time.monotonic() + 5
    while await asked(key) != [200, 200]:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    assert await asked(by_session) == [401, 401]  # what was signed in stays out
    audit = await people.admin.fetch(
        "SELECT changes::text AS c FROM audit_entries WHERE row_id = $1 AND action = 'update' ORDER BY at", rep["id"]
    )
    assert [("SUSPENDED" in row["c"], "ACTIVE" in row["c"]) for row in audit] == [(True, True), (True, True)]


async def test_roles_are_given_and_taken(people: People) -> None:
    id_ = await people.id_of("partner_rep")
    done = await people.act("partner_admin", "assignRoles", SHOWN, id=id_, roles=["partner_admin", "partner_rep"])
    assert (done["userErrors"], done["user"]["roles"]) == ([], ["partner_admin", "partner_rep"])
    done = await people.act("partner_admin", "assignRoles", SHOWN, id=id_, roles=["partner_rep"])
    assert done["user"]["roles"] == ["partner_rep"]
    offered = "{ assignableRoles { name } }"
    found = (await people.api.as_("partner_admin")(offered)).data["assignableRoles"]
    assert [one["name"] for one in found] == ["partner_rep", "partner_admin"]
    found = (await people.api.as_("administrator")(offered)).data["assignableRoles"]
    names = {one["name"] for one in found}
    assert {"administrator", "sales_rep"} <= names
    assert not names & {"partner_rep", "customer", "storefront"}


@pytest.mark.parametrize("verb", ["suspendUser", "reactivateUser", "assignRoles"])
async def test_people_elsewhere_do_not_exist(people: People, verb: str) -> None:
    more = {"roles": ["partner_rep"]} if verb == "assignRoles" else {}
    for id_ in (
        await people.id_of("other_partner_rep"), await people.id_of("sales_rep"), await people.id_of("customer"),
        await people.id_of("administrator"), "usr_" + "0" * 32, "cus_" + "0" * 32,
    ):  # fmt: skip
        assert await people.codes("partner_admin", verb, id=id_, **more) == ["NOT_FOUND"]
    me = await people.id_of("partner_admin")
    assert await people.codes("partner_admin", verb, id=me, **more) == ["WRITE_ACCESS_DENIED"]
    colleague = await people.id_of("partner_admin")
    assert await people.codes("partner_rep", verb, id=colleague, **more) == ["WRITE_ACCESS_DENIED"]
    for persona in ("sales_manager", "sales_rep"):
        assert await people.codes(persona, verb, id=colleague, **more) == ["WRITE_ACCESS_DENIED"]


@pytest.mark.parametrize("role", ["administrator", "sales_rep", "customer", "storefront", "nothing", "PARTNER_REP"])
async def test_no_role_beyond_those_of_partners(people: People, role: str) -> None:
    id_ = await people.id_of("partner_rep")
    given = {"id": id_, "roles": ["partner_rep", role]}
    assert await people.codes("partner_admin", "assignRoles", **given) == ["ROLE_NOT_ASSIGNABLE"]


async def test_nothing_that_the_giver_has_not(people: People) -> None:
    """Roles that extend a partner's, but give a right or a sight that the partner admin has not."""
    grants = [{"entity": "Customer", "grants": [{"rule": "EVERYONE", "read": "INTERNAL"}]}]
    await people.world.update("administrator", {"roles": [
        {"name": "partner_seer", "extends": "partner_rep", "grants": grants},
        {"name": "partner_approver", "extends": "partner_rep", "rights": ["CHANGES_APPROVE"]},
        {"name": "partner_junior", "extends": "partner_rep", "grants": [{"entity": "Order", "grants": []}]},
    ]})  # fmt: skip
    id_ = await people.id_of("partner_rep")
    for role in ("partner_seer", "partner_approver"):
        assert await people.codes("partner_admin", "assignRoles", id=id_, roles=[role]) == ["ROLE_NOT_ASSIGNABLE"]
        invited = await people.codes("partner_admin", "inviteUser", email="new@rhone.example", roles=[role])
        assert invited == ["ROLE_NOT_ASSIGNABLE"]
    assert await people.codes("partner_admin", "assignRoles", id=id_, roles=["partner_junior"]) == []
    # nor is it taken away, nor the person suspended who has more rights
    assert await people.codes("administrator", "assignRoles", id=id_, roles=["partner_approver"]) == []
    assert await people.codes("partner_admin", "assignRoles", id=id_, roles=["partner_rep"]) == ["WRITE_ACCESS_DENIED"]
    assert await people.codes("partner_admin", "suspendUser", id=id_) == ["WRITE_ACCESS_DENIED"]
    assert await people.codes("administrator", "assignRoles", id=id_, roles=["partner_rep"]) == []


async def test_a_key_gives_no_more_than_it_may_itself(people: People) -> None:
    admin = await people.user("partner_admin")
    narrow = await people.world.key(admin["id"], "narrow", ["people:manage", "users:read:internal"])
    id_ = await people.id_of("partner_rep")
    assert await people.codes(narrow, "inviteUser", email="n@rhone.example", roles=["partner_rep"]) == [
        "ROLE_NOT_ASSIGNABLE"
    ]
    assert await people.codes(narrow, "suspendUser", id=id_) == []
    assert await people.codes(narrow, "reactivateUser", id=id_) == []
    without = await people.world.key(admin["id"], "without", ["users:read:internal", "*:read"])
    assert await people.codes(without, "suspendUser", id=id_) == ["WRITE_ACCESS_DENIED"]


async def test_somebody_stays_in_charge(people: People) -> None:
    """Whoever manages everybody cannot suspend the last who may write the policy, nor those with more rights."""
    every = [{"entity": "User", "grants": [{"rule": "EVERYONE", "read": "INTERNAL"}]}]
    await people.world.update(
        "administrator", {"roles": [{"name": "desk", "rights": ["PEOPLE_MANAGE"], "grants": every}]}
    )
    desk = await people.world.user("desk")
    administrator = await people.id_of("administrator")
    assert await people.codes(desk, "suspendUser", id=administrator) == ["WRITE_ACCESS_DENIED"]
    rep = await people.id_of("sales_rep")
    assert await people.codes(desk, "suspendUser", id=rep) == []
    assert await people.codes(desk, "reactivateUser", id=rep) == []
    # roles of our own people are given by who may write the policy
    assert await people.codes(desk, "assignRoles", id=rep, roles=["sales_manager"]) == ["ROLE_NOT_ASSIGNABLE"]
    assert await people.codes(desk, "inviteUser", email="x@helvara.example", roles=["desk"]) == ["ROLE_NOT_ASSIGNABLE"]
