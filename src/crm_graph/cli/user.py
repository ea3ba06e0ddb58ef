"""`crm-graph user`: the first way in. Makes someone who can sign in, or gives them a new password and API key."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import typer

from crm_graph.auth import api_keys, credentials
from crm_graph.auth.account.second_step import switch_off
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.proofs import kept_passkeys
from crm_graph.auth.proofs.notices import Notice, tell
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.policy_asked import known
from crm_graph.cli.signals import stopping
from crm_graph.db.session import Database, Transaction
from crm_graph.entity import REGISTRY
from crm_graph.errors import ValueInvalid
from crm_graph.imports.organizations import importing_actor, missing_organization
from crm_graph.plan.changes import Outcome
from crm_graph.plan.writes.write import insert_fields, update_fields

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address they sign in with.")]
Role = Annotated[list[str] | None, typer.Option(help="Their role; again for several. Needed for a new user.")]
Name = Annotated[str | None, typer.Option(help="Full name of a new user.")]
Organization = Annotated[
    str | None, typer.Option(help="Name, host or id of the organisation, where there are several.")
]
New = Annotated[str | None, typer.Option("--new-organization", help="Make this organisation if it is missing.")]
Currency = Annotated[str, typer.Option(help="Currency of a new organisation.")]
Host = Annotated[
    list[str] | None, typer.Option(help="Host name that shall select the organisation; again for several.")
]
Without = Annotated[
    bool,
    typer.Option(
        "--without-second-step", help="Forget their authenticator app, recovery codes and passkeys: all were lost."
    ),
]
Days = Annotated[int, typer.Option(help="How long the API key works, in days.", min=1, max=api_keys.LONGEST_DAYS)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    email: str
    name: str | None
    roles: list[str] | None
    organization: str | None
    new: str | None
    currency: str
    hosts: list[str] | None
    days: int
    without_second_step: bool


def user(
    email: Email,
    role: Role = None,
    name: Name = None,
    organization: Organization = None,
    new_organization: New = None,
    currency: Currency = "EUR",
    host: Host = None,
    days: Days = 90,
    without_second_step: Without = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make someone who can sign in, or give them a new password and API key."""
    if role:
        known(",".join(role))
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    asked = Asked(email, name, role, organization, new_organization, currency, host, days, without_second_step)
    with stopping(), database(settings, may_make=new_organization is not None) as url:
        password, token = asyncio.run(_admit(url, asked))
    print(f"password: {password}\nAPI key:  {token}\nNeither can be shown again.")


async def _admit(url: str, asked: Asked) -> tuple[str, str]:
    from crm_graph import schema  # noqa: F401 - declares the entities

    db, passwords, password = Database(url, 1), Passwords(), secrets.token_urlsafe(12)
    try:
        encoded = await passwords.hash(password)
        new = None if asked.new is None else await missing_organization(db, asked.new, _currency(asked.currency))
        actor = new.actor if new is not None else await importing_actor(db, asked.new or asked.organization, None)
        async with db.transaction(actor.organization_id, None, "cli") as tx:
            if new is not None:
                await new.make(tx)
            if asked.hosts:
                _done(
                    await update_fields(
                        tx, actor, "Organization", actor.organization_id, {"hosts": asked.hosts}, "organization.updated"
                    )
                )
            found = await _find(tx, actor.organization_id, asked.email)
            is_new = found is None
            if found is None:
                found = _done(await insert_fields(tx, actor, "User", _values(asked))).id
            elif asked.roles:
                _done(await update_fields(tx, actor, "User", found, {"roles": asked.roles}, "user.updated"))
            assert found is not None
            await credentials.store(tx, actor.organization_id, found, encoded)
            if not is_new:
                await tell(tx, actor.organization_id, found, Notice.PASSWORD_CHANGED, None)
            if asked.without_second_step:
                await _forget_second_step(tx, actor.organization_id, found)
            token = await api_keys.create(tx, actor.organization_id, found, name="Command line", days=asked.days)
    finally:
        passwords.close()
        await db.dispose()
    assert token is not None
    return password, token


async def _forget_second_step(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    if await switch_off(tx, organization_id, user_id):
        await tell(tx, organization_id, user_id, Notice.APP_OFF, None)
    for one in await kept_passkeys.live(tx, organization_id, user_id):
        await kept_passkeys.remove(tx, organization_id, user_id, one.id)
        await tell(tx, organization_id, user_id, Notice.PASSKEY_REMOVED, None, one.name)


async def _find(tx: Transaction, organization_id: UUID, email: str) -> UUID | None:
    """The user with this address; refuses one who may not sign in."""
    found = await (await tx.raw()).fetchrow(
        "SELECT id, status FROM users WHERE organization_id = $1 AND email_match = crm_match_email($2)",
        organization_id,
        email,
    )
    if found is not None and found["status"] != "ACTIVE":
        raise ValueInvalid(f"{email} is suspended: set the user's status to ACTIVE first.")
    return None if found is None else found["id"]


def _values(asked: Asked) -> dict[str, object]:
    if not asked.roles:
        raise ValueInvalid(f"There is no user {asked.email} yet: say what they shall be by --role, as administrator.")
    try:
        email = REGISTRY["User"].__specs__["email"].kind.parse(asked.email)
    except ValueError as error:
        raise ValueInvalid(f"{error}.") from None
    return {"name": asked.name or asked.email, "email": email, "roles": asked.roles}


def _currency(text: str) -> str:
    try:
        return str(REGISTRY["Organization"].__specs__["currency"].kind.parse(text))
    except ValueError as error:
        raise ValueInvalid(f"{error}.") from None


def _done(outcome: Outcome) -> Outcome:
    if outcome.errors:
        raise ValueInvalid(" ".join(error.message for error in outcome.errors))
    return outcome
