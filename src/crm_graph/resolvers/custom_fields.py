"""Custom fields: adding one is giving a free slot a name. Nothing here changes a table."""

from collections.abc import Mapping

from crm_graph import kinds, slots
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.levels import RESTRICTED, Level
from crm_graph.auth.rights import Right
from crm_graph.declaration import choice_kind
from crm_graph.markers import camel
from crm_graph.plan.changes import Outcome, UserError, invalid, key_taken, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.policies.judge import OwnClearance
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.schema.custom_fields import CustomField, CustomFieldKind, CustomFieldLevel, ExtensibleEntity

MOST_CHOICES, LONGEST_CHOICE, LONGEST_DESCRIPTION = 50, 60, 500
_LEVEL = choice_kind(CustomFieldLevel)
_DESCRIPTION = "What it means; the schema shows it."
_READ = Argument("read_level", _LEVEL, "From which level on its values are seen; CONFIDENTIAL unless said otherwise.")
_WRITE = Argument(
    "write_level", _LEVEL, "From which level on its values are written; CONFIDENTIAL unless said otherwise."
)
_FILTERABLE = Argument("filterable", kinds.BOOLEAN, "Whether lists can be filtered by it; true unless said otherwise.")
_SORTABLE = Argument("sortable", kinds.BOOLEAN, "Whether lists can be ordered by it; true unless said otherwise.")
_SEARCHABLE = Argument(
    "searchable", kinds.BOOLEAN, "Whether full-text search goes by it; only of a text, and false unless said otherwise."
)
_KEPT = Argument("choices", kinds.TEXTS, "The values it may have, if its kind is CHOICE. What records have stays.")

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('crm_custom_fields/' || $1::uuid::text, 0))"
_KNOWN = "SELECT slot, name FROM custom_fields WHERE organization_id = $1 AND entity = $2"
_CURRENT = """SELECT kind, entity, name, read_level, write_level, archived_at IS NULL AS active FROM custom_fields
 WHERE organization_id = $1 AND id = $2 FOR UPDATE"""


@mutation(
    CustomField,
    Argument("entity", choice_kind(ExtensibleEntity), "The entity it is added to.", required=True),
    Argument("name", kinds.STRING, "Its name in the API: `x` and a capital, like `xShoeSize`.", required=True),
    Argument("kind", choice_kind(CustomFieldKind), "What its values are; stays as it is.", required=True),
    Argument("description", kinds.STRING, _DESCRIPTION, required=True),
    _READ,
    _WRITE,
    _FILTERABLE,
    _SORTABLE,
    _SEARCHABLE,
    Argument("choices", kinds.TEXTS, "The values it may have; needed if its kind is CHOICE, and only then."),
    needs=RESTRICTED,
    right=Right.POLICY_WRITE,
    creates=True,
)
async def create_custom_field(call: Call) -> Outcome:
    """Add a field to an entity, for this organisation. It can be used at once, in every process."""
    given = dict(call.arguments)
    kind, entity, name = str(given["kind"]), str(given["entity"]), str(given["name"])
    errors = [*_faults(given), *_misplaced_choices(kind, given), *_unsearchable(kind, given)]
    if not slots.NAME.fullmatch(name):
        errors.append(invalid("A name is x, a capital, and letters and digits: at most 40 in all.", "name"))
    if errors:
        return Outcome.refused(*errors)
    connection = await call.tx.raw()
    await connection.execute(_LOCK, call.actor.organization_id)
    known = await connection.fetch(_KNOWN, call.actor.organization_id, entity)
    if any(row["name"] == name for row in known):  # an archived one too: audit entries know values by the name
        return Outcome.refused(key_taken("name"))
    family = slots.KINDS[kind][1]
    taken = {row["slot"] for row in known}
    slot = next((one for one in family.slots() if one not in taken), None)
    if slot is None:
        return refusal(
            "CUSTOM_FIELDS_EXHAUSTED",
            f"All {family.count} places for such fields of this entity are taken; archived fields keep theirs.",
            "kind",
        )
    values = {**given, "slot": slot, "description": str(given["description"]).strip()}
    return await insert_fields(
        call.tx, call.actor, "CustomField", values, event="custom_field.created", request_id=call.request_id
    )


@mutation(
    CustomField,
    Argument("description", kinds.STRING, _DESCRIPTION),
    Argument("read_level", _LEVEL, "From which level on its values are seen."),
    Argument("write_level", _LEVEL, "From which level on its values are written."),
    Argument("filterable", kinds.BOOLEAN, "Whether lists can be filtered by it."),
    Argument("sortable", kinds.BOOLEAN, "Whether lists can be ordered by it."),
    Argument("searchable", kinds.BOOLEAN, "Whether full-text search goes by it; only of a text."),
    _KEPT,
    needs=RESTRICTED,
    right=Right.POLICY_WRITE,
)
async def update_custom_field(call: Call) -> Outcome:
    """Change what a custom field says and who sees it. Its entity, name and kind stay."""
    given = dict(call.arguments)
    current = await _current(call)
    if not current["active"]:
        return _archived()
    errors = [*_faults(given), *_lowered(call, given, current), *_unsearchable(str(current["kind"]), given)]
    if "choices" in given:
        errors += _misplaced_choices(str(current["kind"]), given)
    if errors:
        return Outcome.refused(*errors)
    return await _update(call, given, "custom_field.updated")


@mutation(CustomField, needs=RESTRICTED, right=Right.POLICY_WRITE)
async def archive_custom_field(call: Call) -> Outcome:
    """Take a custom field out of the API. Its values are kept, and so is its place: restoring it brings both back."""
    current = await _current(call)
    if not current["active"]:
        return _archived()
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    return await _update(call, {"archived_at": now}, "custom_field.archived")


@mutation(CustomField, needs=RESTRICTED, right=Right.POLICY_WRITE)
async def restore_custom_field(call: Call) -> Outcome:
    """Bring an archived custom field back, with its values."""
    connection = await call.tx.raw()
    await connection.execute(_LOCK, call.actor.organization_id)
    current = await _current(call)
    if current["active"]:
        return refusal("CUSTOM_FIELD_ACTIVE", "The field is not archived.")
    return await _update(call, {"archived_at": None}, "custom_field.restored")


async def _current(call: Call) -> Mapping[str, object]:
    found = await (await call.tx.raw()).fetchrow(_CURRENT, call.actor.organization_id, call.row)
    assert found is not None, "the field was seen in this transaction"
    return dict(found)


async def _update(call: Call, values: Mapping[str, object], event: str) -> Outcome:
    return await update_fields(
        call.tx,
        call.actor,
        "CustomField",
        call.row,
        values,
        event,
        needs=RESTRICTED,
        if_match=call.if_match,
        request_id=call.request_id,
    )


def _lowered(call: Call, given: Mapping[str, object], current: Mapping[str, object]) -> list[UserError]:
    """Levels that whoever is no administrator would lower: by that they could raise their own clearance."""
    if ADMINISTRATOR in call.actor.roles:
        return []
    lower = [
        name
        for name in ("read_level", "write_level")
        if name in given and Level[str(given[name])] < Level[str(current[name])]
    ]
    return [UserError(OwnClearance.code, "Only administrators lower a level.", (camel(name),)) for name in lower]


def _faults(given: Mapping[str, object]) -> list[UserError]:
    """What is wrong with a description or choices, where they are given."""
    errors = []
    if "description" in given:
        text = str(given["description"]).strip()
        if not 0 < len(text) <= LONGEST_DESCRIPTION or not text.isprintable():
            errors.append(invalid(f"A line of 1 to {LONGEST_DESCRIPTION} characters is needed.", "description"))
    choices = given.get("choices")
    if isinstance(choices, list) and choices:
        sound = all(0 < len(c) <= LONGEST_CHOICE and c.isprintable() and c == c.strip() for c in choices)
        if not sound or len(choices) > MOST_CHOICES or len(set(choices)) < len(choices):
            limits = f"At most {MOST_CHOICES} different texts of 1 to {LONGEST_CHOICE} characters are taken."
            errors.append(invalid(limits, "choices"))
    return errors


def _misplaced_choices(kind: str, given: Mapping[str, object]) -> list[UserError]:
    if (kind == "CHOICE") == bool(given.get("choices")):
        return []
    return [invalid("Choices are needed." if kind == "CHOICE" else "Only a CHOICE has choices.", "choices")]


def _unsearchable(kind: str, given: Mapping[str, object]) -> list[UserError]:
    if not given.get("searchable") or slots.KINDS[kind][1] is slots.TEXT:
        return []
    return [invalid("Only texts are searched.", "searchable")]


def _archived() -> Outcome:
    return refusal("CUSTOM_FIELD_ARCHIVED", "The field is archived; restore it first.")
