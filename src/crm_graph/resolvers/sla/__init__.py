"""What tickets were promised: reckoned as they change, and told on time."""

from crm_graph.resolvers.sla import timers

__all__ = ["timers"]
