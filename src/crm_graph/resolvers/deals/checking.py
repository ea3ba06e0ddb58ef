"""Holding a registration against our customers and against what other partners registered.

A few statements, each by index: candidates by kept keys, then, of those that the matcher takes for the customer, the
sales in their groups of companies. One registration of an organisation at a time, so that two see each other.
"""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import timer
from crm_graph.matching import LONG, company_name, same_company
from crm_graph.plan.changes import certain
from crm_graph.plan.writes.write import insert_rows, update_fields
from crm_graph.resolvers.deals.states import LIVE
from crm_graph.schema.deals import ConflictKind, ConflictMatch
from crm_graph.schema.orders import COUNTS

CHECK: Final = "deal_registration.check"
ORDER_DAYS: Final = 180
"""For how many days an order counts as a sale that goes on."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('crm_deals'), hashtext($1::uuid::text))"
_ROW: Final = """
SELECT d.partner_id, d.customer_name AS name, d.customer_tax_number_match, d.customer_email_match,
       d.customer_phone_match, d.customer_name_match, d.customer_name_letters, d.customer_name_initials, now() AS now
  FROM deal_registrations d WHERE d.organization_id = $1 AND d.id = $2 AND d.checked_at IS NULL FOR NO KEY UPDATE"""
_KEYS: Final = (
    ("tax_number_match", ConflictMatch.TAX_NUMBER),
    ("email_match", ConflictMatch.EMAIL),
    ("phone_match", ConflictMatch.PHONE),
    ("name_match", ConflictMatch.NAME),
    ("name_letters", None),
    ("name_initials", None),
)
"""The kept keys, the surest first; of the last two only the matcher knows."""


def alike(theirs: str, ours: str, cut: str, most: str) -> str:
    """SQL: whether no more than a slip, or what a word written short leaves out, is between the letters of two names.

    Beginnings of words are common; by this the index tells which of those that share them are worth a look.
    """
    theirs, ours = f"coalesce({theirs}, '')", f"coalesce({ours}, '')"
    more, less = f"translate({theirs}, {ours}, '')", f"translate({ours}, {theirs}, '')"
    return f"({more} = '' OR {cut} AND {less} = '' OR length({more}) + length({less}) <= {most})"


def slips(name: str) -> tuple[bool, int]:
    """Whether a word of a name is written short, and how many letters slips may put between it and others."""
    words = company_name(name).words
    return any(word.short for word in words), 2 if any(len(word.text) >= LONG for word in words) else 1


def _candidates(table: str, prefix: str, name: str, further: str, named: str) -> str:
    """Rows that have one of the keys: `id`, `name`, and the place of the key in `_KEYS`; $8 and $9 are of `slips`."""
    near = f" AND {alike(f'{prefix}name_letters', '$6', '$8', '$9')}"
    return " UNION ALL ".join(
        f"SELECT id, {name} AS name, {place} AS place{further} FROM {table} WHERE organization_id = $1"
        f" AND {prefix}{key} = ${place + 2}{named if key.startswith('name') else ''}"
        f"{near if key == 'name_initials' else ''}"
        for place, (key, _) in enumerate(_KEYS)
    )


_CUSTOMERS: Final = _candidates("customers", "", "name", "", " AND kind = 'ORGANIZATION'")
_REGISTRATIONS: Final = (
    f"SELECT * FROM ({_candidates('deal_registrations', 'customer_', 'customer_name', ', partner_id, status', '')}) r"
    f" WHERE r.partner_id <> $10 AND r.status IN {LIVE}"
)
_KNOWN: Final = """
SELECT registration_id AS id FROM channel_conflicts WHERE organization_id = $1 AND other_registration_id = $2"""
_NEAREST: Final = "o.partner_id, CASE WHEN f.id = ANY ($2) THEN f.id END"
_SALES: Final = f"""
WITH RECURSIVE above AS (
  SELECT id FROM unnest($2::uuid[]) id
   UNION
  SELECT c.parent_id FROM above a JOIN customers c ON c.organization_id = $1 AND c.id = a.id
   WHERE c.parent_id IS NOT NULL
), family AS (
  SELECT id FROM above
   UNION
  SELECT c.id FROM family f JOIN customers c ON c.organization_id = $1 AND c.parent_id = f.id
)
SELECT * FROM (
  SELECT DISTINCT ON ({_NEAREST}) f.id AS customer_id, o.id AS opportunity_id, NULL::uuid AS order_id,
         NULL::uuid AS registration_id, o.partner_id
    FROM family f CROSS JOIN LATERAL (
      SELECT o.id, o.partner_id, o.created_at FROM opportunities o
       WHERE o.organization_id = $1 AND o.customer_id = f.id AND o.status = 'OPEN' AND o.partner_id IS DISTINCT FROM $3
      OFFSET 0
    ) o
   ORDER BY {_NEAREST}, o.created_at DESC, o.id
) sales
UNION ALL
SELECT * FROM (
  SELECT DISTINCT ON ({_NEAREST}) f.id, NULL::uuid, o.id, NULL::uuid, o.partner_id
    FROM family f CROSS JOIN LATERAL (
      SELECT o.id, o.partner_id, o.placed_at FROM orders o
       WHERE o.organization_id = $1 AND o.customer_id = f.id AND o.status {COUNTS}
         AND o.placed_at > now() - interval '{ORDER_DAYS} days' AND o.partner_id IS DISTINCT FROM $3
      OFFSET 0
    ) o
   ORDER BY {_NEAREST}, o.placed_at DESC, o.id
) orders
UNION ALL
SELECT f.id, NULL, NULL, d.id, d.partner_id
  FROM family f CROSS JOIN LATERAL (
    SELECT d.id, d.partner_id FROM deal_registrations d
     WHERE d.organization_id = $1 AND d.customer_id = f.id AND d.partner_id <> $3 AND d.status IN {LIVE}
    OFFSET 0
  ) d"""
"""Of each customer in the groups their indexes are asked, however many the planner takes them for. Of a whole group
the newest sale of each channel collides, not every one."""


@timer(CHECK)
async def check(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Record what a registration collides with, and which customer of ours it is about; once."""
    connection, organization = await tx.raw(), actor.organization_id
    await connection.execute(_LOCK, organization)
    found = await connection.fetchrow(_ROW, organization, row)
    if found is None:
        return
    name, keys = found["name"], [found[f"customer_{key}"] for key, _ in _KEYS]
    customers = _same(name, await connection.fetch(_CUSTOMERS, organization, *keys, *slips(name)))
    others = _same(name, await connection.fetch(_REGISTRATIONS, organization, *keys, *slips(name), found["partner_id"]))
    known = {found["id"] for found in await connection.fetch(_KNOWN, organization, row)}
    conflicts = {other: _registration(other, by) for other, by in others.items() if other not in known}
    for sale in await connection.fetch(_SALES, organization, list(customers), found["partner_id"]):
        by = customers.get(sale["customer_id"], ConflictMatch.GROUP)
        if sale["registration_id"] in known:
            continue
        if sale["registration_id"] is not None:
            conflicts.setdefault(sale["registration_id"], _registration(sale["registration_id"], by))
        else:
            conflicts[sale["opportunity_id"] or sale["order_id"]] = _sale(sale, by)
    customer = min(customers.items(), key=lambda item: (_sureness(item[1]), item[0]), default=(None, None))[0]
    values: dict[str, object] = {"checked_at": found["now"], "customer_id": customer}
    certain(await update_fields(tx, actor, "DealRegistration", row, values, "deal_registration.checked"))
    rows = [{"registration_id": row, **conflict} for conflict in conflicts.values()]
    certain(*await insert_rows(tx, actor, "ChannelConflict", rows, event="channel_conflict.found"))


def _same(name: str, candidates: list[asyncpg.Record]) -> dict[UUID, ConflictMatch]:
    """By what each candidate is the customer of this name: its surest key, else what the matcher says."""
    found: dict[UUID, ConflictMatch] = {}
    for row in sorted(candidates, key=lambda row: row["place"]):
        by = _KEYS[row["place"]][1]
        if by is not None:
            found.setdefault(row["id"], by)
        elif row["id"] not in found and same_company(name, row["name"]):
            found[row["id"]] = ConflictMatch.NAME
    return found


def _sureness(by: ConflictMatch) -> int:
    return list(ConflictMatch).index(by)


def _registration(other: UUID, by: ConflictMatch) -> dict[str, object]:
    return {
        "kind": ConflictKind.REGISTRATION.value,
        "matched_by": by.value,
        "customer_id": None,
        "opportunity_id": None,
        "order_id": None,
        "other_registration_id": other,
    }


def _sale(sale: asyncpg.Record, by: ConflictMatch) -> dict[str, object]:
    kind = ConflictKind.DIRECT_SALE if sale["partner_id"] is None else ConflictKind.PARTNER_SALE
    return {
        "kind": kind.value,
        "matched_by": by.value,
        "customer_id": sale["customer_id"],
        "opportunity_id": sale["opportunity_id"],
        "order_id": sale["order_id"],
        "other_registration_id": None,
    }
