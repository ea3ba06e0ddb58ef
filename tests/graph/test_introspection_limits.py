"""Introspection: what tools ask passes, and what multiplies its answer does not."""

import pytest
from graphql import get_introspection_query, parse

from crm_graph.errors import CrmError, TooDeep, TooManyAliases, TooManyFields
from crm_graph.graph.limits import Limits, check, measure

LIMITS = Limits(max_fields=10_000)


def of(text: str) -> None:
    check(measure(parse(text), None), LIMITS)


@pytest.mark.parametrize("everything", [False, True])
def test_the_standard_query_passes(everything: bool) -> None:
    of(get_introspection_query(True, *[everything] * 6))


ALIASED = " ".join(f"a{n}: fields {{ name }}" for n in range(20))
PARTS = "fragment T on __Type { inputFields { type { ...I } } } fragment I on __Type { interfaces { name } }"
WIDE = "name " * 251


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{ __schema { types { fields { type { fields { name } } } } } }", TooDeep),
        ("{ __schema { types { ...T } } } fragment T on __Type { possibleTypes { fields { name } } }", TooDeep),
        (f"{{ ...Q }} fragment Q on Query {{ __schema {{ types {{ ...T }} }} }} {PARTS}", TooDeep),
        (f"{{ __schema {{ types {{ {ALIASED} }} }} }}", TooManyAliases),
        ("{ a: __schema { b: types { ...T } } } fragment T on __Type { c: name }", TooManyAliases),
        (f'{{ __type(name: "A") {{ {WIDE} }} }}', TooManyFields),
        (f"{{ __schema {{ queryType {{ ...T }} types {{ ...T }} }} }} fragment T on __Type {{ {'name ' * 125} }}",
         TooManyFields),
    ],
)  # fmt: skip
def test_what_multiplies_is_refused(text: str, error: type[CrmError]) -> None:
    with pytest.raises(error) as caught:
        of(text)
    assert "introspection" in caught.value.message or "lists of types" in caught.value.message


def test_other_fields_of_these_names_are_free() -> None:
    of("{ types { fields { interfaces { ...F } } } } fragment F on X { fields { a: fields { b: c d: e f: g } } }")
    of('{ __type(name: "A") { fields { type { fields { name } } } } }')
