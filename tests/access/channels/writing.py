"""Mutations: what their inputs take, and what their payloads and refusals show."""

from typing import Any

from crm_graph.entity import REGISTRY
from crm_graph.graph.mutation_types import verbs, written
from crm_graph.specs import FieldSpec
from tests.access.asking import one_of, select
from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import LEVELS
from tests.shapes.generator import VALUES

AT_ONCE = 10


def _value(spec: FieldSpec) -> Any:
    if spec.ref:
        return f"{REGISTRY[spec.ref.entity].__prefix__}_{'0' * 32}"
    if spec.kind.choices:
        return spec.kind.choices[0]
    if spec.kind.name == "Money":
        return {"amount": "1", "currency": "EUR"}
    return ["x"] if spec.kind.name == "Strings" else "x" if spec.kind.name == "String" else VALUES[spec.kind.name][0]


@channel("mutation input")
async def given(probe: Probe) -> None:
    """A field above what the role may write anywhere is refused by its name, and nothing of the record is shown."""
    row, entity = probe.some_row(), REGISTRY[probe.entity]
    if row is None or "update" not in verbs(entity):
        return
    most = probe.matrix.writes(probe.role, probe.entity)
    refused = [
        spec
        for spec in written(entity)
        if spec.write
        and not spec.write.create_only
        and (most is None or LEVELS.index(spec.write.level.name) > most)
        and not (spec.write.subject and probe.matrix.is_subject(probe.role, probe.entity))  # by the field's own rule
    ]
    kind, one = f"Update{probe.entity}Input!", one_of(probe.entity)
    for start in range(0, len(refused), AT_ONCE):
        some = refused[start : start + AT_ONCE]
        heads = ", ".join(f"$i{n}: {kind}" for n in range(len(some)))
        body = " ".join(
            f"m{n}: update{probe.entity}(input: $i{n}) {{ userErrors {{ code field }} {one} {{ id }} }}"
            for n in range(len(some))
        )
        inputs = {f"i{n}": {"id": probe.id_of(row), spec.input: _value(spec)} for n, spec in enumerate(some)}
        answer = await probe.ask(f"mutation ({heads}) {{ {body} }}", inputs)
        if not probe.visible:  # what is refused without a look at the record is refused alike where there is none
            never = {name: {**one, "id": f"{probe.prefix}_{'0' * 31}1"} for name, one in inputs.items()}
            of_none = await probe.ask(f"mutation ({heads}) {{ {body} }}", never)
            assert of_none.json.get("data") == answer.json.get("data"), (probe.role, probe.entity)
        for n, spec in enumerate(some):
            found = (answer.json.get("data") or {}).get(f"m{n}")
            if found is None:
                assert not probe.reached, (probe.role, spec, answer.body)
                continue
            assert found[one] is None
            [error] = found["userErrors"]
            assert error["code"] in ("WRITE_ACCESS_DENIED", "NOT_FOUND"), (probe.role, spec.input, error)
            if error["code"] == "WRITE_ACCESS_DENIED":
                assert error["field"] in ([spec.input], None, []), (probe.role, spec.input, error)


@channel("mutation payload")
async def answered(probe: Probe) -> None:
    """The record in a payload is as any read shows it: an update of nothing shows each cell at its clearance."""
    entity = REGISTRY[probe.entity]
    if "update" not in verbs(entity) or probe.matrix.writes(probe.role, probe.entity) is None or not probe.visible:
        return
    one, body = one_of(probe.entity), " ".join(map(select, probe.fields))
    mutation = f"mutation ($i: Update{probe.entity}Input!) {{ update{probe.entity}(input: $i) {{ userErrors {{ code }} {one} {{ {body} }} }} }}"
    for row in probe.visible[:2]:
        answer = await probe.ask(mutation, {"i": {"id": probe.id_of(row)}})
        assert set(answer.codes) <= {"FIELD_ACCESS_DENIED"}, answer.body
        found = answer.json["data"][f"update{probe.entity}"]
        if found[one] is None:
            assert found["userErrors"]
        else:
            assert {e["extensions"]["coordinate"] for e in answer.errors} == set(probe.denials())
            probe.check_nodes([found[one]], {f.name: f for f in probe.fields})


@channel("mutation of what is not seen")
async def unseen(probe: Probe) -> None:
    """Updating or deleting a record that exists for others answers as for one that never was."""
    entity, rows = REGISTRY[probe.entity], probe.world.rows
    out_of_sight = [
        r for r in rows.tables[probe.entity].values() if rows.clearance(probe.caller, probe.entity, r) is None
    ]
    if not out_of_sight or "delete" not in verbs(entity):
        return
    bodies = []
    for identifier in (probe.id_of(out_of_sight[-1]), f"{probe.prefix}_{'0' * 31}1"):
        heads = f"$u: Update{probe.entity}Input!, $d: Delete{probe.entity}Input!"
        both = f"u: update{probe.entity}(input: $u) {{ userErrors {{ code message field }} }} d: delete{probe.entity}(input: $d) {{ deletedId userErrors {{ code message field }} }}"
        answer = await probe.ask(f"mutation ({heads}) {{ {both} }}", {"u": {"id": identifier}, "d": {"id": identifier}})
        bodies.append(answer.body.replace(answer.headers["x-request-id"].encode(), b""))
    assert bodies[0] == bodies[1], (probe.role, probe.entity)


@channel("upsert")
async def by_key(probe: Probe) -> None:
    """A key that is taken out of the role's sight is a taken key, and nothing more is said."""
    entity, rows = REGISTRY[probe.entity], probe.world.rows
    if "upsert" not in verbs(entity) or not probe.matrix.creates(probe.role, probe.entity):
        return
    out_of_sight = [
        r
        for r in rows.tables[probe.entity].values()
        if r["organization_id"] == rows.organization
        and r["external_id"]
        and rows.clearance(probe.caller, probe.entity, r) is None
    ]
    given: dict[str, Any] = {}
    for spec in written(entity):
        if spec.required:
            given[spec.input] = _value(spec)
            if spec.ref:
                seen = rows.visible(probe.caller, spec.ref.entity)
                given[spec.input] = f"{REGISTRY[spec.ref.entity].__prefix__}_{seen[0]['id'].hex}" if seen else None
    if not out_of_sight or None in given.values():
        return
    key = {"source": out_of_sight[0]["source"], "externalId": out_of_sight[0]["external_id"]}
    one = one_of(probe.entity)
    answer = await probe.ask(
        f"mutation ($i: Upsert{probe.entity}Input!) {{ upsert{probe.entity}(input: $i) {{ userErrors {{ code field }} {one} {{ id }} }} }}",
        {"i": {**given, **key}},
    )
    found = answer.data[f"upsert{probe.entity}"]
    assert found[one] is None
    assert found["userErrors"] == [{"code": "KEY_TAKEN", "field": ["externalId"]}], (probe.role, probe.entity)
