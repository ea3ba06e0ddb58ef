"""The schema that a caller's operations are validated against: the shipped one, and the custom fields they know.

A caller knows a custom field if they see it on some row, or may write it. One that they do not know is nowhere in their
schema, so that its name is answered like one that never was. Callers who know the same fields share a schema; those who
know none share the shipped one, and pay nothing.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeExtensionNode,
    StringValueNode,
    extend_schema,
)

from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY
from crm_graph.graph.documents import Full, Recent
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.opening import fields_known
from crm_graph.specs import FieldSpec

MAX_SCHEMAS, MAX_POLICIES = 50, 5000
"""A schema takes 1.5 MB and 20 ms to make; a policy is only noted with the schema it leads to."""
_INPUTS = ("Create{}Input", "Update{}Input", "Upsert{}Input")


@dataclass(frozen=True, slots=True)
class Known:
    """A custom field as a caller knows it: read, written, or both."""

    entity: str
    spec: FieldSpec
    read: bool
    write: bool

    def says(self) -> str:
        """What the schema says of it."""
        described = self.spec.description
        return f"{described} One of: {', '.join(self.spec.choices)}." if self.spec.choices else described


def known(policy: Policy) -> list[Known]:
    """The custom fields that callers of this policy know, always in the same order."""
    found = []
    for name in sorted({one.entity for one in policy.classification.custom}):
        entity = REGISTRY.get(name)
        if entity is None:
            continue
        seen = fields_known(entity, policy)
        level = max((g.write for g in policy.on(name) if g.write is not None), default=0)
        for spec in sorted((s for s in fields_of(entity, policy).values() if s.custom), key=lambda s: s.label):
            read = spec.name in seen
            write = spec.write is not None and spec.write.level <= level
            if read or write:
                found.append(Known(name, spec, read, write))
    return found


class Schemas:
    """The full schemas of all callers. `forgotten` is told the key of a schema that is kept no longer."""

    def __init__(self, shipped: Full, forgotten: Callable[[str], None]) -> None:
        self.shipped, self._forgotten = shipped, forgotten
        self._keys: Recent[str, str] = Recent(MAX_POLICIES)
        self._made: Recent[str, Full] = Recent(MAX_SCHEMAS)
        self._one_thread = asyncio.Semaphore(1)

    async def of(self, policy: Policy) -> Full:
        """The schema for callers of a policy; made in a thread when it is first asked for."""
        if not policy.classification.custom:
            return self.shipped
        key = self._keys.get(policy.key)
        found = None if key is None else self._made.get(key) if key else self.shipped
        if found is not None:
            return found
        async with self._one_thread:
            return await self._make(policy)

    async def _make(self, policy: Policy) -> Full:
        fields = known(policy)
        key = _key(fields)
        self._keys.put(policy.key, key)
        if not key:
            return self.shipped
        found = self._made.get(key)
        if found is None:
            schema = await asyncio.to_thread(extended, self.shipped.schema, fields)
            found = Full(key, schema)
            before = self._made.keys()
            self._made.put(key, found)
            for gone in before - self._made.keys():
                self._forgotten(gone)
        return found


def _key(fields: Iterable[Known]) -> str:
    """Equal for equal fields, in every process; empty for none."""
    text = "\n".join(
        repr((f.entity, f.spec.label, f.spec.kind.name, f.says(), f.read, f.write, f.spec.filter, f.spec.sort))
        for f in fields
    )
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16] if text else ""


def extended(schema: GraphQLSchema, fields: Iterable[Known]) -> GraphQLSchema:
    """A schema with these fields: on the type, its filter and order where they are read, on its inputs if written."""
    outputs: dict[str, list[FieldDefinitionNode]] = defaultdict(list)
    inputs: dict[str, list[InputValueDefinitionNode]] = defaultdict(list)
    for one in fields:
        name, kind = one.spec.label, one.spec.kind.name
        if one.read:
            outputs[one.entity].append(
                FieldDefinitionNode(
                    name=NameNode(value=name),
                    description=StringValueNode(value=one.says()),
                    arguments=(),
                    directives=(),
                    type=_type(kind),
                )
            )
            if one.spec.filter:
                inputs[f"{one.entity}Filter"].append(_input(one, f"{kind}Filter"))
            if one.spec.sort:
                inputs[f"{one.entity}OrderBy"].append(_input(one, "OrderDirection"))
        if one.write:
            for form in _INPUTS:
                inputs[form.format(one.entity)].append(_input(one, kind))
    definitions = (
        *(ObjectTypeExtensionNode(name=NameNode(value=n), fields=tuple(f)) for n, f in outputs.items()),
        *(InputObjectTypeExtensionNode(name=NameNode(value=n), fields=tuple(f)) for n, f in inputs.items()),
    )
    return extend_schema(schema, DocumentNode(definitions=definitions), assume_valid=True)


def _input(one: Known, kind: str) -> InputValueDefinitionNode:
    return InputValueDefinitionNode(
        name=NameNode(value=one.spec.label),
        description=StringValueNode(value=one.says()),
        directives=(),
        type=_type(kind),
    )


def _type(name: str) -> NamedTypeNode:
    return NamedTypeNode(name=NameNode(value=name))
