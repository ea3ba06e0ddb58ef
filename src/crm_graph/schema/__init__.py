"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity
from crm_graph.schema import organizations, users, partners, customers, contacts, key_accounts, products  # noqa: I001
from crm_graph.schema import pipelines, opportunities, proposals, orders, tickets, shares

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
