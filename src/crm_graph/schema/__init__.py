"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity, sums

# In this order: what is referred to comes first, and tables are filled and shown in it.
# isort: off
from crm_graph.schema import organizations, users, partners, customers, contacts, households, key_accounts
from crm_graph.schema import products, pipelines, opportunities, proposals, orders, price_lists, tickets, shares
from crm_graph.schema import changes
from crm_graph.schema import custom_fields
# isort: on

entity.seal()
sums.check()

__all__ = [
    "changes",
    "contacts",
    "custom_fields",
    "customers",
    "households",
    "key_accounts",
    "opportunities",
    "orders",
    "organizations",
    "partners",
    "pipelines",
    "price_lists",
    "products",
    "proposals",
    "shares",
    "tickets",
    "users",
]
