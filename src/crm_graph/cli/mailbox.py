"""`crm-graph mailbox`: where mail of tickets comes in."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import typer

from crm_graph.auth.sealing import Sealer
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db.ids import encode
from crm_graph.db.session import Database
from crm_graph.errors import ValueInvalid
from crm_graph.imports.organizations import importing_actor
from crm_graph.jobs import mailboxes
from crm_graph.mail.inbound.headers import is_address
from crm_graph.settings import Settings

PASSWORD: Final = "CRM_GRAPH_IMAP_PASSWORD"  # noqa: S105 - the name of a variable
LONGEST_LOCAL: Final = 64 - 1 - 24
"""What may stand before `@`: reply addresses add `+` and their secret, and servers take 64 characters."""

boxes = typer.Typer(no_args_is_help=True, help="Mailboxes whose mail becomes tickets: add, list, remove them.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Its address, which answers come from.")]
Organization = Annotated[
    str | None, typer.Option(help="Name, host or id of the organisation, where there are several.")
]
Imap = Annotated[
    str | None, typer.Option(help="IMAP server with TLS to fetch it from, `host` or `host:993`; else mail is posted.")
]
User = Annotated[str | None, typer.Option(help="Who signs in there; the address, if it is left out.")]
Folder = Annotated[str, typer.Option(help="The folder to read there.")]
Trusted = Annotated[
    str | None,
    typer.Option(help="Name in Authentication-Results of the server that checks senders; without it nobody is known."),
]

Run = Callable[["asyncpg.Connection[asyncpg.Record]", UUID, Sealer], Awaitable[None]]


@boxes.command()
def add(
    address: Address,
    imap: Imap = None,
    user: User = None,
    folder: Folder = "INBOX",
    trusted_server: Trusted = None,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take in the mail of an address: fetched by IMAP, or posted to /mail/inbound, for which it prints the key.

    The password of the IMAP server is read from CRM_GRAPH_IMAP_PASSWORD, or asked for.
    """
    local, _, domain = address.partition("@")
    if not is_address(address) or len(local) > LONGEST_LOCAL or "+" in local:
        raise ValueInvalid(f"A mailbox is like support@shop.example, with at most {LONGEST_LOCAL} letters before @.")
    host, _, port = (imap or "").partition(":")
    if not (port or "993").isdigit() or '"' in folder or "\\" in folder:
        raise ValueInvalid("An IMAP server is named like imap.shop.example:993, and its folder without quotes.")
    secret = secrets.token_urlsafe(32)
    if imap is not None:
        secret = os.environ.get(PASSWORD) or typer.prompt(f"Password for {user or address}", hide_input=True)

    async def run(connection: "asyncpg.Connection[asyncpg.Record]", found: UUID, sealer: Sealer) -> None:
        account = (host, int(port or 993), user or address, folder) if imap is not None else None
        try:
            row = await mailboxes.add(
                connection, sealer, found, address, secret.encode(), imap=account, trusted_server=trusted_server
            )
        except asyncpg.UniqueViolationError:
            raise ValueInvalid(f"There is a mailbox {address} already: remove it first.") from None
        print(f"mailbox {address}: {f'fetched from {host}' if imap else 'posted to /mail/inbound'}")
        if imap is None:
            print(f"X-Mailbox: {encode(mailboxes.PREFIX, row)}\nkey, shown this once: {secret}")
        if trusted_server is None:
            print(f"No server is trusted to check senders at {domain}: all mail is from senders who are not verified.")

    _run(run, organization, settings_from(data_dir=data_dir, database_url=database_url))


@boxes.command("list")
def list_(organization: Organization = None, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Show the mailboxes, and what went wrong with each last."""

    async def run(connection: "asyncpg.Connection[asyncpg.Record]", found: UUID, _sealer: Sealer) -> None:
        for row in await mailboxes.every(connection, found):
            way = (
                f"imap {row['host']}:{row['port']}" if row["host"] else f"posted {encode(mailboxes.PREFIX, row['id'])}"
            )
            checks = row["trusted_server"] or "nobody"
            print(f"{row['address']}\t{way}\tsenders checked by {checks}\t{row['last_error'] or 'ok'}")

    _run(run, organization, settings_from(data_dir=data_dir, database_url=database_url))


@boxes.command()
def remove(
    address: Address, organization: Organization = None, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Take in an address's mail no longer. Its tickets stay."""

    async def run(connection: "asyncpg.Connection[asyncpg.Record]", found: UUID, _sealer: Sealer) -> None:
        if not await mailboxes.remove(connection, found, address):
            raise ValueInvalid(f"There is no mailbox {address}.")
        print(f"mailbox {address} removed")

    _run(run, organization, settings_from(data_dir=data_dir, database_url=database_url))


def _run(run: Run, organization: str | None, settings: Settings) -> None:
    sealer = Sealer(settings.sealing_key_texts())

    async def main(url: str) -> None:
        db = Database(url, 1)
        try:
            actor = await importing_actor(db, organization, None)
            async with db.transaction(actor.organization_id, None, "cli") as tx:
                await run(await tx.raw(), actor.organization_id, sealer)
        finally:
            await db.dispose()

    with stopping(), database(settings) as url:
        asyncio.run(main(url))
