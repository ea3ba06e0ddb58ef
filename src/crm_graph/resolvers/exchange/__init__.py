"""What amounts are in another currency: at a rate that is named, or not at all."""

from crm_graph.resolvers.exchange import conversion

__all__ = ["conversion"]
