"""Every day: goals that turned red, key people who fell silent, accounts whose coverage is thin.

Each is told once a turn, by an event and a mail to the account's manager; what it was told about is on its record until
it is over.
"""

import datetime as dt
from collections import Counter, defaultdict
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY
from crm_graph.jobs.timers import timer
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.people import MAILED
from crm_graph.schema.goals import Goal
from crm_graph.schema.key_accounts import KeyAccount
from crm_graph.schema.key_people import KeyPerson
from crm_graph.specs import TODAY, expanded

_STATUS: Final = expanded(REGISTRY[Goal.__name__].__specs__, "status", "g", "$1")
_SILENT: Final = expanded(REGISTRY[KeyPerson.__name__].__specs__, "silent", "p")
_COVERED: Final = expanded(REGISTRY[KeyPerson.__name__].__specs__, "covered", "p")
_RUNNING: Final = f"{TODAY} BETWEEN n.starts_on AND n.ends_on"

_GOALS: Final = f"""
SELECT x.id, x.holds, x.manager_id FROM (
  SELECT g.id, g.red_since, coalesce({_STATUS} = 'RED', FALSE) AS holds, k.manager_id
    FROM key_account_plans n
    JOIN goals g ON g.organization_id = n.organization_id AND g.plan_id = n.id
    JOIN key_accounts k ON k.organization_id = n.organization_id AND k.id = n.key_account_id
   WHERE n.organization_id = $1 AND {_RUNNING}) x
 WHERE x.holds = (x.red_since IS NULL) ORDER BY x.id"""
_PEOPLE: Final = f"""
SELECT p.id, {_SILENT} AS holds, k.manager_id
  FROM key_people p JOIN key_accounts k ON k.organization_id = p.organization_id AND k.id = p.key_account_id
 WHERE p.organization_id = $1 AND {_SILENT} = (p.silent_since IS NULL) ORDER BY p.id"""
_ACCOUNTS: Final = f"""
SELECT x.id, x.holds, x.manager_id FROM (
  SELECT k.id, k.manager_id, k.coverage_thin_since,
         CASE WHEN c.people = 0 THEN c.planned ELSE 100 * c.covered < k.coverage_target * c.people END AS holds
    FROM key_accounts k
   CROSS JOIN LATERAL (
     SELECT count(*) AS people, count(*) FILTER (WHERE {_COVERED}) AS covered,
            EXISTS (SELECT FROM key_account_plans n
                     WHERE n.organization_id = $1 AND n.key_account_id = k.id AND {_RUNNING}) AS planned
       FROM key_people p WHERE p.organization_id = $1 AND p.key_account_id = k.id) c
   WHERE k.organization_id = $1) x
 WHERE x.holds = (x.coverage_thin_since IS NULL) ORDER BY x.id"""

_WATCHED: Final = (
    (Goal, _GOALS, "red_since", "goal.turned_red", "goal.recovered"),
    (KeyPerson, _PEOPLE, "silent_since", "key_person.silent", "key_person.in_touch"),
    (KeyAccount, _ACCOUNTS, "coverage_thin_since", "key_account.coverage_thin", "key_account.covered"),
)
"""What is watched: its entity, what changed of it, the column that remembers, events as it begins and as it is over."""
_MANAGERS: Final = f"""SELECT u.id, u.name, u.email, o.name AS organization FROM users u
  JOIN organizations o ON o.organization_id = u.organization_id
 WHERE u.organization_id = $1 AND u.id = ANY($2::uuid[]) AND {MAILED}"""
_SAYS: Final = {
    "goal.turned_red": ("goal has turned red", "goals have turned red"),
    "key_person.silent": ("key person has gone silent", "key people have gone silent"),
    "key_account.coverage_thin": ("key account has too few people covered", "key accounts have too few people covered"),
}


@timer("key_account.watch", every=dt.timedelta(days=1))
async def watch(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Tell managers what has begun since they were last told, and remember that they know."""
    connection, organization, now = await tx.raw(), row, dt.datetime.now(dt.UTC)
    told: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for entity, sql, column, begins, ends in _WATCHED:
        for found in await connection.fetch(sql, organization):
            event = begins if found["holds"] else ends
            values = {column: now if found["holds"] else None}
            await update_fields(tx, actor, entity.__name__, found["id"], values, event)
            if found["holds"] and found["manager_id"] is not None:
                told[found["manager_id"]][event] += 1
    for manager in await connection.fetch(_MANAGERS, organization, list(told)):
        await post(connection, organization, _mail(manager, told[manager["id"]]))


def _mail(manager: asyncpg.Record, told: Counter[str]) -> Mail:
    """It names nobody and nothing: what the manager may see is for the API to say."""
    lines = [f"- {number} {_SAYS[event][number > 1]}\n" for event, number in told.items()]
    body = (
        f"Hello {manager['name']},\n\nof your key accounts at {manager['organization']}:\n\n{''.join(lines)}\n"
        "Look at them under keyAccounts: goals with status RED, keyPeople with silent, coverageThinSince.\n"
    )
    return Mail(manager["email"], f"Key accounts: {sum(told.values())} to look at", body)
