"""Signing in with an OpenID provider of the organisation's own."""
