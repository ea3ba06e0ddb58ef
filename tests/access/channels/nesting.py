"""Coming to an entity from another: by reference, by list, by a record that refers to itself."""

from tests.access.asking import many_of, select, way_in
from tests.access.channels.registry import Probe, channel


@channel("nested path")
async def from_every_entity(probe: Probe) -> None:
    """By every reference and list that leads to the entity, its fields show no more than on its own list."""
    keys = {one.name: one for one in probe.fields}
    body = " ".join(map(select, probe.fields))
    for way in way_in(probe.matrix, probe.role, probe.entity):
        below = f"(first: 2) {{ nodes {{ {body} }} }}" if way.listed else f"{{ {body} }}"
        query = f"{{ {many_of(way.entity)}(first: 2) {{ nodes {{ {way.name} {below} }} }} }}"
        answer = await probe.denied(query, None, probe.denials())
        for parent in answer.json["data"][many_of(way.entity)]["nodes"]:
            found = parent[way.name]
            nodes = found["nodes"] if way.listed and found else [found]
            probe.check_nodes([node for node in nodes if node is not None], keys)


@channel("nested count")
async def counted_from_every_entity(probe: Probe) -> None:
    """Lists of an entity below another count what exists for the caller there."""
    for way in way_in(probe.matrix, probe.role, probe.entity):
        if not way.listed:
            continue
        listed = many_of(way.entity)
        query = f"{{ {listed}(first: 5) {{ nodes {{ id {way.name} {{ totalCount }} }} }} }}"
        for node in (await probe.denied(query, None, {})).json["data"][listed]["nodes"]:
            parent = node["id"].partition("_")[2]
            rows = [row for row in probe.visible if row[way.column] is not None and row[way.column].hex == parent]
            [link] = [f for f in probe.fields if f.column == way.column]
            seen = [row for row in rows if probe.world.rows.shows(probe.caller, link, row) == "plain"]
            assert node[way.name]["totalCount"] == len(seen), (probe.role, way)
