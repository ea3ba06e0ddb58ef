"""Leads offered to partners: by us or by rule, accepted or declined in time, or taken back."""

from crm_graph.resolvers.lead_offers import answering, assigning, offering

__all__ = ["answering", "assigning", "offering"]
