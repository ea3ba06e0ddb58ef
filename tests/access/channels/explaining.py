"""Explanations and the audit: they talk about values, so they must know no more than any read."""

from tests.access.channels.registry import Probe, channel

AT_ONCE = 8


@channel("explainAccess")
async def explained(probe: Probe) -> None:
    """Says of each field of a record what any read shows of it; of a record that is not seen, nothing."""
    row = probe.some_row()
    if row is None:
        return
    own = [one for one in probe.fields if not one.listed and not one.counted]
    for start in range(0, len(own), AT_ONCE):
        some = own[start : start + AT_ONCE]
        parts = [
            f'e{n}: explainAccess(node: $id, field: "{one.name}") {{ shown requires }}' for n, one in enumerate(some)
        ]
        answer = await probe.ask(f"query ($id: ID!) {{ {' '.join(parts)} }}", {"id": probe.id_of(row)})
        for n, one in enumerate(some):
            found = answer.data[f"e{n}"]
            if not probe.visible:
                assert found is None, (probe.role, one.coordinate)
                continue
            shows = probe.world.rows.shows(probe.caller, one, row)
            told = {"VALUE": "plain", "MASKED": "masked", "HIDDEN": "hidden"}[found["shown"]]
            assert told == shows, (probe.role, one.coordinate)


@channel("auditEntries")
async def audited(probe: Probe) -> None:
    """There is no audit of a record that the role does not see at INTERNAL, and none for partners."""
    row = probe.some_row()
    if row is None:
        return
    query = "query ($id: ID!) { auditEntries(node: $id) { userName changes { field before after hidden } } }"
    answer = await probe.ask(query, {"id": probe.id_of(row)})
    clearance = probe.world.rows.clearance(probe.caller, probe.entity, row)
    assert (answer.data["auditEntries"] is not None) is (
        clearance is not None and clearance >= 2 and probe.caller.partner is None
    )
