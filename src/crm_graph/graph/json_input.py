"""JSON from a client, read strictly: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import re
from typing import NoReturn

import orjson

from crm_graph.errors import JSON, BadRequest

MAX_DEPTH = 40
LARGEST = 2**63 - 1
KEY_END = re.compile(rb'"\s*:')


def read_object(text: bytes, what: str) -> dict[str, JSON]:
    """Decode `text`, which must be one JSON object in UTF-8; `what` names it in errors ("The body").

    BAD_REQUEST for anything else, and for repeated keys, integers over 64 bits, numbers that are no number,
    NUL characters, unpaired surrogates, and nesting over 40.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{what} is not valid JSON: {error}.") from None
    if type(value) is not dict:
        raise BadRequest(f"{what} must be a JSON object{_batch(value)}.")
    keys, doubtful = _look(value, what)
    if doubtful or len(KEY_END.findall(text)) != keys:
        _read_again(text, what)
    if b"\\u0000" in text and _has_nul(value):
        raise BadRequest(f"{what} has a NUL character in a string.")
    result: dict[str, JSON] = value
    return result


def _batch(value: JSON) -> str:
    return "; send the operations of a batch one by one" if type(value) is list else ""


def _look(value: JSON, what: str) -> tuple[int, bool]:
    """Number of keys, and whether an integer may have been rounded by the decoder."""
    keys = depth = 0
    doubtful = False
    level = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest(f"{what} is nested more than {MAX_DEPTH} deep.", limit=MAX_DEPTH)
        below: list[JSON] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                items = list(container.values())
            else:
                assert type(container) is list
                items = container
            for item in items:
                kind = type(item)
                if kind is dict or kind is list:
                    below.append(item)
                elif (kind is int or kind is float) and not -LARGEST <= item <= LARGEST:  # type: ignore[operator]
                    doubtful = True
        level = below
    return keys, doubtful


def _read_again(text: bytes, what: str) -> None:
    """The slow reader, for the few texts where the fast one may have dropped a key or rounded an integer."""

    def pairs(entries: list[tuple[str, JSON]]) -> dict[str, JSON]:
        seen: dict[str, JSON] = {}
        for key, entry in entries:
            if key in seen:
                raise BadRequest(f'{what} has the key "{key[:100]}" twice.')
            seen[key] = entry
        return seen

    def integer(digits: str) -> int:
        if len(digits) > 20 or abs(int(digits)) > LARGEST:
            raise BadRequest(f"{what} has an integer that does not fit in 64 bits: {digits[:20]}….")
        return int(digits)

    def constant(name: str) -> NoReturn:
        raise BadRequest(f"{what} has {name}, which is not JSON.")

    json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_constant=constant)


def _has_nul(value: JSON) -> bool:
    stack: list[JSON] = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            if "\0" in item:
                return True
        elif type(item) is list:
            stack.extend(item)
        elif type(item) is dict:
            stack.extend(item)
            stack.extend(item.values())
    return False
