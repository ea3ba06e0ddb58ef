"""Introspection over HTTP, beside other fields and alone."""

import threading

import pytest
from tests.fixtures.api import Api

from crm_graph.graph import reading

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIDDEN = "query ($f: TicketFilter) { tickets(filter: $f) { totalCount } __schema { queryType { name } } }"


async def test_variables_of_hidden_types_stay_with_the_fields_that_use_them(api: Api) -> None:
    answer = (await api.as_("storefront")(HIDDEN, {"f": {}})).json
    assert answer["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert "tickets" in answer["data"]
    assert "TicketFilter" not in str(answer.get("errors"))


async def test_variables_in_fragments_of_introspection_are_kept(api: Api) -> None:
    text = (
        "query ($n: String!, $d: Boolean!, $on: Boolean!) { __typename ...Q @include(if: $on) }"
        " fragment Q on Query { __type(name: $n) { ...T } }"
        " fragment T on __Type { name fields(includeDeprecated: $d) { name } }"
    )
    ask = api.as_("administrator")
    found = (await ask(text, {"n": "Stage", "d": True, "on": True})).data
    assert (found["__typename"], found["__type"]["name"]) == ("Query", "Stage")
    assert found["__type"]["fields"]
    assert (await ask(text, {"n": "Stage", "d": True, "on": False})).data == {"__typename": "Query"}


async def test_answers_are_made_in_a_thread_once_for_each_caller_and_variables(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    original = reading.execute_sync

    def execute(*arguments: object, **options: object) -> object:
        made.append(threading.current_thread() is threading.main_thread())
        return original(*arguments, **options)

    monkeypatch.setattr(reading, "execute_sync", execute)
    text = "query ($once: String!) { __type(name: $once) { name } }"
    for persona, name, count in (
        ("administrator", "Ticket", 1),
        ("administrator", "Ticket", 1),
        ("administrator", "Order", 2),
        ("storefront", "Ticket", 3),
        ("storefront", "Ticket", 3),
    ):
        found = (await api.as_(persona)(text, {"once": name})).data["__type"]
        assert found == (None if persona == "storefront" else {"name": name})
        assert len(made) == count
    assert made == [False] * 3
