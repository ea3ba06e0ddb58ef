"""The shipped policy: what each role is granted, until an organisation says otherwise.

Reads top-down, a role at a time: on which entity, by which row rule, read up to which level, written up to which.
"""

from collections.abc import Mapping

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC, RESTRICTED, Level
from crm_graph.auth.rows import Rule
from crm_graph.auth.rows import Rule as R

ENTITIES = (
    "Organization Team User Partner Customer Contact Address KeyAccount Product Pipeline Stage Opportunity OpportunityLine"
    " StageChange Proposal ProposalLine Order OrderLine Ticket TicketMessage CustomerShare OpportunityShare KeyAccountShare"
).split()


def _full(rule: Rule, level: Level) -> Grant:
    """Everything up to a level: read, write, create, delete."""
    return Grant(rule, level, level, create=True, delete=True)


def _see(rule: Rule, level: Level) -> Grant:
    return Grant(rule, level)


def _work(rule: Rule, level: Level, write: Level | None = None, *, create: bool = True) -> Grant:
    """Read, write and create, without deleting."""
    return Grant(rule, level, write or level, create=create)


_DIRECTORY = {
    "Organization": (_see(R.EVERYONE, PARTNER),),
    "Team": (_see(R.EVERYONE, INTERNAL),),
    "User": (_see(R.EVERYONE, INTERNAL),),
}
_CATALOGUE = {
    "Product": (_see(R.EVERYONE, INTERNAL),),
    "Pipeline": (_see(R.EVERYONE, INTERNAL),),
    "Stage": (_see(R.EVERYONE, INTERNAL),),
}

ROLES: Mapping[str, Mapping[str, tuple[Grant, ...]]] = {
    "administrator": {
        **{name: (_full(R.EVERYONE, RESTRICTED),) for name in ENTITIES},
        "StageChange": (_see(R.EVERYONE, RESTRICTED),),
        "Organization": (Grant(R.EVERYONE, RESTRICTED, RESTRICTED),),
    },
    "sales_manager": {
        **_DIRECTORY,
        **_CATALOGUE,
        "Partner": (_work(R.EVERYONE, CONFIDENTIAL),),
        "Customer": (_full(R.EVERYONE, CONFIDENTIAL),),
        "Contact": (_full(R.PARENT, CONFIDENTIAL),),
        "Address": (_full(R.PARENT, CONFIDENTIAL),),
        "KeyAccount": (_full(R.EVERYONE, CONFIDENTIAL),),
        "Product": (_see(R.EVERYONE, CONFIDENTIAL),),
        "Opportunity": (_full(R.EVERYONE, CONFIDENTIAL),),
        "OpportunityLine": (_full(R.PARENT, CONFIDENTIAL),),
        "StageChange": (_see(R.PARENT, CONFIDENTIAL),),
        "Proposal": (_full(R.EVERYONE, CONFIDENTIAL),),
        "ProposalLine": (_full(R.PARENT, CONFIDENTIAL),),
        "Order": (_work(R.EVERYONE, CONFIDENTIAL),),
        "OrderLine": (_work(R.PARENT, CONFIDENTIAL),),
        "Ticket": (_see(R.EVERYONE, INTERNAL),),
        "TicketMessage": (_see(R.PARENT, INTERNAL),),
        "CustomerShare": (_full(R.EVERYONE, CONFIDENTIAL),),
        "OpportunityShare": (_full(R.EVERYONE, CONFIDENTIAL),),
        "KeyAccountShare": (_full(R.EVERYONE, CONFIDENTIAL),),
    },
    "sales_rep": {
        **_DIRECTORY,
        **_CATALOGUE,
        "Partner": (_see(R.EVERYONE, INTERNAL),),
        "Customer": (
            _work(R.OWN, CONFIDENTIAL, INTERNAL),
            _work(R.TEAM, INTERNAL, create=False),
            _see(R.SHARED, CONFIDENTIAL),
            _see(R.EVERYONE, PARTNER),
        ),
        "Contact": (_full(R.PARENT, CONFIDENTIAL),),
        "Address": (_full(R.PARENT, CONFIDENTIAL),),
        "KeyAccount": (_work(R.OWN, CONFIDENTIAL, create=False), _see(R.EVERYONE, PARTNER)),
        "Opportunity": (
            _full(R.OWN, CONFIDENTIAL),
            _work(R.TEAM, INTERNAL, create=False),
            _see(R.SHARED, CONFIDENTIAL),
        ),
        "OpportunityLine": (_full(R.PARENT, CONFIDENTIAL),),
        "StageChange": (_see(R.PARENT, CONFIDENTIAL),),
        "Proposal": (_full(R.OWN, CONFIDENTIAL), _see(R.PARENT, CONFIDENTIAL)),
        "ProposalLine": (_full(R.PARENT, CONFIDENTIAL),),
        "Order": (_see(R.PARENT, INTERNAL),),
        "OrderLine": (_see(R.PARENT, INTERNAL),),
        "Ticket": (_see(R.PARENT, INTERNAL),),
        "TicketMessage": (_see(R.PARENT, INTERNAL),),
    },
    "service_agent": {
        **_DIRECTORY,
        **_CATALOGUE,
        "Customer": (_work(R.EVERYONE, INTERNAL, create=False),),
        "Contact": (_work(R.PARENT, INTERNAL),),
        "Address": (_full(R.PARENT, INTERNAL),),
        "KeyAccount": (_see(R.EVERYONE, PARTNER),),
        "Order": (_work(R.EVERYONE, INTERNAL, create=False),),
        "OrderLine": (_see(R.PARENT, INTERNAL),),
        "Ticket": (_work(R.EVERYONE, INTERNAL),),
        "TicketMessage": (_work(R.PARENT, INTERNAL),),
    },
    "partner_rep": {
        "Organization": (_see(R.EVERYONE, PUBLIC),),
        "User": (_see(R.PARTNER, PARTNER),),
        "Partner": (_see(R.PARTNER, PARTNER),),
        "Product": (_see(R.PUBLISHED, PARTNER),),
        "Pipeline": (_see(R.EVERYONE, PARTNER),),
        "Stage": (_see(R.EVERYONE, PARTNER),),
        "Customer": (_see(R.SHARED, INTERNAL),),
        "Contact": (_see(R.PARENT, INTERNAL),),
        "Address": (_see(R.PARENT, INTERNAL),),
        "KeyAccount": (_see(R.SHARED, INTERNAL),),
        "Opportunity": (_work(R.PARTNER, PARTNER, create=False), _see(R.SHARED, INTERNAL)),
        "OpportunityLine": (_see(R.PARENT, PARTNER),),
        "Order": (_see(R.PARTNER, PARTNER),),
        "OrderLine": (_see(R.PARENT, PARTNER),),
    },
    "customer": {
        "Organization": (_see(R.EVERYONE, PUBLIC),),
        "User": (_see(R.SELF, PUBLIC),),
        "Product": (_see(R.PUBLISHED, PUBLIC),),
        "Customer": (_see(R.SELF, PUBLIC),),
        "Contact": (_see(R.PARENT, PUBLIC),),
        "Address": (_see(R.PARENT, PUBLIC),),
        "Proposal": (_see(R.SELF, PUBLIC),),
        "ProposalLine": (_see(R.PARENT, PUBLIC),),
        "Order": (_see(R.SELF, PUBLIC),),
        "OrderLine": (_see(R.PARENT, PUBLIC),),
        "Ticket": (_see(R.SELF, PUBLIC),),
        "TicketMessage": (_see(R.PUBLISHED_PART, PUBLIC),),
    },
    "storefront": {
        "Organization": (_see(R.EVERYONE, PUBLIC),),
        "Product": (_see(R.PUBLISHED, PUBLIC),),
    },
}
