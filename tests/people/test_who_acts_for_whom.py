"""Who lets people act for companies and households, over HTTP, and that what ends it ends it in every process."""

import pytest
import pytest_asyncio

from crm_graph.db.ids import decode
from tests.people.acting import UPDATE, WHO, Acting, acting_in
from tests.people.conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def acting(people: People) -> Acting:
    return await acting_in(people)


async def test_what_ends_a_delegation_ends_it_in_every_process(acting: Acting) -> None:
    """Within five seconds, and so does what begins one; each by the way that staff or the database has."""
    me, admin = acting.me["customer_id"], acting.admin
    company, household = acting.uuid("PORTAL_ADMIN"), acting.uuid("ADULT")
    contact = await admin.fetchval("SELECT id FROM contacts WHERE customer_id = $1 AND person_id = $2", company, me)
    member = await admin.fetchval("SELECT id FROM household_members WHERE member_id = $1", me)
    contact_id, member_id, person = f"con_{contact.hex}", f"hhm_{member.hex}", f"cus_{me.hex}"
    for role, entity, off, on in (
        ("PORTAL_ADMIN", "Contact", {"role": "USER"}, {"role": "PORTAL_ADMIN"}),
        ("PORTAL_ADMIN", "Contact", {"personId": None}, {"personId": person}),
        ("ADULT", "HouseholdMember", {"mayAct": False}, {"mayAct": True}),
        ("ADULT", "HouseholdMember", {"mayAct": False, "role": "CHILD"}, {"mayAct": True, "role": "ADULT"}),
    ):
        id_ = contact_id if entity == "Contact" else member_id
        await acting.heard(role, 200)
        assert await acting.update("service_agent", entity, id=id_, **off) == []
        await acting.heard(role, 403)
        assert await acting.update("sales_manager", entity, id=id_, **on) == []
        await acting.heard(role, 200)
    kinds = ((company, "PORTAL_ADMIN"), (household, "ADULT"), (me, "ADULT"))
    for row, role in kinds:
        kind = await admin.fetchval("SELECT kind FROM customers WHERE id = $1", row)
        await admin.execute("UPDATE customers SET kind = $2 WHERE id = $1", row, "PERSON" if row != me else "HOUSEHOLD")
        await acting.heard(role, 403)
        await admin.execute("UPDATE customers SET kind = $2 WHERE id = $1", row, kind)
        await acting.heard(role, 200)
    delete = "mutation ($i: Delete{0}Input!) {{ delete{0}(input: $i) {{ deletedId userErrors {{ code }} }} }}"
    for role, entity, id_ in (("PORTAL_ADMIN", "Contact", contact_id), ("ADULT", "HouseholdMember", member_id)):
        answer = await acting.api.as_("sales_manager")(delete.format(entity), {"i": {"id": id_}})
        assert answer.data[f"delete{entity}"]["deletedId"] == id_
        await acting.heard(role, 403)
    begun = {"customerId": acting.whom["PORTAL_ADMIN"], "personId": person, "name": "Me", "role": "PORTAL_USER"}
    assert await acting.create("sales_manager", "Contact", **begun) == []
    begun = {"householdId": acting.whom["ADULT"], "memberId": person, "mayAct": True}
    assert await acting.create("sales_manager", "HouseholdMember", **begun) == []
    for role in ("PORTAL_ADMIN", "ADULT"):
        await acting.heard(role, 200)
    await admin.execute("DELETE FROM contacts WHERE person_id = $1 AND customer_id <> $2", me, company)
    await acting.heard("PORTAL_USER", 403)
    assert (await acting.ask("PORTAL_ADMIN", UPDATE, {"i": {"id": acting.whom["PORTAL_ADMIN"]}})).codes == [
        "ACTING_FOR_READS"  # who is a portal user now
    ]


async def test_who_lets_people_act_sees_what_they_will_see(acting: Acting) -> None:
    """Service agents see customers at INTERNAL: they end what they may not begin."""
    household = await acting.admin.fetchval(
        "SELECT id FROM customers h WHERE organization_id = $1 AND kind = 'HOUSEHOLD'"
        " AND NOT EXISTS (SELECT FROM household_members m WHERE m.household_id = h.id AND m.member_id = $2) LIMIT 1",
        acting.people.organization, acting.me["customer_id"],
    )  # fmt: skip
    person, company = f"cus_{acting.me['customer_id'].hex}", acting.whom["PORTAL_USER"]
    given: dict[str, object] = {"customerId": company, "name": "Me", "personId": person}
    denied = [("WRITE_ACCESS_DENIED", ["personId"]), ("WRITE_ACCESS_DENIED", ["role"])]
    for role in ("PORTAL_USER", "PORTAL_ADMIN"):
        assert await acting.create("service_agent", "Contact", **given, role=role) == denied
    assert await acting.create("service_agent", "Contact", **given, role="PAYER") == []
    assert await acting.create("service_agent", "Contact", customerId=company, name="No", role="PORTAL_USER") == []
    rows = await acting.admin.fetch(
        "SELECT id, name FROM contacts WHERE customer_id = $1 AND name IN ('Me', 'No')", decode(company)[1]
    )
    ids = {row["name"]: f"con_{row['id'].hex}" for row in rows}
    role_denied, person_denied = [denied[1]], [denied[0]]
    assert await acting.update("service_agent", "Contact", id=ids["Me"], role="PORTAL_USER") == role_denied
    assert await acting.update("service_agent", "Contact", id=ids["No"], personId=person) == person_denied
    # a rep who only sees the customer at PARTNER writes nothing there; one who looks after it does
    await acting.admin.execute("UPDATE customers SET owner_id = NULL, team_id = NULL WHERE id = $1", decode(company)[1])
    assert await acting.update("sales_rep", "Contact", id=ids["Me"], role="PORTAL_USER") == role_denied
    await acting.admin.execute("DELETE FROM customer_shares WHERE customer_id = $1", decode(company)[1])
    rep = await acting.people.user("sales_rep")
    await acting.admin.execute("UPDATE customers SET team_id = $2 WHERE id = $1", decode(company)[1], rep["team_id"])
    assert await acting.update("sales_rep", "Contact", id=ids["Me"], role="PORTAL_USER") == role_denied
    await acting.admin.execute("UPDATE customers SET owner_id = $2 WHERE id = $1", decode(company)[1], rep["id"])
    assert await acting.update("sales_rep", "Contact", id=ids["Me"], role="PORTAL_USER") == []
    assert await acting.update("service_agent", "Contact", id=ids["Me"], phone="+43 1 2345", role="PORTAL_USER") == []
    assert await acting.update("service_agent", "Contact", id=ids["Me"], role="USER") == []

    given = {"householdId": f"cus_{household.hex}", "memberId": person}
    refused = await acting.create("service_agent", "HouseholdMember", **given, mayAct=True)
    assert {code for code, _ in refused} == {"WRITE_ACCESS_DENIED"}
    assert await acting.create("service_agent", "HouseholdMember", **given) == []
    assert await acting.create("sales_manager", "HouseholdMember", **given) == [("KEY_TAKEN", ["memberId"])]
    member = await acting.admin.fetchval("SELECT id FROM household_members WHERE household_id = $1 AND member_id = $2",
        household, acting.me["customer_id"])  # fmt: skip
    id_ = f"hhm_{member.hex}"
    assert await acting.update("service_agent", "HouseholdMember", id=id_, mayAct=True) == [
        ("WRITE_ACCESS_DENIED", ["mayAct"])
    ]
    child = await acting.update("sales_manager", "HouseholdMember", id=id_, role="CHILD", mayAct=True)
    assert child == [("VALUE_INVALID", ["mayAct"])]
    assert await acting.update("service_agent", "HouseholdMember", id=id_, role="CHILD") == []
    assert (await acting.ask(f"cus_{household.hex}", WHO)).codes == ["ACTING_FOR_REFUSED"]
