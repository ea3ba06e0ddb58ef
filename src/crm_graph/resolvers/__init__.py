"""What happens: behaviour that create, update and delete cannot express. Importing it declares the mutations."""

from crm_graph.resolvers import access_policies, opportunities

__all__ = ["access_policies", "opportunities"]
