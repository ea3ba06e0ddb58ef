"""Invitations to meetings (iCalendar, RFC 5545) in words: what, when, where, from whom."""

import datetime as dt
import re
from typing import Final

from crm_graph.mail.inbound.characters import line

_LONGEST: Final = 200_000
_PROPERTY: Final = re.compile(
    r'([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:"[^"]{0,200}"|[^";:]{0,200})){0,10}):(.*)', re.DOTALL
)
_ZONE: Final = re.compile(r';TZID="?([^";:]{1,60})', re.IGNORECASE)
_ANSWER: Final = re.compile(r";PARTSTAT=([A-Za-z-]{1,20})", re.IGNORECASE)
_METHODS: Final = {"CANCEL": "Meeting cancelled", "REPLY": "Answer to an invitation", "REQUEST": "Invitation"}
_ESCAPES: Final = {"\\n": "\n", "\\N": "\n", "\\,": ",", "\\;": ";", "\\\\": "\\"}


def in_words(calendar: str) -> str:
    """The first meeting of a calendar in a few lines; empty where it has none."""
    found: dict[str, tuple[str, str]] = {}
    depth: list[str] = []
    for text in re.sub(r"\r?\n[ \t]", "", calendar[:_LONGEST]).splitlines():
        match = _PROPERTY.fullmatch(text.strip())
        if match is None:
            continue
        name, parameters, value = match[1].upper(), match[2], match[3]
        if name == "BEGIN":
            depth.append(value.strip().upper())
        elif name == "END":
            if depth[1:] == ["VEVENT"]:
                break
            depth = depth[:-1]
        elif depth in (["VCALENDAR"], ["VCALENDAR", "VEVENT"]):
            found.setdefault(name, (parameters, value))
    return _said(found) if "SUMMARY" in found or "DTSTART" in found else ""


def _said(found: dict[str, tuple[str, str]]) -> str:
    method = found.get("METHOD", ("", ""))[1].strip().upper()
    answer = _ANSWER.search(found.get("ATTENDEE", ("", ""))[0])
    title = _METHODS.get(method, "Meeting") + (f" ({answer[1].lower()})" if method == "REPLY" and answer else "")
    until = _moment(*found.get("DTEND", ("", "")))
    facts = (
        ("", f"{title}: {_plain(found.get('SUMMARY', ('', ''))[1])}"),
        ("When: ", _moment(*found.get("DTSTART", ("", ""))) + (f" to {until}" if until else "")),
        ("Where: ", _plain(found.get("LOCATION", ("", ""))[1])),
        ("From: ", _plain(re.sub("(?i)^mailto:", "", found.get("ORGANIZER", ("", ""))[1]))),
    )
    return "\n".join(f"{name}{value}" for name, value in facts if value.strip())


def _moment(parameters: str, value: str) -> str:
    """A day or a moment with its zone; as it stands, where it is neither."""
    value = value.strip()
    zone = _ZONE.search(parameters)
    for form, shown in (
        ("%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M UTC"),
        ("%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M"),
        ("%Y%m%d", "%Y-%m-%d"),
    ):
        try:
            moment = dt.datetime.strptime(value, form)  # noqa: DTZ007 - its zone is a name that we only repeat
        except ValueError:
            continue
        return moment.strftime(shown) + (f" ({line(zone[1], 60)})" if zone and not value.endswith("Z") else "")
    return line(value, 60)


def _plain(value: str) -> str:
    return line(re.sub(r"\\[nN,;\\]", lambda match: _ESCAPES[match[0]], value), 300)
