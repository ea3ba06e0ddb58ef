"""The GraphQL edge: HTTP, limits, types, endpoint, explorer."""
