"""Our own OAuth 2.1 authorization server and OpenID provider: one file a grant or endpoint, on Authlib and joserfc."""
