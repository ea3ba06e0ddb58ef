"""Custom fields: shown as any field to who sees them on some row, and to all others names that never were."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType

from crm_graph.db.session import Database
from crm_graph.imports.mapping import MappingInvalid, parse
from crm_graph.imports.organizations import importing_actor
from crm_graph.imports.own_fields import resolved
from tests.access.asking import many_of, one_of
from tests.access.channels.registry import Probe, channel
from tests.access.channels.schemas import schema_of
from tests.access.interpreter import Field, Row

_SCHEMA_PARTS = (
    "", "Filter", "OrderBy", "GroupBy", "GroupKey", "GroupDistinct", "GroupKeyOrderBy",
)  # fmt: skip
_OF_NUMBERS = (
    "GroupNumbers", "GroupExtremes", "HavingNumbers", "HavingExtremes", "GroupNumbersOrderBy", "GroupExtremesOrderBy",
)  # fmt: skip


def known(probe: Probe) -> list[Field]:
    return [one for one in probe.own if probe.matrix.reads(probe.role, probe.entity, one)]


def unknown(probe: Probe) -> list[Field]:
    return [one for one in probe.own if one not in known(probe)]


def never(fields: list[Field]) -> dict[str, str]:
    """For each field's name one as long that is no field's."""
    return {one.name: f"xQ{number}".ljust(len(one.name), "q") for number, one in enumerate(fields)}


async def alike(probe: Probe, fields: list[Field], *queries: str) -> None:
    """Each query is answered as with names that never were. What stands between « and » is there for each field."""
    others = never(fields)
    for query in queries if fields else ():
        told = []
        for names in (list(others), list(others.values())):
            text = re.sub("«(.*)»", lambda m, names=names: " ".join(m[1].replace("NAME", n) for n in names), query)
            answer = await probe.ask(text)
            assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}, (probe.role, query, answer.body)
            assert not answer.sql
            body = re.sub(r'"requestId":"\w+"', "", answer.body.decode())
            for name, other in others.items():
                body = body.replace(other, name)
            told.append(body)
        assert told[0] == told[1], (probe.role, probe.entity, query)


def cell(probe: Probe, one: Field, row: Row) -> Any:
    """The value as the caller sees it: what is hidden is none."""
    return row[one.column] if probe.world.rows.shows(probe.caller, one, row) == "plain" else None


def cells(probe: Probe, one: Field) -> list[Any]:
    return [cell(probe, one, row) for row in probe.visible]


def numbers(some: Iterable[Field]) -> list[Field]:
    return [one for one in some if "Number" in one.name]


@channel("custom field selected", custom=True)
async def selected(probe: Probe) -> None:
    listed, some = many_of(probe.entity), known(probe)
    if probe.reached:
        body = " ".join(one.name for one in some)
        answer = await probe.ask(f"{{ {listed}(first: 30) {{ nodes {{ id hiddenFields {body} }} }} }}")
        rows = {probe.id_of(row): row for row in probe.visible}
        for node in answer.data[listed]["nodes"]:
            hidden = {n for n in node["hiddenFields"] if n.startswith("x")}
            shows = {one.name: probe.world.rows.shows(probe.caller, one, rows[node["id"]]) for one in some}
            assert hidden == {name for name, how in shows.items() if how == "hidden"}, (probe.role, probe.entity)
            for one in some:
                value = cell(probe, one, rows[node["id"]])
                assert node[one.name] == (str(value) if isinstance(value, Decimal) else value), one.coordinate
    by_id = f'{{ {one_of(probe.entity)}(id: "x") {{ «NAME» }} }}'
    await alike(probe, unknown(probe), f"{{ {listed} {{ nodes {{ «NAME» }} }} }}", by_id)


@channel("custom field filtered and ordered", custom=True)
async def filtered(probe: Probe) -> None:
    listed = many_of(probe.entity)
    for one in known(probe):
        query = f"{{ {listed}(first: 1, filter: {{ {one.name}: {{ isNull: false }} }}, orderBy: [{{ {one.name}: DESC }}]) {{ totalCount }} }}"
        found = (await probe.ask(query)).data[listed]["totalCount"]
        assert found == sum(value is not None for value in cells(probe, one)), (probe.role, one.coordinate)
    await alike(
        probe,
        unknown(probe),
        f"{{ {listed}(filter: {{ «NAME: {{ isNull: true }}» }}) {{ totalCount }} }}",
        f"{{ {listed}(orderBy: [«{{ NAME: ASC }}»]) {{ totalCount }} }}",
    )


@channel("custom field grouped", custom=True)
async def grouped(probe: Probe) -> None:
    """There are as many groups as the caller sees values; what is hidden is the group of what is empty."""
    root = f"{one_of(probe.entity)}Aggregate"
    for one in known(probe):
        query = f"{{ {root}(groupBy: [{{ {one.name}: VALUE }}], first: 200) {{ groupCount groups {{ count key {{ {one.name} }} }} }} }}"
        found, values = (await probe.ask(query)).data[root], cells(probe, one)
        assert found["groupCount"] == len(set(values)), (probe.role, one.coordinate)
        for group in found["groups"]:
            key = group["key"][one.name]
            wanted = Decimal(key) if key is not None and "Number" in one.name else key
            assert group["count"] == values.count(wanted), (probe.role, one.coordinate, key)
    await alike(
        probe,
        unknown(probe),
        f"{{ {root}(groupBy: [«{{ NAME: VALUE }}»]) {{ groups {{ count }} }} }}",
        f"{{ {root} {{ groups {{ key {{ «NAME» }} }} }} }}",
    )


@channel("custom field aggregated", custom=True)
async def aggregated(probe: Probe) -> None:
    """Distinct counts, sums and extremes are of what is seen."""
    root, some = f"{one_of(probe.entity)}Aggregate", known(probe)
    if some:
        names, summed = " ".join(one.name for one in some), " ".join(one.name for one in numbers(some))
        query = f"{{ {root} {{ groups {{ countDistinct {{ {names} }} sum {{ {summed} }} max {{ {summed} }} }} }} }}"
        [group] = (await probe.ask(query)).data[root]["groups"]
        for one in some:
            there = [value for value in cells(probe, one) if value is not None]
            assert group["countDistinct"][one.name] == len(set(there)), (probe.role, one.coordinate)
            for word, pick in (("sum", sum), ("max", max)) if "Number" in one.name else ():
                shown = group[word][one.name]
                assert (shown and Decimal(shown)) == (pick(there) if there else None), (probe.role, one.coordinate)
    await alike(probe, unknown(probe), f"{{ {root} {{ groups {{ countDistinct {{ «NAME» }} }} }} }}")
    words = ("sum", "avg", "min", "max")
    queries = (f"{{ {root} {{ groups {{ {word} {{ «NAME» }} }} }} }}" for word in words)
    await alike(probe, numbers(unknown(probe)), *queries)


@channel("custom field in conditions and orders of groups", custom=True)
async def kept(probe: Probe) -> None:
    root = f"{one_of(probe.entity)}Aggregate"
    arguments = (
        "having: { max: { «NAME: { isNull: false }» } }",
        "having: { sum: { «NAME: { gt: 0 }» } }",
        "orderBy: [«{ avg: { NAME: ASC } }»]",
        "orderBy: [«{ min: { NAME: DESC } }»]",
    )
    for one in numbers(known(probe)):
        there = any(value is not None for value in cells(probe, one))
        for number, argument in enumerate(arguments):
            asked = re.sub("[«»]", "", argument).replace("NAME", one.name)
            answer = await probe.ask(f"{{ {root}({asked}) {{ groupCount }} }}")
            assert answer.data[root]["groupCount"] == (1 if there or number > 1 else 0), (probe.role, one.coordinate)
    queries = (f"{{ {root}({argument}) {{ groupCount }} }}" for argument in arguments)
    await alike(probe, numbers(unknown(probe)), *queries)


@channel("custom field searched", custom=True)
async def searched(probe: Probe) -> None:
    """A row is found by the words of the custom fields that are plain on it; each text names its own column."""
    if not probe.reached:
        return
    listed = many_of(probe.entity)
    query = f"query ($s: String) {{ {listed}(first: 200, search: $s) {{ totalCount edges {{ highlights {{ field text }} node {{ id }} }} }} }}"
    for one in (one for one in probe.own if "Text" in one.name):
        answer = await probe.ask(query, {"s": f"zq {one.column.replace('_', ' ')} zq"})
        if "errors" in answer.json:  # who sees no searched field, shipped or not
            assert answer.codes == ["PREDICATE_ACCESS_DENIED"], answer.body
            assert not any(value is not None for f in probe.own if "Text" in f.name for value in cells(probe, f))
            continue
        wanted = {probe.id_of(row) for row in probe.visible if cell(probe, one, row) is not None}
        found = answer.data[listed]
        assert found["totalCount"] == len(wanted), (probe.role, one.coordinate)
        for edge in found["edges"]:
            assert edge["node"]["id"] in wanted, (probe.role, one.coordinate)
            told = {h["field"] for h in edge["highlights"] if h["field"].startswith("x")}
            assert told <= {f.name for f in known(probe)}


@channel("custom field in the schema", custom=True)
async def shown(probe: Probe) -> None:
    """Each type has those that the caller knows, and no other; the inputs, those that are known or may be written."""
    sdl = await schema_of(probe.api, probe.role)
    some = known(probe)
    for parts, fields in ((_SCHEMA_PARTS, some), (_OF_NUMBERS, numbers(some))):
        for part in parts:
            made = sdl.type_map.get(f"{probe.entity}{part}")
            assert made is None or isinstance(made, GraphQLObjectType | GraphQLInputObjectType)
            names = {name for name in made.fields if re.match("x[A-Z]", name)} if made else set()
            assert names == {one.name for one in fields}, (probe.role, probe.entity, part)
    most = max((g.write for g in probe.matrix.lines(probe.role, probe.entity) if g.write is not None), default=-1)
    for verb in ("Create", "Update", "Upsert"):
        made = sdl.type_map.get(f"{verb}{probe.entity}Input")
        names = {name for name in made.fields if re.match("x[A-Z]", name)} if made else set()  # type: ignore[union-attr]
        assert names <= {one.name for one in probe.own if one.rank <= most}, (probe.role, probe.entity, verb)


@channel("custom field imported", custom=True)
async def imported(probe: Probe) -> None:
    """A mapping names the fields that whoever imports sees or may write; any other is no field to import."""
    if probe.caller.user is None:
        return
    email = probe.world.rows.tables["User"][probe.caller.user]["email"]
    database = Database(probe.api.url, 1)
    actor = await importing_actor(database, f"org_{probe.world.rows.organization.hex}", email)
    await database.dispose()
    most = max((g.write for g in probe.matrix.lines(probe.role, probe.entity) if g.write is not None), default=-1)
    for one in probe.own:
        told = []
        for name in (one.name, never([one])[one.name]):
            mapping = parse(
                f'source = "s"\n[[table]]\nentity = "{probe.entity}"\nfile = "f"\n[table.fields]\n{name} = "c"'
            )
            try:
                told.append(resolved(mapping, actor.policy).tables[0].fields[0].spec.label)
            except MappingInvalid as refused:
                told.append(refused.message.replace(f" {name}:", " NAME:"))
        if one in known(probe) or one.rank <= most:
            assert told[0] == one.name, (probe.role, one.coordinate)
        else:
            assert told[0] == told[1], (probe.role, one.coordinate)
            assert one.name not in told[0]
