"""The authorization server for one request: Authlib's, with one transaction and one organisation behind it.

Authlib is synchronous; it runs inside `AsyncSession.run_sync`, so that it works on asyncpg like everything else. An
OAuth error is an answer, not an exception, so what was written on the way to it (a replay ends its family) is
committed.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from sqlalchemy.orm import Session

from crm_graph.auth.oauth import clients, stand_in
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.keys import SigningKey
from crm_graph.db.session import Database
from crm_graph.errors import JSON

logger = logging.getLogger("crm_graph.auth.oauth")
# at DEBUG, Authlib writes the tokens that it issues
logging.getLogger("authlib").setLevel(logging.INFO)
T = TypeVar("T")

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: JSON, or a redirect by the header `Location`."""

    status: int
    body: dict[str, JSON] | str
    headers: Headers

    @property
    def location(self) -> str | None:
        return next((value for name, value in self.headers if name.lower() == "location"), None)


@dataclass(frozen=True, slots=True)
class User:
    """Whom tokens are for, as Authlib asks about them."""

    id: UUID
    session_id: UUID | None = None

    def get_user_id(self) -> str:
        return str(self.id)


@dataclass(slots=True)
class Exchange:
    """What one request works with."""

    session: Session
    organization_id: UUID
    issuer: str
    signing: SigningKey
    secret: bytes = field(repr=False)
    """Refresh tokens are made with it."""


class Server(AuthorizationServer):
    """Authlib's server on an exchange. Grants and endpoints reach the exchange as `server.exchange`."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange = exchange
        self._proving = False

    def query_client(self, client_id: str) -> Client | None:  # type: ignore[override]
        if self._proving:
            # as much is done for an app that does not exist, and no more for one that does
            claimed = clients.claimed(self.exchange.session, self.exchange.organization_id, client_id)
            return claimed or stand_in.CLIENT
        return clients.find(self.exchange.session, self.exchange.organization_id, client_id)

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> ClientMixin:
        """The app that asks. Whatever is wrong, the answer is the same: no one learns which apps there are."""
        self._proving = True
        try:
            client = super().authenticate_client(request, methods, endpoint)
        except (InvalidClientError, ValueError):
            # ValueError: text that is no UTF-8 in the Authorization header
            logger.info("an app could not prove who it is to organisation %s", self.exchange.organization_id)
            raise InvalidClientError(status_code=401, description="The app could not prove who it is.") from None
        finally:
            self._proving = False
        assert isinstance(client, Client)
        request.client = clients.within_partner(self.exchange.session, self.exchange.organization_id, client)
        return request.client

    def save_token(self, token: dict[str, str | int], request: OAuth2Request) -> None:
        """Nothing: each grant keeps what it has to when it makes the token."""

    def send_signal(self, name: object, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: dict[str, JSON] | str, headers: Headers) -> Answer:  # type: ignore[override]
        return Answer(status, body, headers)

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> Answer:
        found = super().handle_error_response(request, error)
        assert isinstance(found, Answer)
        return found


async def exchanging(
    database: Database,
    organization_id: UUID,
    issuer: str,
    signing: SigningKey,
    secret: bytes,
    work: Callable[[Exchange], T],
    actor_id: UUID | None = None,
) -> T:
    """Run synchronous work on an exchange, in one transaction that is committed unless it raises."""
    async with database.transaction(organization_id, actor_id, "oauth") as tx:
        return await tx.session.run_sync(
            lambda session: work(Exchange(session, organization_id, issuer, signing, secret))
        )
