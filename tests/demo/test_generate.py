"""The generator: deterministic, of the promised size, and consistent in its facts."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import phonenumbers
import pytest

from crm_graph import kinds
from crm_graph.demo import generate
from crm_graph.demo.business import Size
from crm_graph.demo.countries import countries, romanised
from crm_graph.demo.rows import Row, Rows, records, stored_columns
from crm_graph.entity import REGISTRY
from crm_graph.schema.ticket_states import TicketStatus

SMALL = Size(customers=120, orders=260, opportunities=80, tickets=90, reps=6, agents=2)


@pytest.fixture(scope="module")
def main() -> Rows:
    return generate.main()


@pytest.fixture(scope="module")
def second() -> Rows:
    return generate.second()


def by_id(rows: Rows, entity: str) -> dict[object, Row]:
    return {row["id"]: row for row in rows.of[entity]}


def grouped(rows: Rows, entity: str, column: str) -> dict[object, list[Row]]:
    found: dict[object, list[Row]] = defaultdict(list)
    for row in rows.of[entity]:
        found[row[column]].append(row)
    return found


def test_equal_runs_give_equal_rows_whatever_the_hash_seed() -> None:
    program = (
        "import crm_graph.schema; from crm_graph.demo import generate; from crm_graph.demo.business import Size;"
        f"print(generate.main({SMALL!r}).checksum())"
    )
    sums = {generate.main(SMALL).checksum()}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        sums.add(done.stdout.strip())
    assert len(sums) == 1


def test_another_day_moves_everything() -> None:
    earlier = generate.main(SMALL, date(2024, 2, 29))
    assert earlier.checksum() != generate.main(SMALL).checksum()
    latest = max(row["created_at"] for rows in earlier.of.values() for row in rows)
    assert latest <= datetime(2024, 2, 29, 18, tzinfo=UTC)


def test_it_has_the_promised_size(main: Rows, second: Rows) -> None:
    assert {
        name: len(main.of[name]) for name in ("Customer", "Order", "Opportunity", "Ticket", "Product", "Partner")
    } == {
        "Customer": 5_000,
        "Order": 12_000,
        "Opportunity": 3_000,
        "Ticket": 4_007,
        "Product": 41,
        "Partner": 3,
    }
    assert Counter(row["kind"] for row in main.of["Customer"]) == {
        "PERSON": 2_350,
        "HOUSEHOLD": 600,
        "ORGANIZATION": 2_050,
    }
    assert len(second.of["Customer"]) == 100
    own = {"CustomField"}  # an organisation makes its own
    assert all(main.of[name] for name in {*REGISTRY} - own), "an entity without a single row shows nothing"
    names = {row["name"] for row in main.of["Customer"]} & {row["name"] for row in second.of["Customer"]}
    assert {generate.SHARED_CUSTOMER, generate.CUSTOMER_PERSONA} < names
    assert main.organization_id != second.organization_id


def test_every_row_fits_its_table(main: Rows, second: Rows) -> None:
    for rows in (main, second):
        seen: set[object] = set()
        for name, some in rows.of.items():
            assert all(len(record) == len(stored_columns(REGISTRY[name])) for record in records(REGISTRY[name], some))
            assert {row["organization_id"] for row in some} <= {rows.organization_id}
            ids = {row["id"] for row in some}
            assert len(ids) == len(some)
            assert not ids & seen
            seen |= ids
    with pytest.raises(ValueError, match="Customer has no colour"):
        list(records(REGISTRY["Customer"], [{**main.of["Customer"][0], "colour": "red"}]))


def test_every_value_is_one_the_api_would_take(main: Rows) -> None:
    for name, some in main.of.items():
        for spec in REGISTRY[name].__specs__.values():
            if spec.sql is not None or spec.kind in (kinds.ID, kinds.DATETIME, kinds.DATE):
                continue
            for value in {str(v) if spec.kind.name == "Strings" else v for v in (row[spec.name] for row in some)}:
                if value is None:
                    assert spec.nullable, f"{name}.{spec.name}"
                elif spec.kind.name != "Strings":
                    spec.kind.parse(str(value) if isinstance(value, Decimal) else value)
                    assert not isinstance(value, str) or len(value) <= spec.max_length


def test_references_lead_somewhere_and_not_back_in_time(main: Rows) -> None:
    known = {name: by_id(main, name) for name in REGISTRY}
    for name, some in main.of.items():
        for spec in REGISTRY[name].__specs__.values():
            if spec.ref is None:
                continue
            for row in some:
                if row[spec.name] is None:
                    continue
                target = known[spec.ref.entity][row[spec.name]]
                if spec.ref.owned:
                    assert target["created_at"] <= row["created_at"], f"{name}.{spec.name}"


def test_ids_and_times_agree(main: Rows) -> None:
    now = datetime(2026, 11, 2, 18, tzinfo=UTC)
    for name, some in main.of.items():
        for row in some:
            milliseconds = row["id"].int >> 80
            assert datetime.fromtimestamp(milliseconds / 1000, UTC) - row["created_at"] < timedelta(milliseconds=1)
            assert (row["id"].version, row["id"].variant) == (7, "specified in RFC 4122")
            assert row["created_at"] <= row["updated_at"] <= now + timedelta(days=1), name
    years = Counter(row["created_at"].year for row in main.of["Customer"])
    assert set(years) == {2023, 2024, 2025, 2026}
    assert years[2025] > years[2024] > 500


def test_an_order_comes_to_the_sum_of_its_lines(main: Rows) -> None:
    lines, customers = grouped(main, "OrderLine", "order_id"), by_id(main, "Customer")
    for order in main.of["Order"]:
        mine = lines[order["id"]]
        assert order["total"] == sum(round(line["quantity"] * line["unit_price"], 2) for line in mine)
        assert (
            {line["currency"] for line in mine} == {order["currency"]} == {customers[order["customer_id"]]["currency"]}
        )
        assert order["net"] + order["tax"] == order["total"]
        assert (order["status"] in ("PLACED", "CANCELLED")) == (order["paid"] is None)
        assert (order["status"] == "RETURNED") == (order["credited"] is not None)
        assert [line["position"] for line in mine] == list(range(1, len(mine) + 1))
        assert all(0 < line["unit_cost"] < line["unit_price"] * 2 for line in mine)
        assert order["placed_at"] >= customers[order["customer_id"]]["created_at"]
        assert (order["channel"] == "PARTNER") == (order["partner_id"] is not None)
    assert len({order["number"] for order in main.of["Order"]}) == 12_000


def test_an_opportunity_follows_its_stages(main: Rows) -> None:
    stages, changes = by_id(main, "Stage"), grouped(main, "StageChange", "opportunity_id")
    lines = grouped(main, "OpportunityLine", "opportunity_id")
    for row in main.of["Opportunity"]:
        stage, mine = stages[row["stage_id"]], changes[row["id"]]
        assert (row["status"], row["probability"]) == (stage["outcome"], stage["probability"])
        assert stage["pipeline_id"] == row["pipeline_id"]
        assert mine[0]["from_stage_id"] is None
        assert [c["to_stage_id"] for c in mine[:-1]] == [c["from_stage_id"] for c in mine[1:]]
        assert mine[-1]["to_stage_id"] == row["stage_id"]
        assert [c["changed_at"] for c in mine] == sorted(c["changed_at"] for c in mine)
        assert row["amount"] == sum(round(line["quantity"] * line["unit_price"], 2) for line in lines[row["id"]])
        assert row["engaged_on"] <= row["close_on"]
        assert (row["loss_reason"] is not None) == (row["status"] == "LOST")
        assert row["next_step"] is None or row["status"] == "OPEN"
        if row["status"] != "OPEN":
            assert row["close_on"] == mine[-1]["changed_at"].date()
    assert all(n > 250 for n in Counter(row["status"] for row in main.of["Opportunity"]).values())


def test_what_was_accepted_was_won_and_ordered(main: Rows) -> None:
    sales, lines = by_id(main, "Opportunity"), grouped(main, "ProposalLine", "proposal_id")
    ordered = {o["proposal_id"]: (o["customer_id"], o["total"]) for o in main.of["Order"] if o["proposal_id"]}
    for row in main.of["Proposal"]:
        sale = sales[row["opportunity_id"]]
        assert sale["customer_id"] == row["customer_id"]
        assert row["subtotal"] == sum(
            round(x["quantity"] * x["unit_price"] * (100 - x["discount_percent"]) / 100, 2) for x in lines[row["id"]]
        )
        assert row["status"] != "EXPIRED" or row["valid_until"] < generate.REFERENCE_DAY
        if row["status"] == "ACCEPTED":
            assert sale["status"] == "WON"
            assert ordered.pop(row["id"]) == (row["customer_id"], row["subtotal"])
        assert (row["addressee_id"] is None) or row["addressee_id"] == row["customer_id"]
        assert row["addressee_id"] is None or row["status"] not in ("DRAFT", "IN_APPROVAL", "APPROVED")
        assert row["current"] or row["status"] == "WITHDRAWN"
    assert not ordered
    accepted = [row["opportunity_id"] for row in main.of["Proposal"] if row["status"] == "ACCEPTED"]
    assert len(set(accepted)) == len(accepted)
    assert set(accepted) == {row["id"] for row in sales.values() if row["status"] == "WON"}


def test_customers_are_in_the_stage_their_orders_say(main: Rows) -> None:
    orders = grouped(main, "Order", "customer_id")
    for row in main.of["Customer"]:
        kept = [o for o in orders[row["id"]] if o["status"] not in ("CANCELLED", "RETURNED")]
        assert (row["stage"] in ("SUSPECT", "PROSPECT", "LOST")) == (not kept)
        assert (row["lifetime_value"] is not None) == bool(kept)
        assert (row["born_on"] is None) or row["kind"] == "PERSON"
        assert (row["employees"] is not None) == (row["kind"] == "ORGANIZATION")
        assert row["owner_id"] is None or row["team_id"] is not None
    assert min(Counter(row["stage"] for row in main.of["Customer"]).values()) > 50


def test_households_have_their_members_as_contacts(main: Rows) -> None:
    people, members = by_id(main, "Customer"), grouped(main, "Contact", "customer_id")
    households = [row for row in main.of["Customer"] if row["kind"] == "HOUSEHOLD"]
    for household in households:
        mine = members[household["id"]]
        assert len(mine) == 2
        for contact in mine:
            person = people[contact["person_id"]]
            assert (person["kind"], person["parent_id"], person["name"]) == ("PERSON", household["id"], contact["name"])


def test_tickets_and_messages_are_in_order(main: Rows) -> None:
    messages, orders = grouped(main, "TicketMessage", "ticket_id"), by_id(main, "Order")
    for row in main.of["Ticket"]:
        mine = messages[row["id"]]
        assert mine[0]["public"]
        assert (mine[0]["author_id"], mine[0]["sent_at"]) == (None, row["opened_at"])
        assert [m["sent_at"] for m in mine] == sorted(m["sent_at"] for m in mine)
        assert all(m["author_id"] is not None for m in mine if not m["public"])
        assert (row["resolved_at"] is not None) == (row["status"] in ("RESOLVED", "CLOSED"))
        assert row["resolved_at"] is None or row["resolved_at"] >= mine[-1]["sent_at"]
        if row["order_id"] is not None:
            assert orders[row["order_id"]]["customer_id"] == row["customer_id"]
            assert orders[row["order_id"]]["placed_at"] <= row["opened_at"]
    assert set(Counter(row["status"] for row in main.of["Ticket"])) == {*TicketStatus}


def test_nobody_is_called_and_nobody_is_mailed(main: Rows, second: Rows) -> None:
    """Addresses end in `.example`; numbers are kept for fiction, or no number at all has their prefix."""
    reserved = ("+4930231", "+4940669", "+4989999", "+4922147", "+491713920", "+33199", "+33261", "+33353", "+33465")
    reserved += ("+33639", "+468465004", "+463139006", "+442079460", "+441614960", "+447700900")
    for rows in (main, second):
        for name in ("Customer", "Contact", "User", "Partner"):
            for row in rows.of[name]:
                email, phone = row.get("email"), row.get("phone")
                assert email is None or str(email).endswith(".example")
                if phone is not None and not str(phone).startswith(reserved):
                    assert not phonenumbers.is_valid_number(phonenumbers.parse(str(phone)))


def test_names_come_in_several_scripts(main: Rows) -> None:
    text = "".join(str(row["name"]) for row in main.of["Customer"])
    assert all(letter in text for letter in "üßłñéåΠαИв")
    assert {row["currency"] for row in main.of["Customer"]} == {"EUR", "CHF", "PLN", "SEK", "GBP"}
    assert romanised("Ουρανία Weiß-Łuczak Щерев") == "ourania-weiss-luczak-shterev"
    assert all(
        romanised(family).replace("-", "").isascii()
        for c in countries().values()
        for pair in c.families
        for family in pair
    )
