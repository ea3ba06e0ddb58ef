"""Files that are attached to records: what is known of each is a record of its own, its bytes lie beside.

An entity of such files is a class of its own below `Attachment`, a part of the record that they are attached to: its
`__prefix__`, its reference, `download_url = download()`, and the foreign key by `lies_in_contents`.
"""

from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Computed, Entity, Filter, Read, Ref, Sort, attr, table_of

file_contents = sa.Table(
    "file_contents",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_file_contents_organization"),
)
"""The bytes of files. Versions of a record share them; those that nothing refers to any more are removed by a chore."""


class Attachment(Entity):
    """A file attached to a record."""

    __unexposed__ = ("content_id",)
    __indexes__ = (("content_id",),)
    __imported__ = False

    name: str = attr(Read(PARTNER, subject=True), Filter, Sort)
    """Name of the file, for who downloads it."""
    media_type: str = attr(Read(PARTNER, subject=True))
    """What sort of file it is, by its name and content."""
    size: int = attr(Read(PARTNER, subject=True))
    """How many bytes it has."""
    added_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who attached it, where one of our users did."""
    content_id: UUID


def download() -> Computed:
    """The field by which a file is read."""
    return Computed(
        kinds.FILE_LINK,
        "{name}",
        "Where to download it, relative to the endpoint's address: for some minutes, and only while you may.",
    )


def lies_in_contents(entity: type[Attachment]) -> None:
    """The foreign key of an entity's files to their bytes."""
    table = table_of(entity)
    to = ["file_contents.organization_id", "file_contents.id"]
    name = f"fk_{table.name}_content_id"
    table.append_constraint(sa.ForeignKeyConstraint(["organization_id", "content_id"], to, name=name))


class ProposalAttachment(Attachment, table=True):
    """A file that comes with a proposal; attached by `addProposalAttachment` while that is a draft."""

    __prefix__ = "pra"
    __rows__ = Rows(parent="proposal_id", published="public", delegated=True)

    proposal_id: UUID = attr(Read(PARTNER, subject=True), Ref("Proposal", back="attachments", owned=True))
    """The proposal."""
    public: bool = attr(Read(PARTNER, subject=True), Filter, default=False)
    """Whether its addressee sees it, once the proposal is sent; for us alone otherwise."""

    download_url: ClassVar[Computed] = download()


lies_in_contents(ProposalAttachment)


class MessageAttachment(Attachment, table=True):
    """A file that came with a message on a ticket; attached by `addMessageAttachment`."""

    __prefix__ = "mat"
    __rows__ = Rows(parent="message_id", delegated=True)

    message_id: UUID = attr(Read(PARTNER, subject=True), Ref("TicketMessage", back="attachments", owned=True))
    """The message: who reads it reads its files, and of an internal one nobody outside does."""

    download_url: ClassVar[Computed] = download()


lies_in_contents(MessageAttachment)
