"""What clients read before they ask: RFC 8414, OpenID Connect Discovery, RFC 9728."""

from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import AUTH_METHODS
from crm_graph.auth.oauth.device import GRANT
from crm_graph.auth.oauth.introspection import AUTH_METHODS as INTROSPECTION_METHODS
from crm_graph.auth.oauth.keys import ALGORITHM
from crm_graph.auth.oauth.private_key_jwt import ALGORITHMS
from crm_graph.errors import JSON


def authorization_server(issuer: str) -> dict[str, JSON]:
    """The metadata of an authorization server (RFC 8414)."""
    methods: list[JSON] = list(AUTH_METHODS)
    confidential: list[JSON] = list(INTROSPECTION_METHODS)
    signed: list[JSON] = list(ALGORITHMS)
    scopes: list[JSON] = list(scope_names.supported())
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": signed,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": signed,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": signed,
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [issuer],
    }


def openid_provider(issuer: str) -> dict[str, JSON]:
    """The metadata of an OpenID provider."""
    return {
        **authorization_server(issuer),
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "amr",
            "nonce",
            "at_hash",
            "sid",
            "name",
            "email",
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def protected_resource(issuer: str) -> dict[str, JSON]:
    """The metadata of the API itself (RFC 9728)."""
    scopes: list[JSON] = [name for name in scope_names.supported() if name not in scope_names.IDENTITY]
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
        "resource_name": "crm-graph",
    }
