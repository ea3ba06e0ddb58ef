"""Files that come with proposals: what the customer gets, and what we keep to ourselves."""

from datetime import datetime

from crm_graph.demo.business import Business
from crm_graph.schema.attachments import MessageAttachment, ProposalAttachment
from crm_graph.schema.tickets import Ticket, TicketMessage

MOST = 12
_FILES = (
    ("Technical data.txt", True, "Module: 430 W, 1762 x 1134 x 30 mm, 21.5 kg. Warranty: 25 years.\n"),
    ("Site plan.txt", True, "North roof 48 m2, south roof 62 m2, inverter in the cellar.\n"),
    ("Calculation.csv", False, "item;hours\nscaffold;6\nassembly;22\nelectrics;9\n"),
)


def attach(business: Business) -> None:
    """Add files to proposals and to messages on tickets."""
    _to_proposals(business)
    _to_messages(business)


def _to_proposals(business: Business) -> None:
    """To the customer persona's and the latest of others."""
    mine = business.anchors["customer"].id
    proposals = sorted(business.rows.of["Proposal"], key=lambda row: (row["customer_id"] != mine, -_age(row)))
    for place, proposal in enumerate(proposals[:MOST]):
        owner, moment = proposal["owner_id"], proposal["created_at"]
        assert isinstance(moment, datetime)
        for name, public, text in _FILES[place % 2 :]:
            content = text.encode()
            business.rows.add(
                ProposalAttachment,
                moment,
                name=name,
                media_type="text/csv" if name.endswith(".csv") else "text/plain",
                size=len(content),
                added_by_id=owner,
                content_id=business.rows.keep(moment, content),
                proposal_id=proposal["id"],
                public=public,
            )


def _to_messages(business: Business) -> None:
    """To the customer persona's, public and internal ones, and some of others."""
    tickets = {row["id"]: row["customer_id"] for row in business.rows.of[Ticket.__name__]}
    mine, messages = business.anchors["customer"].id, business.rows.of[TicketMessage.__name__]
    for message in sorted(messages, key=lambda row: (tickets[row["ticket_id"]] != mine, -_age(row)))[:MOST]:
        content, moment = b"Inverter: error E017, 230 V.\n", message["created_at"]
        assert isinstance(moment, datetime)
        business.rows.add(
            MessageAttachment,
            moment,
            name="Error log.txt",
            media_type="text/plain",
            size=len(content),
            added_by_id=message["author_id"],
            content_id=business.rows.keep(moment, content),
            message_id=message["id"],
        )


def _age(row: dict[str, object]) -> float:
    moment = row["created_at"]
    assert isinstance(moment, datetime)
    return moment.timestamp()
