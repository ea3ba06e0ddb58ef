"""What a client might send that is wrong: for each, a name, the request, and the code it gets."""

import json
from typing import Any

CUSTOMER = f"cus_{'0' * 32}"
NAME_FILTER = (
    "query ($v: {kind}) {{ customers(first: 1, filter: {{ {field}: {{ {operator}: $v }} }}) {{ totalCount }} }}"
)
SURROGATE = "\ud800"


def request(query: str, **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def by_variable(kind: str, field: str, value: Any, operator: str = "eq") -> bytes:
    """A filter on a customer's field by a variable."""
    return request(NAME_FILTER.format(kind=kind, field=field, operator=operator), v=value)


def written(field: str, text: str, operator: str = "eq") -> bytes:
    """A filter on a customer's field with a literal."""
    return request(f"{{ customers(first: 1, filter: {{ {field}: {{ {operator}: {text} }} }}) {{ totalCount }} }}")


def paged(arguments: str) -> bytes:
    return request(f"{{ customers({arguments}) {{ nodes {{ id }} }} }}")


def paged_by(value: Any, name: str = "first", kind: str = "Int") -> bytes:
    return request(f"query ($v: {kind}) {{ customers({name}: $v) {{ nodes {{ id }} }} }}", v=value)


OPERATION = b'{"query": "{ products(first: 1) { totalCount } }"'

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "BAD_REQUEST"),
    "white space": (b"   ", "BAD_REQUEST"),
    "null": (b"null", "BAD_REQUEST"),
    "a number": (b"17", "BAD_REQUEST"),
    "a string": (b'"{ products { totalCount } }"', "BAD_REQUEST"),
    "a batch": (b'[{"query": "{ __typename }"}]', "BAD_REQUEST"),
    "an empty batch": (b"[]", "BAD_REQUEST"),
    "an empty object": (b"{}", "BAD_REQUEST"),
    "half an object": (OPERATION, "BAD_REQUEST"),
    "two objects": (OPERATION + b"}{}", "BAD_REQUEST"),
    "invalid UTF-8": (b'{"query": "\xff\xfe"}', "BAD_REQUEST"),
    "overlong UTF-8": (b'{"query": "\xc0\x80"}', "BAD_REQUEST"),
    "UTF-16": ('{"query": "{ __typename }"}'.encode("utf-16"), "BAD_REQUEST"),
    "a byte order mark": (b"\xef\xbb\xbf" + OPERATION + b"}", "BAD_REQUEST"),
    "NaN": (OPERATION + b', "variables": {"v": NaN}}', "BAD_REQUEST"),
    "Infinity": (OPERATION + b', "variables": {"v": -Infinity}}', "BAD_REQUEST"),
    "an integer of 5,000 digits": (OPERATION + b', "variables": {"v": ' + b"9" * 5_000 + b"}}", "BAD_REQUEST"),
    "an integer over 64 bits": (OPERATION + b', "variables": {"v": 9223372036854775808}}', "BAD_REQUEST"),
    "a number beyond any float": (OPERATION + b', "variables": {"v": 1e400}}', "BAD_REQUEST"),
    "NUL in a key": (OPERATION + rb', "variables": {"\u0000": 1}}', "BAD_REQUEST"),
    "NUL in a value": (OPERATION + rb', "variables": {"v": "a\u0000b"}}', "BAD_REQUEST"),
    "NUL in the document": (rb'{"query": "{ products { totalCount } }\u0000"}', "BAD_REQUEST"),
    "NUL in the operation name": (OPERATION + rb', "operationName": "\u0000"}', "BAD_REQUEST"),
    "a lone high surrogate": (OPERATION + rb', "variables": {"v": "\ud800"}}', "BAD_REQUEST"),
    "a lone low surrogate": (OPERATION + rb', "variables": {"v": "\udc00x"}}', "BAD_REQUEST"),
    "a key twice": (OPERATION + b', "query": "{ __typename }"}', "BAD_REQUEST"),
    "nested 1,000 deep": (OPERATION + b', "variables": {"v": ' + b"[" * 1_000 + b"]" * 1_000 + b"}}", "BAD_REQUEST"),
    "nested 100,000 deep": (
        OPERATION + b', "variables": {"v": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        "BAD_REQUEST",
    ),
    "a query that is a number": (b'{"query": 1}', "BAD_REQUEST"),
    "a query that is null": (b'{"query": null}', "BAD_REQUEST"),
    "variables that are a list": (OPERATION + b', "variables": []}', "BAD_REQUEST"),
    "variables that are a string": (OPERATION + b', "variables": "{}"}', "BAD_REQUEST"),
    "an operation name that is a number": (OPERATION + b', "operationName": 1}', "BAD_REQUEST"),
    "extensions that are a list": (OPERATION + b', "extensions": [1]}', "BAD_REQUEST"),
    "a body of two megabytes": (b'{"query": "' + b" " * 2_000_000 + b'"}', "BODY_TOO_LARGE"),
    "an empty document": (request(""), "GRAPHQL_PARSE_FAILED"),
    "only a comment": (request("# nothing"), "GRAPHQL_PARSE_FAILED"),
    "no GraphQL": (request("SELECT 1; DROP TABLE customers"), "GRAPHQL_PARSE_FAILED"),
    "an unclosed bracket": (request("{ products { nodes { id }"), "GRAPHQL_PARSE_FAILED"),
    "an unclosed string": (request('{ product(id: "x) { id } }'), "GRAPHQL_PARSE_FAILED"),
    "a surrogate escape in a string": (request(r'{ product(id: "\uD800") { id } }'), "GRAPHQL_PARSE_FAILED"),
    "a control character": (request("{ products\x07 { totalCount } }"), "GRAPHQL_PARSE_FAILED"),
    "only a fragment": (request("fragment F on Product { id }"), "OPERATION_NOT_FOUND"),
    "two operations and no name": (request("query A { __typename } query B { __typename }"), "OPERATION_NOT_FOUND"),
    "an operation that is not there": (
        b'{"query": "query A { __typename }", "operationName": "B"}',
        "OPERATION_NOT_FOUND",
    ),
    "a subscription": (request("subscription { products { totalCount } }"), "GRAPHQL_VALIDATION_FAILED"),
    "a field that is not there": (request("{ products { nodes { secret } } }"), "GRAPHQL_VALIDATION_FAILED"),
    "an argument that is not there": (request("{ products(where: {}) { totalCount } }"), "GRAPHQL_VALIDATION_FAILED"),
    "no selection": (request("{ products }"), "GRAPHQL_VALIDATION_FAILED"),
    "a fragment that spreads itself": (request("{ ...F } fragment F on Query { ...F }"), "FRAGMENT_CYCLE"),
    "fragments in a ring": (
        request("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        "FRAGMENT_CYCLE",
    ),
    "a fragment that is not there": (request("{ ...Nowhere }"), "GRAPHQL_VALIDATION_FAILED"),
    "too deep": (request("{ customers { nodes " + "{ parent " * 14 + "{ id }" + " }" * 14 + " } }"), "TOO_DEEP"),
    "too many aliases": (
        request("{ " + " ".join(f"a{i}: __typename" for i in range(60)) + " }"),
        "TOO_MANY_ROOT_FIELDS",
    ),
    "too many aliases below": (
        request("{ products { nodes { " + " ".join(f"a{i}: name" for i in range(60)) + " } } }"),
        "TOO_MANY_ALIASES",
    ),
    "too many root fields": (
        request("{ " + " ".join(f"a{i}: products {{ totalCount }}" for i in range(21)) + " }"),
        "TOO_MANY_ROOT_FIELDS",
    ),
    "doubling fragments (leak 44)": (
        request(
            "{ products { nodes { ...F0 } } } "
            + " ".join(f"fragment F{i} on Product {{ ...F{i + 1} ...F{i + 1} }}" for i in range(40))
            + " fragment F40 on Product { id }"
        ),
        "TOO_MANY_FIELDS",
    ),
    "too many tokens": (request("{ __typename " * 1 + "x " * 11_000 + "}"), "TOO_MANY_TOKENS"),
    "a document of directives": (request("{ __typename " + "@include(if: true) " * 500 + "}"), "TOO_MANY_DIRECTIVES"),
    "a required variable that is missing": (
        request("query ($id: ID!) { product(id: $id) { id } }"),
        "VARIABLE_INVALID",
    ),
    "a required variable that is null": (
        request("query ($id: ID!) { product(id: $id) { id } }", id=None),
        "VARIABLE_INVALID",
    ),
    "an undeclared variable": (request("{ product(id: $id) { id } }"), "GRAPHQL_VALIDATION_FAILED"),
    "a variable of an output type": (request("query ($v: Product) { __typename }", v=1), "GRAPHQL_VALIDATION_FAILED"),
    "a variable of no type": (request("query ($v: Nothing) { __typename }", v=1), "GRAPHQL_VALIDATION_FAILED"),
}

PAGES: dict[str, tuple[bytes, str]] = {
    "first: -1": (paged("first: -1"), "PAGE_SIZE_INVALID"),
    "first: 201": (paged("first: 201"), "PAGE_SIZE_INVALID"),
    "first: 2147483648": (paged("first: 2147483648"), "GRAPHQL_VALIDATION_FAILED"),
    "first: 1.5": (paged("first: 1.5"), "GRAPHQL_VALIDATION_FAILED"),
    'first: "1"': (paged('first: "1"'), "GRAPHQL_VALIDATION_FAILED"),
    "last: -1": (paged("last: -1"), "PAGE_SIZE_INVALID"),
    "first and last": (paged("first: 1, last: 1"), "PAGE_SIZE_INVALID"),
    "$first = -1": (paged_by(-1), "PAGE_SIZE_INVALID"),
    "$first = 201": (paged_by(201), "PAGE_SIZE_INVALID"),
    "$first = 10**15": (paged_by(10**15), "VARIABLE_INVALID"),
    "$first = 1.5": (paged_by(1.5), "VARIABLE_INVALID"),
    "$first = true": (paged_by(True), "VARIABLE_INVALID"),
    "$first = []": (paged_by([]), "VARIABLE_INVALID"),
    "$last = 201": (paged_by(201, "last"), "PAGE_SIZE_INVALID"),
    "after with last": (paged('last: 1, after: "x"'), "ARGUMENT_INVALID"),
    "before with first": (paged('first: 1, before: "x"'), "ARGUMENT_INVALID"),
    "before alone": (paged('before: "x"'), "ARGUMENT_INVALID"),
    "an unknown order key": (paged("orderBy: [{notes: ASC}]"), "GRAPHQL_VALIDATION_FAILED"),
    "an unknown direction": (paged("orderBy: [{name: UP}]"), "GRAPHQL_VALIDATION_FAILED"),
    "two keys in one entry": (paged("orderBy: [{name: ASC, id: ASC}]"), "GRAPHQL_VALIDATION_FAILED"),
    "no key in an entry": (paged("orderBy: [{}]"), "GRAPHQL_VALIDATION_FAILED"),
    "$orderBy with two keys": (
        paged_by([{"name": "ASC", "id": "ASC"}], "orderBy", "[CustomerOrderBy!]"),
        "VARIABLE_INVALID",
    ),
    "$orderBy with an unknown direction": (
        paged_by([{"name": "UP"}], "orderBy", "[CustomerOrderBy!]"),
        "VARIABLE_INVALID",
    ),
    "$orderBy of 101 keys": (paged_by([{"name": "ASC"}] * 101, "orderBy", "[CustomerOrderBy!]"), "VARIABLE_INVALID"),
    "$orderBy with a null": (paged_by([None], "orderBy", "[CustomerOrderBy!]"), "VARIABLE_INVALID"),
}

CURSORS: dict[str, str] = {
    "empty": "",
    "a word": "cursor",
    "a number": "0",
    "base64 of nothing we make": "AAAA",
    "of the right length, all zero": "A" * 36,
    "of the right length, all one": "/" * 36,
    "one character too many": "A" * 40,
    "white space inside": "A" * 17 + " \n" + "A" * 17,
    "not ASCII": "ä" * 36,
    "another system's": "YXJyYXljb25uZWN0aW9uOjE=",
    "SQL": "'; DROP TABLE customers; --",
    "ten thousand characters": "A" * 10_000,
}

VALUES: dict[str, tuple[bytes, str]] = {
    "NUL in a literal": (written("name", r'"a\u0000b"'), "VALUE_INVALID"),
    "NUL in a prefix": (written("name", r'"\u0000"', "startsWith"), "VALUE_INVALID"),
    "NUL in a literal list": (written("name", r'["\u0000"]', "in"), "VALUE_INVALID"),
    "a literal of 11,000 characters": (written("name", '"' + "x" * 11_000 + '"'), "ARGUMENT_INVALID"),
    "$text of 11,000 characters": (by_variable("String", "name", "x" * 11_000), "VARIABLE_INVALID"),
    "$text that is a number": (by_variable("String", "name", 1), "VARIABLE_INVALID"),
    "$text that is a list": (by_variable("String", "name", ["a"]), "VARIABLE_INVALID"),
    "$text that is an object": (by_variable("String", "name", {"a": 1}), "VARIABLE_INVALID"),
    "$text that is null": (by_variable("String", "name", None), "ARGUMENT_INVALID"),
    "null in a literal": (written("name", "null"), "ARGUMENT_INVALID"),
    "isNull: null": (written("name", "null", "isNull"), "ARGUMENT_INVALID"),
    "$int beyond 32 bits": (by_variable("Int", "employees", 2**40), "VARIABLE_INVALID"),
    "$int that is 1.5": (by_variable("Int", "employees", 1.5), "VARIABLE_INVALID"),
    "$int that is text": (by_variable("Int", "employees", "1"), "VARIABLE_INVALID"),
    "int literal beyond 32 bits": (written("employees", "4294967296"), "GRAPHQL_VALIDATION_FAILED"),
    "1e400 as decimal": (by_variable("Decimal", "annualRevenue", "1e400"), "VARIABLE_INVALID"),
    "1e400 as literal decimal": (written("annualRevenue", '"1e400"'), "GRAPHQL_VALIDATION_FAILED"),
    "1e999999999 as decimal": (by_variable("Decimal", "annualRevenue", "1e999999999"), "VARIABLE_INVALID"),
    "1e-999999999 as decimal": (by_variable("Decimal", "annualRevenue", "1e-999999999"), "VARIABLE_INVALID"),
    "NaN as decimal": (by_variable("Decimal", "annualRevenue", "NaN"), "VARIABLE_INVALID"),
    "sNaN as decimal": (by_variable("Decimal", "annualRevenue", "sNaN"), "VARIABLE_INVALID"),
    "Infinity as decimal": (by_variable("Decimal", "annualRevenue", "-Infinity"), "VARIABLE_INVALID"),
    "a float as decimal": (by_variable("Decimal", "annualRevenue", 1.5), "VARIABLE_INVALID"),
    "true as decimal": (by_variable("Decimal", "annualRevenue", True), "VARIABLE_INVALID"),
    "digits of another script": (by_variable("Decimal", "annualRevenue", "٣x"), "VARIABLE_INVALID"),
    "40 digits": (by_variable("Decimal", "annualRevenue", "9" * 40), "VARIABLE_INVALID"),
    "an unknown currency": (
        request('{ customers(filter: {annualRevenue: {gt: "1", currency: "euro"}}) { totalCount } }'),
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "2026-02-30": (
        request('{ keyAccounts(filter: {since: {eq: "2026-02-30"}}) { totalCount } }'),
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "$date 2026-02-30": (
        request("query ($v: Date) { keyAccounts(filter: {since: {eq: $v}}) { totalCount } }", v="2026-02-30"),
        "VARIABLE_INVALID",
    ),
    "$date with a time": (
        request("query ($v: Date) { keyAccounts(filter: {since: {eq: $v}}) { totalCount } }", v="2026-02-03T00:00"),
        "VARIABLE_INVALID",
    ),
    "$date of year 10000": (
        request("query ($v: Date) { keyAccounts(filter: {since: {eq: $v}}) { totalCount } }", v="10000-01-01"),
        "VARIABLE_INVALID",
    ),
    "a time without offset": (by_variable("DateTime", "createdAt", "2026-01-31T09:30:00"), "VARIABLE_INVALID"),
    "a time beyond the calendar": (
        by_variable("DateTime", "createdAt", "0001-01-01T00:00:00+14:00"),
        "VARIABLE_INVALID",
    ),
    "a time at 25 o'clock": (by_variable("DateTime", "createdAt", "2026-01-31T25:00:00Z"), "VARIABLE_INVALID"),
    "a time that is a number": (by_variable("DateTime", "createdAt", 1769850000), "VARIABLE_INVALID"),
    "an unknown enum value": (by_variable("CustomerKind", "kind", "ROBOT"), "VARIABLE_INVALID"),
    "an enum value as text": (written("kind", '"PERSON"'), "GRAPHQL_VALIDATION_FAILED"),
    "an unknown enum literal": (written("kind", "ROBOT"), "GRAPHQL_VALIDATION_FAILED"),
    "an enum that is a list": (by_variable("CustomerKind", "kind", ["PERSON"]), "VARIABLE_INVALID"),
    "a list with null": (by_variable("[String!]", "name", ["a", None], "in"), "VARIABLE_INVALID"),
    "a list of 1,001": (by_variable("[String!]", "name", ["a"] * 1_001, "in"), "VARIABLE_INVALID"),
    "a literal list of 5,001": (written("name", "[" + '"a" ' * 5_001 + "]", "in"), "TOO_MANY_LITERALS"),
    "a range without its end": (written("employees", "{from: 1}", "between"), "GRAPHQL_VALIDATION_FAILED"),
    "$range without its end": (by_variable("IntRange", "employees", {"from": 1}, "between"), "VARIABLE_INVALID"),
    "$range with null": (by_variable("IntRange", "employees", {"from": 1, "to": None}, "between"), "VARIABLE_INVALID"),
    "$filter with an unknown field": (
        request("query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }", v={"secret": {"eq": "x"}}),
        "VARIABLE_INVALID",
    ),
    "$filter with an unknown operator": (
        request("query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }", v={"name": {"regex": "x"}}),
        "VARIABLE_INVALID",
    ),
    "$filter that is text": (
        request("query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }", v="x"),
        "VARIABLE_INVALID",
    ),
    "$filter with 201 conditions": (
        request(
            "query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }",
            v={"and": [{"or": [{"name": {"eq": "a"}}] * 100}, {"or": [{"name": {"eq": "a"}}] * 100}]},
        ),
        "ARGUMENT_INVALID",
    ),
    "$filter nested 30 deep": (
        request(
            "query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }",
            v=json.loads('{"not": ' * 30 + "{}" + "}" * 30),
        ),
        "OK",
    ),
    "$filter nested 50 deep": (
        request(
            "query ($v: CustomerFilter) { customers(filter: $v) { totalCount } }",
            v=json.loads('{"not": ' * 50 + "{}" + "}" * 50),
        ),
        "BAD_REQUEST",
    ),
    "$skip that is text": (
        request("query ($v: Boolean!) { products { totalCount @skip(if: $v) } }", v="yes"),
        "VARIABLE_INVALID",
    ),
    "a nullable item that is null": (
        request('query ($v: String = "a") { customers(filter: {name: {in: [$v]}}) { totalCount } }', v=None),
        "ARGUMENT_INVALID",
    ),
    "a nullable end that is null": (
        request(
            "query ($v: Int = 1) { customers(filter: {employees: {between: {from: $v, to: 2}}}) { totalCount } }",
            v=None,
        ),
        "ARGUMENT_INVALID",
    ),
    "a nullable id that is null": (
        request(f'query ($v: ID = "{CUSTOMER}") {{ customer(id: $v) {{ id }} }}', v=None),
        "ARGUMENT_INVALID",
    ),
    "a nullable node id that is null": (
        request(f'query ($v: ID = "{CUSTOMER}") {{ node(id: $v) {{ id }} }}', v=None),
        "ARGUMENT_INVALID",
    ),
    "a nullable condition that is null": (
        request("query ($v: Boolean = true) { products { totalCount @include(if: $v) } }", v=None),
        "VARIABLE_INVALID",
    ),
}

IDS: dict[str, Any] = {
    "empty": "",
    "a word": "customer",
    "a number": 17,
    "a uuid": "0198b7e2-5a5c-7000-8000-000000000000",
    "capitals": "CUS_" + "0" * 32,
    "capital digits": "cus_" + "A" * 32,
    "one digit short": "cus_" + "0" * 31,
    "one digit long": "cus_" + "0" * 33,
    "digits of another script": "cus_" + "٣" * 32,
    "a line end": "cus_" + "0" * 32 + "\n",
    "a global id of another system": "Q3VzdG9tZXI6MQ==",
    "SQL": "cus_' OR 1=1 --",
    "5,000 characters": "x" * 5_000,
}
