"""Scopes as apps ask for them: those of OpenID, and `resource:action[:level]` and rights of auth/scopes.py."""

from collections.abc import Iterable, Sequence
from typing import Final

from crm_graph.auth import api_keys, scopes
from crm_graph.auth.levels import Level
from crm_graph.auth.rights import RIGHTS

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
IDENTITY: Final = (OPENID, "profile", "email", OFFLINE)
"""About the person and the sign-in; they reach no record."""
LONGEST: Final = 4_000


def supported() -> list[str]:
    """What discovery names: without levels, which can be added to each."""
    records = [f"{name}:{action}" for name in ("*", *sorted(api_keys.RESOURCES)) for action in ("read", "write")]
    return [*IDENTITY, *records, *sorted(RIGHTS)]


def split(text: str) -> tuple[str, ...]:
    """The scopes of a request, each once, in their order."""
    return tuple(dict.fromkeys(text.split()))


def checked(texts: Iterable[str]) -> tuple[str, ...]:
    """Scopes that an app may be registered with; raises ScopeInvalid for one that means nothing."""
    found = tuple(dict.fromkeys(texts))
    api_keys.checked_scopes(text for text in found if text not in IDENTITY)
    return found


def is_within(wanted: str, allowed: Iterable[str]) -> bool:
    """Whether a scope gives no more than these: of the same resource or `*`, the same action, at most the level."""
    allowed = tuple(allowed)
    if wanted in IDENTITY or wanted in RIGHTS:
        return wanted in allowed
    try:
        resource, action, level = scopes.parse(wanted)
    except scopes.ScopeInvalid:
        return False
    return any(
        given[0] in ("*", resource) and given[1] == action and level <= given[2]
        for given in map(scopes.parse, _records(allowed))
    )


def within(wanted: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Those of the wanted scopes that are within the allowed ones."""
    allowed = tuple(allowed)
    return tuple(text for text in wanted if is_within(text, allowed))


def narrowing(texts: Iterable[str]) -> scopes.Scopes:
    """What these scopes leave of a policy; those of OpenID leave nothing."""
    return scopes.Scopes(frozenset(text for text in texts if text not in IDENTITY))


def _records(texts: Iterable[str]) -> Iterable[str]:
    return (text for text in texts if text not in IDENTITY and text not in RIGHTS)


_LEVELS: Final = {
    Level.PUBLIC: "what anybody may see",
    Level.PARTNER: "what partners may see",
    Level.INTERNAL: "internal details",
    Level.CONFIDENTIAL: "confidential details, such as prices and limits",
    Level.RESTRICTED: "everything, the most restricted details included",
}
_IDENTITY: Final = {
    OPENID: "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
    OFFLINE: "Stay connected after you have signed out, until you or an administrator end it",
}
_RIGHTS: Final = {
    "policy:read": "See the rules of who sees what, and explain them",
    "policy:write": "Change the rules of who sees what, and the roles that people have",
    "access:view_as": "Look at records as somebody else",
    "records:assign": "Change who a record belongs to",
    "changes:approve": "Decide about changes that others have asked for",
    "people:manage": "Invite people, suspend them and give them roles",
    "apps:register": "Ask for apps, and change the secrets of yours",
    "apps:review": "Decide which apps may work",
}


def told(texts: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Scopes as a person is asked about them: in words what is about themselves; of records, with the scope's name."""
    identity = [words(text) for text in texts if text in IDENTITY]
    return identity, [(words(text), text) for text in texts if text not in IDENTITY]


def words(text: str) -> str:
    """A scope as the consent page says it to a person."""
    if text in _IDENTITY:
        return _IDENTITY[text]
    if text in RIGHTS:
        return _RIGHTS[text]
    resource, action, level = scopes.parse(text)
    what = "all records that you see" if resource == "*" else resource.replace("_", " ")
    if action == "read":
        return f"See {what}: {_LEVELS[level]}"
    return f"See, add and change {what}: {_LEVELS[level]}"
