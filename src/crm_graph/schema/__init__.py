"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity, sums

# In this order: what is referred to comes first, and tables are filled and shown in it.
# isort: off
from crm_graph.schema import organizations, users, partners, customers, contacts, households, key_accounts
from crm_graph.schema import products, pipelines, losses, opportunities, forecasts, leads, tasks, authority
from crm_graph.schema import proposal_templates, proposals, proposal_links, orders, returns, price_lists, tickets
from crm_graph.schema import (
    shares,
    territories,
    agreements,
    deals,
    changes,
    compensations,
    consents,
    suggestions,
    custom_fields,
)
# isort: on

entity.seal()
sums.check()

__all__ = [
    "agreements",
    "authority",
    "changes",
    "compensations",
    "consents",
    "contacts",
    "custom_fields",
    "customers",
    "deals",
    "forecasts",
    "households",
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
    "proposal_links",
    "proposal_templates",
    "proposals",
    "returns",
    "shares",
    "suggestions",
    "tasks",
    "territories",
    "tickets",
    "users",
]
