"""What tickets were promised, through random lives, against an oracle that walks minute by minute.

The lives are led as the resolvers lead them: a row of columns, reckoned after each event and at each moment that the
last reckoning named, and read back from what it put on record.
"""

import datetime as dt
import os
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_graph.resolvers.sla.record import columns_of, facts_of, kept_of
from crm_graph.service.business_time import Calendar, Spell
from crm_graph.service.sla import ENDED, Promise, Standing, Target, reckon
from tests.service.test_business_time import MINUTE, WEEKS, calendars, open_at

EXAMPLES = 2000 if os.environ.get("CRM_GRAPH_TEST_DEEP") else 30
DAYS = 4
HORIZON = DAYS * 24 * 60
EVENTS = ("ANSWER", "ASK", "WAITING", "ON_HOLD", "OPEN", "RESOLVED", "POLICY", "LOOK")


@dataclass
class Life:
    """A ticket's columns and, for the oracle, what happened, in minutes since it was opened."""

    opened: dt.datetime
    promises: list[Promise]
    row: dict[str, object] = field(default_factory=dict)
    which: int = 0
    statuses: list[tuple[int, str]] = field(default_factory=lambda: [(0, "NEW")])
    asked: int | None = None
    answered: bool = False
    told: list[tuple[Target, str]] = field(default_factory=list)
    next_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        nothing = dict.fromkeys(
            f"{what}_{when}_at"
            for what in ("first_response", "next_response", "resolution")
            for when in ("due", "breached")
        )
        self.row = {
            **nothing, "status": "NEW", "opened_at": self.opened, "first_answered_at": None, "last_answer_at": None,
            "last_customer_message_at": self.opened, "waiting_since": None, "resolved_at": None, "closed_at": None,
            "unanswered_since": None, "sla_stays": [], "sla_marks": [], "sla_reckoned_at": None, "answers": 0,
            "reopen_count": 0, "first_response_minutes": None, "resolution_minutes": None,
        }  # fmt: skip

    def at(self, minute: int) -> dt.datetime:
        return self.opened + MINUTE * minute

    def become(self, minute: int, status: str) -> None:
        if self.row["status"] == status:
            return
        if self.row["status"] in ENDED:
            self.row["reopen_count"] = int(str(self.row["reopen_count"])) + 1
        self.row |= {
            "status": status,
            "waiting_since": self.at(minute) if status == "WAITING" else None,
            "resolved_at": self.at(minute) if status == "RESOLVED" else None,
        }
        self.statuses.append((minute, status))

    def happen(self, minute: int, event: str) -> None:
        """What the verbs on tickets write."""
        now = self.at(minute)
        if event == "ANSWER":
            self.row |= {"last_answer_at": now, "first_answered_at": self.row["first_answered_at"] or now}
            self.row["answers"] = int(str(self.row["answers"])) + 1
            self.answered, self.asked = True, None
        elif event == "ASK":
            self.row["last_customer_message_at"] = now
            self.asked = minute if self.asked is None else self.asked
            if self.row["status"] in ("WAITING", *ENDED):
                self.become(minute, "OPEN")
        elif event == "POLICY":
            self.which = 1 - self.which
        elif event != "LOOK":
            self.become(minute, event)

    def reckon(self, minute: int) -> None:
        now, promise = self.at(minute), self.promises[self.which]
        facts = facts_of(self.row, now)  # type: ignore[arg-type] - columns by name, as a record has them
        found = reckon(promise, facts, kept_of(self.row), now)  # type: ignore[arg-type]
        self.told += [(target, "BREACHED") for target in found.breached] + [(t, "WARNED") for t in found.warned]
        self.row |= columns_of(self.row, facts, promise, found, now)  # type: ignore[arg-type]
        self.next_at = found.next_at


@dataclass
class Oracle:
    """Walks: which minutes count on which calendar is looked up on the wall clock, once."""

    life: Life
    counts: dict[int, list[bool]] = field(default_factory=dict)

    def counted(self, promise: Promise) -> list[bool]:
        found = self.counts.get(id(promise))
        if found is None:
            minutes = (self.life.at(n) for n in range(HORIZON))
            found = self.counts[id(promise)] = [open_at(promise.calendar, one) for one in minutes]
        return found

    def due(self, start: int, length: dt.timedelta) -> int | None:
        """The minute at whose beginning so much has counted, were the ticket to stay as it is now."""
        promise = self.life.promises[self.life.which]
        counted, still = self.counted(promise), promise.pausing | ENDED
        left, statuses = int(length / MINUTE), self.life.statuses
        turns = [*(since for since, _ in statuses[1:]), HORIZON]
        for (since, status), until in zip(statuses, turns, strict=True):
            for minute in range(max(start, since), until if status not in still else 0):
                left -= counted[minute]
                if left == 0:
                    return minute + 1
        return None


def check(life: Life, oracle: Oracle, now: int, ended: int | None) -> None:
    """Compare what is on record with what the walk finds."""
    promise, row = life.promises[life.which], life.row
    starts = {
        Target.FIRST_RESPONSE: 0,
        Target.RESOLUTION: 0,
        Target.NEXT_RESPONSE: life.asked if life.answered else None,
    }
    done = {
        Target.FIRST_RESPONSE: life.answered or ended is not None,
        Target.RESOLUTION: ended is not None,
        Target.NEXT_RESPONSE: ended is not None,
    }
    names = {
        Target.FIRST_RESPONSE: "first_response",
        Target.NEXT_RESPONSE: "next_response",
        Target.RESOLUTION: "resolution",
    }
    late = False
    for target, start in starts.items():
        shown = row[f"{names[target]}_due_at"]
        if done[target] or start is None:
            continue
        found = oracle.due(start, promise.targets[target])
        if found is None:  # beyond the walk, or while the clock stands still
            assert shown is None or shown >= life.at(HORIZON), target  # type: ignore[operator]
        else:
            assert shown == life.at(found), (target, shown, life.at(found))
        missed = found is not None and found <= now
        late = late or missed
        if target is not Target.NEXT_RESPONSE or missed:
            assert (row[f"{names[target]}_breached_at"] is not None) == missed
    if ended is None:
        assert (row["sla_status"] == Standing.BREACHED) == late
        assert late or (row["sla_status"] == Standing.PAUSED) == (life.row["status"] in promise.pausing)


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_what_is_due_agrees_with_walking_minute_by_minute(data: st.DataObject) -> None:
    first = data.draw(st.sampled_from(WEEKS))
    days = [first + dt.timedelta(days=n) for n in range(DAYS)]
    opened = dt.datetime.combine(first, dt.time(), dt.UTC) + MINUTE * data.draw(st.integers(0, 24 * 60))

    def promise() -> Promise:
        minutes = {target: MINUTE * data.draw(st.integers(1, 12 * 60)) for target in Target}
        pausing = data.draw(st.frozensets(st.sampled_from(("WAITING", "ON_HOLD"))))
        return Promise(data.draw(calendars(days)), minutes, pausing, data.draw(st.sampled_from((50, 80, 100))))

    life = Life(opened, [promise(), promise()])
    oracle, minute = Oracle(life), 0
    life.reckon(0)
    ended: int | None = None
    settled: tuple[object] | None = None
    for gap, event in data.draw(
        st.lists(st.tuples(st.integers(1, 18 * 60), st.sampled_from(EVENTS)), min_size=1, max_size=8)
    ):
        following = minute + gap
        if following >= HORIZON:
            break
        while life.next_at is not None and life.next_at <= life.at(following) and event != "LOOK":
            assert life.next_at > life.at(minute)
            minute = -(-(life.next_at - opened) // MINUTE)  # a warning may fall within a minute
            life.reckon(minute)
            check(life, oracle, minute, ended)
        minute = max(minute, following)
        life.happen(minute, event)
        if life.row["status"] not in ENDED:
            ended = None
        elif ended is None:
            ended = minute
        life.reckon(minute)
        check(life, oracle, minute, ended)
        told, answer_due = list(life.told), life.row["first_response_due_at"]
        life.reckon(minute)
        assert life.told == told, "told twice"
        if life.answered:
            settled = settled or (answer_due,)
            assert settled == (answer_due,), "what is settled has moved"
    told_late = {target for target, what in life.told if what == "BREACHED"}
    for target, name in ((Target.FIRST_RESPONSE, "first_response"), (Target.RESOLUTION, "resolution")):
        assert life.row[f"{name}_breached_at"] is None or target in told_late


OFFICE = Calendar(ZoneInfo("Europe/Berlin"), dict.fromkeys(range(5), (Spell(dt.time(9), dt.time(17)),)))
HOURS = {Target.FIRST_RESPONSE: 60 * MINUTE, Target.NEXT_RESPONSE: 120 * MINUTE, Target.RESOLUTION: 480 * MINUTE}
NINE = dt.datetime(2026, 6, 8, 9, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(dt.UTC)


def led(*events: tuple[int, str]) -> Life:
    """A life from a Monday at nine on, reckoned at each event alone: as where no worker ran."""
    life = Life(NINE, [Promise(OFFICE, HOURS, frozenset({"WAITING"}), 80)] * 2)
    life.reckon(0)
    for minute, event in events:
        life.happen(minute, event)
        life.reckon(minute)
    return life


def test_waiting_for_the_customer_extends_what_is_left() -> None:
    life = led((30, "ANSWER"), (30, "WAITING"))
    assert (life.row["sla_status"], life.row["sla_due_at"], life.next_at) == ("PAUSED", None, None)
    assert life.row["first_response_due_at"] == NINE + 60 * MINUTE  # answered in time, and stays as it was
    life = led((30, "ANSWER"), (30, "WAITING"), (270, "ASK"))
    assert life.row["next_response_due_at"] == NINE + 390 * MINUTE
    assert (
        life.row["resolution_due_at"] == NINE + (24 * 60 + 240) * MINUTE
    )  # 30 minutes and until five, then on Tuesday
    assert life.row["sla_status"] == "ON_TRACK"


def test_a_late_answer_that_nobody_was_told_of_is_told_of_with_it() -> None:
    life = led((61, "ANSWER"))
    assert life.told == [(Target.FIRST_RESPONSE, "BREACHED")]
    assert life.row["first_response_breached_at"] == NINE + 60 * MINUTE
    assert life.row["first_response_minutes"] == 61
    life = led((30, "ANSWER"), (60, "ASK"), (200, "ANSWER"))
    assert life.told == [(Target.NEXT_RESPONSE, "BREACHED")]
    assert (life.row["next_response_due_at"], life.row["next_response_breached_at"]) == (None, NINE + 180 * MINUTE)


def test_what_is_done_is_settled_and_resolved_at_first_contact_or_not() -> None:
    life = led((30, "ANSWER"), (40, "RESOLVED"))
    assert (life.row["sla_status"], life.row["resolution_minutes"]) == ("MET", 40)
    assert life.row["first_contact_resolution"] is True
    life = led((30, "ANSWER"), (40, "RESOLVED"), (24 * 60, "ASK"))
    assert (life.row["resolution_minutes"], life.row["first_contact_resolution"]) == (None, None)
    assert life.row["resolution_due_at"] == NINE + (24 * 60 + 440) * MINUTE  # the day it was resolved does not count
    life = led((30, "ANSWER"), (40, "RESOLVED"), (24 * 60, "ASK"), (24 * 60 + 5, "RESOLVED"))
    assert (life.row["resolution_minutes"], life.row["first_contact_resolution"]) == (45, False)


def test_a_question_put_twice_is_due_by_the_first() -> None:
    life = led((30, "ANSWER"), (60, "ASK"), (100, "ASK"))
    assert life.row["next_response_due_at"] == NINE + 180 * MINUTE
    assert led((10, "ASK")).row["next_response_due_at"] is None  # before our first answer, that is what is due
