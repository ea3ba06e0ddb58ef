"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity, sums

# In this order: what is referred to comes first, and tables are filled and shown in it.
# isort: off
from crm_graph.schema import organizations, users, partners, customers, contacts, key_accounts, products
from crm_graph.schema import pipelines, losses, opportunities, leads, tasks
from crm_graph.schema import proposals, orders, price_lists, tickets, shares, changes
from crm_graph.schema import custom_fields
# isort: on

entity.seal()
sums.check()

__all__ = [
    "changes",
    "contacts",
    "custom_fields",
    "customers",
    "key_accounts",
    "leads",
    "losses",
    "opportunities",
    "orders",
    "organizations",
    "partners",
    "pipelines",
    "price_lists",
    "products",
    "proposals",
    "shares",
    "tasks",
    "tickets",
    "users",
]
