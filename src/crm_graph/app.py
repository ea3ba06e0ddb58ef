"""The composition root: what there is, how it starts and stops, which path leads where. Read this first."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan, Receive, Scope, Send

from crm_graph import demo, migrations, resolvers, schema
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.denials import Denials
from crm_graph.auth.oauth import issuer
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.routes import routes as oauth_routes
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.people.codes import Codes
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.form import FormTokens
from crm_graph.auth.sign_in.sign_in import SignIn
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.auth.upstream.fetching import Fetching
from crm_graph.auth.view_as import viewing_as
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.db.session import Database
from crm_graph.errors import JSON, CrmError
from crm_graph.graph import explorer
from crm_graph.graph.documents import Documents
from crm_graph.graph.endpoint import Endpoint
from crm_graph.graph.known_fields import Schemas
from crm_graph.graph.limits import Limits
from crm_graph.graph.reading import Reader
from crm_graph.graph.types import full_schema
from crm_graph.graph.writing import Writer
from crm_graph.pages import mail as mail_page
from crm_graph.pages.access import AccessPage
from crm_graph.pages.approvals import ApprovalPages
from crm_graph.pages.apps import AppsPage
from crm_graph.pages.customer_link import CustomerLink
from crm_graph.pages.door import Door
from crm_graph.pages.feedback import FeedbackPage
from crm_graph.pages.files import FilePages
from crm_graph.pages.incoming_mail import IncomingMail
from crm_graph.pages.invitation import InvitationPage
from crm_graph.pages.proposals import ProposalPages
from crm_graph.pages.proposals.paper import Papers
from crm_graph.pages.sign_in_code import CodeSignIn
from crm_graph.pages.sign_up import SignUp
from crm_graph.pages.upstream import UpstreamSignIn
from crm_graph.plan.access import acting
from crm_graph.settings import Settings

DECLARED = (schema, resolvers)
"""Imported for what they declare: the entities, and the mutations that are written by hand."""


class Application(Starlette):
    """Starlette, but for `/graphql`, which goes straight to its endpoint.

    Routing and middleware cost as much as the endpoint does.
    """

    def __init__(self, endpoint: Endpoint, routes: list[Route], lifespan: Lifespan["Application"]) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, database_url: str) -> Application:
    """The application for one process. Connections are opened when it starts and closed when it stops."""
    full = full_schema()
    limits = Limits(
        settings.max_tokens, settings.max_depth, settings.max_aliases, settings.max_root_fields, settings.max_fields
    )
    secret, sealer = settings.secret_bytes(), Sealer(settings.sealing_key_texts())
    lanes = Lanes(database_url, settings.pool_size, isolated=settings.read_isolation == "on")
    database = Database(database_url, settings.pool_size, pages=settings.pages())
    authenticator = Authenticator(lanes, database, database_url)
    refusals = Denials(database)
    documents = Documents(full, limits)
    schemas = Schemas(documents.shipped, documents.forget)
    reader = Reader(lanes, database, secret, settings.max_nodes, refusals)
    writer = Writer(database, secret, settings.max_nodes, refusals, sealer)
    endpoint = Endpoint(
        authenticator,
        schemas,
        documents,
        reader,
        writer,
        refusals,
        partial(viewing_as, database),
        settings.max_body_bytes,
    )
    passwords = Passwords()
    per_minute = settings.demo_rate_limit if settings.demo else None
    attempts = Attempts(lanes, database)
    throttles = Throttles.of_sign_in(attempts, per_minute=per_minute)
    sign_in = SignIn(authenticator, lanes, database, passwords, settings, attempts, throttles)
    party = Party(authenticator, lanes, database, sealer, secret)
    door = Door(authenticator, database, secret, sign_in.entrance, attempts)
    codes = Codes(secret)
    code = CodeSignIn(door, codes)

    shown: dict[str, JSON] = {"endpoint": "/graphql", "demo": settings.demo}

    @contextlib.asynccontextmanager
    async def lifespan(_app: Application) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:  # closes the last first, and all even where one cannot
            stack.push_async_callback(lanes.close)
            stack.push_async_callback(database.dispose)
            stack.callback(passwords.close)
            stack.push_async_callback(sign_in.close)
            stack.push_async_callback(authenticator.close)
            stack.push_async_callback(refusals.close)
            await authenticator.open()
            if settings.demo:
                shown.update(await demo.explorer_config(database_url, settings.data_dir))
            yield

    async def sdl(request: Request) -> Response:
        """The schema as the caller may see it."""
        try:
            actor = await authenticator.actor(request.scope)
            if acting.HEADER in request.headers:
                actor = acting.acting_for(actor, request.scope["headers"])
        except CrmError as error:
            challenge = {"www-authenticate": issuer.challenge(request.scope)} if error.status == 401 else None
            return JSONResponse({"errors": [error.to_graphql()]}, error.status, challenge)
        text = reader.sdl(actor.policy, (await schemas.of(actor.policy)).schema)
        return PlainTextResponse(
            text, headers={"cache-control": "no-store", "vary": f"authorization, cookie, {acting.HEADER}"}
        )

    routes = [
        Route("/schema.graphql", sdl),
        Route("/healthz", _alive),
        Route("/readyz", _ready(lanes, migrations.head())),
        *explorer.routes(lambda: shown),
        *sign_in.routes(),
        *oauth_routes(
            party,
            FormTokens(secret),
            Throttle(attempts, "apps", 30, 2, per_minute=per_minute),
            user_codes=Throttle(attempts, "device codes", 10, 30, per_minute=per_minute),
        ),
        *InvitationPage(door, passwords).routes(),
        *code.routes(),
        *SignUp(door, passwords, code).routes(),
        *UpstreamSignIn(
            door, sealer, Fetching(private=settings.private_providers, ca_file=settings.provider_ca_file)
        ).routes(),
        *CustomerLink(authenticator, database, secret, codes, attempts).routes(),
        *ProposalPages(door, Papers(documents, schemas, reader), settings.fonts, per_minute).routes(),
        *FeedbackPage(door, per_minute).routes(),
        *FilePages(authenticator, database, secret, settings.max_file_bytes).routes(),
        *ApprovalPages(authenticator, database, secret, schemas, documents, reader, writer).routes(),
        *IncomingMail(door, sealer, settings.max_mail_bytes).routes(),
        *AccessPage(authenticator, database).routes(),
        *AppsPage(authenticator, database, secret).routes(),
        *(mail_page.routes(database_url) if settings.demo else []),
    ]
    return Application(endpoint, routes, lifespan)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})


def _ready(lanes: Lanes, wanted: str | None) -> Callable[[Request], Awaitable[Response]]:
    """Whether this process can answer: the database is there, at the revision this release needs."""

    async def ready(_request: Request) -> Response:
        try:
            revision = await _revision(lanes)
        except (CrmError, OSError, asyncpg.PostgresError, TimeoutError):
            return JSONResponse({"ready": False, "reason": "the database does not answer"}, 503)
        if revision != wanted:
            found = "not migrated" if revision is None else f"at {revision}"
            return JSONResponse(
                {"ready": False, "reason": f"the database is {found}, this release needs {wanted}"}, 503
            )
        return JSONResponse({"ready": True, "revision": revision})

    return ready


async def _revision(lanes: Lanes) -> str | None:
    try:
        found = await lanes.fetch(Lane.AUTO, "SELECT to_json(version_num) FROM alembic_version", [])
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return None
    return found.decode().strip('"') if found else None
