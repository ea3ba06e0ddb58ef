"""Answering what is written by hand: queries beside the planner's fields, and mutations about no record."""

from collections.abc import Mapping, Sequence

import orjson

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Database
from crm_graph.errors import CrmError, WriteAccessDenied
from crm_graph.graph.building import payload_type
from crm_graph.graph.declared_values import arguments, shown
from crm_graph.plan.actions import ACTIONS, Action
from crm_graph.plan.changes import Outcome, UserError, refusal
from crm_graph.plan.queries import QUERIES
from crm_graph.plan.selection import Selected
from crm_graph.plan.signatures import Ask
from crm_graph.plan.writes.idempotency import claim_key, remember_key
from crm_graph.plan.writes.savepoint import unless_refused


async def answered(
    answer: bytes, database: Database, actor: Actor, roots: Sequence[Selected], variables: Mapping[str, object]
) -> bytes:
    """A response completed by the hand-written queries among the root fields, in one transaction that cannot write."""
    response = orjson.loads(answer)
    data = response["data"]
    async with database.transaction(actor.organization_id, actor.user_id, actor.channel) as tx:
        await (await tx.raw()).execute("SET TRANSACTION READ ONLY")
        ask = Ask(tx, actor)
        for root in roots:
            query = QUERIES.get(root.name)
            if query is None or not query.open_to(actor.policy):
                continue
            try:
                given = arguments(query.signature.arguments, root.plain(variables))
                data[root.key] = shown(await query.run(ask, **given), root)
            except CrmError as error:
                data[root.key] = None
                response.setdefault("errors", []).append(_placed(error, root))
    response["data"] = {root.key: data[root.key] for root in roots if root.key in data}
    return orjson.dumps(response)


def _placed(error: CrmError, root: Selected) -> dict[str, object]:
    at = {"line": root.place.line, "column": root.place.column}
    return {**error.to_graphql(), "path": list(root.place.path), "locations": [at]}


def check(root: Selected, variables: Mapping[str, object]) -> None:
    """Refuse a mutation's input that cannot be read, before anything is written. Raises `VariableInvalid`."""
    arguments(ACTIONS[root.name].signature.arguments, _input(root, variables))


async def acted(ask: Ask, root: Selected, variables: Mapping[str, object]) -> bytes:
    """A hand-written mutation that is about no record, and its payload."""
    action, payload = ACTIONS[root.name], payload_type(root.name)
    if action.open_to(ask.actor.policy):
        outcome = await _run(ask, action, _input(root, variables))
    else:
        outcome = refusal(WriteAccessDenied.code, "You may not do this.")
    found = None
    if outcome.id is not None and any(s.name == action.field for s in root.on(payload)):
        found = await action.shows(ask, outcome.id)
    values: dict[str, object] = {}
    for selected in root.on(payload):
        match selected.name:
            case "userErrors":
                values[selected.key] = [user_error(e, selected) for e in outcome.errors]
            case "__typename":
                values[selected.key] = payload
            case action.once:
                values[selected.key] = outcome.once
            case _:
                values[selected.key] = shown(found, selected)
    return orjson.dumps(values)


async def _run(ask: Ask, action: Action, given: Mapping[str, object]) -> Outcome:
    """The mutation in a savepoint that a refusal takes back; under a key that was used, what came of it then."""
    values, connection = arguments(action.signature.arguments, given), await ask.tx.raw()
    key = None if given.get("idempotencyKey") is None else str(given["idempotencyKey"])

    async def once() -> Outcome:
        facts = {name: value for name, value in given.items() if name != "idempotencyKey"}
        answered = None if key is None else await claim_key(connection, ask.actor, key, action.signature.name, facts)
        if answered is not None:
            return answered
        outcome = await action.run(ask, **values)
        if key is not None:
            await remember_key(connection, ask.actor, key, outcome.id, outcome.effect)
        return outcome

    return await unless_refused(connection, once)


def _input(root: Selected, variables: Mapping[str, object]) -> Mapping[str, object]:
    given = root.plain(variables)["input"]
    assert isinstance(given, Mapping)
    return given


def user_error(error: UserError, selected: Selected) -> dict[str, object]:
    """An entry of `userErrors` as it is selected."""
    values = {
        "code": error.code,
        "message": error.message,
        "field": list(error.field) if error.field else None,
        "__typename": "UserError",
    }
    return {s.key: values[s.name] for s in selected.on("UserError")}
