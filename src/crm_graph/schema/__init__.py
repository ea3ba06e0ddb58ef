"""What exists: one file a noun, each field declared once. Importing this package declares the whole model."""

from crm_graph import entity, figures, sums

# In this order: what is referred to comes first, and tables are filled and shown in it.
# isort: off
from crm_graph.schema import organizations, calendars, users, partners, customers, contacts, households, key_accounts
from crm_graph.schema import products, pipelines, losses, opportunities, exchange_rates, forecasts, leads, tasks
from crm_graph.schema import authority, proposal_templates, proposals, proposal_links, orders, returns, price_lists
from crm_graph.schema import ticket_queues, tickets, attachments, sla_policies, knowledge, feedback
from crm_graph.schema import (
    key_people,
    account_plans,
    goals,
    plan_reviews,
    shares,
    territories,
    agreements,
    deals,
    partner_activities,
    scorecards,
    changes,
)
from crm_graph.schema import compensations, consents, suggestions, custom_fields
# isort: on

entity.seal()
sums.check()
figures.check()

__all__ = [
    "account_plans",
    "agreements",
    "attachments",
    "authority",
    "calendars",
    "changes",
    "compensations",
    "consents",
    "contacts",
    "custom_fields",
    "customers",
    "deals",
    "exchange_rates",
    "feedback",
    "forecasts",
    "goals",
    "households",
    "key_accounts",
    "key_people",
    "knowledge",
    "leads",
    "losses",
    "opportunities",
    "orders",
    "organizations",
    "partner_activities",
    "partners",
    "pipelines",
    "plan_reviews",
    "price_lists",
    "products",
    "proposal_links",
    "proposal_templates",
    "proposals",
    "returns",
    "scorecards",
    "shares",
    "sla_policies",
    "suggestions",
    "tasks",
    "territories",
    "ticket_queues",
    "tickets",
    "users",
]
