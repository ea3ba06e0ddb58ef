"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity, figures, sums

# In this order: what is referred to comes first, and tables are filled and shown in it.
# isort: off
from crm_graph.schema import organizations, users, partners, customers, contacts, households, key_accounts
from crm_graph.schema import products, pipelines, losses, opportunities, forecasts, leads, tasks, authority
from crm_graph.schema import proposal_templates, proposals, proposal_links, orders, returns, price_lists, tickets
from crm_graph.schema import key_people, account_plans, goals, plan_reviews
from crm_graph.schema import shares, changes, compensations, consents, suggestions, custom_fields
# isort: on

entity.seal()
sums.check()
figures.check()

__all__ = [
    "account_plans",
    "authority",
    "changes",
    "compensations",
    "consents",
    "contacts",
    "custom_fields",
    "customers",
    "forecasts",
    "goals",
    "households",
    "key_accounts",
    "key_people",
    "leads",
    "losses",
    "opportunities",
    "orders",
    "organizations",
    "partners",
    "pipelines",
    "plan_reviews",
    "price_lists",
    "products",
    "proposal_links",
    "proposal_templates",
    "proposals",
    "returns",
    "shares",
    "suggestions",
    "tasks",
    "tickets",
    "users",
]
