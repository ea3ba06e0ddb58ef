"""What docs/service.md shows can be sent as it stands, by whom it says."""

import re

import pytest

from tests.conftest import ROOT
from tests.resolvers.tickets.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```graphql\n# as (\w+)\n(.*?)```", TEXT, re.DOTALL)


async def test_the_guide_runs(world: World) -> None:
    assert len(BLOCKS) == TEXT.count("```graphql") >= 8
    values = {"ticket": (await world.opened())["id"], "me": f"usr_{world.agent['id'].hex}"}
    for persona, query in BLOCKS:
        given = {name: values[name] for name in re.findall(r"\$(\w+):", query)}
        data = (await world.api.as_(persona)(query, given)).data
        assert not [one for one in data.values() if isinstance(one, dict) and one.get("userErrors")], query
    [own] = [query for _, query in BLOCKS if "query MyTickets" in query]
    shown = (await world.api.as_("customer")(own)).data["tickets"]
    assert shown["nodes"][0]["subject"] == "The display is dark"


async def test_the_guide_names_events_that_happen(world: World) -> None:
    source = "".join(
        path.read_text("utf-8")
        for room in ("tickets", "mails")
        for path in (ROOT / "src/crm_graph/resolvers" / room).glob("*.py")
    )
    sent = set(re.findall(r'"((?:ticket|ticket_message)\.\w+)"', source)) - {
        "ticket.unconfirmed", "ticket.unanswered_complaint",
    }  # fmt: skip
    said = TEXT.split("## Events")[1]
    assert {one.partition(".")[2] for one in sent} == set(re.findall(r"\.(\w+)`", said))
