"""Suggestions for sale: counted and proposed daily, shown through the caller's lens, released by a person or a rule."""

from crm_graph.resolvers.suggestions import daily, query, release

__all__ = ["daily", "query", "release"]
