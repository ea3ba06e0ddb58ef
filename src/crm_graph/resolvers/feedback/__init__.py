"""Feedback: customers are asked by a link about tickets that were resolved, and about us as a whole; once each."""

from crm_graph.resolvers.feedback import asking, ratings, surveys

__all__ = ["asking", "ratings", "surveys"]
