"""GraphQL types of what is written by hand: from signatures and dataclasses, each made once."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from crm_graph import kinds
from crm_graph.graph.building import (
    KEY_SAYS,
    ONCE_SAYS,
    FieldOf,
    Made,
    field,
    input_type,
    listed,
    maybe,
    object_type,
    payload_type,
    shell,
    titled,
)
from crm_graph.plan.actions import ACTIONS, Action
from crm_graph.plan.queries import QUERIES
from crm_graph.plan.signatures import Member, item, kind_of, members, unwrapped

if TYPE_CHECKING:
    from crm_graph.graph.types import Types


class DeclaredTypes:
    """The types of one schema under construction."""

    def __init__(self, types: "Types") -> None:
        self._types = types
        self._made: dict[type[Any], Made] = {}

    def queries(self) -> dict[str, FieldOf]:
        """The root fields of queries."""
        found = {}
        for name, one in QUERIES.items():
            result, _ = unwrapped(one.signature.result)
            arguments = {
                m.name: Annotated[
                    self.of(m, inputs=True), strawberry.argument(name=m.graphql, description=m.description)
                ]
                for m in one.signature.arguments
            }
            annotation = maybe(self._annotation(result, inputs=False))
            found[name] = field(annotation, name, one.signature.description, arguments)
        return found

    def actions(self, error: Made) -> dict[str, FieldOf]:
        """The root fields of mutations; `error` is the type of `userErrors`."""
        return {name: self._action(name, one, error) for name, one in ACTIONS.items()}

    def _action(self, name: str, one: Action, error: Made) -> FieldOf:
        fields = {m.name: field(self.of(m, inputs=True), m.graphql, m.description) for m in one.signature.arguments}
        fields["idempotency_key"] = field(maybe(str), "idempotencyKey", KEY_SAYS)
        made = input_type(shell(f"{titled(name)}Input"), fields, f"What `{name}` takes.")
        shown = maybe(self._annotation(one.shown, inputs=False))
        answers = {
            "user_errors": field(listed(error), "userErrors", "Why nothing was written; empty if it was."),
            "shown": field(shown, one.field, "As it is now."),
        }
        if one.once is not None:
            answers["once"] = field(maybe(str), one.once, ONCE_SAYS)
        payload = object_type(
            shell(payload_type(name)),
            answers,
            f"What `{name}` answers.",
        )
        return field(payload, name, one.signature.description, {"input": made})

    def of(self, member: Member, *, inputs: bool) -> Any:
        """The annotation of a member; what may be left out may be null."""
        inner, optional = unwrapped(member.annotation)
        found = self._annotation(inner, inputs=inputs)
        return maybe(found) if optional or (inputs and not member.required) else found

    def _annotation(self, annotation: Any, *, inputs: bool) -> Any:
        inside = item(annotation)
        if inside is not None:
            inner, optional = unwrapped(inside)
            found = self._annotation(inner, inputs=inputs)
            return listed(maybe(found) if optional else found)
        kind = kind_of(annotation)
        if kind is kinds.MONEY and inputs:
            return self._types.money_input
        return self._object(annotation, inputs=inputs) if kind is None else self._types.scalars.type(kind)

    def input(self, cls: type[Any]) -> Made:
        """The input type of a dataclass."""
        return self._object(cls, inputs=True)

    def _object(self, cls: type[Any], *, inputs: bool) -> Made:
        if cls not in self._made:
            self._made[cls] = made = shell(cls.__name__)
            fields = {m.name: field(self.of(m, inputs=inputs), m.graphql, m.description) for m in members(cls)}
            (input_type if inputs else object_type)(made, fields, inspect.getdoc(cls) or cls.__name__)
        return self._made[cls]
