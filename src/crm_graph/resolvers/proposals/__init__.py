"""Proposals: written while they are drafts, approved, sent, answered; and the order that comes of one."""

from crm_graph.resolvers.proposals import (
    answers,
    attachments,
    comparison,
    expiry,
    from_template,
    lines,
    links,
    questions,
    revisions,
    sending,
)

__all__ = [
    "answers",
    "attachments",
    "comparison",
    "expiry",
    "from_template",
    "lines",
    "links",
    "questions",
    "revisions",
    "sending",
]
