"""Documents that are too large, too deep or circular, and the measure that finds them."""

import pytest
from graphql import GraphQLError, Lexer, Source, TokenKind, get_introspection_query, parse, print_ast
from graphql.language import DocumentNode

from crm_graph.errors import (
    CrmError,
    FragmentCycle,
    GraphqlParseFailed,
    OperationNotFound,
    TooDeep,
    TooManyAliases,
    TooManyFields,
    TooManyRootFields,
    TooManyTokens,
    ValueInvalid,
)
from crm_graph.graph.limits import (
    Limits,
    Measure,
    TooManyDirectives,
    TooManyLiterals,
    check,
    measure,
    parse_document,
    scan,
)

LIMITS = Limits()


def size(text: str, operation_name: str | None = None) -> Measure:
    return measure(parse(text), operation_name)


def refused(text: str, error: type[CrmError], limits: Limits = LIMITS) -> CrmError:
    with pytest.raises(error) as caught:
        check(measure(parse_document(text, limits), None), limits)
    return caught.value


def doubling(levels: int, between: str = "") -> str:
    """Each fragment spreads the next one twice: 2^levels fields in about 40 bytes a level."""
    spread = [f"fragment f{i} on Q {{ {between}...f{i + 1} ...f{i + 1} }}" for i in range(levels)]
    return "\n".join(["{ ...f0 }", *spread, f"fragment f{levels} on Q {{ a }}"])


def test_counts_a_plain_operation() -> None:
    found = size("query Q($v: [Int] = [1, 2]) { a: one { two(x: {y: [[1], []]}) @skip(if: true) @d { three } } four }")
    assert found == Measure(
        depth=3,
        introspection_depth=0,
        nesting=3,
        root_fields=2,
        fields=4,
        aliases=1,
        directives=2,
        literal_depth=3,
        literal_values=6,
        visited=4,
    )


def test_root_fields_are_found_through_fragments() -> None:
    found = size("{ a ...F ... { b ...F } x { ...F } } fragment F on Q { c ... on Q { d } }")
    assert (found.root_fields, found.fields, found.depth) == (3 + 2 + 2, 3 + 2 + 2 + 2, 2)


def test_only_the_selected_operation_counts() -> None:
    text = "query Small { a } query Large { x: a y: a { b { c ...F } } } fragment F on Q { d }"
    assert (size(text, "Small").fields, size(text, "Small").depth) == (1, 1)
    assert (size(text, "Large").fields, size(text, "Large").aliases) == (5, 2)


@pytest.mark.parametrize(
    ("text", "name"),
    [("query A { a } query B { b }", None), ("query A { a }", "B"), ("fragment F on Q { a }", None), ("{ a }", "A")],
)
def test_operation_not_found(text: str, name: str | None) -> None:
    with pytest.raises(OperationNotFound):
        size(text, name)


def test_a_long_operation_name_is_not_sent_back() -> None:
    with pytest.raises(OperationNotFound) as caught:
        size("{ a }", "x" * 1_000_000)
    assert len(caught.value.message) < 300


def test_unknown_fragments_are_left_to_validation() -> None:
    assert size("{ a ...Nowhere }").fields == 1


@pytest.mark.parametrize("levels", [60, 1000])
def test_doubling_fragments_are_measured_exactly_and_once(levels: int) -> None:
    found = size(doubling(levels))
    assert found.fields == 2**levels
    assert found.root_fields == 2**levels
    assert found.visited == 2 * levels + 2


def test_a_939_byte_document_is_refused_with_a_number_every_json_reader_can_hold() -> None:
    text = doubling(24)
    assert len(text) <= 939
    assert size(text).visited == 50
    error = refused(text, TooManyRootFields)
    assert (error.extensions["actual"], error.extensions["limit"]) == (2**24, 20)
    error = refused(f"{{ a {doubling(55)} }}".replace("{ a { ...f0 }", "{ a { ...f0 } }", 1)[:-1], TooManyFields)
    assert error.extensions["actual"] == 2**53 - 1
    assert "more than 2^55" in error.message


def test_doubling_inside_nested_fields_is_too_deep() -> None:
    text = "{ ...f0 }" + "".join(f"fragment f{i} on Q {{ a {{ ...f{i + 1} ...f{i + 1} }} }}" for i in range(40))
    found = size(text + "fragment f40 on Q { a }")
    assert (found.depth, found.fields, found.root_fields) == (41, 2**41 - 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Q { ...A }",
        "{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ... { ...A } }",
        "{ a } fragment A on Q { ...B } fragment B on Q { ...C } fragment C on Q { ...B }",
        "{ ...f0 }" + "".join(f"fragment f{i} on Q {{ ...f{(i + 1) % 1000} }}" for i in range(1000)),
    ],
)
def test_a_cycle_anywhere_is_refused(text: str) -> None:
    assert len(refused(text, FragmentCycle).message) < 300


def test_a_long_chain_of_fragments_is_no_cycle_but_too_deep() -> None:
    text = (
        "{ ...f0 }"
        + "".join(f"fragment f{i} on Q {{ ...f{i + 1} }}" for i in range(1200))
        + "fragment f1200 on Q { a }"
    )
    found = size(text)
    assert (found.fields, found.depth, found.nesting) == (1, 1, 1202)
    assert refused(text, TooDeep).extensions["actual"] == 1202


@pytest.mark.parametrize(
    ("text", "error", "actual"),
    [
        ("{ " + "a { " * 12 + "b" + " }" * 12 + " }", TooDeep, 13),
        ("{ a { " + "".join(f"x{i}: a " for i in range(51)) + "} }", TooManyAliases, 51),
        ("{ ...F ...F ...F } fragment F on Q { " + "".join(f"x{i} " for i in range(7)) + "}", TooManyRootFields, 21),
        ("{ a { " + "a " * 2000 + "} }", TooManyFields, 2001),
        ("{ a " + "@skip(if: true) " * 1_400 + "}", TooManyDirectives, 1_400),
        ("query Q " + "@a " * 4_900 + "{ a }", TooManyDirectives, 4_900),
        ("{ a(x: [" + "1 " * 6_000 + "]) }", TooManyLiterals, 6_000),
        ("{ a(x: " + "[" * 25 + "]" * 25 + ") }", TooDeep, 25),
        ("query Q($x: I = " + "{a: " * 25 + "1" + "}" * 25 + ") { a }", TooDeep, 25),
    ],
)
def test_each_limit_names_the_number_and_the_limit(text: str, error: type[CrmError], actual: int) -> None:
    found = refused(text, error)
    assert found.extensions["actual"] == actual
    assert str(actual) in found.message
    assert str(found.extensions["limit"]) in found.message


def test_at_the_limit_is_accepted() -> None:
    text = "{ " + "a { " * 11 + "".join(f"x{i}: a " for i in range(50)) + " }" * 11 + " }"
    check(measure(parse_document(text, LIMITS), None), LIMITS)


def test_the_standard_introspection_query_is_accepted_and_a_deeper_one_is_not() -> None:
    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    found = size(query)
    assert found.depth == 1
    assert found.introspection_depth > LIMITS.max_depth
    check(found, LIMITS)
    refused("{ __schema { types { " + "fields { type { " * 10 + "name" + " } }" * 10 + " } } }", TooDeep)
    inside = "{ ...S } fragment S on Q { __schema { types { ...T } } } fragment T on T { " + "ofType { " * 25
    refused(inside + "name" + " }" * 25 + " }", TooDeep)


@pytest.mark.parametrize("opener", ["{", "{a", "[", "(", "{a(x:[", '{"', '"""', "#\n", "a ", "\ufeffa", '"\\'])
def test_a_hundred_thousand_of_anything_is_refused_by_the_scan(opener: str) -> None:
    with pytest.raises((TooDeep, TooManyTokens, GraphqlParseFailed)):
        parse_document(opener * 100_000, LIMITS)


def test_the_scan_stops_at_the_limit() -> None:
    with pytest.raises(TooManyTokens) as caught:
        scan("a " * 500_000, LIMITS)
    assert caught.value.extensions == {"actual": LIMITS.max_tokens + 1, "limit": LIMITS.max_tokens}
    with pytest.raises(TooDeep) as deep:
        scan("{a" * 500_000, LIMITS)
    assert deep.value.extensions == {"actual": LIMITS.max_brackets + 1, "limit": LIMITS.max_brackets}


def test_brackets_in_strings_and_comments_are_no_nesting() -> None:
    text = '{ a(x: "' + "{" * 500 + '", y: """' + "[" * 500 + '""") } # ' + "(" * 500
    parse_document(text, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        "{ a }",
        'query Q($a: [Int!]! = [1, -2.5e+3]) @d { x: a(s: "q\\"{", t: """b \\""" { " """) ...F ... on Q { b } }',
        "fragment F on Q { c } # end { [\n{ ...F }",
        '{ a(s: "", t: """""", u: """ "" """) }',
        '{ a(s: """\\\\"""\\""" """) }',
        '{ a(s: """\\"""x""") }',
        "# only\n#two\n{a,,,,b}",
        "{ a(x: $v, y: ENUM, z: null, w: true, o: {k: &}) }",
    ],
)
def test_the_scan_counts_the_tokens_of_the_lexer(text: str) -> None:
    lexer = Lexer(Source(text))
    token = lexer.token
    while lexer.advance().kind is not TokenKind.EOF:
        pass
    count = -1  # without SOF and EOF
    while token.next is not None:
        token = token.next
        count += 1
    assert scan(text, LIMITS) == count


@pytest.mark.parametrize(
    "text", ["{", "{}", "{ a {} }", "}", "query", "{ a(x: ) }", "\x00", '{ a(x: "', "{ a } fragment on on Q { a }"]
)
def test_what_is_no_graphql_is_a_parse_error_with_its_place(text: str) -> None:
    error = refused(text, GraphqlParseFailed)
    assert error.to_graphql()["locations"]


def test_a_parse_error_does_not_send_a_long_name_back() -> None:
    error = refused("{ a } " + "x" * 900_000, GraphqlParseFailed)
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "text",
    ['{ a(x: "\\u0000") }', '{ a(x: "\\u{0}") }', '{ a(x: [{y: "b\x00"}]) }', '{ a @d(x: """\x00""") }']
    + [f"{{ a(x: {number}) }}" for number in ("1" * 5_000, "1e999999", "-1e400", "0." + "3" * 5_000)],
)
def test_literals_no_database_takes_are_refused(text: str) -> None:
    assert len(refused(text, ValueInvalid).message) < 300


def test_definitions_that_cannot_run_are_left_to_validation() -> None:
    assert size("{ a } type T { b: Int }").fields == 1


def test_printing_and_parsing_again_measures_alike() -> None:
    document: DocumentNode = parse(doubling(3, between="x { y } "))
    again = parse(print_ast(document))
    assert measure(document, None) == measure(again, None)


def test_max_tokens_holds_in_the_parser_too() -> None:
    with pytest.raises(GraphQLError):
        parse("{ a b c d }", max_lexical_tokens=3)
    with pytest.raises(TooManyTokens):
        parse_document("{ a b c d }", Limits(max_tokens=3))
