"""From a request's headers to its actor; usually without a question to the database.

Who a token stands for is kept in memory for a few seconds. Whatever could change the answer is announced by triggers
(functions.sql) to every process; while a process cannot hear them, it keeps nothing.
"""

import logging
import time
from typing import Final, TypeVar
from uuid import UUID

import orjson
from starlette.types import Scope

from crm_graph.auth import callers, cookies, origin, tokens
from crm_graph.auth.actor import KEY_AGAIN, SESSION_AGAIN, Actor
from crm_graph.auth.callers import Caller, Storefront
from crm_graph.auth.last_used import LastUsed
from crm_graph.auth.listener import Listener
from crm_graph.auth.oauth import access_token, issuer
from crm_graph.auth.oauth.access_token import AccessToken
from crm_graph.auth.oauth.keys import PublishedKeys
from crm_graph.auth.policy.loading import AccessPolicies
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.errors import Unauthenticated, UnknownHost

logger = logging.getLogger("crm_graph.auth")

CHANNEL: Final = "crm_callers"
K = TypeVar("K")
V = TypeVar("V", Caller, Storefront)


class Authenticator:
    """Tells who calls. `capacity` bounds the callers remembered, `ttl_seconds` (≤ 5) how long one is without asking."""

    def __init__(
        self, lanes: Lanes, database: Database, url: str, *, capacity: int = 10_000, ttl_seconds: float = 5.0
    ) -> None:
        self._lanes = lanes
        self._capacity = capacity
        self._ttl = min(ttl_seconds, 5.0)
        self._callers: dict[bytes, Caller] = {}
        self._storefronts: dict[str, Storefront] = {}
        self._policies = AccessPolicies()
        self._keys = PublishedKeys(lanes)
        self._hears = False
        self._forgotten = 0
        self._last_used = LastUsed(database)
        self._listener = Listener(url, CHANNEL, self._forget, self._listening)

    async def open(self) -> None:
        """Begin to listen for changes; before that every request asks the database."""
        await self._listener.open()

    async def close(self) -> None:
        """Stop listening and write when tokens were last used."""
        await self._listener.close()
        await self._last_used.close()

    async def actor(self, scope: Scope) -> Actor:
        """Who sends this request (an ASGI scope, http or websocket).

        A bearer token decides; else our session cookie, which counts only if a page of this host sent the request
        (`origin.is_same`); else it is the storefront of the organisation that the host selects. `Bearer` with nothing
        after it is no token. Raises Unauthenticated for a token or cookie that does not work: such a caller is never
        taken for an anonymous one. Raises UnknownHost.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        authorizations = [value for name, value in headers if name == b"authorization"]
        if authorizations:
            if len(authorizations) > 1:
                raise Unauthenticated("The request has two Authorization headers.")
            found = self.cached(authorizations[0])
            if found is not None:
                return found
            token = bearer(authorizations[0])
            if token.startswith(access_token.BEGINS):
                return (await self._by_access_token(token)).actor
            if token:
                return (await self._caller(token, (tokens.KEY, tokens.SESSION))).actor
        given = _joined(headers)
        host = given.get(b"host")
        if not authorizations and b"cookie" in given:
            values = cookies.values(given[b"cookie"], cookies.SESSION, secure=is_secure(scope))
            if values:
                if not origin.is_same(given):
                    raise Unauthenticated("A session counts only for requests from this site's own pages.")
                return (await self._session(values, host)).actor
        return (await self.storefront(host)).actor

    def cached(self, authorization: bytes) -> Actor | None:
        """The actor of an Authorization header if they are remembered; never asks the database."""
        if authorization[:7] != b"Bearer ":
            return None
        caller = self._callers.get(tokens.digest(authorization[7:]))
        return caller.actor if caller is not None and caller.deadline > time.monotonic() else None

    async def session(self, scope: Scope) -> Caller | None:
        """Who is signed in, for our own pages: they check each form themselves. `None`: nobody."""
        given = _joined(scope["headers"])
        values = cookies.values(given.get(b"cookie", b""), cookies.SESSION, secure=is_secure(scope))
        try:
            return await self._session(values, given.get(b"host")) if values else None
        except Unauthenticated:
            return None

    async def access_token(self, scope: Scope) -> Caller | None:
        """Who calls by an access token in the Authorization header; `None`: there is no such header.

        Raises Unauthenticated for any other token, and for one that does not work.
        """
        authorizations = [value for name, value in scope["headers"] if name == b"authorization"]
        if not authorizations:
            return None
        token = bearer(authorizations[0]) if len(authorizations) == 1 else b""
        if not token.startswith(access_token.BEGINS):
            raise Unauthenticated(_REFUSED)
        return await self._by_access_token(token)

    async def storefront(self, host: bytes | None) -> Storefront:
        """The organisation whose host this is; raises UnknownHost for every other and for what is no host."""
        name = origin.host_name(host)
        if name is None:
            raise UnknownHost("The request names no host.")
        known = self._storefronts.get(name)
        if known is not None and known.deadline > time.monotonic():
            return known
        forgotten = self._forgotten
        found = await callers.by_host(self._lanes, self._policies, name, now=time.monotonic(), ttl=self._ttl)
        if found is None:
            raise UnknownHost("No organisation answers under this host name.")
        self._remember(self._storefronts, name, found, forgotten)
        return found

    async def again(self, credential: bytes) -> Actor:
        """Who called by this `Actor.credential`, as they are now. Raises Unauthenticated where it has ended."""
        kind, rest = credential[:1], credential[1:]
        if kind in (SESSION_AGAIN, KEY_AGAIN):
            return (await self._by_digest(rest, is_key=kind == KEY_AGAIN)).actor
        organization, said = orjson.loads(rest)
        token, key = access_token.kept(said), tokens.digest(credential)
        if token.expires_at <= time.time():
            raise Unauthenticated(_REFUSED)
        known = self._known(key)
        return (known or await self._by_verified(key, UUID(organization), token, self._forgotten)).actor

    def forget(self, organization_id: UUID, user_id: UUID) -> None:
        """Ask anew for a user whose tokens this process has just changed: the notice may come a moment later."""
        self._forget(f"{organization_id}/{user_id}")

    async def _session(self, values: list[str], host: bytes | None) -> Caller:
        if len(values) != 1:
            raise Unauthenticated("There are two session cookies; one of them is not ours.")
        caller = await self._caller(values[0].encode("latin-1"), (tokens.SESSION,))
        # A cookie works at its own organisation's hosts only: elsewhere somebody has planted it.
        if (await self.storefront(host)).organization_id != caller.actor.organization_id:
            raise Unauthenticated("The session is one of another site.")
        return caller

    async def _caller(self, token: bytes, kinds: tuple[bytes, ...]) -> Caller:
        if not token.startswith(kinds) or len(token) > tokens.LONGEST:
            raise Unauthenticated(_REFUSED)
        return await self._by_digest(tokens.digest(token), is_key=token.startswith(tokens.KEY))

    async def _by_digest(self, key: bytes, *, is_key: bool) -> Caller:
        known = self._known(key)
        if known is not None:
            return known
        forgotten = self._forgotten
        found = await callers.by_token(
            self._lanes, self._policies, key, is_key=is_key, now=time.monotonic(), ttl=self._ttl
        )
        if found is None:
            raise Unauthenticated(_REFUSED)
        caller, unnoted = found
        self._remember(self._callers, key, caller, forgotten)
        if unnoted:
            self._last_used.note(caller.actor.organization_id, caller.credential_id)
        return caller

    async def _by_access_token(self, token: bytes) -> Caller:
        """The caller of an access token that one of our organisations has signed for itself."""
        key = tokens.digest(token)
        known = self._known(key)
        if known is not None:
            return known
        forgotten, text = self._forgotten, token.decode("latin-1")
        try:
            home = await self.storefront(issuer.host(access_token.issuer(text)))
        except UnknownHost:
            raise Unauthenticated(_REFUSED) from None
        verified = await access_token.verified(text, self._keys, home.organization_id)
        if verified is None:
            raise Unauthenticated(_REFUSED)
        return await self._by_verified(key, home.organization_id, verified, forgotten)

    async def _by_verified(self, key: bytes, organization_id: UUID, token: AccessToken, forgotten: int) -> Caller:
        found = await callers.by_access_token(
            self._lanes, self._policies, organization_id, token, now=time.monotonic(), ttl=self._ttl
        )
        if not found:
            raise Unauthenticated(_REFUSED)
        caller, unnoted = found
        self._remember(self._callers, key, caller, forgotten)
        if unnoted:
            self._last_used.note(caller.actor.organization_id, caller.credential_id)
        return caller

    def _known(self, key: bytes) -> Caller | None:
        known = self._callers.get(key)
        return known if known is not None and known.deadline > time.monotonic() else None

    def _remember(self, kept: dict[K, V], key: K, found: V, forgotten: int) -> None:
        # What was loaded while a change was announced may be from before it.
        if not self._hears or forgotten != self._forgotten:
            return
        kept.pop(key, None)
        while len(kept) >= self._capacity:
            del kept[next(iter(kept))]  # the oldest: each is put last again every few seconds, if it is used
        kept[key] = found

    def _forget(self, payload: str) -> None:
        self._forgotten += 1
        try:
            organization_id, user_id = _named(payload)
        except ValueError:
            logger.warning("a notice on %s names nobody: forgetting everybody", CHANNEL)
            organization_id = user_id = None
        for key, caller in list(self._callers.items()):
            if organization_id in (None, caller.actor.organization_id) and user_id in (None, caller.user_id):
                del self._callers[key]
        if user_id is None:
            self._keys.forget(organization_id)
            # The host that the organisation had may be another's now: all are asked for again.
            self._storefronts.clear()

    def _listening(self, hears: bool) -> None:
        self._hears = hears
        self._forget("")


_REFUSED: Final = "The token is unknown, expired or revoked, or its user may not sign in."


def bearer(authorization: bytes) -> bytes:
    """The token of an Authorization header, empty if it has none; raises Unauthenticated for other schemes."""
    scheme, _, token = authorization.strip().partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated("Authorization must be `Bearer <token>`.")
    return token.strip()


def is_secure(scope: Scope) -> bool:
    """Whether the request came by https (or wss)."""
    return scope.get("scheme") in ("https", "wss")


def _named(payload: str) -> tuple[UUID | None, UUID | None]:
    """Organisation and user of a notice, `None` for all of them; ValueError when it is none of ours."""
    organization, _, user = payload.partition("/")
    return UUID(organization) if organization else None, UUID(user) if user else None


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; of one that is repeated the values are joined, which makes a repeated Host no host."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + (b"; " if name == b"cookie" else b", ") + value if name in found else value
    return found
