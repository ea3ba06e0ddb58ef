"""What is promised is checked when it is written, goes to the tickets that it fits, and follows whatever it depends on."""

import datetime as dt

import pytest

from crm_graph.resolvers.sla import timers
from tests.resolvers.sla.conftest import MINUTE, Desk, row_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
CALENDAR = {"name": "Office", "timeZone": "Europe/Berlin"}
REFUSED = [
    ("BusinessCalendar", {**CALENDAR, "monday": "17:00-09:00"}, "monday"),
    ("BusinessCalendar", {**CALENDAR, "monday": "09:00-12:00, 11:00-13:00"}, "monday"),
    ("BusinessCalendar", {**CALENDAR, "monday": "13:00-17:00, 09:00-12:00"}, "monday"),
    ("BusinessCalendar", {**CALENDAR, "monday": "09:00-00:00"}, "monday"),
    ("BusinessCalendar", {**CALENDAR, "monday": "9 to 5"}, "monday"),
    ("BusinessCalendar", {"name": "Office", "timeZone": "Europe"}, "timeZone"),
    ("BusinessCalendar", {"name": "Office", "timeZone": "../etc/localtime"}, "timeZone"),
    ("SlaPolicy", {"name": "Never", "firstResponseMinutes": 0}, "firstResponseMinutes"),
    ("SlaPolicy", {"name": "Never", "resolutionMinutes": 2**31 - 1}, "resolutionMinutes"),
    ("SlaPolicy", {"name": "Never", "warningPercent": 101}, "warningPercent"),
]


async def test_what_makes_no_sense_is_refused_and_what_does_is_kept_in_one_form(desk: Desk) -> None:
    for entity, values, field in REFUSED:
        found, errors = await desk.do(f"create{entity}", entity, **values)
        assert found is None
        assert errors in ([("VALUE_INVALID", field)], ["VARIABLE_INVALID"]), (values, errors)
    assert await desk.connection.fetchval("SELECT count(*) FROM business_calendars WHERE name = 'Office'") == 0
    found = await desk.make("BusinessCalendar", **CALENDAR, monday="09:00-12:30,13:30 - 24:00", standard=True)
    hours = (
        await desk.ask("service_agent", "query ($i: ID!) { businessCalendar(id: $i) { monday tuesday } }", i=found)
    ).data
    assert hours["businessCalendar"] == {"monday": "09:00-12:30, 13:30-24:00", "tuesday": None}
    assert (await desk.do("createBusinessCalendar", "BusinessCalendar", **CALENDAR, standard=True))[1][0][
        0
    ] == "KEY_TAKEN"
    assert (await desk.do("createSlaPolicy", "SlaPolicy", "service_agent", name="Mine"))[0] is None
    for outsider in ("customer", "partner_rep"):
        for query in ("{ slaPolicies { totalCount } }", "{ businessCalendars { totalCount } }"):
            assert (await desk.ask(outsider, query)).errors
        answer = await desk.ask(outsider, "{ tickets(first: 1) { nodes { slaStatus slaDueAt } } }")
        assert {error["extensions"]["code"] for error in answer.errors} == {"FIELD_ACCESS_DENIED"}
        answer = await desk.ask(outsider, "{ tickets(filter: { slaStatus: { eq: BREACHED } }) { totalCount } }")
        assert answer.codes == ["PREDICATE_ACCESS_DENIED"]


async def test_the_most_specific_policy_holds_and_says_why(desk: Desk) -> None:
    customer = await desk.customer()
    everybody = await desk.policy(resolutionMinutes=1000)
    ticket = await desk.open(customer=customer, channel="PHONE", priority="URGENT")
    expected: list[tuple[str, list[str]]] = [(everybody, [])]
    for conditions in (
        {"channel": "PHONE"},
        {"priority": "URGENT"},
        {"priority": "URGENT", "channel": "PHONE"},
        {"type": "QUESTION"},
        {"segment": "CONSUMER"},
        {"keyAccount": False},
        {"customerId": f"cus_{customer.hex}"},
    ):
        made = await desk.policy(resolutionMinutes=1000, **conditions)
        await desk.policy(resolutionMinutes=2000, **conditions)  # of equals the older holds
        names = {"customerId": "CUSTOMER", "keyAccount": "KEY_ACCOUNT"}
        expected.append((made, [names.get(name, name.upper()) for name in conditions]))
    for wrong in ({"channel": "WEB"}, {"segment": "ENTERPRISE"}, {"keyAccount": True}, {"active": False}):
        await desk.policy(resolutionMinutes=1, customerId=f"cus_{customer.hex}", **wrong)
    while expected:
        policy, why = expected.pop()
        await desk.reckon(ticket)
        row = await desk.row(ticket)
        assert (row["sla_policy_id"], row["sla_matched_by"]) == (row_of(policy), why)
        assert row["resolution_due_at"] == row["opened_at"] + 1000 * MINUTE
        await desk.connection.execute(
            "UPDATE sla_policies SET active = FALSE WHERE created_at >= (SELECT created_at FROM sla_policies WHERE id = $1)"
            " OR customer_id IS NOT NULL",
            row_of(policy),
        )
    await desk.reckon(ticket)
    assert (await desk.row(ticket))["sla_status"] == "NONE"


async def test_whatever_it_depends_on_changes_it_within_moments(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by anybody, in any way: a worker finds the tickets, a page in each transaction."""
    monkeypatch.setattr(timers, "_AFTER", timers._AFTER.replace(f"LIMIT {timers.PAGE}", "LIMIT 2"))
    monkeypatch.setattr(timers, "PAGE", 2)
    customer = await desk.customer()
    tickets = [await desk.open(customer=customer) for _ in range(5)]
    await desk.work()
    assert {(await desk.row(one))["sla_status"] for one in tickets} == {"NONE"}

    async def due(minutes: float | None) -> None:
        await desk.work()
        for one in tickets:
            row = await desk.row(one)
            found = row["resolution_due_at"]
            assert found == (None if minutes is None else row["opened_at"] + minutes * MINUTE)

    policy = await desk.policy(resolutionMinutes=1000)
    await due(1000)
    await desk.change("SlaPolicy", policy, resolutionMinutes=2000)
    await due(2000)
    await desk.policy(resolutionMinutes=3000, segment="ENTERPRISE")
    node = f"cus_{customer.hex}"
    await desk.change("Customer", node, segment="ENTERPRISE")
    await due(3000)
    await desk.policy(resolutionMinutes=500, keyAccount=True)
    account, errors = await desk.do("createKeyAccount", "KeyAccount", customerId=node)
    assert not errors
    await due(500)
    await desk.connection.execute("DELETE FROM key_accounts WHERE id = $1", row_of(account))
    await desk.change("Customer", node, segment="CONSUMER")
    await due(2000)
    await desk.connection.execute("UPDATE tickets SET priority = 'URGENT' WHERE id = ANY($1)", tickets)
    await desk.policy(resolutionMinutes=100, priority="URGENT")
    await due(100)
    assert await desk.connection.fetchval("SELECT count(*) FROM timers WHERE kind = 'sla.all'") == 0


async def test_business_hours_are_those_of_policy_team_or_organisation(desk: Desk) -> None:
    """Each calendar is closed but for one hour a day, at another time."""
    hours = {"own": "10:00-11:00", "teams": "12:00-13:00", "standard": "14:00-15:00"}
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    calendars = {
        name: await desk.make(
            "BusinessCalendar", name=name, timeZone="Asia/Kathmandu", **dict.fromkeys(days, spell),
            **({"standard": True} if name == "standard" else {}),
        )
        for name, spell in hours.items()
    }  # fmt: skip
    team = await desk.connection.fetchval("SELECT id FROM teams WHERE organization_id = $1 LIMIT 1", desk.organization)
    policy = await desk.policy(resolutionMinutes=30, clock="BUSINESS")
    ticket = await desk.open(team=team)
    midnight = dt.datetime.combine(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    await desk.set(ticket, opened_at=midnight)  # a quarter to six, there

    async def due_at() -> dt.timedelta:
        await desk.work()
        return (await desk.row(ticket))["resolution_due_at"] + dt.timedelta(hours=5, minutes=45) - midnight

    assert await due_at() == dt.timedelta(hours=14, minutes=30)
    await desk.change("Team", f"tea_{team.hex}", calendarId=calendars["teams"])
    assert await due_at() == dt.timedelta(hours=12, minutes=30)
    await desk.change("SlaPolicy", policy, calendarId=calendars["own"])
    assert await due_at() == dt.timedelta(hours=10, minutes=30)
    holiday = await desk.make("Holiday", calendarId=calendars["own"], day=midnight.date().isoformat())
    assert await due_at() == dt.timedelta(days=1, hours=10, minutes=30)
    await desk.connection.execute("DELETE FROM holidays WHERE id = $1", row_of(holiday))
    assert await due_at() == dt.timedelta(hours=10, minutes=30)
    await desk.change("SlaPolicy", policy, clock="ELAPSED")
    assert (await desk.row(ticket))["resolution_due_at"] != midnight + 30 * MINUTE
    await desk.work()
    assert (await desk.row(ticket))["resolution_due_at"] == midnight + 30 * MINUTE
