"""What a document may cost before any of it is planned: tokens before parsing, size and shape after."""

import re
from dataclasses import dataclass
from itertools import islice

from graphql import GraphQLError, parse
from graphql.language import DocumentNode

from crm_graph.errors import CrmError, TooDeep, TooManyAliases, TooManyFields, TooManyRootFields, TooManyTokens
from crm_graph.graph.measure import DocumentMalformed, Measure, measure, select_operation, shorten

__all__ = ["Limits", "Measure", "check", "measure", "parse_document", "scan", "select_operation"]

LARGEST_REPORTED = 2**53 - 1  # what every JSON reader can hold

TOKEN = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*+(?:""")?'  # block string, perhaps unterminated
    r'|"(?:[^"\\\n\r]|\\.)*+"?'
    r"|\#[^\n\r]*+"
    r"|[_A-Za-z][_0-9A-Za-z]*+"
    r"|-?[0-9][0-9.eE+\-]*+"
    r"|\.\.\."
    r"|[^\s,\ufeff]",
    re.DOTALL,
)


class TooManyDirectives(CrmError):
    """One place in the document has too many directives."""

    code = "TOO_MANY_DIRECTIVES"


class TooManyLiterals(CrmError):
    """The document writes out too many list items and object fields; they belong into variables."""

    code = "TOO_MANY_LITERALS"


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest accepted values. The first five are settings; the others fit any schema and are fixed."""

    max_tokens: int = 10_000
    max_depth: int = 12
    max_aliases: int = 50
    max_root_fields: int = 20
    max_fields: int = 2_000
    max_introspection_depth: int = 20
    max_introspection_fields: int = 250
    max_introspection_aliases: int = 2
    max_introspection_lists: int = 2
    max_nesting: int = 60
    max_brackets: int = 150
    max_directives: int = 10
    max_literal_depth: int = 24
    max_literal_values: int = 5_000


def parse_document(text: str, limits: Limits) -> DocumentNode:
    """Parse `text`, refusing one too long or too nested before graphql-core's slow lexer sees it."""
    scan(text, limits)
    try:
        return parse(text, max_lexical_tokens=limits.max_tokens, max_comments=limits.max_tokens)
    except GraphQLError as error:
        raise DocumentMalformed(shorten(error.message), error.locations or ()) from None


def scan(text: str, limits: Limits) -> int:
    """Number of tokens in `text`, comments included; TOO_MANY_TOKENS or TOO_DEEP as soon as a limit is passed."""
    tokens = islice(TOKEN.finditer(text), limits.max_tokens + 1)
    if text.count("{") + text.count("[") + text.count("(") <= limits.max_brackets:
        count = sum(1 for _ in tokens)
    else:
        count = depth = 0
        for token in tokens:
            count += 1
            kind = token[0]
            if kind in "{[(":
                depth += 1
                if depth > limits.max_brackets:
                    raise exceeded(TooDeep, "brackets inside one another", depth, limits.max_brackets)
            elif kind in "}])":
                depth -= 1
    if count > limits.max_tokens:
        raise exceeded(TooManyTokens, "tokens", count, limits.max_tokens)
    return count


def check(size: Measure, limits: Limits) -> None:
    """Raise the error of the first limit that `size` passes, with the number and the limit."""
    for error, what, actual, limit in (
        (TooDeep, "fields inside one another", size.depth, limits.max_depth),
        (TooDeep, "introspection fields inside one another", size.introspection_depth, limits.max_introspection_depth),
        (
            TooDeep,
            "lists of types or fields inside one another",
            size.introspection_lists,
            limits.max_introspection_lists,
        ),
        (TooDeep, "selection sets inside one another", size.nesting, limits.max_nesting),
        (TooDeep, "lists and objects inside one another", size.literal_depth, limits.max_literal_depth),
        (TooManyRootFields, "root fields", size.root_fields, limits.max_root_fields),
        (TooManyAliases, "aliases", size.aliases, limits.max_aliases),
        (
            TooManyAliases,
            "aliases in introspection",
            size.introspection_aliases,
            limits.max_introspection_aliases,
        ),
        (TooManyFields, "introspection fields", size.introspection_fields, limits.max_introspection_fields),
        (TooManyFields, "fields", size.fields, limits.max_fields),
        (TooManyDirectives, "directives at one place", size.directives, limits.max_directives),
        (TooManyLiterals, "list items and object fields", size.literal_values, limits.max_literal_values),
    ):
        if actual > limit:
            raise exceeded(error, what, actual, limit)


def exceeded(error: type[CrmError], what: str, actual: int, limit: int) -> CrmError:
    """The error with both numbers, `actual` cut to what JSON readers can hold: it may have hundreds of digits."""
    shown = str(actual) if actual <= LARGEST_REPORTED else f"more than 2^{actual.bit_length() - 1}"
    return error(f"Too many {what}: {shown}, at most {limit}.", actual=min(actual, LARGEST_REPORTED), limit=limit)
