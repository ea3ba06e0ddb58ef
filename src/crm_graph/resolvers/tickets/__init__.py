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

__all__ = [
    "collaborators",
    "complaints",
    "macros",
    "merging",
    "messages",
    "opening",
    "resolving",
    "splitting",
    "taking",
    "waiting",
]
