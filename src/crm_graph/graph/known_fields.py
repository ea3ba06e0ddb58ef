"""The schema that a caller's operations are validated against: the shipped one, and the custom fields they know.

A caller knows a custom field if they see it on some row, or may write it. One that they do not know is nowhere in their
schema, so that its name is answered like one that never was. Callers who know the same fields share a schema; those who
know none share the shipped one, and pay nothing.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable

from graphql import (
    DocumentNode,
    GraphQLSchema,
    InputObjectTypeExtensionNode,
    NameNode,
    ObjectTypeExtensionNode,
    extend_schema,
)

from crm_graph.auth.policy import Policy
from crm_graph.graph.documents import Full, Recent
from crm_graph.graph.known_aggregates import Added, given, output
from crm_graph.graph.known_aggregates import add as add_aggregates
from crm_graph.plan.access.custom import Known, known

MAX_SCHEMAS, MAX_POLICIES = 50, 5000
"""A schema takes 1.5 MB and 20 ms to make; a policy is only noted with the schema it leads to."""
_INPUTS = ("Create{}Input", "Update{}Input", "Upsert{}Input")


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
        repr((f.entity, s.label, s.kind.name, s.description, s.choices, f.read, f.write, s.filter, s.sort))
        for f in fields
        for s in [f.spec]
    )
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16] if text else ""


def extended(schema: GraphQLSchema, fields: Iterable[Known]) -> GraphQLSchema:
    """A schema with these fields: on the type, its filter, order and aggregates if read, on its inputs if written."""
    added = Added(defaultdict(list), defaultdict(list), [])
    read: dict[str, list[Known]] = defaultdict(list)
    for one in fields:
        name, kind = one.spec.label, one.spec.kind.name
        if one.read:
            read[one.entity].append(one)
            added.outputs[one.entity].append(output(name, one.says(), kind))
            if one.spec.filter:
                added.inputs[f"{one.entity}Filter"].append(given(name, one.says(), f"{kind}Filter"))
            if one.spec.sort:
                added.inputs[f"{one.entity}OrderBy"].append(given(name, one.says(), "OrderDirection"))
        if one.write:
            for form in _INPUTS:
                added.inputs[form.format(one.entity)].append(given(name, one.says(), kind))
    for entity, some in read.items():
        add_aggregates(added, schema, entity, [(one.spec, one.says()) for one in some])
    definitions = (
        *(ObjectTypeExtensionNode(name=NameNode(value=n), fields=tuple(f)) for n, f in added.outputs.items()),
        *(InputObjectTypeExtensionNode(name=NameNode(value=n), fields=tuple(f)) for n, f in added.inputs.items()),
        *added.types,
    )
    return extend_schema(schema, DocumentNode(definitions=definitions), assume_valid=True)
