"""Errors that callers see: one class per fact, each with a stable code."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


class CrmError(Exception):
    """Something the caller can understand and act on.

    `code` is stable and part of the API; `status` is the HTTP status when the whole request fails by it;
    `extensions` are further facts for the GraphQL error's `extensions`, beside the code.
    """

    code: ClassVar[str] = "BAD_REQUEST"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **extensions: JSON) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, JSON] = extensions

    def to_graphql(self) -> dict[str, JSON]:
        """The error as GraphQL shows it, without `path` and `locations`."""
        return {"message": self.message, "extensions": {"code": self.code, **self.extensions}}

    def each(self) -> "Sequence[CrmError]":
        """The errors of the response: several where a request has several faults."""
        return [self]


class BadRequest(CrmError):
    """The request is not what GraphQL over HTTP asks for."""


class BodyTooLarge(CrmError):
    """The request's body exceeds `max_body_bytes`."""

    code = "BODY_TOO_LARGE"
    status = 413


class GraphqlParseFailed(CrmError):
    """The document is not GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"


class GraphqlValidationFailed(CrmError):
    """The document does not fit the schema."""

    code = "GRAPHQL_VALIDATION_FAILED"


class OperationNotFound(CrmError):
    """The document has no operation of that name, or several and no name was given."""

    code = "OPERATION_NOT_FOUND"


class VariableInvalid(CrmError):
    """A variable's value does not fit its type."""

    code = "VARIABLE_INVALID"


class TooDeep(CrmError):
    """The selection nests deeper than `max_depth`."""

    code = "TOO_DEEP"


class TooManyTokens(CrmError):
    """The document has more tokens than `max_tokens`."""

    code = "TOO_MANY_TOKENS"


class TooManyAliases(CrmError):
    """The operation has more aliases than `max_aliases`."""

    code = "TOO_MANY_ALIASES"


class TooManyRootFields(CrmError):
    """The operation has more root fields than `max_root_fields`."""

    code = "TOO_MANY_ROOT_FIELDS"


class TooManyFields(CrmError):
    """The operation selects more fields than `max_fields`, fragments counted where they are spread."""

    code = "TOO_MANY_FIELDS"


class FragmentCycle(CrmError):
    """A fragment spreads itself."""

    code = "FRAGMENT_CYCLE"


class Unauthenticated(CrmError):
    """The credentials are missing, wrong or expired."""

    code = "UNAUTHENTICATED"
    status = 401


class FieldAccessDenied(CrmError):
    """The caller may not read this field here."""

    code = "FIELD_ACCESS_DENIED"


class PredicateAccessDenied(CrmError):
    """The caller may not filter or order by this field."""

    code = "PREDICATE_ACCESS_DENIED"


class WriteAccessDenied(CrmError):
    """The caller may not write this field or this record."""

    code = "WRITE_ACCESS_DENIED"


class CursorInvalid(CrmError):
    """The cursor is not one of ours, or belongs to another order."""

    code = "CURSOR_INVALID"


class PageSizeInvalid(CrmError):
    """`first` or `last` is missing, negative or too large."""

    code = "PAGE_SIZE_INVALID"


class SearchInvalid(CrmError):
    """`search` has no word in it, or too many, or too much text."""

    code = "SEARCH_INVALID"


class IdInvalid(CrmError):
    """The text is no identifier, or one of another kind."""

    code = "ID_INVALID"


class UnknownHost(CrmError):
    """No organisation answers under this host name."""

    code = "UNKNOWN_HOST"
    status = 404


class NotFound(CrmError):
    """No such record, or none that the caller may see."""

    code = "NOT_FOUND"


class EtagMismatch(CrmError):
    """The record has changed since the caller read it."""

    code = "ETAG_MISMATCH"


class IdempotencyKeyReused(CrmError):
    """The idempotency key was used before with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class ValueInvalid(CrmError):
    """An input value breaks the field's rule."""

    code = "VALUE_INVALID"


class KeyTaken(CrmError):
    """Another record has this unique value."""

    code = "KEY_TAKEN"


class ReferenceNotFound(CrmError):
    """The input refers to a record that does not exist or that the caller may not see."""

    code = "REFERENCE_NOT_FOUND"


class PriceNotFound(CrmError):
    """The product has no price in this currency, or the caller does not see it."""

    code = "PRICE_NOT_FOUND"


class TooCostly(CrmError):
    """The operation may answer more records than `max_nodes`: the sizes of nested pages multiply."""

    code = "TOO_COSTLY"


class OperationTimedOut(CrmError):
    """The database took longer over the operation than it may; narrower filters or smaller pages help."""

    code = "OPERATION_TIMED_OUT"


class LinkOver(CrmError):
    """A link that was mailed, handed over or made for a file does not work, or not any more."""

    code = "LINK_OVER"
    status = 410


class FileRefused(CrmError):
    """A file cannot be taken as it is: it is empty, or not what its name says."""

    code = "FILE_REFUSED"
    status = 422


class ServiceUnavailable(CrmError):
    """The database cannot answer now; trying again later may help."""

    code = "SERVICE_UNAVAILABLE"
    status = 503


class Internal(CrmError):
    """A bug of ours. The text is generic; the log has the rest under the same `requestId`."""

    code = "INTERNAL"
    status = 500

    def __init__(self, request_id: str) -> None:
        super().__init__("Something went wrong on our side.", requestId=request_id)


def codes() -> Mapping[str, type[CrmError]]:
    """Every stable code with its class."""
    kinds: list[type[CrmError]] = CrmError.__subclasses__()
    return {kind.code: kind for kind in kinds}
