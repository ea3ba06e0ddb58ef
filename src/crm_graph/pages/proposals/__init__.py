"""The page of a proposal for people who do not sign in, and its PDF."""

from crm_graph.pages.proposals.page import ProposalPages

__all__ = ["ProposalPages"]
