"""Whose address it is that a mail came from, and whose customer somebody becomes whom nobody knows."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.jobs.mailboxes import Mailbox
from crm_graph.plan.writes.write import insert_fields
from crm_graph.schema.customers import Customer, CustomerKind, LifecycleStage

NOBODY: Final = "unknown@sender.invalid"
"""The address of a mail that names no sender, or several; no mail is ever sent to it."""
_OWNERS: Final = """
SELECT id, TRUE AS own FROM customers WHERE organization_id = $1 AND email_match = crm_match_email($2)
UNION ALL
SELECT customer_id, FALSE FROM contacts WHERE organization_id = $1 AND crm_match_email(email) = crm_match_email($2)"""
_UNKNOWN: Final = """
SELECT b.unknown_customer_id, EXISTS (SELECT FROM customers c
       WHERE c.organization_id = $1 AND c.id = b.unknown_customer_id) AS there
  FROM mailboxes b WHERE b.organization_id = $1 AND b.id = $2 FOR UPDATE OF b"""
_REMEMBER: Final = "UPDATE mailboxes SET unknown_customer_id = $3 WHERE organization_id = $1 AND id = $2"
_IS_UNKNOWN: Final = "SELECT EXISTS (SELECT FROM mailboxes WHERE organization_id = $1 AND unknown_customer_id = $2)"


@dataclass(frozen=True, slots=True)
class Owners:
    """The customers who have an address on file: `own` themselves, `through` a contact of theirs."""

    own: frozenset[UUID]
    through: frozenset[UUID]

    def __contains__(self, customer: object) -> bool:
        return customer in self.own or customer in self.through

    @property
    def only(self) -> UUID | None:
        """The one who is meant, beyond doubt."""
        some = self.own or self.through
        return next(iter(some)) if len(some) == 1 else None

    @property
    def nobody(self) -> bool:
        return not self.own and not self.through


async def owners_of(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, address: str) -> Owners:
    """Who has the address on file."""
    found = await connection.fetch(_OWNERS, organization, address)
    own = frozenset(row["id"] for row in found if row["own"])
    return Owners(own, frozenset(row["id"] for row in found if not row["own"]))


async def new_customer(tx: Transaction, actor: Actor, address: str, name: str) -> UUID:
    """Make a customer of somebody who wrote from an address that is theirs, and nobody's we know."""
    return await _made(tx, actor, name or address.partition("@")[0], CustomerKind.PERSON, address)


async def unknown_customer(tx: Transaction, actor: Actor, box: Mailbox) -> UUID:
    """Who has the tickets of senders whom nobody knows yet: one for a mailbox, made when it is first needed."""
    connection = await tx.raw()
    found = await connection.fetchrow(_UNKNOWN, actor.organization_id, box.id)
    assert found is not None, "the mailbox was read in this transaction"
    if found["there"]:
        known: UUID = found["unknown_customer_id"]
        return known
    made = await _made(tx, actor, f"Senders not known ({box.address})", CustomerKind.ORGANIZATION, None)
    await connection.execute(_REMEMBER, actor.organization_id, box.id, made)
    return made


async def is_unknown(connection: "asyncpg.Connection[asyncpg.Record]", organization: UUID, customer: UUID) -> bool:
    """Whether a customer stands for senders whom nobody knows."""
    return bool(await connection.fetchval(_IS_UNKNOWN, organization, customer))


async def _made(tx: Transaction, actor: Actor, name: str, kind: CustomerKind, address: str | None) -> UUID:
    values = {
        "name": name,
        "kind": kind.value,
        "stage": LifecycleStage.SUSPECT.value,
        "email": address,
        "currency": actor.currency,
    }
    made = await insert_fields(tx, actor, Customer.__name__, values, event="customer.created")
    assert made.id is not None, made.errors
    return made.id
