"""What managers of key accounts are told, once a turn."""

import datetime as dt
from typing import Any

import pytest

from crm_graph.resolvers.key_accounts.watching import watch
from tests.resolvers.key_accounts.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


async def mails(office: Office) -> list[Any]:
    address = office.api.people["sales_rep"]["email"]
    found: list[Any] = await office.connection.fetch(
        "SELECT subject, body FROM outgoing_mails WHERE recipient = $1 ORDER BY id", address
    )
    return found


async def test_managers_are_told_once_a_turn(office: Office) -> None:
    await office.falls_due(watch)  # of the demo
    known = len(await mails(office))
    customer, account = await office.account(manager="sales_rep")
    plan = await office.plan(account, TODAY - DAY, TODAY)
    given = {"planId": plan, "title": "sell", "metric": "REVENUE", "target": "100"}
    goal = await office.made_of("createGoal", "Goal", **given)
    contact = await office.made_of("createContact", "Contact", customerId=customer, name="Ada Lovelace")
    owner = await office.user("sales_rep")
    about = {"keyAccountId": account, "contactId": contact, "relationshipOwnerId": owner, "silentAfterDays": 30}
    long_ago = str(TODAY - 31 * DAY)
    person = await office.made_of("createKeyPerson", "KeyPerson", lastContactOn=long_ago, **about)
    for _ in range(2):
        await office.falls_due(watch)
    (mail,) = (await mails(office))[known:]
    assert mail["subject"] == "Key accounts: 3 to look at"
    assert "1 goal has turned red" in mail["body"]
    assert "1 key person has gone silent" in mail["body"]
    assert "1 key account has too few people covered" in mail["body"]
    assert "Ada" not in mail["body"]
    assert (await office.events(goal))[1:] == ["goal.turned_red"]
    assert (await office.events(person))[1:] == ["key_person.silent"]
    assert (await office.events(account))[1:] == ["key_account.coverage_thin"]
    shown = "query ($id: ID!) { keyAccount(id: $id) { coverageThinSince keyPeopleKnown keyPeopleCovered } }"
    seen = (await office.ask("sales_rep", shown, id=account)).data["keyAccount"]
    assert seen["coverageThinSince"] is not None
    assert (seen["keyPeopleKnown"], seen["keyPeopleCovered"]) == (1, 0)

    await office.order(customer, "100")
    await office.made_of("updateKeyPerson", "KeyPerson", id=person, lastContactOn=str(TODAY - 30 * DAY))
    await office.falls_due(watch)
    assert (await office.events(goal))[-1] == "goal.recovered"
    assert (await office.events(person))[-1] == "key_person.in_touch"
    assert (await office.events(account))[-1] == "key_account.covered"
    assert (await office.row("goals", goal))["red_since"] is None
    assert len(await mails(office)) == known + 1

    await office.made_of("updateGoal", "Goal", id=goal, target="100000")
    await office.falls_due(watch)
    assert (await office.events(goal)).count("goal.turned_red") == 2
    assert (await mails(office))[-1]["subject"] == "Key accounts: 1 to look at"


async def test_an_account_with_a_plan_and_nobody_known_is_thin(office: Office) -> None:
    _, planned = await office.account()
    _, idle = await office.account()
    await office.plan(planned, TODAY, TODAY + DAY)
    await office.falls_due(watch)
    assert (await office.row("key_accounts", planned))["coverage_thin_since"] is not None
    assert (await office.row("key_accounts", idle))["coverage_thin_since"] is None
