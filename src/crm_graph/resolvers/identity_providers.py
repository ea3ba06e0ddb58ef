"""The OpenID providers by which people of the organisation may sign in, as administrators decide."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import ActorKind
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.rights import Right
from crm_graph.auth.upstream import providers as store
from crm_graph.auth.upstream.providers import PURPOSE, Provider
from crm_graph.db.ids import decode_as, encode, uuid7
from crm_graph.plan.actions import action
from crm_graph.plan.changes import Effect, Outcome, UserError, invalid, key_taken
from crm_graph.plan.policies import people
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.writes.audit_trail import leave
from crm_graph.plan.writes.refusals import NOT_FOUND
from crm_graph.resolvers.people import NOT_SEEN
from crm_graph.resolvers.people import people as seen_people

ENTITY: Final = "IdentityProvider"
PREFIX: Final = "idp"
LONGEST: Final = 300
MOST: Final = 200
_SCOPE: Final = re.compile(r"[!#-\[\]-~]{1,100}")
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """The roles of people in a group of the provider."""

    group: Annotated[str, "Name of the group, as the provider says it."]
    roles: Annotated[list[str], "Roles that people of the group have here."]


@dataclass(frozen=True, slots=True)
class GroupRolesInput:
    """The roles that people in a group of the provider shall have."""

    group: Annotated[str, "Name of the group, as the provider says it."]
    roles: Annotated[list[str], "Roles that people of the group shall have here."]


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An OpenID provider by which people sign in."""

    id: Annotated[Id, "Id of the provider."]
    name: Annotated[str, "Its name in addresses: `/sign-in/with/<name>`, and with `/callback` where it sends back to."]
    label: Annotated[str, "What people read on the sign-in page."]
    issuer: Annotated[str, "Its issuer, where its `.well-known/openid-configuration` is."]
    client_id: Annotated[str, "Who we are to it."]
    has_client_secret: Annotated[bool, "Whether we prove that by a secret, which is never shown."]
    scopes: Annotated[list[str], "Scopes that are asked for, besides `openid`."]
    enabled: Annotated[bool, "Whether people may sign in by it."]
    creates_users: Annotated[bool, "Whether it makes users of people whom nobody knows here."]
    links_passwords: Annotated[bool, "Whether it may stand for users who have a password here."]
    domains: Annotated[list[str], "Domains of the e-mail addresses that it speaks for; empty: all."]
    roles: Annotated[list[str], "Roles of users that it makes."]
    groups_claim: Annotated[str | None, "The claim that names a person's groups."]
    group_roles: Annotated[list[GroupRoles], "Roles by group; they are given and taken at each sign-in."]
    decided_by: Annotated[
        Id | None, "Who decided about it last, if you see them: it gives no role that they may not give."
    ]
    updated_at: Annotated[dt.datetime | None, "When it was changed last."]


@query(right=Right.POLICY_READ)
async def identity_providers(ask: Ask) -> list[IdentityProvider]:
    """The OpenID providers by which people may sign in."""
    return await _shown(ask, await store.every(await ask.tx.raw(), ask.actor.organization_id))


async def show_provider(ask: Ask, row: UUID) -> IdentityProvider | None:
    """One provider."""
    found = await store.by_id(await ask.tx.raw(), ask.actor.organization_id, row)
    return None if found is None else (await _shown(ask, [found]))[0]


@action(shows=show_provider, right=Right.POLICY_WRITE)
async def create_identity_provider(
    ask: Ask,
    name: Annotated[str, "Its name in addresses: small letters, digits and -."],
    label: Annotated[str, "What people read on the sign-in page."],
    issuer: Annotated[str, "Its issuer: https, as it says it itself."],
    client_id: Annotated[str, "Who we are to it."],
    client_secret: Annotated[str | None, "How we prove that, where it asks for it."] = None,
    scopes: Annotated[
        list[str] | None, "Scopes to ask for, besides `openid`; `email profile` if it is left out."
    ] = None,
    enabled: Annotated[bool, "Whether people may sign in by it."] = True,
    creates_users: Annotated[bool, "Whether it makes users of people whom nobody knows here."] = False,
    links_passwords: Annotated[bool, "Whether it may stand for users who have a password here."] = False,
    domains: Annotated[list[str] | None, "Domains of the e-mail addresses that it speaks for; all if none."] = None,
    roles: Annotated[list[str] | None, "Roles of users that it makes."] = None,
    groups_claim: Annotated[str | None, "The claim that names a person's groups."] = None,
    group_roles: Annotated[list[GroupRolesInput] | None, "Roles by group, given and taken at each sign-in."] = None,
) -> Outcome:
    """Let people of the organisation sign in with an OpenID provider."""
    assert ask.actor.user_id is not None
    wanted = Provider(
        uuid7(), name, label.strip(), issuer.strip(), client_id.strip(), None,
        tuple(["email", "profile"] if scopes is None else scopes), enabled, creates_users, links_passwords,
        _domains(domains or []), tuple(roles or []), groups_claim or None, _groups(group_roles or []),
        ask.actor.user_id,
    )  # fmt: skip
    return await _stored(ask, None, wanted, client_secret)


@action(shows=show_provider, right=Right.POLICY_WRITE)
async def update_identity_provider(
    ask: Ask,
    id: Annotated[Id, "The provider."],  # noqa: A002 - its name in the API
    label: Annotated[str | None, "What people read on the sign-in page."] = None,
    client_id: Annotated[str | None, "Who we are to it."] = None,
    client_secret: Annotated[str | None, "How we prove that; an empty one: not at all."] = None,
    scopes: Annotated[list[str] | None, "Scopes to ask for, besides `openid`."] = None,
    enabled: Annotated[bool | None, "Whether people may sign in by it."] = None,
    creates_users: Annotated[bool | None, "Whether it makes users of people whom nobody knows here."] = None,
    links_passwords: Annotated[bool | None, "Whether it may stand for users who have a password here."] = None,
    domains: Annotated[list[str] | None, "Domains of the e-mail addresses that it speaks for; all if none."] = None,
    roles: Annotated[list[str] | None, "Roles of users that it makes."] = None,
    groups_claim: Annotated[str | None, "The claim that names a person's groups; an empty one: none."] = None,
    group_roles: Annotated[list[GroupRolesInput] | None, "Roles by group, given and taken at each sign-in."] = None,
) -> Outcome:
    """Change a provider; what is left out stays. From then on it gives what you may give, and no more."""
    before = await _known(ask, id)
    if before is None:
        return Outcome.refused(NOT_FOUND)
    assert ask.actor.user_id is not None
    wanted = replace(
        before,
        label=before.label if label is None else label.strip(),
        client_id=before.client_id if client_id is None else client_id.strip(),
        scopes=before.scopes if scopes is None else tuple(scopes),
        enabled=before.enabled if enabled is None else enabled,
        creates_users=before.creates_users if creates_users is None else creates_users,
        links_passwords=before.links_passwords if links_passwords is None else links_passwords,
        domains=before.domains if domains is None else _domains(domains),
        roles=before.roles if roles is None else tuple(roles),
        groups_claim=before.groups_claim if groups_claim is None else groups_claim or None,
        group_roles=before.group_roles if group_roles is None else _groups(group_roles),
        decided_by=ask.actor.user_id,
    )
    return await _stored(ask, before, wanted, client_secret)


@action(shows=show_provider, right=Right.POLICY_WRITE)
async def delete_identity_provider(ask: Ask, id: Annotated[Id, "The provider."]) -> Outcome:  # noqa: A002
    """Remove a provider, and whom it stands for here; the users stay."""
    before, connection = await _known(ask, id), await ask.tx.raw()
    if before is None:
        return Outcome.refused(NOT_FOUND)
    await store.remove(connection, ask.actor.organization_id, before.id)
    gone: dict[str, tuple[object, object]] = {name: (value, None) for name, value in _facts(before).items()}
    event = "identity_provider.deleted"
    await leave(connection, ask.actor, ask.request_id, event, ENTITY, before.id, gone, action="delete")
    return Outcome(Effect.DELETED, before.id)


async def _stored(ask: Ask, before: Provider | None, wanted: Provider, secret: str | None) -> Outcome:
    connection, actor = await ask.tx.raw(), ask.actor
    errors = _faults(wanted, secret)
    policy = await in_force(connection, actor.organization_id, lock=True)
    for field, roles in (("roles", wanted.roles), ("groupRoles", sorted(wanted.governed))):
        refused = await people.ungivable(actor, policy, roles, ActorKind.STAFF)
        if refused:
            says = f"You may not give {', '.join(one[:80] for one in refused)} to our own people."
            errors.append(UserError("ROLE_NOT_ASSIGNABLE", says, (field,)))
    if errors:
        return Outcome.refused(*errors)
    if secret is not None:
        assert ask.sealer is not None, "mutations are carried out with it"
        place = (actor.organization_id, wanted.id)
        wanted = replace(wanted, client_secret=ask.sealer.seal(secret.encode(), PURPOSE, *place) if secret else None)
    try:
        async with connection.transaction():
            await store.store(connection, actor.organization_id, wanted)
    except asyncpg.UniqueViolationError:
        return Outcome.refused(key_taken("name"))
    old, new = _facts(before) if before else {}, _facts(wanted)
    changed = {name: (old.get(name), value) for name, value in new.items() if old.get(name) != value}
    if secret is not None:
        changed["client_secret"] = ("•••" if before and before.client_secret else None, "•••" if secret else None)
    noun, verb = "identity_provider", "updated" if before else "created"
    action_ = "update" if before else "create"
    await leave(connection, actor, ask.request_id, f"{noun}.{verb}", ENTITY, wanted.id, changed, action=action_)
    return Outcome(Effect.UPDATED if before else Effect.CREATED, wanted.id)


def _faults(wanted: Provider, secret: str | None) -> list[UserError]:
    """What makes no sense in a provider."""
    errors = []
    issuer = urlsplit(wanted.issuer)
    if not store.NAME.fullmatch(wanted.name):
        errors.append(invalid("A name has at most 40 small letters, digits and -.", "name"))
    for field, text in (("label", wanted.label), ("clientId", wanted.client_id), ("clientSecret", secret or "-")):
        if not 1 <= len(text) <= LONGEST or not text.isprintable():
            errors.append(invalid(f"1 to {LONGEST} printable characters are needed.", field))
    if (
        issuer.scheme not in ("https", "http")
        or not issuer.hostname
        or issuer.query
        or issuer.fragment
        or (len(wanted.issuer) > LONGEST or "@" in issuer.netloc or not wanted.issuer.isprintable())
    ):
        errors.append(invalid("An address like https://login.example is needed.", "issuer"))
    if len(wanted.scopes) > MOST or not all(map(_SCOPE.fullmatch, wanted.scopes)):
        errors.append(invalid("These are no scopes.", "scopes"))
    if len(wanted.domains) > MOST or not all(map(_DOMAIN.fullmatch, wanted.domains)):
        errors.append(invalid("These are no domains.", "domains"))
    names = [*wanted.group_roles, wanted.groups_claim or "-"]
    if len(names) > MOST or not all(1 <= len(n) <= LONGEST and n.isprintable() for n in names):
        errors.append(invalid(f"At most {MOST} groups are taken, each of {LONGEST} characters.", "groupRoles"))
    if wanted.group_roles and wanted.groups_claim is None:
        errors.append(invalid("Which claim names the groups?", "groupsClaim"))
    return errors


def _domains(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip().casefold() for one in given))


def _groups(given: Sequence[GroupRolesInput]) -> dict[str, tuple[str, ...]]:
    return {one.group: tuple(dict.fromkeys(one.roles)) for one in given}


def _facts(provider: Provider) -> dict[str, object]:
    """What the audit entry holds: all but the secret."""
    return {
        "name": provider.name,
        "label": provider.label,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "scopes": list(provider.scopes),
        "enabled": provider.enabled,
        "creates_users": provider.creates_users,
        "links_passwords": provider.links_passwords,
        "domains": list(provider.domains),
        "roles": list(provider.roles),
        "groups_claim": provider.groups_claim,
        "group_roles": {group: list(roles) for group, roles in provider.group_roles.items()},
    }


async def _known(ask: Ask, wanted: str) -> Provider | None:
    row = decode_as(PREFIX, wanted)
    return None if row is None else await store.by_id(await ask.tx.raw(), ask.actor.organization_id, row)


async def _shown(ask: Ask, found: Sequence[Provider]) -> list[IdentityProvider]:
    by = await seen_people(ask, (one.decided_by for one in found))
    return [
        IdentityProvider(
            Id(encode(PREFIX, one.id)), one.name, one.label, one.issuer, one.client_id, one.client_secret is not None,
            list(one.scopes), one.enabled, one.creates_users, one.links_passwords, list(one.domains), list(one.roles),
            one.groups_claim, [GroupRoles(group, list(roles)) for group, roles in one.group_roles.items()],
            by.get(one.decided_by, NOT_SEEN).id, one.updated_at,
        )
        for one in found
    ]  # fmt: skip
