"""Links for people who do not sign in: secrets that are kept as their hash, end, and are taken back at any time.

Tables of such links have `token_hash`, `expires_at` and `revoked_at`.
"""

from uuid import UUID

import asyncpg

from crm_graph.auth import tokens
from crm_graph.db.session import Transaction
from crm_graph.entity import Entity
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields


def new_link(tx: Transaction, hosts: list[str], path: str) -> tuple[str, str]:
    """Where a new link leads, below the path of its kind, and the hash by which its secret is kept."""
    token = tokens.link_token()
    return tx.page_url(hosts, f"{path}/{token}"), _hashed(token)


def works(alias: str) -> str:
    """SQL for a link of the organisation `$1` whose secret has the hash `$2`, if it works."""
    return (
        f"{alias}.organization_id = $1 AND {alias}.token_hash = $2"
        f" AND {alias}.revoked_at IS NULL AND {alias}.expires_at > now()"
    )


async def linked(
    connection: "asyncpg.Connection[asyncpg.Record]", sql: str, organization_id: UUID, token: str
) -> "asyncpg.Record | None":
    """What a statement that asks for what `works` finds of the link with this secret."""
    if len(token) >= tokens.LONGEST:
        return None
    return await connection.fetchrow(sql, organization_id, _hashed(token))


async def revoke(call: Call, entity: type[Entity], event: str) -> Outcome:
    """Take the call's link back: from now on it leads nowhere."""
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    return await update_fields(
        call.tx, call.actor, entity.__name__, call.row, {"revoked_at": now}, event,
        if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


def _hashed(token: str) -> str:
    return tokens.digest(token.encode()).hex()
