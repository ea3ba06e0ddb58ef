"""Proposals: written while they are drafts, approved, sent, answered; and the order that comes of one."""

from crm_graph.resolvers.proposals import (
    answers,
    comparison,
    expiry,
    from_template,
    lines,
    revisions,
    sending,
)

__all__ = ["answers", "comparison", "expiry", "from_template", "lines", "revisions", "sending"]
