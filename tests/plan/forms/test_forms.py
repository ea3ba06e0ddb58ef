"""One meaning, several forms: whatever form the compiler chooses answers the bytes of the naive one."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph import resolvers, schema  # noqa: F401 - they fill the registries
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import INTERNAL, PUBLIC
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.errors import CrmError
from crm_graph.graph import types
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.plan.compile import Compiler
from crm_graph.plan.reads import branches, known_page
from tests.plan.forms.generated import Drawn, actors, counts, lists, ranged, sums
from tests.plan.forms.world import ORGANIZATION, made, plant

Ask = Callable[[str, Actor, bool], bytes | str]


@pytest.fixture(scope="module")
def ask(module_database_url: str) -> Iterator[Ask]:
    """The answer to an operation, in naive form or not; the code of the refusal where it is refused."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(plant(module_database_url))
    connection: Any = loop.run_until_complete(
        asyncpg.connect(module_database_url, server_settings={"TimeZone": "UTC", "jit": "off"})
    )
    documents = Documents(types.full_schema(), Limits())

    def answer(query: str, actor: Actor, naive: bool) -> bytes | str:
        operation = loop.run_until_complete(documents.operation(query, None))
        shape, leaves = operation.read({})
        try:
            statement = Compiler(actor.policy, b"secret", 10_000, naive=naive).query(operation.roots(shape))
        except CrmError as error:
            return error.code
        arguments = [source(leaves, actor) for source in statement.sources]
        value = loop.run_until_complete(connection.fetchval(statement.sql, *arguments)) if statement.sql else None
        return statement.response(value.encode() if value else None)

    yield answer
    loop.run_until_complete(connection.close())
    loop.close()


def turned(answer: bytes | str) -> str | None:
    """The cursor from which the next page in either direction goes on."""
    found = json.loads(answer) if isinstance(answer, bytes) else {}
    info = ((found.get("data") or {}).get("customers") or {}).get("pageInfo") or {}
    return (
        info.get("startCursor")
        if info.get("hasPreviousPage") and not info.get("hasNextPage")
        else info.get("endCursor")
    )


@given(actor=actors(), drawn=lists, few=st.sampled_from((0, 3, branches.FEW)))
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_form_answers_as_the_naive_one(ask: Ask, actor: Actor, drawn: Drawn, few: int) -> None:
    """`few` decides which of two ways a statement goes; with so little data all would go one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branches, "FEW", few)
        patch.setattr(known_page, "FEW", 0)
        _walk(ask, actor, drawn)


def _walk(ask: Ask, actor: Actor, drawn: Drawn) -> None:
    """The first pages of the list, in one direction or the other."""
    cursor = None
    for _ in range(3):
        query = drawn.page(cursor)
        naive = ask(query, actor, True)
        assert ask(query, actor, False) == naive, query
        cursor = turned(naive)
        if cursor is None:
            break


@given(actor=actors(), drawn=ranged, few=st.sampled_from((0, 3, branches.FEW)))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_lists_under_a_range_answer_as_in_the_naive_form(ask: Ask, actor: Actor, drawn: Drawn, few: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branches, "FEW", few)
        _walk(ask, actor, drawn)


@given(actor=actors(), query=sums)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_sums_answer_as_in_the_naive_form(ask: Ask, actor: Actor, query: str) -> None:
    assert ask(query, actor, False) == ask(query, actor, True), query


@given(actor=actors(), query=counts)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_counts_answer_as_in_the_naive_form(ask: Ask, actor: Actor, query: str) -> None:
    assert ask(query, actor, False) == ask(query, actor, True), query


@pytest.mark.parametrize("way", ["ASC_NULLS_FIRST", "DESC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_LAST"])
def test_a_page_that_starts_among_the_rows_that_hide_the_key_goes_on_into_the_others(ask: Ask, way: str) -> None:
    """`updatedAt` is never empty, and yet has no value on some rows of whoever may not see it there."""
    grants = {"Customer": (Grant(Rule.OWN, PUBLIC), Grant(Rule.TEAM, INTERNAL))}
    actor = Actor(
        ORGANIZATION,
        ActorKind.STAFF,
        Policy(grants, key="own and team"),
        user_id=made("user", 0),
        team_ids=(made("team", 0), made("team", 1)),
    )
    cursor, seen = "", []
    while True:
        query = f"{{ customers(first: 2{cursor} orderBy: [{{ updatedAt: {way} }}]) {{ edges {{ node {{ id updatedAt }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        answer = ask(query, actor, False)
        assert answer == ask(query, actor, True)
        page = json.loads(answer)["data"]["customers"]
        seen += [edge["node"]["updatedAt"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        cursor = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert None in seen
    assert any(seen)
