"""Cursors: they tell no value, and fit nowhere but where they were made."""

import base64
from uuid import UUID

from tests.access.asking import many_of
from tests.access.channels.registry import Probe, channel


@channel("cursor")
async def positions(probe: Probe) -> None:
    """A cursor of every order is the row's id and a keyed hash; another caller, filter or order is refused it."""
    if len(probe.visible) < 2:
        return
    listed = many_of(probe.entity)
    query = f"query ($after: String) {{ {listed}(first: 1, after: $after%s) {{ nodes {{ id }} pageInfo {{ endCursor }} }} }}"
    rows = probe.world.rows
    known = {role: caller for role, caller in probe.world.callers.items() if role != probe.role}
    # where no row exists for a caller there is no place to look for, and any cursor is answered with none
    others = [role for role, caller in known.items() if rows.visible(caller, probe.entity)]
    orders = [one.name for one in probe.fields if one.orders and one not in probe.hidden]
    for number, name in enumerate(orders):
        ordered = query % f", orderBy: [{{{name}: DESC}}]"
        page = (await probe.ask(ordered)).data[listed]
        cursor, found = page["pageInfo"]["endCursor"], page["nodes"][0]["id"]
        raw = base64.b64decode(cursor, validate=True)
        assert (UUID(bytes=raw[:16]).hex, len(raw)) == (found.partition("_")[2], 27)
        assert not (await probe.ask(ordered, {"after": cursor})).errors
        elsewhere = [
            query % (f", orderBy: [{{{name}: ASC}}]" if number % 2 else ""),
            query % f", orderBy: [{{{name}: DESC}}], filter: {{id: {{isNull: false}}}}",
        ]
        for other in elsewhere:
            assert (await probe.ask(other, {"after": cursor})).codes == ["CURSOR_INVALID"], (probe.role, other)
        if not others:
            continue
        other_role = others[number % len(others)]
        answer = await probe.world.as_(probe.api, other_role)(ordered, {"after": cursor})
        data = answer.json.get("data")
        assert answer.codes in (["CURSOR_INVALID"], ["PREDICATE_ACCESS_DENIED"]), (probe.role, other_role, ordered)
        assert data is None, (probe.role, other_role, name)


@channel("cursor of someone who sees more")
async def borrowed(probe: Probe) -> None:
    """What an administrator's cursor stands at is of no use to anybody else, in the very same list and order."""
    if not probe.reached or probe.role == "administrator":
        return
    listed = many_of(probe.entity)
    query = f"query ($after: String) {{ {listed}(first: 1, after: $after%s) {{ pageInfo {{ endCursor }} }} }}"
    for one in [None, *(one for one in probe.fields if one.orders)][:6]:
        ordered = query % ("" if one is None else f", orderBy: [{{{one.name}: DESC}}]")
        page = (await probe.api.as_("administrator")(ordered)).data[listed]
        if page["pageInfo"]["endCursor"] is None:
            return
        answer = await probe.ask(ordered, {"after": page["pageInfo"]["endCursor"]})
        hidden = one is not None and one in probe.hidden
        if not probe.visible and not hidden and not answer.errors:  # the place was not even looked for
            assert answer.data[listed]["pageInfo"]["endCursor"] is None
            continue
        assert answer.codes == ["PREDICATE_ACCESS_DENIED" if hidden else "CURSOR_INVALID"], (probe.role, ordered)
        assert set(answer.json) == {"errors"}
