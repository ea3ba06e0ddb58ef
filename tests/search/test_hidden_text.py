"""Hidden text has no influence: by level, by row, by an organisation's own levels, by category; and the index serves it."""

import json
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph import slots
from crm_graph.auth.classification import Classification, Levels
from crm_graph.auth.levels import CONFIDENTIAL, PUBLIC, RESTRICTED
from crm_graph.auth.policy import Policy, resolve
from crm_graph.entity import REGISTRY, table_of
from crm_graph.errors import PredicateAccessDenied
from crm_graph.plan.compile import Compiler
from crm_graph.plan.reads.search import indexed, searched
from crm_graph.plan.selection import Const, Place, Selected
from tests.fixtures.api import Api
from tests.search.world import change, customer, find, marked, names, user_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_clearance_differs_row_by_row(writable_api: Api, writable_demo_url: str) -> None:
    """A sales rep searches the notes of their own customers, not those of others."""
    rep = await user_id(writable_demo_url, writable_api.people["sales_rep"]["name"])
    await customer(writable_api, name="Mine Erlkönig", notes="Nebelschweif ahead", ownerId=rep)
    await customer(writable_api, name="Theirs Erlkönig", notes="Nebelschweif ahead")
    assert await names(writable_api, "sales_rep", "nebelschweif") == ["Mine Erlkönig"]
    assert (await find(writable_api, "sales_rep", "nebelschweif"))["totalCount"] == 1
    assert await names(writable_api, "sales_rep", "erlkonig nebelschweif") == ["Mine Erlkönig"]
    assert sorted(await names(writable_api, "sales_rep", "erlkonig")) == ["Mine Erlkönig", "Theirs Erlkönig"]
    assert len(await names(writable_api, "administrator", "nebelschweif")) == 2
    shown = marked(await find(writable_api, "sales_rep", "nebelschweif"))
    assert shown == {"notes": "<mark>Nebelschweif</mark> ahead"}


async def test_a_masked_text_is_not_searched(writable_api: Api) -> None:
    await customer(writable_api, name="Masked", email="ziegenpeter@masked.example", phone="+49 30 998877")
    for asked in ("ziegenpeter", "masked.example", "998877", "z", "77"):
        assert "Masked" not in await names(writable_api, "sales_rep", f"{asked}"), asked
    assert await names(writable_api, "service_agent", "ziegenpeter") == ["Masked"]


def sql_of(policy: Policy, **arguments: Any) -> str:
    """The statement of a search of customers with rank and highlights."""
    place = Place(("customers",), 1, 1)
    inner = (Selected("field", "field", place), Selected("text", "text", place))
    edge = (Selected("rank", "rank", place), Selected("highlights", "highlights", place, on=lambda _: inner))
    edges = (Selected("edges", "edges", place, on=lambda _: edge), Selected("totalCount", "totalCount", place))
    given_ = {"search": Const("word"), **arguments}
    root = Selected("customers", "customers", place, given_, on=lambda _: edges)
    return Compiler(policy, b"secret", 10_000).query([root]).sql


def parts_read(sql: str) -> set[str]:
    """The vectors and texts read outside of the index's condition, which names all."""
    for alias in ("t1", "t2", "t3"):
        sql = sql.replace(indexed(REGISTRY["Customer"], alias), "")
    return {s.name for s in searched(REGISTRY["Customer"]) if f".{s.vector}" in sql or f".{s.name}," in sql}


async def test_an_organisations_level_counts_at_once() -> None:
    """Nothing is rebuilt: each field has a vector of its own."""
    agent = resolve(frozenset({"service_agent"}))
    before = parts_read(sql_of(agent))
    assert {"notes", "email", "name"} <= before
    assert not {"risk_note", "tax_number"} & before
    stricter = Classification({"Customer.notes": Levels(RESTRICTED, RESTRICTED)}, key="stricter")
    assert parts_read(sql_of(Policy(agent.grants, "s", stricter))) == before - {"notes"}
    looser = Classification({"Customer.riskNote": Levels(PUBLIC, None)}, key="looser")
    assert parts_read(sql_of(Policy(agent.grants, "l", looser))) == before | {"risk_note"}
    everything = {f"Customer.{s.graphql}": Levels(CONFIDENTIAL, None) for s in searched(REGISTRY["Customer"])}
    with pytest.raises(PredicateAccessDenied) as refused:
        sql_of(Policy(agent.grants, "e", Classification(everything, key="e")))
    assert refused.value.extensions["requires"] == "CONFIDENTIAL"


WORDS = st.lists(
    st.sampled_from(["alpha", "beta", "gamma", "delta", "be", "alphabet", "Änna", "|", "!", "&", "'"]), max_size=6
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def twin(writable_api: Api) -> str:
    return await customer(writable_api, name="Twin Vogelbeere", city="Zwilling")


@given(visible=WORDS, hidden=WORDS, other=WORDS, asked=WORDS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_two_hidden_texts_one_answer(
    writable_api: Api, twin: str, visible: list[str], hidden: list[str], other: list[str], asked: list[str]
) -> None:
    """What a caller may not see changes no byte: not who matches, nor rank, highlights, count or order."""
    question = " ".join([*asked, "vogelbeere"[: 4 + len(asked)]])
    answers = []
    for text in (hidden, other, [*asked, "vogelbeere"]):
        await change(
            writable_api,
            twin,
            industry=" ".join(visible) or None,
            notes=" ".join(text) or None,
            riskNote=" ".join(text) or None,
            taxNumber=" ".join(text) or None,
        )
        answers.append(json.dumps(await find(writable_api, "sales_rep", question)))
    assert len(set(answers)) == 1


async def test_the_comparison_can_fail(writable_api: Api, twin: str) -> None:
    await change(writable_api, twin, notes="sichtbar")
    assert len(await names(writable_api, "administrator", "vogelbeere sichtbar")) == 1
    assert await names(writable_api, "sales_rep", "vogelbeere sichtbar") == []


async def test_the_index_serves_a_search(api: Api, demo_url: str) -> None:
    """For a caller who sees all rows alike, and for one whose clearance differs by row."""
    connection = await asyncpg.connect(demo_url)
    try:
        organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        for persona in ("administrator", "sales_rep", "partner_rep"):
            answer = await api.as_(persona)('{ customers(first: 5, search: "alpenglas") { nodes { name } } }')
            assert answer.data["customers"]["nodes"] is not None
            [sql] = answer.sql
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            prepared = f"PREPARE asked AS {sql}"
            await connection.execute(prepared)
            types = await connection.fetchval(
                "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'asked'"
            )
            given_ = {"uuid": f"'{organization}'", "text": "'alpenglas'", "uuid[]": "'{}'"}
            plan = await connection.fetch(f"EXPLAIN EXECUTE asked({', '.join(given_[t] for t in types)})")
            assert any("ix_customers_search" in line[0] for line in plan), (persona, plan)
            await connection.execute("DEALLOCATE asked")
    finally:
        await connection.close()


async def test_every_searched_field_has_its_vector_and_no_history_has_one() -> None:
    for entity in REGISTRY.values():
        columns = table_of(entity).columns
        own = slots.vectors() if entity.__custom__ else ()
        assert {s.vector for s in searched(entity)} | {*own} == {c.name for c in columns if c.name.endswith("_search")}
        assert not [c.name for c in entity.__history__.columns if c.name.endswith("_search")]
