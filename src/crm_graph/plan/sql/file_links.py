"""Links to files as a field of their records: each answer has one ticket of its caller, each record its signature."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_graph.auth.actor import Actor
from crm_graph.auth.file_links import DOWNLOAD, PATH, FileLinks, signature_sql
from crm_graph.plan.sql.parameters import Parameters

if TYPE_CHECKING:
    from crm_graph.plan.access.lens import Lens


def link_sql(parameters: Parameters, links: FileLinks, lens: "Lens") -> str:
    """SQL of the link to a record's file, relative to the endpoint's address; null for who cannot be found again."""

    def pair(_leaves: Sequence[object], actor: Actor) -> object:
        ticket = links.ticket(actor, DOWNLOAD)
        return None if ticket is None else [ticket, links.key(ticket).hex()]

    made, row = parameters.add(pair, "text[]", "file link"), f"{lens.alias}.id"
    signed = signature_sql(f"decode(({made})[2], 'hex')", row)
    start = f"'{PATH}/{lens.entity.__prefix__}_' || encode(uuid_send({row}), 'hex')"
    return f"{start} || '/' || ({made})[1] || '.' || {signed}"
