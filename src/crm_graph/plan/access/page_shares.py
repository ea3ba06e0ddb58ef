"""The shares of a page, gathered at once.

To probe the shares of each row is most of what row-by-row access costs a page. Where the ids of its rows are told by
an index alone, one scan gathers the shares that reach the caller, and each row looks among those few.
"""

import re

from crm_graph.auth.levels import Level
from crm_graph.auth.rows import ActorValue, Bind, shares, singular
from crm_graph.entity import table_name, table_of
from crm_graph.plan.access.lens import Lens


def gathered(table: str, ids: str, organization: str, bind: Bind) -> str:
    """SQL of `id`, `clearance` of the shares that reach the caller now, of the table's rows among `ids` (an array).

    `IS TRUE` leaves the grantees to what the index holds beside its keys: their array would be searched for each id.
    """
    probed, sh = shares(table)
    return (
        f"SELECT {sh}.{singular(table)}_id AS id, {sh}.clearance FROM {probed} {sh}"
        f" WHERE {sh}.organization_id = {organization} AND {sh}.{singular(table)}_id = ANY({ids})"
        f" AND ({sh}.grantee_id = ANY({bind(ActorValue.GRANTEES)})) IS TRUE"
        f" AND {sh}.valid_from <= now() AND {sh}.valid_until > now()"
    )


def among(name: str, alias: str, most: Level) -> str:
    """SQL of the highest level that the gathered shares give on the row, capped; null where there is none.

    As `rows.share_clearance`, of the shares in the common table `name`.
    """
    highest = f"SELECT max(least({most.value}, s.clearance)) FROM {name} s WHERE s.id = {alias}.id"
    return f"CASE WHEN {alias}.id = ANY(ARRAY(SELECT s.id FROM {name} s)) THEN ({highest}) END"


def gather(lens: Lens, ids: str) -> None:
    """Gather the shares of the rows among `ids`, SQL of an array that has all rows to be read, if shares count.

    For a lens of which no clearance was asked yet, all of whose rows the caller sees; `page` reads it.
    """
    assert not lens.asked
    assert lens.visible == "TRUE"
    of_shares = next((rule.gathered for rule in lens.rules if rule.gathered), None)
    lens.shares = of_shares(ids) if of_shares else ""


def page(lens: Lens, rest: str, by: str, shown: str) -> str:
    """FROM … ORDER BY of the rows that `rest` (WHERE … LIMIT) leaves, with the clearances that were asked for.

    A sub-select with a limit needs no other fence; it hands on the columns that `shown`, SQL over them, is made of.
    """
    if not lens.asked:
        return f"FROM {lens.source()} {rest}"
    named = set(re.findall(rf"\b{lens.alias}\.(\w+)", f"{shown} {by}"))
    columns = ", ".join(f"{lens.alias}.{c.name}" for c in table_of(lens.entity).c if c.name in named)
    known = f"WITH {lens.alias}s AS MATERIALIZED ({lens.shares})"
    rows = f"SELECT {columns}, {lens.clearances()} FROM {table_name(lens.entity)} {lens.alias} {rest}"
    return f"FROM ({known} {rows}) {lens.alias} ORDER BY {by}"
