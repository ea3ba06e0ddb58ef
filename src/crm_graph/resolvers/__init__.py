"""What happens: behaviour that create, update and delete cannot express. Importing it declares the mutations."""

from crm_graph.resolvers import (
    access,
    access_policies,
    apps,
    audit,
    authority,
    changes,
    compensations,
    custom_fields,
    identity_providers,
    invitations,
    managing,
    opportunities,
    prices,
    proposals,
    viewer,
)

__all__ = [
    "access",
    "access_policies",
    "apps",
    "audit",
    "authority",
    "changes",
    "compensations",
    "custom_fields",
    "identity_providers",
    "invitations",
    "managing",
    "opportunities",
    "prices",
    "proposals",
    "viewer",
]
