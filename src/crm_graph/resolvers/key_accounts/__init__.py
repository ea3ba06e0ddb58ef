"""Key accounts: scores and classes, what their managers are told, reviews, comparisons."""

from crm_graph.resolvers.key_accounts import comparison, overriding, reviewing, scoring, watching

__all__ = ["comparison", "overriding", "reviewing", "scoring", "watching"]
