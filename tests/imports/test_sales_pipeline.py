"""The mapping in examples/ imports the real data set, spelling mistakes and all."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm_graph.auth import api_keys
from tests.conftest import ROOT
from tests.fixtures.api import running

from .conftest import Importing

FILES = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")
EXAMPLE = ROOT / "examples" / "sales-pipeline.toml"


async def test_the_real_export(importing: Importing, shared_data: Callable[[str], Path]) -> None:
    files = [shared_data("crm-sales-opportunities") / name for name in FILES]
    result = await importing.run(EXAMPLE, files)
    assert {name: dict(counts) for name, counts in result.counts.items()} == {
        "Pipeline from the mapping": {"created": 1},
        "Stage from the mapping": {"created": 4},
        "Team from sales_teams.csv": {"created": 3 + 6},
        "User from sales_teams.csv": {"created": 6 + 35},
        "Product from products.csv": {"created": 7},
        "Customer from accounts.csv": {"created": 85},
        "Opportunity from sales_pipeline.csv": {"created": 8_800},
    }
    won = await importing.fetch(
        "SELECT s.name, o.status, count(*), sum(o.amount) FROM opportunities o JOIN stages s ON s.id = o.stage_id"
        " WHERE o.organization_id = $1 GROUP BY 1, 2 ORDER BY 1"
    )
    assert [(r["name"], r["status"], r["count"]) for r in won] == [
        ("Engaging", "OPEN", 1_589),
        ("Lost", "LOST", 2_473),
        ("Prospecting", "OPEN", 500),
        ("Won", "WON", 4_238),
    ]
    assert won[-1]["sum"] == Decimal(10_005_534)
    [row] = await importing.fetch(
        "SELECT count(*) FROM opportunities WHERE organization_id = $1 AND customer_id IS NULL"
    )
    assert row["count"] == 1_425
    [row] = await importing.fetch(
        "SELECT count(*) FROM opportunities o JOIN products p ON p.id = o.product_id"
        " WHERE o.organization_id = $1 AND p.name = 'GTX Pro'"
    )
    assert row["count"] == 1_480
    [acme] = await importing.fetch(
        "SELECT industry, country, annual_revenue, currency FROM customers"
        " WHERE organization_id = $1 AND name = 'Acme Corporation'"
    )
    assert acme == {"industry": "technology", "country": "US", "annual_revenue": Decimal(1100040000), "currency": "USD"}
    [row] = await importing.fetch("SELECT count(*) FROM customers WHERE organization_id = $1 AND parent_id IS NOT NULL")
    assert row["count"] == 15
    entered = await importing.fetch(
        "SELECT count(*) FROM opportunities WHERE organization_id = $1 AND entered_stage_at IS NOT DISTINCT FROM"
        " (coalesce(close_on, engaged_on)::timestamp AT TIME ZONE 'UTC')"
    )
    assert entered == [{"count": 8_800}]
    again = await importing.run(EXAMPLE, files)
    assert again.total == {"unchanged": 8_947}
    await _compare(importing, files[0].parent)


async def test_without_its_value_map_the_misspelt_product_is_refused(
    importing: Importing, shared_data: Callable[[str], Path]
) -> None:
    files = [shared_data("crm-sales-opportunities") / name for name in FILES]
    text = EXAMPLE.read_text(encoding="utf-8")
    result = await importing.run(text.replace('GTXPro = "GTX Pro"', ""), files, dry=True)
    assert result.counts["Opportunity from sales_pipeline.csv"] == {"created": 7_320, "refused": 1_480}
    assert set(importing.faults("Opportunity")) == {("REFERENCE_NOT_FOUND", "product", "GTXPro")}
    nearest = next(line.faults[0].candidates for line in importing.lines["Opportunity"] if line.faults)
    assert [c.value for c in nearest] == ["GTX Pro", "GTX Plus Pro"]
    assert await importing.count("opportunities") == 0


Key = tuple[str, ...]


@dataclass
class Sold:
    """What came of the sales of one group."""

    won: int = 0
    lost: int = 0
    value: Decimal = Decimal(0)

    @property
    def rate(self) -> Decimal:
        return Decimal(self.won) / (self.won + self.lost)


def _quarter(day: dt.date) -> str:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1).isoformat()


def _sales(folder: Path) -> list[dict[str, str]]:
    """The closed sales as the file has them, with the quarter they closed in; nothing of the importer is used."""
    with (folder / "sales_pipeline.csv").open(encoding="utf-8") as file:
        closed = [row for row in csv.DictReader(file) if row["deal_stage"] in ("Won", "Lost")]
    for row in closed:
        row["quarter"] = _quarter(dt.datetime.strptime(row["close_date"], "%m/%d/%Y").date())  # noqa: DTZ007
        row["product"] = {"GTXPro": "GTX Pro"}.get(row["product"], row["product"])
    return closed


def _counted(rows: Iterable[dict[str, str]], *by: str) -> dict[Key, Sold]:
    found: dict[Key, Sold] = defaultdict(Sold)
    for row in rows:
        group = found[tuple(row[column] for column in by)]
        if row["deal_stage"] == "Won":
            group.won += 1
            group.value += Decimal(row["close_value"])
        else:
            group.lost += 1
    return dict(found)


_AGENT, _PRODUCT, _QUARTER = "{ owner: VALUE }", "{ product: VALUE }", "{ closeOn: QUARTER }"


async def _asked(ask: Any, by: tuple[str, ...], names: dict[str, str], where: str = "") -> dict[Key, Sold]:
    """The same by GraphQL: groups and their status, in one query and one statement."""
    answer = await ask(
        "{ opportunityAggregate(first: 200, filter: { status: { in: [WON, LOST] } WHERE }"
        " groupBy: [{ status: VALUE } BY]) { groupCount groups {"
        " key { status owner { id } product { id } closeOn } count sum { amount { amount currency } } } } }".replace(
            "WHERE", where
        ).replace("BY", " ".join(by))
    )
    assert len(answer.sql) == 1
    found: dict[Key, Sold] = defaultdict(Sold)
    aggregation = answer.data["opportunityAggregate"]
    assert aggregation["groupCount"] == len(aggregation["groups"])
    for group in aggregation["groups"]:
        key = group["key"]
        parts = {
            _AGENT: key["owner"] and names[key["owner"]["id"]],
            _PRODUCT: key["product"] and names[key["product"]["id"]],
            _QUARTER: key["closeOn"],
        }
        one = found[tuple(parts[part] for part in by)]
        if key["status"] == "WON":
            [money] = group["sum"]["amount"]
            assert money["currency"] == "USD"
            one.won, one.value = group["count"], Decimal(money["amount"])
        else:
            one.lost = group["count"]
    return dict(found)


async def _compare(importing: Importing, folder: Path) -> None:
    """Won value and win rate per agent, product and quarter, as the API tells them and as the files have them."""
    closed = _sales(folder)
    assert Counter(row["deal_stage"] for row in closed) == {"Won": 4_238, "Lost": 2_473}
    people = await importing.fetch("SELECT id, name, external_id FROM users WHERE organization_id = $1")
    products = await importing.fetch("SELECT id, name FROM products WHERE organization_id = $1")
    names = {f"usr_{p['id'].hex}": p["name"] for p in people} | {f"prd_{p['id'].hex}": p["name"] for p in products}
    personas = []
    async with importing.database.transaction(importing.actor.organization_id, None, "test") as tx:
        for key, person in (("manager", "manager:Dustin Brinkmann"), ("agent", "agent:Moses Frase")):
            [user] = [p["id"] for p in people if p["external_id"] == person]
            token = await api_keys.create(tx, importing.actor.organization_id, user, name="Test", days=1)
            assert token is not None
            personas.append({"key": key, "token": token})
    async with running(importing.url, folder, personas) as api:
        manager = api.as_("manager")
        for by, columns in (
            ((_AGENT,), ("sales_agent",)),
            ((_PRODUCT,), ("product",)),
            ((_QUARTER,), ("quarter",)),
            ((_PRODUCT, _QUARTER), ("product", "quarter")),
        ):
            told, counted = await _asked(manager, by, names), _counted(closed, *columns)
            assert told == counted
            assert {key: one.rate for key, one in told.items()} == {key: one.rate for key, one in counted.items()}
        for product in products:  # all three together are more groups than one answer has
            for quarter in sorted({row["quarter"] for row in closed}):
                chosen = [r for r in closed if r["product"] == product["name"] and r["quarter"] == quarter]
                where = f'product: {{ name: {{ eq: "{product["name"]}" }} }} closeOn: {{ between: {_days(quarter)} }}'
                assert await _asked(manager, (_AGENT,), names, where) == _counted(chosen, "sales_agent")
        own = [row for row in closed if row["sales_agent"] == "Moses Frase"]  # the file names agents, and no teams
        assert await _asked(api.as_("agent"), (_AGENT,), names) == _counted(own, "sales_agent")


def _days(quarter: str) -> str:
    begin = dt.date.fromisoformat(quarter)
    after = (begin.replace(day=28) + dt.timedelta(days=70)).replace(day=1)
    return f'{{ from: "{begin}", to: "{after - dt.timedelta(days=1)}" }}'
