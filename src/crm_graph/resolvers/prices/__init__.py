"""What a product costs a customer, on a channel, now, and why."""

from crm_graph.resolvers.prices import query

__all__ = ["query"]
