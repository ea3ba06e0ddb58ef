"""Knowledge: articles drafted, reviewed by somebody else and published; votes, links to tickets, suggestions."""

from crm_graph.resolvers.knowledge import drafts, links, review, suggestions, votes

__all__ = ["drafts", "links", "review", "suggestions", "votes"]
