"""Benchmarks: medians over the whole organisation that an entity declares, for callers who may not see each amount.

The one place where values beyond the caller's lens have a part in an answer, so there is no filter, no choice of
what it goes by, and nothing to subtract:

- it goes over the amounts alone that the caller does *not* see one by one: what they know, or have put there
  themselves, has no part in it and cannot be subtracted, nor move the median from one of the others to the next;
- a group with fewer than `FEWEST` of those is as if it were not there;
- the median is rounded to two significant digits and the number of records down to a multiple of `FEWEST`, so that one
  record more or less, asked before and after, shows in neither.
"""

from typing import TYPE_CHECKING

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import RESTRICTED
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.entity import Entity
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.reads.paging import MAX_SIZE
from crm_graph.plan.roots import benchmark_name, benchmark_type
from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.money import money_json
from crm_graph.plan.sql.rendering import json_array
from crm_graph.specs import Benchmark

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler

FEWEST = 5


def told(benchmark: Benchmark, lens: Lens | None, policy: Policy) -> bool:
    """Whether a caller with this policy, and this lens on the entity, is told the benchmark.

    Not if an organisation has raised what it measures above its declared level, or what it goes by above the caller;
    and not to one who looks with the eyes of another beside their own: what the two know differs.
    """
    if lens is None or policy.beside is not None:
        return False
    declared, measured = lens.entity.__specs__[benchmark.measure].read, lens.spec(benchmark.measure).read
    by = [lens.spec(name).read for name in benchmark.by]
    if declared is None or measured is None or measured.level > declared.level:
        return False
    needed = max(benchmark.level, *(read.level if read else RESTRICTED for read in by))
    return lens.band(measured.category).highest >= needed


def benchmark_sql(compiler: "Compiler", selected: Selected, entity: type[Entity], name: str) -> str | None:
    """SQL of a benchmark's JSON list; `None` where the caller is not told it, which is then a denial."""
    benchmark, alias = entity.__benchmarks__[name], compiler.alias()
    lens = open_lens(entity, compiler.policy, compiler.parameters, alias)
    if lens is None or not told(benchmark, lens, compiler.policy):
        compiler.deny(f"Query.{benchmark_name(entity, name)}", benchmark.level, selected.place)
        return None
    with compiler.page_of(MAX_SIZE):
        wanted = selected.on(benchmark_type(entity, name))
        compiler.answers(len(wanted))
        fields = [(one.key, _field(entity, name, one)) for one in wanted]
        return json_array(
            fields, f"FROM ({_groups(compiler, benchmark, lens)}) b ORDER BY {_order(benchmark)} LIMIT {MAX_SIZE}"
        )


def _groups(compiler: "Compiler", benchmark: Benchmark, lens: Lens) -> str:
    """The groups that are told, over all rows of the organisation: a lens of their own on the caller's alias."""
    everything = Policy(
        {lens.entity.__name__: (Grant(Rule.EVERYONE, RESTRICTED),)}, classification=compiler.policy.classification
    )
    whole = open_lens(lens.entity, everything, compiler.parameters, lens.alias)
    assert whole is not None
    value, unseen = whole.column(whole.spec(benchmark.measure)).sql, _unseen(benchmark, lens)
    keys = [f"{whole.column(whole.spec(n)).sql} AS {n}" for n in (*benchmark.by, "currency")]
    grouped = ", ".join(str(number) for number in range(1, len(keys) + 1))
    return (
        f"SELECT {', '.join(keys)}, percentile_disc(0.5) WITHIN GROUP (ORDER BY {value}) AS median, count(*) AS n"
        f" FROM {whole.source()}{lens.fence()} WHERE {whole.where()} AND {value} IS NOT NULL{unseen}"
        f" GROUP BY {grouped} HAVING count(*) >= {FEWEST}"
    )


def _unseen(benchmark: Benchmark, lens: Lens) -> str:
    """SQL ` AND …` that leaves the rows whose amount the caller does not see; empty for one who sees all or none."""
    column = lens.column(lens.spec(benchmark.measure))
    if column.sql is None:
        return ""
    if lens.visible == "TRUE" and not column.varies and column.sql == f"{lens.alias}.{benchmark.measure}":
        return ""  # who sees every amount has nothing to find out
    same = f"{column.sql} IS NOT DISTINCT FROM {lens.alias}.{benchmark.measure}"
    return f" AND NOT coalesce({lens.visible} AND {same}, FALSE)"


def _order(benchmark: Benchmark) -> str:
    return ", ".join(f'b.{name} COLLATE "C" NULLS LAST' for name in (*benchmark.by, "currency"))


def _field(entity: type[Entity], name: str, selected: Selected) -> str:
    if selected.name == "__typename":
        return f"'{benchmark_type(entity, name)}'::text"
    if selected.name == "atLeast":
        return f"b.n / {FEWEST} * {FEWEST}"
    if selected.name == "median":
        return money_json(selected.on("Money"), _ROUNDED, "b.currency")
    return next(f"b.{one}" for one in entity.__benchmarks__[name].by if entity.__specs__[one].graphql == selected.name)


_ROUNDED = "CASE WHEN b.median = 0 THEN 0 ELSE round(b.median, 1 - floor(log(abs(b.median)))::integer) END"
