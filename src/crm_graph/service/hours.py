"""Hours of a day as people write them, `09:00-12:30, 13:30-18:00`; and time zones by name."""

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from crm_graph.service.business_time import Calendar, Spell

_SPELL: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_LONGEST: Final = 200


def read_hours(text: str) -> tuple[Spell, ...]:
    """The spells of a day. Raises ValueError with a sentence, of what `Calendar` refuses as well."""
    parts = text[: _LONGEST + 1].replace(" ", "").split(",")
    found = [_SPELL.fullmatch(part) for part in parts]
    if len(text) > _LONGEST or not all(found):
        raise ValueError("hours like 09:00-12:30, 13:30-18:00 are needed")
    spells = tuple(_spell(one) for one in found if one)
    Calendar(ZoneInfo("UTC"), {0: spells})
    return spells


def written(spells: Iterable[Spell]) -> str:
    """The hours as they are stored: 24:00 is the end of a day."""
    return ", ".join(f"{s.since:%H:%M}-{f'{s.until:%H:%M}' if s.until != dt.time() else '24:00'}" for s in spells)


def time_zone(name: str) -> ZoneInfo:
    """Raises ValueError with a sentence for a name that the IANA database does not have."""
    if name not in _zones():
        raise ValueError("a time zone like Europe/Berlin is needed")
    return ZoneInfo(name)


def _spell(found: re.Match[str]) -> Spell:
    hour, minute, until_hour, until_minute = found.groups()
    until = dt.time(int(until_hour), int(until_minute)) if until_hour else dt.time()
    if until_hour and until == dt.time():
        raise ValueError("the end of a day is 24:00")
    return Spell(dt.time(int(hour), int(minute)), until)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
