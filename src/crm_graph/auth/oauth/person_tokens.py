"""What an app gets once a person has agreed, by whichever grant."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from crm_graph.auth.oauth import access_token, families, refresh_token
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.server import Exchange, User


@dataclass(frozen=True, slots=True)
class SignedIn:
    """How the person had proved who they are, as Authlib asks about it for the ID token."""

    auth_time: dt.datetime
    methods: tuple[str, ...]
    nonce: str | None = None

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.auth_time.timestamp())

    def get_acr(self) -> None:
        """None: we name no classes, `amr` says what was done."""

    def get_amr(self) -> list[str]:
        return list(self.methods)


def begin(
    ours: Exchange, client: Client, user: User, scopes: tuple[str, ...], *, refreshable: bool
) -> tuple[UUID, dict[str, str | int]]:
    """A new family and its first tokens, of those scopes that the app still may have."""
    scopes = scope_names.within(scopes, client.scopes)
    family_id = families.begin(
        ours.session,
        ours.organization_id,
        client.id,
        user.id,
        scopes,
        session_id=None if scope_names.OFFLINE in scopes else user.session_id,
    )
    token = access_token.answer(ours, client, user.id, scopes, family_id)
    if refreshable:
        token["refresh_token"] = refresh_token.begin(ours, family_id)
    return family_id, token
