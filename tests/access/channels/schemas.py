"""What the schema says, in each of its forms; and what errors and suggestions say of it."""

import re

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema

from crm_graph.entity import REGISTRY
from tests.access.asking import many_of, one_of, select
from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import LEVELS
from tests.fixtures.api import Api

_SCHEMAS: dict[tuple[int, str], GraphQLSchema] = {}


async def schema_of(api: Api, role: str) -> GraphQLSchema:
    """The schema that a role is given as SDL."""
    key = id(api), role
    if key not in _SCHEMAS:
        answer = await api.request("GET", "/schema.graphql", headers=api.headers(role))
        _SCHEMAS[key] = build_schema(answer.body.decode())
    return _SCHEMAS[key]


def shown(probe: Probe) -> dict[str, set[str]]:
    """The fields that each type about the entity should show to the role; none: no such type."""
    seen = [one for one in probe.fields if one not in probe.hidden] if probe.reached else []
    return {
        probe.entity: {one.name for one in seen} | {f"{one.name}Aggregate" for one in seen if one.listed},
        f"{probe.entity}Filter": {one.name for one in seen if one.filters},
        f"{probe.entity}OrderBy": {one.name for one in seen if one.orders},
    }


def _own(probe: Probe, name: str) -> set[str]:
    own = {"etag", "hiddenFields", "maskedFields"} if name == probe.entity else {"and", "or", "not"}
    # values of other fields, each at its own level: tests/resolvers/changes
    return own | {"before", "after"} if name == "ChangeRequest" else own


@channel("SDL")
async def as_text(probe: Probe) -> None:
    sdl = await schema_of(probe.api, probe.role)
    for name, wanted in shown(probe).items():
        made = sdl.type_map.get(name)
        assert isinstance(made, GraphQLObjectType | GraphQLInputObjectType | None)
        assert set(made.fields) - _own(probe, name) == wanted if made else not wanted, (probe.role, name)
    assert sdl.query_type is not None
    roots = {one_of(probe.entity), many_of(probe.entity)}
    assert roots & set(sdl.query_type.fields) == (roots if probe.reached else set())


@channel("introspection")
async def asked(probe: Probe) -> None:
    for name, wanted in shown(probe).items():
        answer = await probe.ask(f'{{ __type(name: "{name}") {{ fields {{ name }} inputFields {{ name }} }} }}')
        found = answer.data["__type"]
        names = {f["name"] for f in (found["fields"] or found["inputFields"])} if found else set()
        assert names - _own(probe, name) == wanted, (probe.role, name)


@channel("inputs in the schema")
async def inputs(probe: Probe) -> None:
    """The inputs of mutations name the fields that the role may write on some row, or of oneself, and no other."""
    sdl = await schema_of(probe.api, probe.role)
    most, entity = probe.matrix.writes(probe.role, probe.entity), REGISTRY[probe.entity]
    for verb in ("Create", "Update", "Upsert"):
        made = sdl.type_map.get(f"{verb}{probe.entity}Input")
        if made is None:
            continue
        assert isinstance(made, GraphQLInputObjectType)
        for spec in entity.__specs__.values():
            if (
                verb == "Update"
                and spec.write
                and spec.write.subject
                and probe.matrix.is_subject(probe.role, probe.entity)
            ):
                continue  # about oneself: whatever the level, by the field's own rule
            if spec.input in made.fields and spec.write and spec.name not in ("source", "external_id"):
                assert most is not None, (probe.role, made.name)
                assert LEVELS.index(spec.write.level.name) <= most, (probe.role, made.name, spec.input)


@channel("suggestion")
async def suggested(probe: Probe) -> None:
    """A mistyped name is told wrong, and no field is named that was not asked for."""
    wrong = [f"{one.name}q" for one in probe.fields]
    query = f"{{ {many_of(probe.entity)} {{ nodes {{ {' '.join(wrong)} }} }} }}"
    filters = "".join(f"{name}: {{}} " for name in wrong[:20])
    by_filter = f"{{ {many_of(probe.entity)}(filter: {{ {filters} }}) {{ totalCount }} }}"
    by_order = f"{{ {many_of(probe.entity)}(orderBy: [{{ {wrong[0]}: ASC }}]) {{ totalCount }} }}"
    for text in (query, by_filter, by_order):
        answer = await probe.ask(text)
        assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}, text
        assert b"Did you mean" not in answer.body
        words = set(re.findall(r"\w+", answer.body.decode())) - set(wrong)
        told = {one.name for one in probe.hidden} & words - {"message"}  # a key of every error
        assert told <= {"name", "value", "kind", "type", "field"}, (probe.role, told)  # words of the messages


@channel("error text")
async def faults(probe: Probe) -> None:
    """What is wrong with an operand is told without what it was to be compared with; and never SQL."""
    listed = many_of(probe.entity)
    for one in [one for one in probe.fields if one.filters and not one.to][:8]:
        answer = await probe.ask(f'{{ {listed}(filter: {{ {one.name}: {{ eq: [["x"]] }} }}) {{ totalCount }} }}')
        assert answer.codes, one
        assert not re.search(rb"SELECT|asyncpg|Traceback|t1\.", answer.body)
    answer = await probe.ask(f"{{ {listed}(first: 1) {{ nodes {{ {select(probe.fields[0])} }} }} }}", {"unknown": 1})
    assert not re.search(rb"SELECT|asyncpg|Traceback|t1\.", answer.body)
