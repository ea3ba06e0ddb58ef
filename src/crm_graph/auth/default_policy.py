"""The shipped policy: what each role is granted, until an organisation says otherwise.

Reads top-down, a role at a time: on which entity, by which row rule, read up to which level, written up to which.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC, RESTRICTED, Category, Level
from crm_graph.auth.rights import Right
from crm_graph.auth.rows import Rule

ENTITIES = (
    "Organization",
    "BusinessCalendar",
    "Holiday",
    "Team",
    "User",
    "PartnerTier",
    "Partner",
    "Customer",
    "Contact",
    "Address",
    "HouseholdMember",
    "KeyAccount",
    "KeyAccountCriterion",
    "KeyAccountScorePart",
    "KeyAccountTierChange",
    "KeyPerson",
    "KeyAccountPlan",
    "PlanFocus",
    "Goal",
    "Tactic",
    "PlanReview",
    "GoalSnapshot",
    "ProductCategory",
    "Product",
    "BundleItem",
    "Pipeline",
    "Stage",
    "LossReason",
    "Competitor",
    "Opportunity",
    "OpportunityLine",
    "StageChange",
    "ProposalTemplate",
    "OpportunitySplit",
    "Lead",
    "LeadOffer",
    "Task",
    "ExchangeRate",
    "Quota",
    "ForecastSnapshot",
    "Proposal",
    "ProposalLine",
    "ProposalLink",
    "ProposalQuestion",
    "ProposalAttachment",
    "Order",
    "OrderLine",
    "PriceList",
    "PriceListEntry",
    "Return",
    "ReturnLine",
    "Credit",
    "Ticket",
    "TicketMessage",
    "TicketCollaborator",
    "TicketQueue",
    "QueueMember",
    "RoutingRule",
    "TicketMacro",
    "KnowledgeArticle",
    "ArticleVersion",
    "ArticleVote",
    "TicketArticle",
    "TicketRating",
    "RelationshipRating",
    "SlaPolicy",
    "MessageAttachment",
    "CustomerShare",
    "OpportunityShare",
    "KeyAccountShare",
    "Territory",
    "PartnerCoverage",
    "PartnerAgreement",
    "PartnerCertification",
    "DealRegistration",
    "PartnerScorecard",
    "ChannelConflict",
    "PartnerActivity",
    "ChangeRequest",
    "AuthorityLimit",
    "ApprovalRequest",
    "AuthorityUse",
    "AuthorityDelegation",
    "Compensation",
    "Consent",
    "SaleSuggestion",
    "CustomField",
)


def _full(rule: Rule, level: Level, *, without: Iterable[Category] = ()) -> Grant:
    """Everything up to a level: read, write, create, delete, assign."""
    return Grant(rule, level, level, create=True, delete=True, assign=True, without=frozenset(without))


def _see(rule: Rule, level: Level, *, without: Iterable[Category] = ()) -> Grant:
    return Grant(rule, level, without=frozenset(without))


def _work(
    rule: Rule,
    level: Level,
    write: Level | None = None,
    *,
    create: bool = True,
    assign: bool = False,
    without: Iterable[Category] = (),
) -> Grant:
    """Read, write and create, without deleting."""
    return Grant(rule, level, write or level, create=create, assign=assign, without=frozenset(without))


def _decide(rule: Rule, level: Level, *, without: Iterable[Category] = ()) -> Grant:
    """Read, and approve or reject: what is written by that needs its own level on its own record."""
    return Grant(rule, level, INTERNAL, without=frozenset(without))


_OURS = (Category.COMMERCIAL,)
"""What we earn is no business of those outside, and not needed at the service desk."""


_DIRECTORY = {
    "Organization": (_see(Rule.EVERYONE, PARTNER),),
    "Team": (_see(Rule.EVERYONE, INTERNAL),),
    "User": (_see(Rule.EVERYONE, INTERNAL),),
}
_SERVICE = {
    "BusinessCalendar": (_see(Rule.EVERYONE, INTERNAL),),
    "Holiday": (_see(Rule.PARENT, INTERNAL),),
    "SlaPolicy": (_see(Rule.EVERYONE, INTERNAL),),
}
"""What service promises: for those who see tickets to know, and for nobody outside."""
_CATALOGUE = {
    "ProductCategory": (_see(Rule.EVERYONE, INTERNAL),),
    "Product": (_see(Rule.EVERYONE, INTERNAL),),
    "BundleItem": (_see(Rule.PARENT, INTERNAL),),
    "PriceList": (_see(Rule.EVERYONE, INTERNAL),),
    "PriceListEntry": (_see(Rule.PARENT, INTERNAL),),
    "Pipeline": (_see(Rule.EVERYONE, INTERNAL),),
    "Stage": (_see(Rule.EVERYONE, INTERNAL),),
    "ExchangeRate": (_see(Rule.EVERYONE, INTERNAL),),
}

_ACCOUNTS = {
    "KeyAccountScorePart": (_see(Rule.PARENT, CONFIDENTIAL),),
    "KeyAccountTierChange": (_see(Rule.PARENT, CONFIDENTIAL),),
    "KeyPerson": (_full(Rule.PARENT, CONFIDENTIAL),),
    "KeyAccountPlan": (_full(Rule.PARENT, CONFIDENTIAL),),
    "PlanFocus": (_full(Rule.PARENT, CONFIDENTIAL),),
    "Goal": (_full(Rule.PARENT, CONFIDENTIAL),),
    "Tactic": (_full(Rule.PARENT, CONFIDENTIAL),),
    "PlanReview": (_see(Rule.PARENT, CONFIDENTIAL),),
    "GoalSnapshot": (_see(Rule.PARENT, CONFIDENTIAL),),
}
"""What belongs to a key account is seen and written as the account is."""
_ACCOUNTS_OF_REPS = {
    name: tuple(replace(grant, without=frozenset(_OURS)) for grant in grants) for name, grants in _ACCOUNTS.items()
}
"""But for figures: by days and metrics of one's own choice they would tell costs, and sales of others."""

_AUTHORITY = {
    "AuthorityLimit": (_see(Rule.EVERYONE, INTERNAL),),
    "ApprovalRequest": (_decide(Rule.OWN, INTERNAL), _decide(Rule.SELF, INTERNAL)),
    "AuthorityUse": (_see(Rule.OWN, INTERNAL),),
    "AuthorityDelegation": (_work(Rule.OWN, INTERNAL), _see(Rule.SELF, INTERNAL)),
}
"""What who may grant something sees of their authority, and of what is asked of them and by them."""

_READS = {
    "KnowledgeArticle": (_see(Rule.FOR_STAFF, INTERNAL),),
    "TicketArticle": (_see(Rule.PARENT, INTERNAL),),
}
"""What of the knowledge base staff read who do not write it."""

_HEARS = {
    "TicketRating": (_see(Rule.PARENT, INTERNAL),),
    "RelationshipRating": (_work(Rule.PARENT, INTERNAL),),
}
"""What customers say of us, where staff see the ticket or the customer; and having them asked."""

_SHOP = {
    "ProductCategory": (_see(Rule.EVERYONE, PUBLIC),),
    "Product": (_see(Rule.PUBLISHED, PUBLIC, without=_OURS),),
    "BundleItem": (_see(Rule.PARENT, PUBLIC),),
    "PriceList": (_see(Rule.PUBLISHED, PUBLIC),),
    "PriceListEntry": (_see(Rule.PARENT, PUBLIC),),
}
"""What anybody sees who may buy: what is on sale, and the lists of prices that everybody may know."""

_PARTNER = {
    "Organization": (_see(Rule.EVERYONE, PUBLIC),),
    "User": (_see(Rule.PARTNER, PARTNER),),
    "PartnerTier": (_see(Rule.EVERYONE, PARTNER),),
    "Partner": (_see(Rule.PARTNER, PARTNER),),
    "ProductCategory": (_see(Rule.EVERYONE, PARTNER),),
    "Product": (_see(Rule.PUBLISHED, PARTNER, without=_OURS),),
    "BundleItem": (_see(Rule.PARENT, PARTNER),),
    "PriceList": (_see(Rule.PARTNER, PARTNER), _see(Rule.PUBLISHED, PARTNER)),
    "PriceListEntry": (_see(Rule.PARENT, PARTNER),),
    "Pipeline": (_see(Rule.EVERYONE, PARTNER),),
    "Stage": (_see(Rule.EVERYONE, PARTNER),),
    "ExchangeRate": (_see(Rule.EVERYONE, PARTNER),),
    "Customer": (_see(Rule.SHARED, INTERNAL, without=(Category.PERSONAL,)),),
    "Contact": (_see(Rule.PARENT, INTERNAL),),
    "Address": (_see(Rule.PARENT, INTERNAL),),
    "KeyAccount": (_see(Rule.SHARED, INTERNAL),),
    "KeyAccountPlan": (_see(Rule.PARENT, INTERNAL),),
    "PlanFocus": (_see(Rule.PARENT, INTERNAL),),
    "Goal": (_see(Rule.PARENT, INTERNAL),),
    "Tactic": (_see(Rule.PARENT, INTERNAL),),
    "Opportunity": (
        _work(Rule.PARTNER, PARTNER, create=False, without=_OURS),
        _see(Rule.SHARED, INTERNAL, without=_OURS),
    ),
    "OpportunityLine": (_see(Rule.PARENT, PARTNER),),
    "Lead": (_work(Rule.PARTNER, PARTNER, create=False),),
    "LeadOffer": (_see(Rule.PARTNER, PARTNER),),
    "PartnerCoverage": (_see(Rule.PARTNER, PARTNER),),
    "PartnerAgreement": (_see(Rule.PARTNER, PARTNER),),
    "PartnerCertification": (_see(Rule.PARTNER, PARTNER),),
    "PartnerScorecard": (_see(Rule.PARTNER, PARTNER),),
    "DealRegistration": (_work(Rule.PARTNER, PARTNER),),
    "PartnerActivity": (_work(Rule.PARTNER, INTERNAL),),
    "CustomerShare": (_see(Rule.PARTNER, INTERNAL),),
    "OpportunityShare": (_see(Rule.PARTNER, INTERNAL),),
    "KeyAccountShare": (_see(Rule.PARTNER, INTERNAL),),
    "Task": (_work(Rule.OWN, INTERNAL, create=False),),
    "Order": (_see(Rule.PARTNER, PARTNER),),
    "OrderLine": (_see(Rule.PARENT, PARTNER, without=_OURS),),
    "Return": (_see(Rule.PARENT, PARTNER),),
    "ReturnLine": (_see(Rule.PARENT, PARTNER),),
    "Credit": (_see(Rule.PARENT, PARTNER),),
    "Ticket": (_work(Rule.PARTNER, PARTNER), _see(Rule.PARENT, PARTNER)),
    "TicketMessage": (_see(Rule.PUBLISHED_PART, PARTNER),),
    "MessageAttachment": (_see(Rule.PARENT, PARTNER),),
    "KnowledgeArticle": (_see(Rule.FOR_PARTNERS, PARTNER),),
}

ROLES: Mapping[str, Mapping[str, tuple[Grant, ...]]] = {
    "administrator": {
        **{name: (_full(Rule.EVERYONE, RESTRICTED),) for name in ENTITIES},
        "StageChange": (_see(Rule.EVERYONE, RESTRICTED),),
        "OpportunitySplit": (_see(Rule.EVERYONE, RESTRICTED),),
        "ForecastSnapshot": (_see(Rule.EVERYONE, RESTRICTED),),
        "LeadOffer": (_see(Rule.EVERYONE, RESTRICTED),),
        "KeyAccountScorePart": (_see(Rule.EVERYONE, RESTRICTED),),
        "KeyAccountTierChange": (_see(Rule.EVERYONE, RESTRICTED),),
        "PlanReview": (_see(Rule.EVERYONE, RESTRICTED),),
        "GoalSnapshot": (_see(Rule.EVERYONE, RESTRICTED),),
        "Organization": (Grant(Rule.EVERYONE, RESTRICTED, RESTRICTED),),
        "ChangeRequest": (_decide(Rule.EVERYONE, RESTRICTED),),
        "ApprovalRequest": (_decide(Rule.EVERYONE, RESTRICTED),),
        "AuthorityUse": (_see(Rule.EVERYONE, RESTRICTED),),
        "AuthorityDelegation": (_work(Rule.EVERYONE, RESTRICTED),),
        "Compensation": (_work(Rule.EVERYONE, RESTRICTED),),
        "Consent": (_see(Rule.EVERYONE, RESTRICTED),),
        "SaleSuggestion": (_decide(Rule.EVERYONE, RESTRICTED),),
        "PartnerScorecard": (_see(Rule.EVERYONE, RESTRICTED),),
        "DealRegistration": (_work(Rule.EVERYONE, RESTRICTED),),
        "ChannelConflict": (_decide(Rule.EVERYONE, RESTRICTED),),
    },
    "sales_manager": {
        **_DIRECTORY,
        **_SERVICE,
        **_CATALOGUE,
        **_AUTHORITY,
        **_READS,
        **_HEARS,
        "PartnerTier": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Partner": (_work(Rule.EVERYONE, CONFIDENTIAL, assign=True),),
        "Customer": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Contact": (_full(Rule.PARENT, CONFIDENTIAL),),
        "Address": (_full(Rule.PARENT, CONFIDENTIAL),),
        "HouseholdMember": (_full(Rule.PARENT, CONFIDENTIAL),),
        **_ACCOUNTS,
        "KeyAccount": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "KeyAccountCriterion": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Product": (_see(Rule.EVERYONE, CONFIDENTIAL),),
        "PriceList": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "PriceListEntry": (_full(Rule.PARENT, CONFIDENTIAL),),
        "Opportunity": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "OpportunityLine": (_full(Rule.PARENT, CONFIDENTIAL),),
        "StageChange": (_see(Rule.PARENT, CONFIDENTIAL),),
        "ProposalTemplate": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "LossReason": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Competitor": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "OpportunitySplit": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Lead": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "LeadOffer": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Task": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Quota": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "ForecastSnapshot": (_see(Rule.EVERYONE, INTERNAL),),
        "Proposal": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "ProposalLine": (_full(Rule.PARENT, CONFIDENTIAL),),
        "ProposalLink": (_work(Rule.PARENT, CONFIDENTIAL, create=False),),
        "ProposalQuestion": (_work(Rule.PARENT, CONFIDENTIAL, create=False),),
        "ProposalAttachment": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Order": (_work(Rule.EVERYONE, CONFIDENTIAL, assign=True),),
        "OrderLine": (_work(Rule.PARENT, CONFIDENTIAL),),
        "Return": (_work(Rule.PARENT, CONFIDENTIAL, create=False),),
        "ReturnLine": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Credit": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Ticket": (_see(Rule.EVERYONE, INTERNAL),),
        "TicketMessage": (_see(Rule.PARENT, INTERNAL),),
        "TicketCollaborator": (_see(Rule.PARENT, INTERNAL),),
        "TicketQueue": (_see(Rule.EVERYONE, INTERNAL),),
        "MessageAttachment": (_see(Rule.PARENT, INTERNAL),),
        "CustomerShare": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "OpportunityShare": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "KeyAccountShare": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "Territory": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "PartnerCoverage": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "PartnerAgreement": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "PartnerCertification": (_full(Rule.EVERYONE, CONFIDENTIAL),),
        "PartnerScorecard": (_see(Rule.EVERYONE, CONFIDENTIAL),),
        "DealRegistration": (_work(Rule.EVERYONE, CONFIDENTIAL),),
        "PartnerActivity": (_see(Rule.PARENT, INTERNAL),),
        "ChannelConflict": (_decide(Rule.EVERYONE, CONFIDENTIAL),),
        "ChangeRequest": (_decide(Rule.EVERYONE, CONFIDENTIAL),),
        "Compensation": (_work(Rule.PARENT, CONFIDENTIAL),),
        "Consent": (_see(Rule.EVERYONE, CONFIDENTIAL),),
        "SaleSuggestion": (_decide(Rule.EVERYONE, CONFIDENTIAL),),
    },
    "sales_rep": {
        **_DIRECTORY,
        **_SERVICE,
        **_CATALOGUE,
        **_AUTHORITY,
        **_READS,
        **_HEARS,
        "PartnerTier": (_see(Rule.EVERYONE, INTERNAL),),
        "Partner": (_see(Rule.EVERYONE, INTERNAL, without=(Category.PARTNER_COMMERCIAL,)),),
        "Customer": (
            _work(Rule.OWN, CONFIDENTIAL, INTERNAL, assign=True),
            _work(Rule.TEAM, INTERNAL, create=False),
            _see(Rule.SHARED, CONFIDENTIAL),
            _see(Rule.EVERYONE, PARTNER),
        ),
        "Contact": (_full(Rule.PARENT, CONFIDENTIAL),),
        "Address": (_full(Rule.PARENT, CONFIDENTIAL),),
        "HouseholdMember": (_full(Rule.PARENT, CONFIDENTIAL),),
        **_ACCOUNTS_OF_REPS,
        "KeyAccount": (_work(Rule.OWN, CONFIDENTIAL, create=False, without=_OURS), _see(Rule.EVERYONE, PARTNER)),
        "KeyAccountCriterion": (_see(Rule.EVERYONE, INTERNAL),),
        "LossReason": (_see(Rule.EVERYONE, INTERNAL),),
        "Competitor": (_work(Rule.EVERYONE, INTERNAL),),
        "Opportunity": (
            _full(Rule.OWN, CONFIDENTIAL),
            _work(Rule.TEAM, INTERNAL, create=False),
            _see(Rule.SHARED, CONFIDENTIAL),
        ),
        "OpportunityLine": (_full(Rule.PARENT, CONFIDENTIAL),),
        "StageChange": (_see(Rule.PARENT, CONFIDENTIAL),),
        "ProposalTemplate": (_see(Rule.EVERYONE, INTERNAL),),
        "OpportunitySplit": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Lead": (_full(Rule.OWN, CONFIDENTIAL), _work(Rule.TEAM, INTERNAL, create=False)),
        "LeadOffer": (_see(Rule.PARENT, INTERNAL),),
        "Task": (_full(Rule.OWN, CONFIDENTIAL), _work(Rule.PARENT, CONFIDENTIAL)),
        "Quota": (_see(Rule.OWN, INTERNAL), _see(Rule.TEAM, INTERNAL)),
        "ForecastSnapshot": (_see(Rule.OWN, INTERNAL), _see(Rule.TEAM, INTERNAL)),
        # what products cost us stands on its lines: seen there, or as a margin, it would be known of all
        "Proposal": (_full(Rule.OWN, CONFIDENTIAL, without=_OURS), _see(Rule.PARENT, CONFIDENTIAL, without=_OURS)),
        "ProposalLine": (_full(Rule.PARENT, CONFIDENTIAL, without=_OURS),),
        "ProposalLink": (_work(Rule.PARENT, CONFIDENTIAL, create=False),),
        "ProposalQuestion": (_work(Rule.PARENT, CONFIDENTIAL, create=False),),
        "ProposalAttachment": (_see(Rule.PARENT, CONFIDENTIAL),),
        "Order": (_see(Rule.PARENT, INTERNAL),),
        "OrderLine": (_see(Rule.PARENT, INTERNAL),),
        "Return": (_see(Rule.PARENT, INTERNAL),),
        "ReturnLine": (_see(Rule.PARENT, INTERNAL),),
        "Credit": (_see(Rule.PARENT, INTERNAL),),
        "Ticket": (_see(Rule.PARENT, INTERNAL),),
        "TicketMessage": (_see(Rule.PARENT, INTERNAL),),
        "TicketCollaborator": (_see(Rule.PARENT, INTERNAL),),
        "TicketQueue": (_see(Rule.EVERYONE, INTERNAL),),
        "MessageAttachment": (_see(Rule.PARENT, INTERNAL),),
        "ChangeRequest": (_decide(Rule.PARENT, CONFIDENTIAL),),
        "Compensation": (_work(Rule.PARENT, INTERNAL),),
        "Consent": (_see(Rule.PARENT, CONFIDENTIAL),),
        "SaleSuggestion": (_decide(Rule.PARENT, CONFIDENTIAL),),
        "PartnerActivity": (_see(Rule.PARENT, INTERNAL),),
    },
    "service_agent": {
        **_DIRECTORY,
        **_SERVICE,
        **_CATALOGUE,
        **_AUTHORITY,
        "Customer": (_work(Rule.EVERYONE, INTERNAL, create=False, without=_OURS),),
        "Contact": (_work(Rule.PARENT, INTERNAL),),
        "Address": (_full(Rule.PARENT, INTERNAL),),
        "HouseholdMember": (_work(Rule.PARENT, INTERNAL),),
        "KeyAccount": (_see(Rule.EVERYONE, PARTNER),),
        "Task": (_full(Rule.OWN, INTERNAL),),
        "Order": (_work(Rule.EVERYONE, INTERNAL, create=False),),
        "OrderLine": (_see(Rule.PARENT, INTERNAL),),
        "Return": (_work(Rule.PARENT, INTERNAL, create=False),),
        "ReturnLine": (_see(Rule.PARENT, INTERNAL),),
        "Credit": (_see(Rule.PARENT, INTERNAL),),
        "Ticket": (_work(Rule.EVERYONE, INTERNAL, assign=True),),
        "TicketMessage": (_work(Rule.PARENT, INTERNAL),),
        "TicketCollaborator": (_work(Rule.PARENT, INTERNAL),),
        "TicketQueue": (_see(Rule.EVERYONE, INTERNAL),),
        "QueueMember": (_work(Rule.OWN, INTERNAL, create=False), _see(Rule.EVERYONE, INTERNAL)),
        "RoutingRule": (_see(Rule.EVERYONE, INTERNAL),),
        "TicketMacro": (_see(Rule.EVERYONE, INTERNAL),),
        "KnowledgeArticle": (_work(Rule.EVERYONE, INTERNAL),),
        "ArticleVersion": (_work(Rule.PARENT, INTERNAL),),
        "ArticleVote": (_see(Rule.PARENT, INTERNAL),),
        "TicketArticle": (_work(Rule.PARENT, INTERNAL),),
        **_HEARS,
        "TicketRating": (_work(Rule.PARENT, INTERNAL, create=False),),
        "MessageAttachment": (_see(Rule.PARENT, INTERNAL),),
        "ChangeRequest": (_decide(Rule.PARENT, INTERNAL),),
        "Compensation": (_work(Rule.PARENT, INTERNAL),),
        "Consent": (_see(Rule.PARENT, INTERNAL),),
    },
    "partner_rep": _PARTNER,
    "partner_admin": {**_PARTNER, "User": (_see(Rule.PARTNER, INTERNAL),)},
    "customer": {
        **_SHOP,
        "Organization": (_see(Rule.EVERYONE, PUBLIC),),
        "User": (_see(Rule.SELF, PUBLIC),),
        "PriceList": (_see(Rule.SELF, PUBLIC), _see(Rule.PUBLISHED, PUBLIC)),
        "Customer": (_see(Rule.SELF, PUBLIC, without=_OURS),),
        "Contact": (_see(Rule.PARENT, PUBLIC),),
        "Address": (_see(Rule.PARENT, PUBLIC),),
        "HouseholdMember": (_see(Rule.SELF, PUBLIC),),
        "Proposal": (_see(Rule.SELF, PUBLIC, without=_OURS),),
        "ProposalLine": (_see(Rule.PARENT, PUBLIC),),
        "ProposalQuestion": (_see(Rule.PARENT, PUBLIC),),
        "ProposalAttachment": (_see(Rule.PUBLISHED_PART, PUBLIC),),
        "Order": (_see(Rule.SELF, PUBLIC),),
        "OrderLine": (_see(Rule.PARENT, PUBLIC, without=_OURS),),
        "Return": (_see(Rule.PARENT, PUBLIC),),
        "ReturnLine": (_see(Rule.PARENT, PUBLIC),),
        "Credit": (_see(Rule.PARENT, PUBLIC),),
        "Ticket": (_see(Rule.SELF, PUBLIC),),
        "TicketMessage": (_see(Rule.PUBLISHED_PART, PUBLIC),),
        "KnowledgeArticle": (_see(Rule.FOR_CUSTOMERS, PUBLIC),),
        "TicketRating": (_see(Rule.PARENT, PUBLIC),),
        "MessageAttachment": (_see(Rule.PARENT, PUBLIC),),
        "Compensation": (_see(Rule.PUBLISHED_PART, PUBLIC),),
        "ChangeRequest": (_see(Rule.SELF, PUBLIC),),
        "Consent": (_see(Rule.SELF, PUBLIC),),
    },
    "storefront": {
        **_SHOP,
        "Organization": (_see(Rule.EVERYONE, PUBLIC),),
        "KnowledgeArticle": (_see(Rule.PUBLISHED, PUBLIC),),
    },
}

ADMINISTRATOR = "administrator"
"""The shipped role whose holders may raise themselves; it is on record."""

PARTNER_ROLES = ("partner_rep", "partner_admin")
"""Shipped roles of people who work for a partner. Roles that extend them are for such people too."""
CUSTOMER_ROLE = "customer"
"""The role of somebody who signs in as a customer."""

RIGHTS: Mapping[str, frozenset[Right]] = {
    "administrator": frozenset(Right),
    "sales_manager": frozenset({Right.RECORDS_ASSIGN, Right.CHANGES_APPROVE}),
    "partner_admin": frozenset({Right.PEOPLE_MANAGE, Right.APPS_REGISTER}),
}
"""Rights by role; a role that is not named has none."""
