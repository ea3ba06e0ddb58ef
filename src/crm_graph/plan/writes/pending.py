"""Requests for changes that wait: making one, with its code where it waits for one, and what is pending of a record."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, Entity
from crm_graph.mail.outbox import Mail, post
from crm_graph.markers import Change
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.changes import Outcome, UserError
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.fields import insert_fields, update_fields
from crm_graph.specs import FieldSpec

REQUEST: Final = "ChangeRequest"
CODE_ATTEMPTS: Final = 5
"""How many codes may be tried for one change."""
CODE_LIVES: Final = dt.timedelta(hours=1)
APPROVAL_LIVES: Final = dt.timedelta(days=30)
MOST_PENDING: Final = 20
"""Changes of one record that are shown as pending; there is one for each field at most."""
MOST_A_DAY: Final = 20
"""Changes that wait, which one person may ask for in 24 hours."""
MOST_CODES_AN_HOUR: Final = 5
"""Mails with codes that one person may cause in an hour, to whomever."""
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letter that is read as another: 12 of them have 58 bits


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field of a record that is to change from one value to another, both as PostgreSQL writes them."""

    spec: FieldSpec
    rule: Change
    before: str | None
    after: str | None


async def ask(
    tx: Transaction,
    actor: Actor,
    entity: type[Entity],
    row: UUID,
    wanted: Sequence[Wanted],
    request_id: str | None,
) -> list[UserError]:
    """Keep requests for these changes, in place of older ones of the same fields; gives why not, if it cannot be.

    The record must be locked, so that of two at once one replaces the other.
    """
    connection = await tx.raw()
    codes = sum(one.rule is Change.VERIFIED for one in wanted)
    recent = await connection.fetchrow(_RECENT, actor.organization_id, actor.customer_id)
    if recent is None or recent["requests"] + len(wanted) > MOST_A_DAY or recent["codes"] + codes > MOST_CODES_AN_HOUR:
        return [UserError("TOO_MANY_CHANGES", "Too many changes were asked for; try again later.")]
    on_file = await connection.fetchval(_ON_FILE, actor.organization_id, actor.customer_id)
    for one in wanted:
        recipient = one.after if one.spec.kind is kinds.EMAIL and one.after else on_file
        if one.rule is Change.VERIFIED and recipient is None:
            return [UserError("VERIFICATION_IMPOSSIBLE", "There is no address to send a code to.", (one.spec.input,))]
        refused = await _keep(tx, actor, entity, row, one, recipient, request_id)
        if refused:
            return refused
    return []


_RECENT = """
SELECT count(*) AS requests,
       count(*) FILTER (WHERE waits_for = 'VERIFICATION' AND created_at > now() - interval '1 hour') AS codes
  FROM change_requests
 WHERE organization_id = $1 AND customer_id = $2 AND created_at > now() - interval '24 hours'"""
_ON_FILE = "SELECT email FROM customers WHERE organization_id = $1 AND id = $2"
_OLDER = """
SELECT id FROM change_requests
 WHERE organization_id = $1 AND entity = $2 AND row_id = $3 AND field = $4 AND state = 'PENDING' FOR UPDATE"""


async def _keep(
    tx: Transaction,
    actor: Actor,
    entity: type[Entity],
    row: UUID,
    one: Wanted,
    recipient: str | None,
    request_id: str | None,
) -> list[UserError]:
    connection, now = await tx.raw(), dt.datetime.now(dt.UTC)
    field = one.spec.input
    for older in await connection.fetch(_OLDER, actor.organization_id, entity.__name__, row, field):
        await close(tx, actor, older["id"], "REPLACED", request_id)
    verified = one.rule is Change.VERIFIED
    values: dict[str, object] = {
        "customer_id": actor.customer_id,
        "entity": entity.__name__,
        "row_id": row,
        "field": field,
        "waits_for": "VERIFICATION" if verified else "APPROVAL",
        "before_value": one.before,
        "after_value": one.after,
        "requested_by_id": actor.user_id,
        "expires_at": now + (CODE_LIVES if verified else APPROVAL_LIVES),
    }
    made = await insert_fields(tx, actor, REQUEST, values, event="change_request.asked", request_id=request_id)
    if made.is_refused or made.id is None:
        return list(made.errors)
    if verified and recipient is not None:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(12))
        await connection.execute(
            "INSERT INTO change_codes (organization_id, id, code_hash) VALUES ($1, $2, $3)",
            actor.organization_id,
            made.id,
            code_hash(made.id, code),
        )
        await post(connection, actor.organization_id, _mail(recipient, one.spec, code))
    return []


def code_hash(change: UUID, code: str) -> bytes:
    """A code as it is kept; how it is written (capitals, spaces, hyphens) does not matter."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(change.bytes + plain.encode()).digest()


def _mail(recipient: str, spec: FieldSpec, code: str) -> Mail:
    shown = "-".join(code[at : at + 4] for at in range(0, len(code), 4))
    return Mail(
        recipient,
        "Confirm your change",
        f"To change your {spec.input}, enter this code within an hour:\n\n    {shown}\n\n"
        "If you did not ask for this, do nothing: without the code nothing changes.\n",
    )


async def close(
    tx: Transaction,
    actor: Actor,
    change: UUID,
    state: str,
    request_id: str | None,
    *,
    if_match: str | None = None,
    **more: object,
) -> Outcome:
    """Say how a pending change ended; its code is worth nothing then. Whether the caller may has been looked at."""
    values = {"state": state, "decided_at": dt.datetime.now(dt.UTC), "decided_by_id": actor.user_id, **more}
    event = f"change_request.{state.lower()}"
    done = await update_fields(tx, actor, REQUEST, change, values, event, if_match=if_match, request_id=request_id)
    await (await tx.raw()).execute(
        "DELETE FROM change_codes WHERE organization_id = $1 AND id = $2", actor.organization_id, change
    )
    return done


async def pending_of(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], row: UUID
) -> list[UUID]:
    """The changes of a record that are pending and that the caller sees, oldest first."""
    parameters = Parameters()
    lens = open_lens(REGISTRY[REQUEST], actor.policy, parameters, "t")
    if lens is None:
        return []
    name, wanted = parameters.constant(entity.__name__, "text"), parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT t.id FROM {lens.source()} WHERE {lens.where()} AND t.entity = {name} AND t.row_id = {wanted}"
        f" AND t.state = 'PENDING' AND t.expires_at > now() ORDER BY t.id LIMIT {MOST_PENDING}"
    )
    return [found["id"] for found in await connection.fetch(sql, *[source((), actor) for source in sources])]
