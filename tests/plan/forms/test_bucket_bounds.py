"""What a bound says of amounts that show as the end of their range is what their masks, compared with it, say."""

import asyncpg
import pytest

from crm_graph.entity import REGISTRY
from crm_graph.plan.access.lens import Column
from crm_graph.plan.reads.set_conditions import amount

_ENDS = (0, 1000, 5000, 10000, 50000, 100000, 500000, 1000000)
_NEAR = "SELECT sign * (e + d) FROM unnest($1::numeric[]) e, unnest('{-0.01,0,0.01,400}'::numeric[]) d, (VALUES (1), (-1)) s(sign)"


@pytest.mark.parametrize("whole", ["FALSE", "(w.whole)"])
@pytest.mark.parametrize("sign", [">", ">=", "<", "<="])
async def test_at_every_end_and_beside_it(sign: str, whole: str, database_url: str) -> None:
    column = Column(REGISTRY["Customer"].__specs__["credit_limit"], "", stored="v.value")
    told = amount(column, sign, "b.bound", whole)
    shown = (
        "CASE WHEN w.whole THEN v.value ELSE crm_mask_bucket(v.value) END"
        if "w" in whole
        else "crm_mask_bucket(v.value)"
    )
    connection = await asyncpg.connect(database_url)
    try:
        wrong = await connection.fetch(
            f"SELECT w.whole, v.value, b.bound FROM ({_NEAR}) v(value), ({_NEAR}) b(bound), (VALUES (TRUE), (FALSE), (NULL)) w(whole)"
            f" WHERE coalesce({told}, FALSE) <> coalesce({shown} {sign} b.bound, FALSE)",
            list(_ENDS),
        )
    finally:
        await connection.close()
    assert wrong == []
