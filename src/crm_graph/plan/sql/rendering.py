"""SQL that makes JSON, in the forms that were measured to be fastest."""

from collections.abc import Iterable, Sequence

LONGEST_ALIAS = 63
"""Bytes of an identifier PostgreSQL keeps; a longer alias would be cut silently."""
MOST_BUILT = 50
"""Fields that `json_build_object` takes: PostgreSQL's functions have at most 100 arguments."""


def json_object(fields: Sequence[tuple[str, str]], rest: str = "") -> str:
    """A JSON object with these keys as a scalar sub-select; `rest` is its FROM and WHERE."""
    if any(len(key) > LONGEST_ALIAS for key, _ in fields):
        return f"(SELECT {_spelled(fields)} {rest})"
    row = _row(fields)
    return f"(SELECT row_to_json({row}) FROM (SELECT {columns(fields)} {rest}) {row})"


def columns(fields: Iterable[tuple[str, str]]) -> str:
    """Aliased columns for `row_to_json` and `json_agg`. Keys are GraphQL names, which need no escaping."""
    return ", ".join(f'{sql} AS "{key}"' for key, sql in fields)


def json_built(fields: Iterable[tuple[str, str]]) -> str:
    """A small JSON object of scalars, without a sub-select; at most `MOST_BUILT` fields."""
    pairs = ", ".join(f"'{key}', {sql}" for key, sql in fields)
    return f"json_build_object({pairs})"


def json_array(fields: Sequence[tuple[str, str]], rest: str, key: str | None = None) -> str:
    """A JSON array of objects as a scalar sub-select, in the order that `rest` asks for; `[]` when there are none.

    With `key` it is the one value of an object, made in the same sub-select.
    """
    long = any(len(name) > LONGEST_ALIAS for name, _ in fields)
    row = _row(fields)
    listed = f"coalesce(json_agg({f'{row}.o' if long else row}), '[]'::json)"
    whole = listed if key is None else f"json_build_object('{key}', {listed})"
    return f"(SELECT {whole} FROM (SELECT {f'{_spelled(fields)} AS o' if long else columns(fields)} {rest}) {row})"


def _row(fields: Iterable[tuple[str, str]]) -> str:
    """What a whole row is called: a column of that name, which an alias can make, would be taken for it."""
    return "x$" if any(key == "x" for key, _ in fields) else "x"


def _spelled(fields: Iterable[tuple[str, str]]) -> str:
    """The object put together as text: slower, but any key fits and there may be any number of them."""
    parts = [
        f"'{',' if i else '{'}\"{key}\":' || coalesce(to_json({sql})::text, 'null')"
        for i, (key, sql) in enumerate(fields)
    ]
    return f"({' || '.join(parts)} || '}}')::json"


def json_list(names: Iterable[str]) -> str:
    """A JSON array of field names as a constant."""
    return "'[" + ",".join(f'"{n}"' for n in names) + "]'::json"


def literal(names: Iterable[str]) -> str:
    """A text array of id prefixes, which are small letters and digits."""
    return "ARRAY[" + ", ".join(f"'{n}'" for n in names) + "]::text[]"
