"""Selecting a field, in every way GraphQL has to write that."""

from crm_graph.entity import REGISTRY
from tests.access.asking import many_of, one_of, select
from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import Field, proposed

ALIASES = 48
"""A limit of the API is 50 aliases an operation."""


def _keys(chosen: list[Field]) -> dict[str, Field]:
    return {one.name: one for one in chosen}


async def _listed(probe: Probe, body: str, chosen: list[Field], after: str = "", *, edges: bool = False) -> None:
    """Ask a list for these members of its nodes; aliased ones are called x0, x1, …"""
    listed = many_of(probe.entity)
    inner = f"edges {{ cursor node {{ {body} }} }}" if edges else f"nodes {{ {body} }}"
    wanted = probe.denials(chosen) if probe.reached else {f"Query.{listed}": "RESTRICTED"}
    answer = await probe.denied(f"{{ {listed}(first: 3) {{ {inner} }} }} {after}", None, wanted)
    found = answer.json["data"][listed]
    assert (found is not None) is probe.reached
    if found:
        nodes = [edge["node"] for edge in found["edges"]] if edges else found["nodes"]
        aliased = {f"x{n}": one for n, one in enumerate(chosen)} if "x0: " in body else _keys(chosen)
        probe.check_nodes(nodes, aliased)


@channel("select")
async def selected(probe: Probe) -> None:
    await _listed(probe, " ".join(map(select, probe.fields)), probe.fields)


@channel("alias")
async def aliased(probe: Probe) -> None:
    for start in range(0, len(probe.fields), ALIASES):
        chosen = probe.fields[start : start + ALIASES]
        await _listed(probe, "id " + " ".join(select(one, f"x{n}") for n, one in enumerate(chosen)), chosen)


@channel("fragment")
async def in_a_fragment(probe: Probe) -> None:
    plain = " ".join(map(select, probe.fields))
    await _listed(probe, "...F", probe.fields, f"fragment F on {probe.entity} {{ {plain} }}")


@channel("interface fragment")
async def through_the_interface(probe: Probe) -> None:
    plain = " ".join(map(select, probe.fields))
    await _listed(probe, f"... on Node {{ id ... on {probe.entity} {{ {plain} }} }}", probe.fields)


@channel("connection edge")
async def on_an_edge(probe: Probe) -> None:
    await _listed(probe, " ".join(map(select, probe.fields)), probe.fields, edges=True)


async def _by_id(probe: Probe, query: str, root: str) -> None:
    row = probe.some_row()
    if row is None:
        return
    wanted = probe.denials() if probe.reached else {f"Query.{root}": "RESTRICTED"}
    answer = await probe.denied(query, {"id": probe.id_of(row)}, wanted)
    found = answer.json["data"][root]
    node = found[0] if isinstance(found, list) else found
    assert (node is not None) is bool(probe.visible), query
    if node is not None:
        probe.check_nodes([node], _keys(probe.fields))


@channel("by id")
async def by_its_own_root(probe: Probe) -> None:
    body, root = " ".join(map(select, probe.fields)), one_of(probe.entity)
    await _by_id(probe, f"query ($id: ID!) {{ {root}(id: $id) {{ {body} }} }}", root)


@channel("node")
async def by_node(probe: Probe) -> None:
    body = " ".join(map(select, probe.fields))
    await _by_id(probe, f"query ($id: ID!) {{ node(id: $id) {{ ... on {probe.entity} {{ {body} }} }} }}", "node")
    row = probe.some_row()
    if row is not None:  # the right row under another kind's prefix
        other = "prd" if probe.entity != "Product" else "cus"
        forged = await probe.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": f"{other}_{row['id'].hex}"})
        assert forged.json["data"]["node"] is None
        assert {e["extensions"]["code"] for e in forged.errors} <= {"FIELD_ACCESS_DENIED"}


@channel("nodes")
async def by_nodes(probe: Probe) -> None:
    body = " ".join(map(select, probe.fields))
    await _by_id(probe, f"query ($id: ID!) {{ nodes(ids: [$id]) {{ ... on {probe.entity} {{ {body} }} }} }}", "nodes")


@channel("hiddenFields")
async def what_is_hidden_is_told(probe: Probe) -> None:
    """`hiddenFields` and `maskedFields` say of each row exactly what is hidden there, and what is masked."""
    if not probe.reached:
        return
    listed = many_of(probe.entity)
    answer = await probe.denied(f"{{ {listed}(first: 30) {{ nodes {{ id hiddenFields maskedFields }} }} }}", None, {})
    own = [one for one in probe.fields if not one.listed and not one.counted]
    rows = {probe.id_of(row): row for row in probe.visible}
    for node in answer.data[listed]["nodes"]:
        row = rows[node["id"]]
        shows = {one.name: probe.world.rows.shows(probe.caller, one, row) for one in own}
        of_others = proposed(probe.entity)
        shows |= {name: probe.world.rows.shows_proposed(probe.caller, probe.entity, row) for name in of_others}
        assert set(node["hiddenFields"]) == {name for name, how in shows.items() if how == "hidden"}, probe.entity
        assert set(node["maskedFields"]) == {name for name, how in shows.items() if how == "masked"}, probe.entity


@channel("totalCount")
async def counted(probe: Probe) -> None:
    """A list counts the rows that exist for the caller, and no other."""
    listed = many_of(probe.entity)
    wanted = {} if probe.reached else {f"Query.{listed}": "RESTRICTED"}
    answer = await probe.denied(f"{{ {listed} {{ totalCount }} }}", None, wanted)
    if probe.reached:
        assert answer.json["data"][listed]["totalCount"] == len(probe.visible)


@channel("typename")
async def by_type_name(probe: Probe) -> None:
    """Asking for nothing but `__typename` and `etag` tells no more rows, and works for whoever sees a row."""
    if probe.reached:
        answer = await probe.denied(
            f"{{ {many_of(probe.entity)}(first: 200) {{ nodes {{ __typename etag }} }} }}", None, {}
        )
        nodes = answer.data[many_of(probe.entity)]["nodes"]
        assert len(nodes) == min(200, len(probe.visible))
        assert {n["__typename"] for n in nodes} <= {REGISTRY[probe.entity].__name__}
