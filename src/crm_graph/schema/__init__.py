"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity
from crm_graph.schema import (
    contacts,
    customers,
    key_accounts,
    opportunities,
    orders,
    organizations,
    partners,
    pipelines,
    products,
    proposals,
    shares,
    tickets,
    users,
)

entity.seal()

__all__ = [
    "contacts",
    "customers",
    "key_accounts",
    "opportunities",
    "orders",
    "organizations",
    "partners",
    "pipelines",
    "products",
    "proposals",
    "shares",
    "tickets",
    "users",
]
