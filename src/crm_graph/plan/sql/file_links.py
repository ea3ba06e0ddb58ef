"""Links to files as a field of their records: each answer has one ticket of its caller, each record its signature."""

from collections.abc import Sequence

from crm_graph.auth.actor import Actor
from crm_graph.auth.file_links import DOWNLOAD, PATH, FileLinks, signature_sql
from crm_graph.plan.sql.parameters import Parameters


def link_sql(parameters: Parameters, links: FileLinks, prefix: str, row: str) -> str:
    """SQL of the link to the file of a record, of which `row` is the id's SQL, relative to the endpoint's address.

    Null for who cannot be found again.
    """

    def pair(_leaves: Sequence[object], actor: Actor) -> object:
        ticket = links.ticket(actor, DOWNLOAD)
        return None if ticket is None else [ticket, links.key(ticket).hex()]

    made = parameters.add(pair, "text[]", "file link")
    signed = signature_sql(f"decode(({made})[2], 'hex')", row)
    start = f"'{PATH}/{prefix}_' || encode(uuid_send({row}), 'hex')"
    return f"{start} || '/' || ({made})[1] || '.' || {signed}"
