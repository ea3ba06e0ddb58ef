"""Pages: which rows of a list, in which order, from where; and the cursors that name positions in it."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.errors import CursorInvalid, PageSizeInvalid
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.plan.sql.parameters import Parameters

DEFAULT_SIZE = 50
MAX_SIZE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A window of a list: `size` rows, from its end if `reverse`, beyond `cursor` if there is one."""

    size: int
    reverse: bool
    cursor: Value


def page(arguments: Mapping[str, Value]) -> Page:
    """The window that `first`, `after`, `last` and `before` ask for. Raises `PageSizeInvalid`."""
    first, last = _size("first", arguments.get("first")), _size("last", arguments.get("last"))
    after, before = arguments.get("after"), arguments.get("before")
    if first is not None and last is not None:
        raise PageSizeInvalid("Ask for the first rows or for the last ones, not for both.")
    if (after is not None and last is not None) or (before is not None and last is None):
        raise ArgumentInvalid("`after` goes with `first`, and `before` with `last`.")
    reverse = last is not None
    size = last if last is not None else first if first is not None else DEFAULT_SIZE
    return Page(size, reverse, before if reverse else after)


def _size(name: str, value: Value) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Const) or not isinstance(value.value, int) or not 0 <= value.value <= MAX_SIZE:
        raise PageSizeInvalid(f"`{name}` is a number from 0 to {MAX_SIZE}.")
    return value.value


def scope(parameters: Parameters, secret: bytes, where: str, arguments: Mapping[str, Value]) -> str:
    """A key, as SQL parameter, of this caller (anonymous ones share one), this list, filter, order and search."""
    bound = [(name, arguments.get(name)) for name in ("filter", "orderBy")]
    if arguments.get("search") is not None:
        bound.append(("search", arguments["search"]))

    def key(leaves: Sequence[object], actor: Actor) -> bytes:
        seen = actor.seen_as and actor.seen_as.user_id
        callers = [found and found.int for found in (actor.organization_id, actor.user_id, actor.partner_id, seen)]
        if actor.acting_for_id is not None:
            callers.append(actor.acting_for_id.int)
        text = repr((where, callers, actor.policy.key, [(name, _resolved(value, leaves)) for name, value in bound]))
        return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256")

    return parameters.add(key, "bytea")


def _resolved(value: Value, leaves: Sequence[object]) -> object:
    match value:
        case Leaf(index=index):
            return leaves[index]
        case Const(value=constant):
            return constant
        case dict():
            return sorted((k, _resolved(v, leaves)) for k, v in value.items() if v is not None)
        case list():
            return [_resolved(v, leaves) for v in value]
    return None


def cursor_parameters(parameters: Parameters, value: Value) -> tuple[str, str]:
    """The id and the hash that a cursor carries, as two parameters."""

    def part(take: Callable[[bytes], object], sql_type: str) -> str:
        match value:
            case Leaf():
                return parameters.leaf(value, sql_type, lambda text: take(_decoded(text)))
            case Const(value=text):
                return parameters.constant(take(_decoded(text)), sql_type)
        raise CursorInvalid("A cursor is a string that a page of this list gave.")

    return part(lambda raw: UUID(bytes=raw[:16]), "uuid"), part(lambda raw: raw[16:], "bytea")


def _decoded(text: object) -> bytes:
    try:
        raw = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 27:
        raise CursorInvalid("This is not a cursor.")
    return raw
