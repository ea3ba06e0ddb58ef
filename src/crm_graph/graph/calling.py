"""Calling hand-written mutations about a record: their arguments as columns take them, and a key that is good once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.file_links import FileLinks
from crm_graph.db import ids
from crm_graph.db.session import Transaction
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import ReferenceNotFound
from crm_graph.graph.declared_values import arguments as values
from crm_graph.markers import camel
from crm_graph.plan.access.visibility import named, sees
from crm_graph.plan.changes import Action, Change, ExternalKey, Outcome, UserError, denied, invalid
from crm_graph.plan.mutations import Argument, Call, Mutation, may_write
from crm_graph.plan.signatures import Member
from crm_graph.plan.writes.idempotency import claim_key, forget_key, remember_key
from crm_graph.plan.writes.refusals import NOT_FOUND
from crm_graph.plan.writes.savepoint import unless_refused

_OWN = ("id", "source", "externalId", "ifMatch", "idempotencyKey")


def generated(entity: type[Entity], verb: str, given: Mapping[str, object]) -> Change:
    """The input of a generated mutation as the change that it asks for."""
    source, external = given.get("source"), given.get("externalId")
    values = {name: value for name, value in given.items() if name not in _OWN}
    key = None
    if verb == "upsert":
        key = ExternalKey(str(source), str(external))
    elif verb == "create":
        values |= {name: given[name] for name in ("source", "externalId") if given.get(name) is not None}
    return Change(
        entity.__name__,
        Action(verb),
        id=_text(given.get("id")),
        key=key,
        values=values,
        if_match=_text(given.get("ifMatch")),
        idempotency_key=_text(given.get("idempotencyKey")),
    )


@dataclass(frozen=True, slots=True)
class Calls:
    """What a request's calls have in common: transaction, caller, its id, whence it comes, links to files."""

    tx: Transaction
    actor: Actor
    request_id: str
    address: str
    links: FileLinks

    async def run(self, declared: Mutation, given: Mapping[str, object]) -> Outcome:
        """A hand-written mutation, in a savepoint that a refusal takes back."""
        return await unless_refused(await self.tx.raw(), lambda: self._once(declared, given))

    async def _once(self, declared: Mutation, given: Mapping[str, object]) -> Outcome:
        """The mutation, or what came of it before under its key: that is settled before the record is looked at."""
        connection, key = await self.tx.raw(), _text(given.get("idempotencyKey"))
        answered = await claim_key(connection, self.actor, key, declared.name, given) if key is not None else None
        if answered is not None:
            return answered
        call = await self._prepared(declared, given)
        outcome = call if isinstance(call, Outcome) else await declared.run(call)
        if key is not None and outcome.keep:
            await forget_key(connection, self.actor, key)
        elif key is not None:
            await remember_key(connection, self.actor, key, outcome.id, outcome.effect)
        return outcome

    async def _prepared(self, declared: Mutation, given: Mapping[str, object]) -> Call | Outcome:
        """The call with its arguments as columns take them, or what is wrong with them."""
        tx, actor, entity = self.tx, self.actor, declared.entity
        row = ids.uuid7() if declared.creates else ids.decode_as(entity.__prefix__, str(given.get("id")))
        if row is None or not (declared.creates or await sees(tx, actor, entity, row)):
            return Outcome.refused(NOT_FOUND)
        needs = declared.needs
        if not declared.open_to(actor.policy) or not (
            declared.creates or needs is None or await may_write(tx, actor, entity, row, needs)
        ):
            return Outcome.refused(denied())  # before anything about the record's state is told
        arguments, errors = await self._arguments(declared.arguments, given)
        arguments |= parts(declared, given)
        if errors:
            return Outcome.refused(*errors)
        upserted = None
        if declared.upserts:
            own = {camel(one.name) for one in declared.arguments} | {"idempotencyKey"}
            upserted = generated(entity, "upsert", {n: v for n, v in given.items() if n not in own})
        if_match = _text(given.get("ifMatch"))
        return Call(tx, actor, row, arguments, if_match, self.request_id, upserted, self.address, self.links)

    async def _arguments(
        self, wanted: Sequence[Argument], given: Mapping[str, object]
    ) -> tuple[dict[str, object], list[UserError]]:
        """The plain arguments that were given, and what is wrong with others."""
        found: dict[str, object] = {}
        errors: list[UserError] = []
        for one in wanted:
            name = camel(one.name)
            value = given.get(name)
            if value is None or one.parts is not None:
                continue
            if one.ref is None:
                assert one.kind is not None
                try:
                    found[one.name] = kinds.money(value) if one.kind is kinds.MONEY else one.kind.parse(value)
                except ValueError as error:
                    errors.append(invalid(f"{error}.".capitalize(), name))
                continue
            target = await named(self.tx, self.actor, REGISTRY[one.ref], str(value))
            if target is None:
                errors.append(UserError(ReferenceNotFound.code, "This names no record that you can see.", (name,)))
            else:
                found[one.name] = target
        return found, errors


def parts(declared: Mutation, given: object) -> dict[str, object]:
    """The arguments that are made of parts. Raises `VariableInvalid`."""
    found: dict[str, object] = {}
    assert isinstance(given, Mapping)
    for one in declared.arguments:
        name = camel(one.name)
        if one.parts is not None and given.get(name) is not None:
            annotation = list[one.parts] if one.many else one.parts  # type: ignore[name-defined]
            found |= values([Member(one.name, annotation, one.description, required=False)], {name: given[name]})
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)
