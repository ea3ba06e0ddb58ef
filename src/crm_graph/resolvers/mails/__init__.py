"""Mail of tickets: what comes in becomes messages, what we answer goes out; strangers learn nothing of either."""

from crm_graph.resolvers.mails import identifying, receiving, sending

__all__ = ["identifying", "receiving", "sending"]
