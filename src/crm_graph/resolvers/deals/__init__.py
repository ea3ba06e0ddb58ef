"""Deals that partners register: held against customers and each other, decided by us, answered at fixed times."""

from crm_graph.resolvers.deals import answering, checking, conflicts, deciding, registering

__all__ = ["answering", "checking", "conflicts", "deciding", "registering"]
