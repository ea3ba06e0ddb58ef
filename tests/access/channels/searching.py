"""Full-text search: which rows match, and what is highlighted in them."""

import re

from crm_graph.entity import REGISTRY
from tests.access.asking import many_of
from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import Row


@channel("search")
async def searched(probe: Probe) -> None:
    """A row matches by the words of fields that are plain on it, and by no others; whoever sees none is refused."""
    entity = REGISTRY[probe.entity]
    chosen = [one for one in probe.fields if not one.to and (spec := entity.__specs__.get(one.column)) and spec.search]
    if not chosen or not probe.reached:
        return
    listed = many_of(probe.entity)
    query = f"query ($s: String) {{ {listed}(first: 200, search: $s) {{ totalCount edges {{ rank highlights {{ field text }} node {{ id }} }} }} }}"
    texts = ["zq", *(f"zq {one.column.replace('_', ' ')}" for one in chosen)]
    rows = {probe.id_of(row): row for row in probe.visible}
    for text in texts:
        answer = await probe.ask(query, {"s": text})
        if "errors" in answer.json:
            assert answer.codes == ["PREDICATE_ACCESS_DENIED"], answer.body
            assert all(
                probe.world.rows.shows(probe.caller, one, row) != "plain" for one in chosen for row in probe.visible
            )
            assert not answer.sql
            continue
        wanted = set(text.split())

        def plain(row: Row) -> dict[str, str]:
            return {
                one.name: str(row[one.column]).lower()
                for one in chosen
                if row[one.column] is not None and probe.world.rows.shows(probe.caller, one, row) == "plain"
            }

        matching = {
            key for key, row in rows.items() if wanted <= set(re.findall("[a-z0-9]+", " ".join(plain(row).values())))
        }
        found = answer.data[listed]
        assert found["totalCount"] == len(matching), (probe.role, probe.entity, text)
        for edge in found["edges"]:
            assert edge["node"]["id"] in matching, (probe.role, probe.entity, text)
            assert {h["field"] for h in edge["highlights"]} <= set(plain(rows[edge["node"]["id"]]))


@channel("suggestArticles")
async def suggested_articles(probe: Probe) -> None:
    """Of articles that are published, those are suggested that the role may read, whatever is being written."""
    if probe.entity != "KnowledgeArticle" or not probe.reached:
        return
    rows = probe.world.rows.tables["KnowledgeArticle"].values()
    visible = {probe.id_of(row) for row in probe.visible if row["published_to"] is not None}
    text = " ".join(str(row["title"]) for row in rows)
    answer = await probe.ask(
        "query ($t: String) { suggestArticles(text: $t, first: 20) { articleId title } }", {"t": text}
    )
    found = {one["articleId"] for one in answer.data["suggestArticles"]}
    assert found == visible, probe.role
