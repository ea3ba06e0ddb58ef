"""Orders: taken in from shops, paid, shipped, delivered, cancelled, returned and credited."""

from crm_graph.resolvers.orders import credits_given, intake, returns, states

__all__ = ["credits_given", "intake", "returns", "states"]
