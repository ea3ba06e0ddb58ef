"""Inviting people: of the caller's own partner, or, by our own people, anybody."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import ActorKind
from crm_graph.auth.people import invitations as store
from crm_graph.auth.people.invitations import InvitationState, Wanted
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.rights import Right
from crm_graph.db.ids import decode_as, encode
from crm_graph.entity import REGISTRY
from crm_graph.errors import KeyTaken, PageSizeInvalid, ReferenceNotFound
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.visibility import sees
from crm_graph.plan.actions import action
from crm_graph.plan.changes import Effect, Outcome, UserError, denied, invalid, refusal
from crm_graph.plan.policies import people
from crm_graph.plan.queries import query
from crm_graph.plan.reads.paging import MAX_SIZE
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.audit_trail import leave
from crm_graph.plan.writes.refusals import NOT_FOUND
from crm_graph.resolvers.people import NOT_SEEN, partners
from crm_graph.resolvers.people import people as seen_people

LONGEST_NAME: Final = 100
ENTITY: Final = "Invitation"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody who may come in by a link that was mailed to them."""

    id: Annotated[Id, "Id of the invitation."]
    email: Annotated[str, "The address it was mailed to."]
    name: Annotated[str, "Name that the form proposes; the person decides."]
    roles: Annotated[list[str], "Roles that the person will have."]
    partner_id: Annotated[Id | None, "The partner they will work for; null for our own people."]
    invited_by: Annotated[
        Id | None, "Who sent it, if you see them: it works while that user may still give these roles."
    ]
    state: Annotated[InvitationState, "What became of it."]
    user_id: Annotated[Id | None, "Who came in by it, if you see them."]
    created_at: Annotated[dt.datetime, "When it was sent."]
    expires_at: Annotated[dt.datetime, "Until when its link works."]


@dataclass(frozen=True, slots=True)
class AssignableRole:
    """A role that the caller may give."""

    name: Annotated[str, "Name, as `User.roles` has it."]
    label: Annotated[str, "What people call it."]
    description: Annotated[str | None, "What it is for."]


@query(right=Right.PEOPLE_MANAGE)
async def invitations(
    ask: Ask, first: Annotated[int, f"How many, the newest first; at most {MAX_SIZE}."] = 50
) -> list[Invitation]:
    """Invitations of your partner's people; of everybody, if you work for no partner."""
    if not 0 <= first <= MAX_SIZE:
        raise PageSizeInvalid(f"`first` is a number from 0 to {MAX_SIZE}.")
    if not people.reaches(ask.actor, ask.actor.partner_id):
        return []
    found = await store.newest(await ask.tx.raw(), ask.actor.organization_id, ask.actor.partner_id, first)
    return await _shown(ask, found)


@query(right=Right.PEOPLE_MANAGE)
async def assignable_roles(
    ask: Ask, partner: Annotated[bool, "Of people who work for a partner; yours, if you work for one."] = False
) -> list[AssignableRole]:
    """The roles that you may give to people."""
    kind = ActorKind.PARTNER if partner or ask.actor.partner_id else ActorKind.STAFF
    policy = await in_force(await ask.tx.raw(), ask.actor.organization_id)
    names = people.fitting(policy, kind)
    refused = await people.ungivable(ask.actor, policy, names, kind)
    found = [policy.roles[name] for name in names if name not in refused]
    return [AssignableRole(role.name, role.label, role.description) for role in found]


async def show_invitation(ask: Ask, row: UUID) -> Invitation | None:
    """The invitation, if it is one of the caller's side."""
    found = await store.by_id(await ask.tx.raw(), ask.actor.organization_id, ask.actor.partner_id, row)
    return None if found is None else (await _shown(ask, [found]))[0]


@action(shows=show_invitation, right=Right.PEOPLE_MANAGE)
async def invite_user(
    ask: Ask,
    email: Annotated[str, "Where the link is mailed to; with it the person signs in later."],
    roles: Annotated[list[str], "Roles that the person will have; `assignableRoles` lists those you may give."],
    name: Annotated[str, "Name that the form proposes."] = "",
    partner: Annotated[Id | None, "The partner they will work for; yours, if you work for one."] = None,
) -> Outcome:
    """Mail somebody a link by which they come in, once, within a week. Inviting an address again replaces the link."""
    wanted = await _wanted(ask, email, roles, name, partner)
    if isinstance(wanted, Outcome):
        return wanted
    connection, actor = await ask.tx.raw(), ask.actor
    assert actor.user_id is not None
    sent = await store.sent_lately(connection, actor.organization_id, actor.user_id, wanted.partner_id)
    if sent >= store.MOST_A_DAY:
        return refusal("TOO_MANY_INVITATIONS", "Too many invitations today; try again tomorrow.")
    known = await _known(ask, wanted.email)
    if known is not None and known[1]:
        return refusal(KeyTaken.code, "Somebody signs in with this address.", "email")
    # counted before this one; an address that has had enough gets no more, and nobody is told
    mailed = await store.mailed_lately(connection, actor.organization_id, wanted.email)
    row, token = await store.add(connection, actor.organization_id, actor.user_id, wanted)
    if mailed < store.MOST_MAILS_A_DAY:
        mail = await _mail(ask, wanted.email, token, known=known is not None)
        await post(connection, actor.organization_id, mail)
    facts = {
        "email": (None, wanted.email), "roles": (None, wanted.roles), "partner_id": (None, wanted.partner_id)
    }  # fmt: skip
    await leave(connection, actor, ask.request_id, "invitation.sent", ENTITY, row, facts, action="create")
    return Outcome(Effect.CREATED, row)


@action(shows=show_invitation, right=Right.PEOPLE_MANAGE)
async def withdraw_invitation(ask: Ask, invitation: Annotated[Id, "The invitation."]) -> Outcome:
    """Take back an invitation: its link stops working."""
    connection, actor = await ask.tx.raw(), ask.actor
    row = decode_as("inv", invitation)
    found = row and await store.by_id(connection, actor.organization_id, actor.partner_id, row)
    if not found or not people.reaches(actor, found.partner_id):
        return Outcome.refused(NOT_FOUND)
    if found.state is not InvitationState.PENDING:
        return refusal("INVITATION_NOT_PENDING", "The link of this invitation works no more.")
    await store.end(connection, actor.organization_id, found.id, InvitationState.WITHDRAWN)
    changed = {"state": (found.state.name, InvitationState.WITHDRAWN.name)}
    await leave(connection, actor, ask.request_id, "invitation.withdrawn", ENTITY, found.id, changed)
    return Outcome(Effect.UPDATED, found.id)


async def _wanted(ask: Ask, email: str, roles: list[str], name: str, partner: str | None) -> Wanted | Outcome:
    """What is asked for, as far as the caller may ask for it."""
    actor, errors = ask.actor, list[UserError]()
    partner_id = actor.partner_id
    if partner is not None:
        partner_id = decode_as(REGISTRY["Partner"].__prefix__, partner)
        if partner_id is None or not await sees(ask.tx, actor, REGISTRY["Partner"], partner_id):
            says = "This names no record that you can see."
            return refusal(ReferenceNotFound.code, says, "partner")
    if not people.reaches(actor, partner_id):
        return Outcome.refused(denied())
    try:
        email = str(kinds.EMAIL.parse(email))
    except ValueError as error:
        errors.append(invalid(f"{error}.".capitalize(), "email"))
    name = name.strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        errors.append(invalid(f"A name has at most {LONGEST_NAME} printable characters.", "name"))
    if not roles:
        errors.append(invalid("At least one role is needed.", "roles"))
    policy = await in_force(await ask.tx.raw(), actor.organization_id)
    refused = await people.ungivable(actor, policy, roles, people.kind_of(partner_id))
    if refused:
        says = f"You may not give {', '.join(one[:80] for one in refused)} to such people."
        errors.append(UserError("ROLE_NOT_ASSIGNABLE", says, ("roles",)))
    if errors:
        return Outcome.refused(*errors)
    return Wanted(email, name, tuple(dict.fromkeys(roles)), partner_id)


async def _known(ask: Ask, email: str) -> tuple[UUID, bool] | None:
    """Who signs in with this address already, and whether the caller can see that; one statement in any case."""
    parameters, address = Parameters(), "NULL::text"
    lens = open_lens(REGISTRY["User"], ask.actor.policy, parameters, "u")
    wanted, seen = parameters.constant(email, "text"), "FALSE"
    if lens is not None:
        address = lens.column(lens.spec("email")).sql or address
        seen = (
            f"EXISTS (SELECT FROM {lens.source()} WHERE {lens.where()} AND u.id = t.id"
            f" AND crm_match_email({address}) = crm_match_email({wanted}))"
        )
    sql, sources = parameters.finish(
        f"SELECT t.id, {seen} AS seen FROM users t WHERE t.organization_id = {parameters.organization}"
        f" AND t.email_match = crm_match_email({wanted}) ORDER BY seen DESC LIMIT 1"
    )
    found = await (await ask.tx.raw()).fetchrow(sql, *[source((), ask.actor) for source in sources])
    return None if found is None else (found["id"], found["seen"])


async def _mail(ask: Ask, recipient: str, token: str, *, known: bool) -> Mail:
    """The mail: with the link, or, to who has an account already, without."""
    row = await (await ask.tx.raw()).fetchrow(
        "SELECT name, hosts FROM organizations WHERE organization_id = $1", ask.actor.organization_id
    )
    assert row is not None
    organization = row["name"]
    url = ask.tx.page_url(row["hosts"], "/sign-in" if known else f"/invitation?token={token}")
    if known:
        says = f"You have an account there already, with this address: {url}"
    else:
        says = f"To accept, open this link within a week and choose a password:\n\n    {url}"
    return Mail(
        recipient,
        f"Invitation to {organization}",
        f"You are invited to {organization}.\n\n{says}\n\nIf you do not know why, do nothing.\n",
    )


async def _shown(ask: Ask, found: Sequence[store.Invitation]) -> list[Invitation]:
    users = await seen_people(ask, (user for one in found for user in (one.invited_by, one.user_id)))
    of = await partners(ask, (one.partner_id for one in found))
    return [
        Invitation(
            Id(encode("inv", one.id)),
            one.email,
            one.name,
            list(one.roles),
            of.get(one.partner_id, NOT_SEEN).id,
            users.get(one.invited_by, NOT_SEEN).id,
            one.state,
            users.get(one.user_id, NOT_SEEN).id,
            one.created_at,
            one.expires_at,
        )
        for one in found
    ]
