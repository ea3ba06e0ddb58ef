"""Inputs and payloads of mutations: generated for every entity that can be written, and of the hand-written ones."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import strawberry

from crm_graph import kinds
from crm_graph.entity import REGISTRY, Entity
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
from crm_graph.markers import camel
from crm_graph.plan.changes import Effect
from crm_graph.plan.mutations import MUTATIONS, Argument, Mutation
from crm_graph.plan.signatures import NAMES, enumeration
from crm_graph.plan.writes.pending import REQUEST
from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.graph.declared_types import DeclaredTypes
    from crm_graph.graph.types import Types

NAMES[Effect] = "WriteEffect"
VERBS = ("create", "update", "delete", "upsert")
_IF_MATCH = "The record's `etag`: nothing is written if it has changed since."


def written(entity: type[Entity]) -> list[FieldSpec]:
    """The fields a generated mutation may set."""
    return [s for s in entity.__specs__.values() if s.write is not None and s.name not in ("source", "external_id")]


def verbs(entity: type[Entity]) -> tuple[str, ...]:
    """The generated mutations an entity has: none without written fields; nobody makes or deletes an organisation.

    Nor does one make what needs a field that nobody writes: a verb does.
    """
    if not written(entity):
        return ()
    if entity.__name__ == "Organization":
        return ("update",)
    made_by_verb = any(spec.required and spec.write is None for spec in entity.__specs__.values())
    return ("update", "delete") if made_by_verb else VERBS


def mutation_fields(types: "Types", by_hand: "DeclaredTypes") -> dict[str, FieldOf]:
    """Every field of the mutation type, by name."""
    error = object_type(
        shell("UserError"),
        {
            "code": field(str, "code", "Stable code of the refusal."),
            "message": field(str, "message", "What is wrong, for people."),
            "field": field(maybe(list[str]), "field", "Path of the input field it is about."),
        },
        "Why a mutation was refused. Nothing was written.",
    )
    found: dict[str, FieldOf] = {}
    for name, entity in REGISTRY.items():
        for verb in verbs(entity):
            if f"{verb}{name}" in MUTATIONS:
                continue
            fields = _generated(types, entity, verb)
            made = input_type(shell(f"{titled(verb)}{name}Input"), fields, f"What `{verb}{name}` takes.")
            payload = _payload(types, payload_type(f"{verb}{name}"), entity, error, verb)
            found[f"{verb}{name}"] = field(payload, f"{verb}{name}", _says(verb, entity), {"input": made})
    for name, declared in MUTATIONS.items():
        taken = _declared(types, by_hand, declared)
        made = input_type(shell(f"{titled(name)}Input"), taken, f"What `{name}` takes.")
        payload = _payload(types, payload_type(name), declared.entity, error, declared=declared)
        found[name] = field(payload, name, declared.description, {"input": made})
    return found | by_hand.actions(error)


def _says(verb: str, entity: type[Entity]) -> str:
    what = {
        "create": "Create a record",
        "update": "Change the given fields of a record",
        "delete": "Delete a record",
        "upsert": "Create or change the record with this external id",
    }[verb]
    return f"{what}: {inspect.getdoc(entity) or ''}"


def _generated(types: "Types", entity: type[Entity], verb: str) -> dict[str, FieldOf]:
    fields: dict[str, FieldOf] = {}
    if verb in ("update", "delete"):
        fields["id"] = field(strawberry.ID, "id", "Which record.")
    if verb in ("create", "upsert"):
        known: Any = str if verb == "upsert" else maybe(str)
        fields["source"] = field(known, "source", "The system the record comes from.")
        fields["external_id"] = field(known, "externalId", "The record's key in that system.")
    for spec in written(entity) if verb != "delete" else []:
        if verb == "update" and spec.write is not None and spec.write.create_only:
            continue
        annotation = types.money_input if spec.kind is kinds.MONEY else types.scalars.type(spec.kind)
        required = verb == "create" and spec.required
        fields[spec.name] = field(annotation if required else maybe(annotation), spec.input, spec.description)
    return fields | _common(verb != "create")


def _declared(types: "Types", by_hand: "DeclaredTypes", declared: Mutation) -> dict[str, FieldOf]:
    fields = {} if declared.creates else {"id": field(strawberry.ID, "id", "Which record.")}
    if declared.upserts:
        fields = _generated(types, declared.entity, "upsert")
    common = _common(if_match=declared.upserts or not declared.creates)
    return fields | _arguments(types, by_hand, declared.arguments) | common


def _arguments(types: "Types", by_hand: "DeclaredTypes", arguments: Sequence[Argument]) -> dict[str, FieldOf]:
    fields: dict[str, FieldOf] = {}
    for one in arguments:
        annotation: Any = types.money_input
        if one.parts is not None:
            annotation = listed(by_hand.input(one.parts)) if one.many else by_hand.input(one.parts)
        elif one.ref or one.kind is None:
            annotation = strawberry.ID
        elif one.kind is not kinds.MONEY:
            annotation = types.scalars.type(one.kind)
        fields[one.name] = field(annotation if one.required else maybe(annotation), camel(one.name), one.description)
    return fields


def _common(if_match: bool) -> dict[str, FieldOf]:
    fields = {"if_match": field(maybe(str), "ifMatch", _IF_MATCH)} if if_match else {}
    return fields | {"idempotency_key": field(maybe(str), "idempotencyKey", KEY_SAYS)}


def _payload(
    types: "Types", name: str, entity: type[Entity], error: Made, verb: str = "", declared: Mutation | None = None
) -> Made:
    key = entity.__name__[0].lower() + entity.__name__[1:]
    fields = {"user_errors": field(listed(error), "userErrors", "Why nothing was written; empty if it was.")}
    if verb == "update" and any(s.write is not None and s.write.subject for s in entity.__specs__.values()):
        says = "Changes of the record that wait for a code or for approval, as you see them."
        fields["pending_changes"] = field(listed(types.objects[REQUEST]), "pendingChanges", says)
    if declared is not None and declared.upserts:
        fields["effect"] = field(types.scalars.type(enumeration(Effect)), "effect", "What became of the record.")
    if verb == "delete":
        fields["deleted_id"] = field(maybe(strawberry.ID), "deletedId", "Id of the record that is gone.")
    else:
        fields["record"] = field(maybe(types.objects[entity.__name__]), key, "The record as you see it now.")
    if declared is not None and declared.once is not None:
        fields["once"] = field(maybe(str), declared.once, ONCE_SAYS)
    return object_type(shell(name), fields, f"What `{name.removesuffix('Payload')}` answers.")
