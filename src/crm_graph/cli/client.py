"""`crm-graph client`: the apps that may ask for tokens."""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from crm_graph.auth.oauth import registration, review
from crm_graph.auth.oauth.registration import Application
from crm_graph.auth.oauth.traces import By
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import JSON, ValueInvalid
from crm_graph.imports.organizations import importing_actor

clients = typer.Typer(no_args_is_help=True, help="Register apps that ask for tokens, list them, change their secrets.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What people see the app called.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The app's id, `cli_…`.")]
Organization = Annotated[
    str | None, typer.Option(help="Name, host or id of the organisation, where there are several.")
]
Scope = Annotated[
    list[str], typer.Option(help="A scope it may ask for: openid, customers:read:internal; again for several.")
]
RedirectUri = Annotated[
    list[str] | None, typer.Option(help="Where people are sent back to, exactly; again for several.")
]
PostLogout = Annotated[
    list[str] | None, typer.Option(help="Where people are sent after signing out; again for several.")
]
Purpose = Annotated[str, typer.Option(help="What it is for, as the consent page says it: `to show your orders`.")]
Public = Annotated[bool, typer.Option("--public", help="It cannot keep a secret: a mobile or desktop app.")]
Jwks = Annotated[
    Path | None, typer.Option(help="File with its public keys (JWKS): it proves itself by private_key_jwt.")
]
User = Annotated[
    str | None, typer.Option(help="E-mail address or name of the service user that it acts on its own as.")
]
Device = Annotated[
    bool, typer.Option("--device", help="For devices without a browser: people agree on another one, by a code.")
]
Partner = Annotated[str | None, typer.Option(help="Name of the partner whose app it is, if it is not ours.")]
Pending = Annotated[bool, typer.Option("--pending", help="Register it for review: it works once it is resumed.")]
Overlap = Annotated[int, typer.Option(help="Hours for which the old secret goes on working.", min=0, max=720)]

_USER: Final = """
SELECT id FROM users
 WHERE organization_id = $1 AND status = 'ACTIVE' AND (email_match = crm_match_email($2) OR name = $2)
"""

_PARTNER: Final = "SELECT id FROM partners WHERE organization_id = $1 AND name = $2"


@clients.command()
def create(
    name: Name,
    scope: Scope,
    redirect_uri: RedirectUri = None,
    post_logout_redirect_uri: PostLogout = None,
    purpose: Purpose = "",
    public: Public = False,
    jwks: Jwks = None,
    user: User = None,
    device: Device = False,
    partner: Partner = None,
    pending: Pending = False,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Register an app; prints its id and, once, its secret."""
    if public and jwks is not None:
        raise ValueInvalid("A public app proves nothing: give either --public or --jwks.")
    keys = None if jwks is None else _keys(jwks)

    async def work(tx: Transaction, organization_id: UUID, by: By) -> None:
        wanted = Application(
            name=name,
            purpose=purpose,
            auth_method="none" if public else "client_secret_basic" if keys is None else "private_key_jwt",
            scopes=[text for one in scope for text in one.split()],
            redirect_uris=redirect_uri or (),
            post_logout_redirect_uris=post_logout_redirect_uri or (),
            user_id=None if user is None else await _user(tx, organization_id, user),
            jwks=keys,
            device=device,
            status="PENDING" if pending else "ACTIVE",
            partner_id=None if partner is None else await _partner(tx, organization_id, partner),
        )
        client_id, secret = await registration.create(tx, organization_id, wanted, by)
        print(f"client id: {client_id}")
        if secret is not None:
            print(f"secret:    {secret}\nThe secret cannot be shown again.")

    _run(work, organization, data_dir, database_url)


@clients.command("list")
def list_(organization: Organization = None, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List the apps, the newest first."""

    async def work(tx: Transaction, organization_id: UUID, _by: By) -> None:
        for one in await registration.listed(tx, organization_id):
            print(f"{one.client_id}  {one.status:<9}  {one.auth_method:<19}  {one.name}")
            print(f"    {' '.join(one.grant_types)}: {' '.join(one.scopes)}")

    _run(work, organization, data_dir, database_url)


@clients.command()
def rotate(
    client_id: ClientId,
    overlap: Overlap = 24,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give an app a new secret; the old one goes on working for a while."""

    async def work(tx: Transaction, organization_id: UUID, by: By) -> None:
        app = await review.locked(tx, organization_id, client_id)
        secret = await review.rotate(tx, organization_id, app, dt.timedelta(hours=overlap), by)
        print(f"secret: {secret}\nIt cannot be shown again. The old one works for {overlap} hours more.")

    _run(work, organization, data_dir, database_url)


@clients.command()
def suspend(
    client_id: ClientId,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Stop an app and every token that it has, at once."""
    _set_status(client_id, "SUSPENDED", organization, data_dir, database_url)


@clients.command()
def resume(
    client_id: ClientId,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let an app work that was suspended or waits for review."""
    _set_status(client_id, "ACTIVE", organization, data_dir, database_url)


def _set_status(
    client_id: str, status: str, organization: str | None, data_dir: Path | None, database_url: str | None
) -> None:
    async def work(tx: Transaction, organization_id: UUID, by: By) -> None:
        app = await review.locked(tx, organization_id, client_id)
        await review.set_status(tx, organization_id, app, status, by)
        print(f"{client_id} is {status}")

    _run(work, organization, data_dir, database_url)


def _run(
    work: Callable[[Transaction, UUID, By], Awaitable[None]],
    organization: str | None,
    data_dir: Path | None,
    database_url: str | None,
) -> None:
    from crm_graph import schema  # noqa: F401 - declares the entities

    settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(url: str) -> None:
        db = Database(url, 1)
        try:
            actor = await importing_actor(db, organization, None)
            async with db.transaction(actor.organization_id, None, "cli") as tx:
                await work(tx, actor.organization_id, By.of(actor, channel="cli"))
        finally:
            await db.dispose()

    with stopping(), database(settings) as url:
        asyncio.run(run(url))


async def _partner(tx: Transaction, organization_id: UUID, wanted: str) -> UUID:
    found = await (await tx.raw()).fetch(_PARTNER, organization_id, wanted)
    if len(found) != 1:
        raise ValueInvalid(f"There is no partner {wanted}, or more than one.")
    partner_id: UUID = found[0]["id"]
    return partner_id


async def _user(tx: Transaction, organization_id: UUID, wanted: str) -> UUID:
    found = await (await tx.raw()).fetch(_USER, organization_id, wanted)
    if len(found) != 1:
        raise ValueInvalid(f"There is no active user {wanted}, or more than one.")
    user_id: UUID = found[0]["id"]
    return user_id


def _keys(path: Path) -> dict[str, JSON]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueInvalid(f"{path} cannot be read as JSON.") from None
    if not isinstance(found, dict):
        raise ValueInvalid(f'{path} is no JSON Web Key Set, {{"keys": […]}}.')
    return found
