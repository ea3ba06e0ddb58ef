"""Files that come with a proposal: attached, marked and removed while it is a draft, and frozen with its version."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import delete_rows, insert_rows, update_fields
from crm_graph.resolvers.files.uploads import takes_files, upload_link
from crm_graph.resolvers.proposals.states import Facts, locked, touched
from crm_graph.schema.attachments import ProposalAttachment
from crm_graph.schema.proposals import Proposal, ProposalStatus

_ENTITY: Final = ProposalAttachment.__name__
_PUBLIC: Final = "Whether its addressee sees it, on the page and signed in."
_FILE: Final = Argument("attachment_id", kinds.ID, "Which file.", required=True, ref=_ENTITY)
_OF: Final = "SELECT FROM proposal_attachments WHERE organization_id = $1 AND proposal_id = $2 AND id = $3"
_KEPT: Final = ("name", "media_type", "size", "added_by_id", "content_id", "public")
_ALL: Final = f"""
SELECT {", ".join(_KEPT)} FROM proposal_attachments WHERE organization_id = $1 AND proposal_id = $2 ORDER BY id"""


@mutation(
    Proposal,
    Argument("name", kinds.STRING, "Name of the file, for who downloads it.", required=True),
    Argument("public", kinds.BOOLEAN, f"{_PUBLIC} If it is left out, it is for us alone."),
    needs=INTERNAL,
    once="uploadUrl",
)
async def add_proposal_attachment(call: Call) -> Outcome:
    """Begin to attach a file to a draft: POST its bytes to `uploadUrl` within ten minutes."""
    facts = await locked(call)
    if facts.status is not ProposalStatus.DRAFT:
        return refusal("STATE_REFUSED", f"It is {facts.status.value}: files are attached while it is a DRAFT.")
    return await upload_link(call, ProposalAttachment, {"public": bool(call.arguments.get("public"))})


@mutation(Proposal, _FILE, Argument("public", kinds.BOOLEAN, _PUBLIC, required=True), needs=INTERNAL)
async def mark_proposal_attachment(call: Call) -> Outcome:
    """Say whether the addressee of a draft will see a file of it."""
    begun = await _begun(call)
    if begun.is_refused:
        return begun
    values = {"public": call.arguments["public"]}
    marked = await update_fields(
        call.tx, call.actor, _ENTITY, _file(call), values, "proposal_attachment.updated", request_id=call.request_id
    )
    return marked if marked.is_refused else begun


@mutation(Proposal, _FILE, needs=INTERNAL)
async def remove_proposal_attachment(call: Call) -> Outcome:
    """Take a file off a draft."""
    begun = await _begun(call)
    if begun.is_refused:
        return begun
    (gone,) = await delete_rows(call.tx, call.actor, _ENTITY, [_file(call)], trusted=True, request_id=call.request_id)
    return gone if gone.is_refused else begun


async def copy_attachments(call: Call, to: UUID) -> Outcome | None:
    """Give another version the files of this one, whose bytes stay where they are; gives a refusal if there is one."""
    found = await (await call.tx.raw()).fetch(_ALL, call.actor.organization_id, call.row)
    copied = [{**dict(row), "proposal_id": to} for row in found]
    written = await insert_rows(call.tx, call.actor, _ENTITY, copied, request_id=call.request_id)
    return next((Outcome.refused(*one.errors) for one in written if one.is_refused), None)


async def _begun(call: Call) -> Outcome:
    facts: Facts = await locked(call)
    if await (await call.tx.raw()).fetchrow(_OF, call.actor.organization_id, call.row, _file(call)) is None:
        return refusal("REFERENCE_NOT_FOUND", "The proposal has no such file.", "attachmentId")
    return await touched(call, facts)


def _file(call: Call) -> UUID:
    row = call.arguments["attachment_id"]
    assert isinstance(row, UUID)
    return row


async def _opens(call: Call) -> Outcome | None:
    begun = await touched(call, await locked(call))
    return begun if begun.is_refused else None


takes_files(ProposalAttachment, Proposal, "proposal_id", _opens)
