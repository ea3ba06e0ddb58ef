"""What must be filled in before an opportunity leaves a stage: data of the stage, checked by the verbs that move."""

from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, Level
from crm_graph.plan.access.fields import Fields, fields_of
from crm_graph.plan.access.opening import fields_known
from crm_graph.plan.access.write_access import level_to_write, write_access
from crm_graph.plan.changes import Outcome, UserError, invalid
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.stage_approvals import condition_unmet, unapproved
from crm_graph.schema.opportunities import Opportunity
from crm_graph.schema.pipelines import Stage
from crm_graph.specs import FieldSpec

_ASKED = """SELECT s.exit_fields, s.exit_approval FROM stages s
 LEFT JOIN stages b ON b.organization_id = s.organization_id AND b.id = $3
 LEFT JOIN stages a ON a.organization_id = s.organization_id AND a.id = $4
 WHERE s.organization_id = $1 AND s.pipeline_id = $2 AND s.outcome = 'OPEN'
   AND (b.id IS NULL OR s.position < b.position)
   AND (a.id IS NULL OR a.outcome <> 'OPEN' OR a.pipeline_id <> s.pipeline_id OR s.position >= a.position)
 ORDER BY s.position, s.id"""


@mutation(
    Stage,
    Argument("fields", kinds.TEXTS, "Fields of the opportunity by their names in inputs; empty: none.", required=True),
    Argument("approval", kinds.BOOLEAN, "Whether its amount must be approved; as it was, if it is left out."),
    needs=CONFIDENTIAL,
)
async def set_stage_conditions(call: Call) -> Outcome:
    """Say what is needed before an opportunity leaves this stage for a later one or is won: fields, approval."""
    given = call.arguments["fields"]
    assert isinstance(given, list)
    names = list(dict.fromkeys(given))
    known = _conditional(fields_known(Opportunity, call.actor.policy))
    unknown = [name for name in names if name not in known]
    if unknown:
        says = f"An opportunity has no field {', '.join(one[:80] for one in unknown)} that can be empty and filled in."
        return Outcome.refused(invalid(says, "fields"))
    wanted = call.arguments.get("approval")
    approval = {} if wanted is None else {"exit_approval": wanted}
    return await update_fields(
        call.tx,
        call.actor,
        "Stage",
        call.row,
        {"exit_fields": names, **approval},
        "stage.conditions_set",
        needs=CONFIDENTIAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )


async def unmet(call: Call, after: UUID | None, pipeline: UUID, before: UUID | None) -> list[UserError]:
    """What the open stages of a pipeline ask of the call's opportunity that is not there, as the caller may know it.

    From the stage `after` on, where the opportunity is there, else from the first; up to `before`, else to the last.
    A field that the caller may not see and fill in is not named.
    """
    connection = await call.tx.raw()
    asked = await connection.fetch(_ASKED, call.actor.organization_id, pipeline, before, after)
    fields = _conditional(fields_of(Opportunity, call.actor.policy))
    named = dict.fromkeys(name for row in asked for name in row["exit_fields"] if name in fields)
    approval = [] if not any(row["exit_approval"] for row in asked) else await unapproved(call)
    if not named:
        return approval  # a field that is there no longer is asked for in vain
    empty = ", ".join(f"{_is_empty(fields[name])} AS c{n}" for n, name in enumerate(named))
    found = await connection.fetchrow(
        f"SELECT {empty} FROM opportunities t WHERE t.organization_id = $1 AND t.id = $2",
        call.actor.organization_id,
        call.row,
    )
    assert found is not None, "the opportunity was seen in this transaction"
    missing = [fields[name] for n, name in enumerate(named) if found[f"c{n}"]]
    if not missing:
        return approval
    named_to = await _fillable(call, missing)
    errors = [condition_unmet(f"{one.input} must be filled in first.", one.input) for one in named_to]
    if len(named_to) < len(missing):
        errors.append(condition_unmet("Something must be filled in first that others can see to."))
    return errors + approval


def _conditional(fields: Fields) -> dict[str, FieldSpec]:
    """The fields that can be empty and are filled in by people, by their names in inputs."""
    return {
        spec.input: spec
        for spec in fields.values()
        if spec.nullable and spec.read and spec.write and not spec.write.create_only
        if spec.name not in ("source", "external_id")
    }


def _is_empty(spec: FieldSpec) -> str:
    text = spec.kind.sql == "text"
    return f"(nullif(btrim(t.{spec.name}), '') IS NULL)" if text else f"(t.{spec.name} IS NULL)"


async def _fillable(call: Call, specs: list[FieldSpec]) -> list[FieldSpec]:
    """Those of the fields that the caller may read and write on the call's opportunity."""
    parameters = Parameters()
    wanted, columns = parameters.constant(call.row, "uuid"), []
    for n, spec in enumerate(specs):
        assert spec.read is not None
        access = write_access(Opportunity, call.actor.policy, parameters, "t", spec.read.category)
        write, read = level_to_write(spec), Level(spec.read.level)
        columns.append(f"coalesce({access.write} >= {write.value} AND {access.read} >= {read.value}, FALSE) AS c{n}")
    sql, sources = parameters.finish(
        f"SELECT {', '.join(columns)} FROM opportunities t"
        f" WHERE t.organization_id = {parameters.organization} AND t.id = {wanted}"
    )
    found = await (await call.tx.raw()).fetchrow(sql, *[source((), call.actor) for source in sources])
    assert found is not None, "the opportunity was seen in this transaction"
    return [spec for n, spec in enumerate(specs) if found[f"c{n}"]]
