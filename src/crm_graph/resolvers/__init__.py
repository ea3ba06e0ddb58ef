"""What happens: behaviour that create, update and delete cannot express. Importing it declares the mutations."""

from crm_graph.resolvers import (
    access,
    access_policies,
    apps,
    audit,
    changes,
    custom_fields,
    identity_providers,
    invitations,
    managing,
    opportunities,
    orders,
    prices,
    viewer,
)

__all__ = [
    "access",
    "access_policies",
    "apps",
    "audit",
    "changes",
    "custom_fields",
    "identity_providers",
    "invitations",
    "managing",
    "opportunities",
    "orders",
    "prices",
    "viewer",
]
