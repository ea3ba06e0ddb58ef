"""Counting through the lens: the rows a caller sees as sets, without looking at each row of the table.

For whoever counts, groups or sums: `Compiler.many` opens a lens as a set. It has the same rows and columns as any lens
(`where()`, `column()`, `source()`); `total` counts its rows, and needs no table where the rules' own sets say it all.
"""

from crm_graph.auth.levels import Level
from crm_graph.auth.rows import Rule, shared_ids
from crm_graph.entity import table_name
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.sql.parameters import Parameters


def total(lens: Lens, parameters: Parameters, condition: str, seen_by: str | None = None) -> str:
    """SQL of how many rows of a lens that is a set there are, under a condition (` AND …` or empty).

    `seen_by` must hold as well, and holds only on rows that the caller sees: that is not asked again then.
    """
    found = None if condition or seen_by or not lens.sparse else ids(lens, parameters)
    if found:
        return f"(SELECT count(DISTINCT s.id) FROM ({found}) s)"
    where = lens.where()
    if seen_by:
        parameters.reaches(table_name(lens.entity), lens.alias, seen_by)
        where = f"{lens.bound()} AND {seen_by}"
    return f"(SELECT count(*) FROM {lens.source()} WHERE {where}{condition})"


def ids(
    lens: Lens, parameters: Parameters, least: int = Level.PUBLIC, under: int | None = None, *, parts: bool = False
) -> str | None:
    """SQL of the ids of the rows that rules clear from one level to under another; a row may come more than once.

    Rows that another rule clears higher are among them. Empty where there is no such rule, `None` where there is one
    whose rows are not known by themselves: as those of parts are, unless they are asked for, by their wholes'.
    """
    found = []
    for reached in lens.rules:
        if reached.highest < least or (under is not None and reached.lowest >= under):
            continue
        if reached.rule is Rule.SHARED:
            most = under if under is not None and reached.highest >= under else None
            of_shares = shared_ids(table_name(lens.entity), lens.organization, parameters.actor, least, most)
            found.append(f"SELECT sh.id FROM ({of_shares}) sh(id)")
        elif reached.rule in (Rule.OWN, Rule.TEAM, Rule.SELF, Rule.PARTNER):
            parameters.reaches(table_name(lens.entity), lens.alias, reached.sql)  # what one rule shows, the lens shows
            found.append(f"SELECT {lens.alias}.id FROM {lens.source()} WHERE {lens.bound()} AND {reached.sql}")
        elif parts and reached.ids is not None:
            some = reached.ids(least, under)
            if some is None:
                return None
            found += [some] if some else []
        else:
            return None
    return " UNION ALL ".join(found)
