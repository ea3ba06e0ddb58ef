"""The matrix: every role × every field × every way to ask for it, generated from the registry.

What is expected comes from `matrix.txt` by way of `interpreter.py`; each response is searched for planted secrets.
"""

from collections.abc import Iterator

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema

from crm_graph.entity import REGISTRY, table_name
from tests.access.interpreter import ROLES, Field, Matrix, fields, read_matrix
from tests.access.secrets import World
from tests.fixtures.api import Answer, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

MATRIX: Matrix = read_matrix()
ENTITIES = tuple(REGISTRY)
roles = pytest.mark.parametrize("role", ROLES)
entities = pytest.mark.parametrize("entity", ENTITIES)


def one_of(entity: str) -> str:
    return entity[0].lower() + entity[1:]


def many_of(entity: str) -> str:
    head, *rest = table_name(REGISTRY[entity]).split("_")
    return head + "".join(word.title() for word in rest)


def select(one: Field, alias: str = "") -> str:
    below = (
        "{ nodes { id } }"
        if one.listed
        else "{ id }"
        if one.to and not one.counted
        else "{ amount }"
        if one.money
        else ""
    )
    return f"{alias and alias + ': '}{one.name}{'(first: 1) ' if one.listed else ''}{below}"


def denied(answer: Answer) -> set[str]:
    """The coordinates an answer with data denies."""
    assert answer.status == 200, answer.body
    assert "data" in answer.json, answer.body
    assert set(answer.codes) <= {"FIELD_ACCESS_DENIED"}, answer.body
    for error in answer.errors:
        assert error["locations"], error
    return {error["extensions"]["coordinate"] for error in answer.errors}


def hidden(role: str, entity: str) -> set[str]:
    return {f.coordinate for f in fields(entity) if not MATRIX.sees(role, f)}


def way_in(role: str, entity: str) -> Iterator[Field]:
    """References and lists by which a role comes from another entity to this one."""
    for other in ENTITIES:
        if other != entity and MATRIX.highest(role, other) is not None:
            yield from (f for f in fields(other) if f.to == entity and not f.counted and MATRIX.sees(role, f))


async def test_the_matrix_names_every_entity_and_role() -> None:
    named = {entity for _, entity in MATRIX.granted} - {"*"}
    assert named <= set(ENTITIES)
    assert {role for role, _ in MATRIX.granted} == set(ROLES)


@roles
@entities
async def test_selecting_a_hidden_field_is_null_and_an_error(
    planted_api: Api, world: World, role: str, entity: str
) -> None:
    """By its name, by an alias, in fragments, in a connection's edges (leaks 18, 20, 21; Directus CVE-2024-34708)."""
    ask, listed = world.as_(planted_api, role), many_of(entity)
    chosen = fields(entity)
    plain = " ".join(map(select, chosen))
    aliased = " ".join(select(f, f"x{i}") for i, f in enumerate(chosen[:48]))
    expected = hidden(role, entity) if MATRIX.highest(role, entity) is not None else {f"Query.{listed}"}
    for query, path in (
        (f"{{ {listed}(first: 3) {{ nodes {{ {plain} }} }} }}", "nodes"),
        (f"{{ {listed}(first: 3) {{ edges {{ cursor node {{ {plain} }} }} }} }}", "edges"),
        (f"{{ {listed}(first: 3) {{ nodes {{ ...F }} }} }} fragment F on {entity} {{ {plain} }}", "nodes"),
        (f"{{ {listed}(first: 3) {{ nodes {{ ... on Node {{ ... on {entity} {{ {plain} }} }} }} }} }}", "nodes"),
        (f"{{ {listed}(first: 3) {{ nodes {{ {aliased} }} }} }}", "nodes"),
    ):
        answer = await ask(query)
        wanted = (
            expected
            if aliased not in query
            else expected & {f.coordinate for f in chosen[:48]} or expected & {f"Query.{listed}"}
        )
        assert denied(answer) == wanted, query
        data = answer.json["data"][listed]
        for found in data[path] if data else []:
            node = found["node"] if path == "edges" else found
            for number, one in enumerate(chosen if aliased not in query else chosen[:48]):
                key = f"x{number}" if aliased in query else one.name
                assert node[key] is None or one.coordinate not in expected, (query, key)


@roles
@entities
async def test_a_node_shows_no_more_than_its_list(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leaks 12, 14, 15: `node`, `nodes` and `<entity>(id:)`, with a concrete fragment in the interface."""
    ask, caller = world.as_(planted_api, role), world.callers[role]
    rows = world.rows.visible(caller, entity)[:1] or list(world.rows.tables[entity].values())[:1]
    if not rows:
        pytest.skip("the demo has no such row")
    identifier = f"{REGISTRY[entity].__prefix__}_{rows[0]['id'].hex}"
    selection = " ".join(map(select, fields(entity)))
    reached = MATRIX.highest(role, entity) is not None
    for query, root in (
        (f"query ($id: ID!) {{ node(id: $id) {{ ... on {entity} {{ {selection} }} }} }}", "node"),
        (f"query ($id: ID!) {{ nodes(ids: [$id]) {{ ... on {entity} {{ {selection} }} }} }}", "nodes"),
        (f"query ($id: ID!) {{ {one_of(entity)}(id: $id) {{ {selection} }} }}", one_of(entity)),
    ):
        answer = await ask(query, {"id": identifier})
        expected = hidden(role, entity) if reached else {f"Query.{root}"}
        assert denied(answer) == expected, query
        if not reached:
            assert answer.json["data"][root] in (None, [None])
    forged = f"{'prd' if entity != 'Product' else 'cus'}_{rows[0]['id'].hex}"
    answer = await ask("query ($id: ID!) { node(id: $id) { id } }", {"id": forged})
    assert answer.json["data"]["node"] is None


@roles
@entities
async def test_a_nested_path_shows_no_more(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leaks 13, 16, 17: by every reference and list that leads to the entity."""
    ask, selection = world.as_(planted_api, role), " ".join(map(select, fields(entity)))
    for way in way_in(role, entity):
        below = f"(first: 2) {{ nodes {{ {selection} }} }}" if way.listed else f"{{ {selection} }}"
        answer = await ask(f"{{ {many_of(way.entity)}(first: 2) {{ nodes {{ {way.name} {below} }} }} }}")
        assert denied(answer) == hidden(role, entity), way


def condition(one: Field) -> str:
    return "{ some: {} }" if one.listed else "{}" if one.to else "{ isNull: true }"


async def predicate(ask: object, query: str, role: str, refused: bool) -> None:
    """Send a predicate; it is refused as a whole, before any statement, exactly if it reads what is hidden."""
    answer: Answer = await ask(query)  # type: ignore[operator]
    if refused:
        assert answer.codes == ["PREDICATE_ACCESS_DENIED"], (role, query, answer.body)
        assert set(answer.json) == {"errors"}
        assert not answer.sql
    else:
        assert answer.status == 200
        assert not answer.errors, (role, query, answer.body)


@roles
@entities
async def test_filtering_by_a_hidden_field_is_refused(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leaks 1, 2: plainly, under not, and, or, and by a variable (prisma1 #711, Strapi CVE-2023-22894)."""
    if MATRIX.highest(role, entity) is None:
        return
    ask, listed = world.as_(planted_api, role), many_of(entity)
    chosen = [f for f in fields(entity) if f.filters]
    allowed = " ".join(f"{f.name}: {condition(f)}" for f in chosen if MATRIX.sees(role, f))
    for tree in (f"{{ {allowed} }}", f"{{ not: {{ or: [{{ {allowed} }}] }} }}"):
        await predicate(ask, f"{{ {listed}(first: 1, filter: {tree}) {{ nodes {{ id }} }} }}", role, refused=False)
    for one in (f for f in chosen if not MATRIX.sees(role, f)):
        leaf, refused = f"{{ {one.name}: {condition(one)} }}", True
        for tree in (
            leaf,
            f"{{ not: {leaf} }}",
            f"{{ or: [{{ and: [{leaf}] }}, {{ createdAt: {{ isNull: true }} }}] }}",
        ):
            await predicate(ask, f"{{ {listed}(first: 1, filter: {tree}) {{ nodes {{ id }} }} }}", role, refused)
        by_count = f"{{ {listed}(filter: {leaf}) {{ totalCount }} }}"
        await predicate(ask, by_count, role, refused)


@roles
@entities
async def test_ordering_by_a_hidden_field_is_refused(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leak 3 (Frappe #40515, Odoo #73341): as the first key and as a later one."""
    if MATRIX.highest(role, entity) is None:
        return
    ask, listed = world.as_(planted_api, role), many_of(entity)
    for one in (f for f in fields(entity) if f.orders):
        refused = not MATRIX.sees(role, one)
        for order in (f"{{ {one.name}: DESC }}", f"[{{ createdAt: ASC }}, {{ {one.name}: ASC_NULLS_FIRST }}]"):
            await predicate(ask, f"{{ {listed}(first: 1, orderBy: {order}) {{ nodes {{ id }} }} }}", role, refused)


@roles
@entities
async def test_a_relation_filter_reads_no_hidden_field(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leaks 1, 16 (Twenty #23369, Directus #15437): to one, and some, none, every of a list, from every entity."""
    ask = world.as_(planted_api, role)
    ways = list(way_in(role, entity))
    for one in (f for f in fields(entity) if f.filters and not f.listed):
        refused = not MATRIX.sees(role, one)
        for number, way in enumerate(ways if refused else ways[:1]):
            leaf = f"{{ {one.name}: {condition(one)} }}"
            if way.listed:
                word = ("some", "none", "every")[number % 3] if refused else "some"
                leaf = f"{{ {word}: {leaf} }}"
            query = f"{{ {many_of(way.entity)}(first: 1, filter: {{ {way.name}: {leaf} }}) {{ nodes {{ id }} }} }}"
            await predicate(ask, query, role, refused)


_SCHEMAS: dict[str, GraphQLSchema] = {}


async def schema_of(api: Api, role: str) -> GraphQLSchema:
    if role not in _SCHEMAS:
        answer = await api.request("GET", "/schema.graphql", headers=api.headers(role))
        _SCHEMAS[role] = build_schema(answer.body.decode())
    return _SCHEMAS[role]


@roles
@entities
async def test_the_schema_shows_what_the_matrix_shows(planted_api: Api, world: World, role: str, entity: str) -> None:
    """Leak 36: introspection and `/schema.graphql`, for types, filters and orders."""
    reached = MATRIX.highest(role, entity) is not None
    seen = {f.name for f in fields(entity) if MATRIX.sees(role, f)} if reached else set()
    summed_up = {f"{f.name}Aggregate" for f in fields(entity) if f.listed and f.name in seen}
    expected = {
        entity: seen | summed_up,
        f"{entity}Filter": {f.name for f in fields(entity) if f.filters and f.name in seen},
        f"{entity}OrderBy": {f.name for f in fields(entity) if f.orders and f.name in seen},
    }
    sdl = await schema_of(planted_api, role)
    asked = world.as_(planted_api, role)
    for name, wanted in expected.items():
        made = sdl.type_map.get(name)
        assert isinstance(made, GraphQLObjectType | GraphQLInputObjectType | None)
        own = {"etag", "hiddenFields", "maskedFields"} if name == entity else {"and", "or", "not"}
        if name == "ChangeRequest":  # values of other fields, each at its own level: tests/resolvers/test_changes.py
            own |= {"before", "after"}
        assert set(made.fields) - own == wanted if made else not wanted, name
        query = f'{{ __type(name: "{name}") {{ fields {{ name }} inputFields {{ name }} }} }}'
        found = (await asked(query)).data["__type"]
        names = {f["name"] for f in (found["fields"] or found["inputFields"])} if found else set()
        assert names - own == wanted, name


@roles
async def test_no_suggestion_names_a_field(planted_api: Api, world: World, role: str) -> None:
    """Leak 36: a mistyped name is told wrong, and nothing like it is offered."""
    ask = world.as_(planted_api, role)
    for name, good in (
        ("riskNot", "riskNote"),
        ("creditLimitt", "creditLimit"),
        ("unitCosts", "unitCost"),
        ("emial", "email"),
    ):
        for query in (
            f"{{ customers {{ nodes {{ {name} }} }} }}",
            f"{{ customers(filter: {{ {name}: {{}} }}) {{ totalCount }} }}",
            f"{{ customers(orderBy: [{{ {name}: ASC }}]) {{ totalCount }} }}",
        ):
            answer = await ask(query)
            assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}
            assert b"Did you mean" not in answer.body
            assert good not in answer.body.decode().replace(name, "")


async def test_the_search_finds_secrets(planted_api: Api, world: World) -> None:
    """The detector can fail: an administrator meets secrets, and what they see would be a leak for anybody else."""
    found = await world.as_(planted_api, "administrator")(
        "{ customers(first: 5) { nodes { riskNote creditLimit { amount } } } opportunities(first: 50) { nodes { margin { amount } } } }"
    )
    assert world.secrets.found["administrator"] >= 10
    for other in ("sales_rep", "partner_rep", "customer", "storefront"):
        with pytest.raises(AssertionError, match="sees"):
            world.secrets.check(other, world.callers[other], found.body)
