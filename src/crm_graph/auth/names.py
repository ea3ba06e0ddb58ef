"""An entity's name as it is written elsewhere."""

from functools import cache


@cache
def snake(entity: str) -> str:
    """`KeyAccount` → `key_account`: what event types and, in the plural, tables and scopes are called by."""
    return "".join("_" + c.lower() if c.isupper() else c for c in entity).lstrip("_")


def pascal(constant: str) -> str:
    """`KEY_ACCOUNT` → `KeyAccount`: the name of the type that a choice stands for."""
    return constant.title().replace("_", "")
