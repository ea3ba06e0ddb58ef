"""The one mechanism of approval: within one's limit at once, above it by the nearest person whose limit covers it.

    found = await decide_or_ask(call, Action.REFUND, amount, currency, about=("Order", row), note=…)

in the transaction of whoever wants to grant something; and a function registered by `@on_decision(Action.REFUND)`,
which carries out in the transaction of the decision what was decided.
"""

from crm_graph.resolvers.authority import approvals, delegations, remaining
from crm_graph.resolvers.authority.decisions import Request, on_decision
from crm_graph.resolvers.authority.granting import Asked, Granted, decide_or_ask, grant_at_once, withdraw_requests
from crm_graph.schema.authority import AuthorityAction as Action

__all__ = [
    "Action",
    "Asked",
    "Granted",
    "Request",
    "approvals",
    "decide_or_ask",
    "delegations",
    "grant_at_once",
    "on_decision",
    "remaining",
    "withdraw_requests",
]
