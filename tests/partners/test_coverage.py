"""Territories and segments shared with a partner: the customers follow, in the transaction that changes either."""

import asyncio

import pytest

from tests.partners.conftest import ONE, OTHER, Trade

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEEN = "query ($f: CustomerFilter) { customers(first: 100, filter: $f) { totalCount nodes { name } } }"


async def names(trade: Trade, persona: str) -> set[str]:
    found = await trade.ask(persona, SEEN, f={"name": {"startsWith": "Zz"}})
    return {node["name"] for node in found.data["customers"]["nodes"]}


async def test_customers_of_a_territory_come_and_go(trade: Trade):
    create = "administrator", "createTerritory", "territory { id }"
    north = await trade.made(*create, name="North")
    iceland = await trade.made(*create, name="Iceland", parentId=north, country="IS")
    akureyri = await trade.made(*create, name="Akureyri", parentId=iceland, city="AKUREYRI", country="IS")
    await trade.made(*create, name="Faroe", parentId=north, country="FO", segment="ENTERPRISE")

    async def customer(name: str, **values: object) -> str:
        return await trade.made("administrator", "createCustomer", "customer { id }", name=name, **values)

    old = await customer("Zz Old", country="IS")
    partner = f"par_{(await trade.connection.fetchval('SELECT partner_id FROM users WHERE email = $1', trade.api.people[ONE]['email'])).hex}"
    assert await names(trade, ONE) == set()
    coverage = await trade.made(
        "sales_manager",
        "createPartnerCoverage",
        "partnerCoverage { id }",
        name="All of the north",
        partnerId=partner,
        territoryId=north,
        level="PARTNER",
    )
    assert await names(trade, ONE) == {"Zz Old"}
    await customer("Zz New", country="IS", city="Akureyri")
    await customer("Zz Small", country="FO", segment="SMALL_BUSINESS")
    big = await customer("Zz Big", country="FO", segment="ENTERPRISE")
    assert await names(trade, ONE) == {"Zz Old", "Zz New", "Zz Big"}
    assert await names(trade, OTHER) == set()

    update = "administrator", "updateCustomer", "customer { id }"
    await trade.made(*update, id=big, segment="SMALL_BUSINESS")
    await trade.made(*update, id=old, country="NO")
    assert await names(trade, ONE) == {"Zz New"}
    await trade.made(*update, id=old, territoryId=akureyri)  # assigned, wherever it is
    assert await names(trade, ONE) == {"Zz New", "Zz Old"}

    shares = await trade.connection.fetch(
        "SELECT id FROM customer_shares WHERE coverage_id IS NOT NULL AND customer_id = $1",
        (await trade.row("customers", old))["id"],
    )
    _, refused = await trade.send("administrator", "deleteCustomerShare", "deletedId", id=f"csh_{shares[0]['id'].hex}")
    assert refused != []
    _, circle = await trade.send("administrator", "updateTerritory", "territory { id }", id=north, parentId=akureyri)
    assert circle != []

    await trade.made("administrator", "updateTerritory", "territory { id }", id=akureyri, parentId=None)
    assert await names(trade, ONE) == {"Zz New"}  # by its country still; the assigned one went with its territory
    await trade.made(
        "sales_manager",
        "updatePartnerCoverage",
        "partnerCoverage { id }",
        id=coverage,
        validUntil="2000-01-01T00:00:00Z",
    )
    assert await names(trade, ONE) == set()


async def test_a_segment_is_shared_and_ends_with_its_coverage(trade: Trade):
    partner = f"par_{(await trade.connection.fetchval('SELECT partner_id FROM users WHERE email = $1', trade.api.people[OTHER]['email'])).hex}"
    coverage = await trade.made(
        "sales_manager",
        "createPartnerCoverage",
        "partnerCoverage { id }",
        name="The public sector",
        partnerId=partner,
        segment="PUBLIC_SECTOR",
        level="PARTNER",
    )
    count = "SELECT (SELECT count(*) FROM customers WHERE organization_id = $1 AND segment = 'PUBLIC_SECTOR'), (SELECT count(*) FROM customer_shares WHERE coverage_id = $2)"
    row = (await trade.row("partner_coverages", coverage))["id"]
    wanted, shared = await trade.connection.fetchrow(count, trade.organization, row)
    assert wanted == shared > 0
    own = "{ partnerCoverages(first: 10) { nodes { name level segment validUntil } } }"
    assert "The public sector" in (await trade.ask(OTHER, own)).body.decode()
    assert "The public sector" not in (await trade.ask(ONE, own)).body.decode()
    await trade.made("sales_manager", "updatePartnerCoverage", "partnerCoverage { id }", id=coverage, level="INTERNAL")
    levels = await trade.connection.fetch("SELECT DISTINCT level FROM customer_shares WHERE coverage_id = $1", row)
    assert [found["level"] for found in levels] == ["INTERNAL"]
    _, errors = await trade.send("sales_manager", "deletePartnerCoverage", "deletedId", id=coverage)
    assert errors == []
    assert (await trade.connection.fetchrow(count, trade.organization, row))[1] == 0


async def test_customers_and_territories_change_at_the_same_time(trade: Trade):
    """In whatever order they come: none fails, none is lost; and one customer's writer does not wait for another's."""
    partner = await trade.partner(OTHER)
    territory = await trade.made("administrator", "createTerritory", "territory { id }", name="Busy", country="GL")
    given = {"name": "Busy", "partnerId": partner, "territoryId": territory, "level": "PARTNER"}
    coverage = await trade.made("administrator", "createPartnerCoverage", "partnerCoverage { id }", **given)
    create = "administrator", "createCustomer", "customer { id }"
    customers = [await trade.made(*create, name=f"Busy {n}", country="GL", city="Nuuk") for n in range(4)]

    async def turn(n: int) -> None:
        city = ("Nuuk", "Sisimiut")[n % 2]
        update = "administrator", "updateTerritory", "territory { id }"
        await trade.made(*update, id=territory, city=city)

    async def move(n: int) -> None:
        city = ("Sisimiut", "Nuuk")[n % 2]
        await trade.made("administrator", "updateCustomer", "customer { id }", id=customers[n % 4], city=city)

    await asyncio.gather(*(step(n) for n in range(6) for step in (turn, move)))
    wanted = await trade.connection.fetch(
        "SELECT k.id FROM customers k JOIN territories t ON k.country = t.country AND k.city = t.city"
        " WHERE t.name = 'Busy' ORDER BY 1"
    )
    row = (await trade.row("partner_coverages", coverage))["id"]
    held = "SELECT customer_id AS id FROM customer_shares WHERE coverage_id = $1 ORDER BY 1"
    assert await trade.connection.fetch(held, row) == wanted

    async with trade.database.transaction(trade.organization, None, "test") as tx:
        await (await tx.raw()).execute("UPDATE customers SET city = 'Qaqortoq' WHERE name = 'Busy 0'")
        await asyncio.wait_for(move(1), 30)


async def test_a_customer_is_written_while_its_coverage_is_deleted(trade: Trade):
    """It waits, and is shared with no one; not refused for a coverage that is gone. A name locks nobody out."""
    partner = await trade.partner(OTHER)
    territory = await trade.made("administrator", "createTerritory", "territory { id }", name="Gone", country="SJ")
    given = {"name": "Gone", "partnerId": partner, "territoryId": territory, "level": "PARTNER"}
    coverage = await trade.made("administrator", "createPartnerCoverage", "partnerCoverage { id }", **given)
    row = (await trade.row("partner_coverages", coverage))["id"]
    create = trade.made("administrator", "createCustomer", "customer { id }", name="Late", country="SJ")
    async with trade.database.transaction(trade.organization, None, "test") as tx:
        await (await tx.raw()).execute("UPDATE territories SET name = 'Named' WHERE name = 'Gone'")
        await (await tx.raw()).execute("UPDATE partner_coverages SET name = 'Named' WHERE id = $1", row)
        early = "administrator", "createCustomer", "customer { id }"
        await asyncio.wait_for(trade.made(*early, name="Early", country="SJ"), 30)
        await (await tx.raw()).execute("DELETE FROM partner_coverages WHERE id = $1", row)
        waiting = asyncio.create_task(create)
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
    late = await waiting
    shares = "SELECT count(*) FROM customer_shares WHERE customer_id = $1 AND coverage_id IS NOT NULL"
    assert await trade.connection.fetchval(shares, (await trade.row("customers", late))["id"]) == 0
