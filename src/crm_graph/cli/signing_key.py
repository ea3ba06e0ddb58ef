"""`crm-graph rotate-signing-key`: the next key that signs an organisation's tokens."""

import asyncio
from typing import Annotated

import typer

from crm_graph.auth.oauth import keys
from crm_graph.auth.oauth.traces import By
from crm_graph.auth.sealing import Sealer
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db.session import Database
from crm_graph.imports.organizations import importing_actor

Organization = Annotated[
    str | None, typer.Option(help="Name, host or id of the organisation, where there are several.")
]
Compromised = Annotated[
    bool, typer.Option("--compromised", help="Void all that other keys have signed, and sign by the new one at once.")
]


def rotate_signing_key(
    compromised: Compromised = False,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make the next key that signs tokens; it takes over once clients can have it."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(url: str) -> None:
        db, sealer = Database(url, 1), Sealer(settings.sealing_key_texts())
        try:
            actor = await importing_actor(db, organization, None)
            async with db.transaction(actor.organization_id, None, "cli") as tx:
                by = By.of(actor, channel="cli")
                kid = await keys.rotate(tx, sealer, actor.organization_id, compromised=compromised, by=by)
        finally:
            await db.dispose()
        when = "now" if compromised else f"in {keys.LEAD.total_seconds() / 60:.0f} minutes"
        print(f"key {kid} signs {when}")

    with stopping(), database(settings) as url:
        asyncio.run(run(url))
