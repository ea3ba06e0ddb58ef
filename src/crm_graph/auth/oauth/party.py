"""What the endpoints share: who the organisation is here, its keys, the database."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from starlette.types import Scope

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.oauth import issuer
from crm_graph.auth.oauth.keys import PublishedKeys, SigningKeys
from crm_graph.auth.oauth.server import Exchange, exchanging
from crm_graph.auth.sealing import Sealer
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Here:
    """The organisation that a request asks, and the issuer it is to the asker."""

    organization_id: UUID
    organization_name: str
    issuer: str


class Party:
    """The authorization server's side."""

    def __init__(
        self, authenticator: Authenticator, lanes: Lanes, database: Database, sealer: Sealer, secret: bytes
    ) -> None:
        self.authenticator = authenticator
        self.database = database
        self.published = PublishedKeys(lanes)
        self.signing = SigningKeys(database, sealer)
        self.secret = hmac.digest(secret, b"crm-graph refresh tokens", hashlib.sha256)

    async def exchange(self, here: Here, work: Callable[[Exchange], T], actor_id: UUID | None = None) -> T:
        """Run synchronous work as this issuer, in one transaction (`server.exchanging`)."""
        signing = await self.signing.current(here.organization_id)
        return await exchanging(self.database, here.organization_id, here.issuer, signing, self.secret, work, actor_id)

    async def here(self, scope: Scope) -> Here:
        """Whose request this is to answer; raises UnknownHost, InsecureTransport."""
        found = issuer.of(scope)
        storefront = await self.authenticator.storefront(issuer.host(found))
        return Here(storefront.organization_id, storefront.organization_name, found)
