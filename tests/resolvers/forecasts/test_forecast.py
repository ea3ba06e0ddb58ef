"""Forecasts over HTTP, held against figures made by hand from the rows that a caller sees."""

import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.session import Database
from crm_graph.jobs import due
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

START, END = dt.date(2026, 1, 1), dt.date(2027, 12, 31)
LINE = """ownerId teamId productId partnerId name period currency opportunities won commit bestCase pipeline weighted
 commitForecast bestCaseForecast quota attainment"""
QUERY = f"""query F($start: Date!, $end: Date!, $by: [ForecastBy!], $team: ID, $rollUp: Boolean! = false) {{
  forecast(start: $start, end: $end, by: $by, team: $team, rollUp: $rollUp) {{ {LINE} }} }}"""
ZERO = Decimal(0)


class World:
    def __init__(self, api: Api, admin: Any, url: str) -> None:
        self.api, self.admin, self.url = api, admin, url

    async def load(self) -> None:
        self.organization = await self.admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        categories = (
            "(ARRAY['COMMIT', 'BEST_CASE', 'PIPELINE', 'PIPELINE', 'OMITTED'])[1 + abs(hashtext(id::text)) % 5]"
        )
        await self.admin.execute(f"UPDATE opportunities SET forecast_category = {categories}")

    async def ask(self, persona: str, **variables: object) -> list[dict[str, Any]]:
        given = {"start": START.isoformat(), "end": END.isoformat(), **variables}
        found: list[dict[str, Any]] = (await self.api.as_(persona)(QUERY, given)).data["forecast"]
        return found

    async def seen_by(self, persona: str) -> set[UUID]:
        """The opportunities that the API lists to somebody with their amount."""
        query = """query L($after: String) { opportunities(first: 200, after: $after) {
          nodes { id amount { amount } closeOn } pageInfo { hasNextPage endCursor } } }"""
        found, after = set[UUID](), None
        while True:
            page = (await self.api.as_(persona)(query, {"after": after})).data["opportunities"]
            found |= {UUID(n["id"].partition("_")[2]) for n in page["nodes"] if n["amount"] and n["closeOn"]}
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    async def parts(self) -> list[Any]:
        """The rows by who sells: of a sale that is shared, one for each with their part of it."""
        sql = "SELECT opportunity_id, user_id, percent FROM opportunity_splits WHERE organization_id = $1"
        splits = defaultdict[UUID, list[Any]](list)
        for one in await self.admin.fetch(sql, self.organization):
            splits[one["opportunity_id"]].append(one)
        assert splits
        return [
            {**row, "owner_id": user, "amount": row["amount"] * percent / 100}
            for row in await self.rows()
            for user, percent in [(s["user_id"], s["percent"]) for s in splits[row["id"]]] or [(row["owner_id"], 100)]
        ]

    async def rows(self) -> list[Any]:
        sql = "SELECT * FROM opportunities WHERE organization_id = $1 AND close_on BETWEEN $2 AND $3 AND amount IS NOT NULL"
        found: list[Any] = await self.admin.fetch(sql, self.organization, START, END)
        return found


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def reckoned(rows: Iterable[Any], key: Any) -> dict[Any, dict[str, Decimal]]:
    """The same figures by plain Python: an oracle that knows nothing of the statement."""
    found: dict[Any, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for row in rows:
        if row["status"] not in ("OPEN", "WON") or (row["status"] == "OPEN" and row["forecast_category"] == "OMITTED"):
            continue
        line = found[key(row), row["currency"]]
        line["opportunities"] += 1
        if row["status"] == "WON":
            line["won"] += row["amount"]
            line["weighted"] += row["amount"]
        else:
            line[{"COMMIT": "commit", "BEST_CASE": "bestCase", "PIPELINE": "pipeline"}[row["forecast_category"]]] += (
                row["amount"]
            )
            line["weighted"] += row["amount"] * (row["probability"] or 0) / 100
    return found


def matches(lines: list[dict[str, Any]], wanted: dict[Any, dict[str, Decimal]], key: Any) -> None:
    assert {(key(line), line["currency"]) for line in lines} == set(wanted)
    assert len(lines) == len(wanted)
    for line in lines:
        figures = wanted[key(line), line["currency"]]
        for name in ("won", "commit", "bestCase", "pipeline", "weighted"):
            assert Decimal(line[name]) == cents(figures[name]), (name, line)
        assert line["opportunities"] == figures["opportunities"]
        assert Decimal(line["commitForecast"]) == Decimal(line["won"]) + Decimal(line["commit"])
        assert Decimal(line["bestCaseForecast"]) == Decimal(line["commitForecast"]) + Decimal(line["bestCase"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        admin = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            found = World(api, admin, url)
            await found.load()
            yield found
        await admin.close()


def _id(prefix: str, row: UUID | None) -> str | None:
    return None if row is None else f"{prefix}_{row.hex}"


KEYS = {
    "OWNER": ("ownerId", lambda row: _id("usr", row["owner_id"])),
    "TEAM": ("teamId", lambda row: _id("tea", row["team_id"])),
    "PRODUCT": ("productId", lambda row: _id("prd", row["product_id"])),
    "PARTNER": ("partnerId", lambda row: _id("par", row["partner_id"])),
    "MONTH": ("period", lambda row: row["close_on"].replace(day=1).isoformat()),
    "QUARTER": ("period", lambda row: row["close_on"].replace(month=(row["close_on"].month - 1) // 3 * 3 + 1, day=1).isoformat()),
}  # fmt: skip


@pytest.mark.parametrize("persona", ["sales_manager", "sales_rep"])
async def test_figures_are_those_of_the_rows_that_the_caller_sees(world: World, persona: str) -> None:
    seen = await world.seen_by(persona)
    assert seen
    rows = [row for row in await world.rows() if row["id"] in seen]
    matches(await world.ask(persona), reckoned(rows, lambda _: None), lambda _: None)
    parts = [row for row in await world.parts() if row["id"] in seen]
    for by, (shown, key) in KEYS.items():
        wanted = reckoned(parts if by == "OWNER" else rows, key)
        matches(await world.ask(persona, by=[by]), wanted, lambda line, shown=shown: line[shown])
    two = await world.ask(persona, by=["MONTH", "OWNER"])
    both = (KEYS["MONTH"][1], KEYS["OWNER"][1])
    matches(
        two, reckoned(parts, lambda row: (both[0](row), both[1](row))), lambda line: (line["period"], line["ownerId"])
    )


async def test_it_is_one_statement(world: World) -> None:
    answer = await world.api.as_("sales_manager")(
        QUERY, {"start": "2026-01-01", "end": "2026-12-31", "by": ["OWNER", "MONTH"]}
    )
    assert answer.data["forecast"]
    assert len(answer.sql) <= 1


async def test_what_somebody_does_not_see_counts_for_nothing(world: World) -> None:
    assert await world.ask("customer") == []
    assert await world.ask("service_agent") == []
    lines = await world.ask("partner_rep")
    assert all(Decimal(line[name]) == 0 for line in lines for name in ("commit", "bestCase", "pipeline"))
    assert all(
        Decimal(line["weighted"]) == Decimal(line["won"]) for line in lines
    )  # probabilities are not theirs to see
    assert all(line["quota"] is None for line in lines)


async def test_a_team_has_those_below_it_in_it(world: World) -> None:
    tree = {
        row["id"]: row["parent_id"]
        for row in await world.admin.fetch(
            "SELECT id, parent_id FROM teams WHERE organization_id = $1", world.organization
        )
    }

    def above(team: UUID | None) -> set[UUID]:
        found = set[UUID]()
        while team is not None and team not in found:
            found.add(team)
            team = tree[team]
        return found

    rows, wanted = await world.rows(), defaultdict[Any, dict[str, Decimal]](lambda: defaultdict(lambda: ZERO))
    for top in tree:
        below = [row for row in rows if top in above(row["team_id"])]
        for (_, currency), figures in reckoned(below, lambda _: None).items():
            wanted[_id("tea", top), currency] = figures
    matches(await world.ask("sales_manager", by=["TEAM"], rollUp=True), wanted, lambda line: line["teamId"])
    top = next(team for team, parent in tree.items() if parent is None and any(p == team for p in tree.values()))
    within = [row for row in rows if top in above(row["team_id"])]
    matches(await world.ask("sales_manager", team=_id("tea", top)), reckoned(within, lambda _: None), lambda _: None)
    assert await world.ask("sales_manager", team=f"tea_{'0' * 32}") == []


async def test_a_quota_is_held_against_its_own_days(world: World) -> None:
    owner = await world.admin.fetchval(
        "SELECT owner_id FROM opportunities WHERE organization_id = $1 AND status = 'WON' AND currency = 'EUR'"
        " AND owner_id IS NOT NULL AND close_on IS NOT NULL AND amount > 0 LIMIT 1", world.organization,
    )  # fmt: skip
    month = await world.admin.fetchval(
        "SELECT date_trunc('month', close_on::timestamp)::date FROM opportunities WHERE owner_id = $1 AND status = 'WON'"
        " AND currency = 'EUR' AND amount > 0 LIMIT 1", owner,
    )  # fmt: skip
    last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    made = await world.api.as_("sales_manager")(
        "mutation ($i: CreateQuotaInput!) { createQuota(input: $i) { quota { id } userErrors { code } } }",
        {"i": {"ownerId": _id("usr", owner), "startsOn": month.isoformat(), "endsOn": last.isoformat(),
               "amount": {"amount": "1000", "currency": "EUR"}}},
    )  # fmt: skip
    assert made.data["createQuota"]["userErrors"] == []
    lines = await world.ask("sales_manager", start=month.isoformat(), end=last.isoformat(), by=["OWNER", "MONTH"])
    line = next(one for one in lines if one["ownerId"] == _id("usr", owner) and one["currency"] == "EUR")
    assert Decimal(line["quota"]) == 1000
    assert Decimal(line["attainment"]) == round(Decimal(line["won"]) / 10, 1)
    quarter = await world.ask("sales_manager", start=month.isoformat(), end=last.isoformat(), by=["OWNER", "QUARTER"])
    assert all(one["quota"] is None for one in quarter)
    refused = await world.api.as_("sales_rep")(
        "mutation ($i: CreateQuotaInput!) { createQuota(input: $i) { userErrors { code } } }",
        {"i": {"ownerId": _id("usr", owner), "startsOn": "2026-01-01", "endsOn": "2026-01-31",
               "amount": {"amount": "1", "currency": "EUR"}}},
    )  # fmt: skip
    assert refused.data["createQuota"]["userErrors"][0]["code"] == "WRITE_ACCESS_DENIED"


@pytest.mark.parametrize(
    "given",
    [
        {"start": "2027-01-02", "end": "2027-01-01"},
        {"start": "1990-01-01", "end": "2027-01-01"},
        {"by": ["MONTH", "QUARTER"]},
        {"by": ["OWNER", "OWNER"]},
        {"by": ["OWNER", "TEAM", "PRODUCT", "PARTNER"]},
        {"rollUp": True},
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, given: dict[str, object]) -> None:
    asked = {"start": "2026-01-01", "end": "2026-12-31", **given}
    assert (await world.api.as_("sales_manager")(QUERY, asked)).codes == ["VALUE_INVALID"]


ACCURACY = """query A($month: Date!, $days: Int!, $by: AccuracyBy) { forecastAccuracy(month: $month, daysBefore: $days, by: $by) {
  ownerId currency takenOn commitForecast weighted actual commitError weightedError } }"""


async def test_every_night_is_written_down_and_held_against_what_came(world: World) -> None:
    database = Database(world.url, 2)
    try:
        await due.do_once(database)
        await world.admin.execute(
            "UPDATE timers SET due_at = now() - interval '1 hour' WHERE kind = 'forecast.snapshot'"
        )
        await due.do_once(database)
        taken = await world.admin.fetchval("SELECT count(*) FROM forecast_snapshots")
        assert taken
        await world.admin.execute(
            "UPDATE timers SET due_at = now() - interval '1 hour' WHERE kind = 'forecast.snapshot'"
        )
        await due.do_once(database)
        assert await world.admin.fetchval("SELECT count(*) FROM forecast_snapshots") == taken  # once a day
    finally:
        await database.dispose()
    yesterday: dt.date = await world.admin.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date - 1")
    month = yesterday.replace(day=1)
    last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    asked = {"month": yesterday.isoformat(), "days": (last - yesterday).days, "by": "OWNER"}
    lines = (await world.api.as_("sales_manager")(ACCURACY, asked)).data["forecastAccuracy"]
    rows = [row for row in await world.rows() if month <= row["close_on"] <= last]
    figures = reckoned(rows, KEYS["OWNER"][1])
    assert {(line["ownerId"], line["currency"]) for line in lines} == set(figures)
    for line in lines:
        wanted = figures[line["ownerId"], line["currency"]]
        actual, commit = cents(wanted["won"]), cents(wanted["won"] + wanted["commit"])
        assert (Decimal(line["actual"]), Decimal(line["commitForecast"])) == (actual, commit)
        assert Decimal(line["weighted"]) == cents(wanted["weighted"])
        error = round(abs(commit - actual) * 100 / actual, 1) if actual else None
        assert (line["commitError"] and Decimal(line["commitError"])) == error
    own = (await world.api.as_("sales_rep")(ACCURACY, asked)).data["forecastAccuracy"]
    assert len(own) <= len(lines)
    listed = await world.api.as_("customer")("{ forecastSnapshots(first: 1) { nodes { id } } }")
    assert listed.codes


async def test_in_one_currency_each_line_names_the_rates_it_took(world: World) -> None:
    """Amounts are converted currency by currency at the rates told, then added up; without a rate there is no figure."""
    query = f"""query F($start: Date!, $end: Date!, $by: [ForecastBy!], $in: String, $on: Date) {{
      forecast(start: $start, end: $end, by: $by, in: $in, ratesOn: $on) {{ {LINE} rates {{ currency rate quotedOn quotedBy }} }} }}"""
    ask = world.api.as_("sales_manager")
    days = {"start": START.isoformat(), "end": END.isoformat()}
    for by, into, on in (
        ([], "EUR", "2026-10-15"),
        (["OWNER"], "EUR", None),
        (["QUARTER", "TEAM"], "CHF", "2026-06-30"),
    ):
        given = {**days, "by": by, "in": into, "on": on}
        lines = (await ask(query, given)).data["forecast"]
        assert lines
        assert {line["currency"] for line in lines} == {into}
        sums: dict[Any, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        used = {(rate["currency"], rate["rate"], rate["quotedOn"]) for line in lines for rate in line["rates"]}
        rates = {into: Decimal(1), **{currency: Decimal(rate) for currency, rate, _ in used}}
        assert all(day <= (on or END.isoformat()) for *_, day in used)
        for line in await world.ask("sales_manager", by=by):
            key = (line["ownerId"], line["teamId"], line["period"])
            sums[key]["count"] += line["opportunities"]
            for name in ("won", "commit", "bestCase", "pipeline"):
                amount = Decimal(line[name]) * rates[line["currency"]]
                sums[key][name] += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert len(sums) == len(lines)
        for line in lines:
            key = (line["ownerId"], line["teamId"], line["period"])
            assert {name: Decimal(line[name]) for name in ("won", "commit", "bestCase", "pipeline")} == {
                name: amount for name, amount in sums[key].items() if name != "count"
            }
            assert line["opportunities"] == sums[key]["count"]
    too_early = await ask(query, {**days, "in": "EUR", "on": "2020-01-01"})
    assert (too_early.json["data"], too_early.codes) == ({"forecast": None}, ["RATE_UNKNOWN"])
    assert (await ask(query, {**days, "in": "euro"})).codes == ["VALUE_INVALID"]
    one = 'convert(amount: {amount: "10.00", currency: "EUR"}, to: "CHF", on: "2026-10-15")'
    told = (await ask(f"{{ {one} {{ amount currency rate {{ rate quotedOn quotedBy }} }} }}")).data["convert"]
    assert told["rate"]["quotedOn"] == "2026-10-01"
    assert Decimal(told["amount"]) == (10 * Decimal(told["rate"]["rate"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert (await world.api.as_("customer")(f"{{ {one} {{ amount }} }}")).codes == ["FIELD_ACCESS_DENIED"]
