"""Tickets: opened on any channel, routed, taken, answered, resolved by their customer's word."""

from crm_graph.resolvers.tickets import (
    collaborators,
    complaints,
    macros,
    merging,
    messages,
    opening,
    resolving,
    splitting,
    taking,
    waiting,
)
from crm_graph.resolvers.tickets.changed import TicketChange, What, on_ticket_change

__all__ = [
    "TicketChange",
    "What",
    "collaborators",
    "complaints",
    "macros",
    "merging",
    "messages",
    "on_ticket_change",
    "opening",
    "resolving",
    "splitting",
    "taking",
    "waiting",
]
