"""Apps as the API shows them, to those whose they are and to those who review them."""

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from crm_graph.auth.oauth.clients import PREFIX
from crm_graph.auth.oauth.review import reviews
from crm_graph.db.ids import encode
from crm_graph.plan.signatures import Ask, Id
from crm_graph.resolvers.people import NOT_SEEN, partners, people


class AppStatus(enum.StrEnum):
    """How far an app has come: only ACTIVE ones work."""

    PENDING = enum.auto()
    ACTIVE = enum.auto()
    SUSPENDED = enum.auto()
    REJECTED = enum.auto()


class AppProof(enum.StrEnum):
    """How an app proves who it is: PUBLIC ones cannot keep a secret, and do not."""

    PUBLIC = "none"
    SECRET = "client_secret_basic"  # noqa: S105 - a method's name
    KEYS = "private_key_jwt"


class AppGrantType(enum.StrEnum):
    """How an app comes by its tokens."""

    AUTHORIZATION_CODE = enum.auto()
    REFRESH_TOKEN = enum.auto()
    CLIENT_CREDENTIALS = enum.auto()
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class App:
    """An app that may ask for tokens, or would like to."""

    id: Annotated[Id, "Its client id."]
    name: Annotated[str, "What people see it called."]
    purpose: Annotated[str, "What it is for, as the consent page says it."]
    status: Annotated[AppStatus, "How far it has come."]
    review_note: Annotated[str | None, "What the reviewer said at last."]
    proof: Annotated[AppProof, "How it proves who it is."]
    grant_types: Annotated[list[AppGrantType], "How it comes by its tokens."]
    scopes: Annotated[list[str], "What it may ask for, as it was registered."]
    redirect_uris: Annotated[list[str], "Where people are sent back to."]
    post_logout_redirect_uris: Annotated[list[str], "Where people are sent after signing out."]
    partner_id: Annotated[Id | None, "Whose app it is; null for one of ours, or of a partner whom you do not see."]
    requested_by: Annotated[Id | None, "Who asked for it; null if you do not see them, or the command line did."]
    acts_as: Annotated[Id | None, "The service user that it is when it acts on its own; null if you do not see it."]
    created_at: Annotated[dt.datetime, "When it was asked for."]


_SHOWN: Final = """
SELECT c.* FROM oauth_clients c
 WHERE c.organization_id = $1 AND ($2 OR coalesce(c.partner_id = $3, $3 IS NULL AND c.requested_by = $4))
   AND ($5::uuid IS NULL OR c.id = $5) AND ($6::text IS NULL OR c.status = $6)
 ORDER BY c.created_at DESC, c.id DESC LIMIT $7"""


async def apps_of(ask: Ask, *, row: UUID | None = None, status: str | None = None, most: int = 1) -> list[App]:
    """The apps that the caller has to do with, newest first: all for a reviewer, the partner's, or their own."""
    actor = ask.actor
    found = await (await ask.tx.raw()).fetch(
        _SHOWN, actor.organization_id, reviews(actor), actor.partner_id, actor.user_id, row, status, most
    )
    by = await people(ask, (user for one in found for user in (one["requested_by"], one["user_id"])))
    of = await partners(ask, (one["partner_id"] for one in found))
    return [
        App(
            Id(encode(PREFIX, one["id"])),
            one["name"],
            one["purpose"],
            AppStatus[one["status"]],
            one["review_note"],
            AppProof(one["auth_method"]),
            [AppGrantType(name) for name in one["grant_types"]],
            one["scopes"],
            one["redirect_uris"],
            one["post_logout_redirect_uris"],
            of.get(one["partner_id"], NOT_SEEN).id,
            by.get(one["requested_by"], NOT_SEEN).id,
            by.get(one["user_id"], NOT_SEEN).id,
            one["created_at"],
        )
        for one in found
    ]
