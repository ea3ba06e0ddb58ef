"""One SQL statement for a write of one or many rows: check, write, audit entry and event.

The rows come as one JSON parameter, so the text depends on the entity, the policy and the columns alone and is built
once for each. Its CTEs: `i` the input, `r` which references the caller sees, `b` the rows as they were (locked), `k`
which of them this caller may change so, `w` the write, `d` the differences, and `a`, `o` audit and outbox.
Nothing is written for a row whose check fails. What only the new row can tell is returned, for the caller to undo.
"""

from crm_graph import kinds
from crm_graph.auth.names import snake
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import ActorValue, Rule
from crm_graph.db.traces import INTO_AUDIT, INTO_OUTBOX
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.changes import Action
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes import wholes
from crm_graph.plan.writes.checks import Checks, differs
from crm_graph.plan.writes.refusals import KEY_COLUMNS
from crm_graph.plan.writes.shape import Shape, Statement
from crm_graph.specs import FieldSpec

_MOST = 1_000
_built: dict[tuple[str, Shape], Statement] = {}


def statement(shape: Shape, policy: Policy) -> Statement:
    """The statement of a shape under a policy, from the cache where it is known."""
    known = _built.get((policy.key, shape)) if policy.key else None
    if known is None:
        known = _Writer(shape, policy).build()
        if policy.key:
            if len(_built) >= _MOST:
                del _built[next(iter(_built))]
            _built[policy.key, shape] = known
    return known


class _Writer:
    def __init__(self, shape: Shape, policy: Policy) -> None:
        self.shape, self.policy, self.parameters = shape, policy, Parameters()
        self.entity: type[Entity] = REGISTRY[shape.entity]
        self.fields = fields_of(self.entity, policy)
        self.table = table_name(self.entity)
        self.organization = self.parameters.organization
        self.rows = self.parameters.add(lambda leaves, _actor: leaves[0], "text")
        self.request = self.parameters.add(lambda leaves, _actor: leaves[1], "text")
        self.event = self.parameters.add(lambda leaves, _actor: leaves[2], "text")
        self.kind = self.parameters.add(lambda _leaves, actor: str(actor.kind), "text")
        self.channel = self.parameters.add(lambda _leaves, actor: actor.channel, "text")
        self.whom = self.parameters.add(lambda _leaves, actor: actor.acting_for_id, "uuid")
        self.user = self.parameters.actor(ActorValue.USER)
        self.lens: Lens | None = open_lens(self.entity, policy, self.parameters, "t")
        self.checks = Checks(shape, policy, self.parameters, self.lens)
        self.has_before = shape.action is not Action.CREATE
        self.key = "t.source = i._source AND t.external_id = i._external" if shape.by_key else "t.id = i._id"
        found = self.key if self.has_before else None
        self.locks = {}
        if self.has_before or shape.guarded:
            self.locks = wholes.locks(self.entity, shape, found, self.organization)

    def build(self) -> Statement:
        parts = [f"i AS ({self._input()})", f"r AS MATERIALIZED ({self._references()})"]
        parts += [f"{name} AS MATERIALIZED ({sql})" for name, sql in self.locks.items()]
        if self.has_before:
            parts += [f"b AS MATERIALIZED ({self._before()})", f"k AS MATERIALIZED ({self._checked()})"]
        parts += [
            f"w AS ({self._write()})",
            f"d AS MATERIALIZED ({self._differences()})",
            f"a AS ({self._audit()})",
            f"o AS ({self._outbox()})",
        ]
        return Statement(*self.parameters.finish(f"WITH {', '.join(parts)} {self._answer()}"))

    def _spec(self, column: str) -> FieldSpec:
        return self.fields[column]

    def _input(self) -> str:
        own = ["_n integer", "_id uuid", "_audit uuid", "_event uuid", "_match text", "_currency text"]
        own += [f"{need} integer" for need in self.checks.needs()]
        if self.shape.by_key:
            own += ["_source text", "_external text"]
        columns = dict.fromkeys((*self.shape.columns, *self.shape.fixed))
        own += [f"{column} {self._spec(column).kind.sql}" for column in columns]
        return f"SELECT * FROM json_to_recordset({self.rows}::json) AS i({', '.join(own)})"

    def _references(self) -> str:
        """For each reference given, whether the caller sees the row it names; `ok` says all of them.

        By `OFFSET 0` each is asked once, and of that row: PostgreSQL would read all rows of a table it takes for small.
        """
        found = [f"{self._visible(self._spec(column))} AS {column}" for column in self._reference_columns()]
        every = " AND ".join(f"x.{column}" for column in self._reference_columns()) or "TRUE"
        return f"SELECT x.*, {every} AS ok FROM (SELECT {', '.join(['i._n', *found])} FROM i OFFSET 0) x"

    def _reference_columns(self) -> tuple[str, ...]:
        return tuple(column for column in self.shape.columns if self._spec(column).ref)

    def _visible(self, spec: FieldSpec) -> str:
        assert spec.ref is not None
        target, alias = REGISTRY[spec.ref.entity], f"v_{spec.name}"
        visible = "TRUE"
        if not self.shape.trusted:
            lens = open_lens(target, self.policy, self.parameters, alias)
            visible = lens.visible if lens else "FALSE"
            if spec.ref.same is not None and self.shape.action is Action.UPDATE:
                visible += f" AND coalesce({alias}.{spec.ref.same} = ({self._kept(spec.ref.same)}), TRUE)"
        return (
            f"(i.{spec.name} IS NULL OR EXISTS (SELECT 1 FROM {table_name(target)} {alias}"
            f" WHERE {alias}.organization_id = {self.organization} AND {alias}.id = i.{spec.name} AND {visible}"
            " OFFSET 0))"
        )

    def _kept(self, column: str) -> str:
        """A column of the row as it is."""
        return f"SELECT t.{column} FROM {self.table} t WHERE t.organization_id = {self.organization} AND {self.key}"

    def _before(self) -> str:
        shape, lens = self.shape, self.lens
        visible = "TRUE" if shape.trusted else self._visible_by_key(lens) if lens else "FALSE"
        etag = lens.etag() if lens else "NULL::text"
        lateral = lens.fence() if lens else ""
        money = any(self._spec(column).kind is kinds.MONEY for column in shape.written)
        same_currency = (
            "(i._currency IS NULL OR t.currency = i._currency)" if money and "currency" not in shape.written else "TRUE"
        )
        lock = "UPDATE" if shape.action is Action.DELETE else "NO KEY UPDATE"
        return (
            f"SELECT i._n, t.id, {self._image('t')} AS image, coalesce({visible}, FALSE) AS visible,"
            f" {', '.join(f'{sql} AS {name}' for name, sql in self.checks.before().items())},"
            f" {etag} AS etag, {same_currency} AS same_currency,"
            f" {differs(shape.written, 't', 'i')} AS changed, NOT {differs(shape.fixed, 't', 'i')} AS fixed"
            f" FROM i JOIN {self.table} t ON t.organization_id = {self.organization} AND {self.key}{lateral}"
            f" WHERE TRUE{''.join(f' AND (SELECT count(*) FROM {cte}) >= 0' for cte in self.locks)}"
            f" ORDER BY t.id FOR {lock} OF t"
        )

    def _visible_by_key(self, lens: Lens) -> str:
        """Whether the row is there for the caller: found by a key, it is only where they see that key."""
        if not self.shape.by_key:
            return lens.visible
        shown = [lens.column(lens.spec(name)).sql for name in KEY_COLUMNS]
        seen = [f"{sql} = t.{name}" if sql else "FALSE" for name, sql in zip(KEY_COLUMNS, shown, strict=True)]
        return " AND ".join([lens.visible, *seen])

    def _image(self, alias: str) -> str:
        """The row's values that a write can change, as jsonb; those of custom fields by name, a slot says nothing."""
        columns = self.shape.columns
        if self.shape.action is Action.DELETE:
            columns = tuple(s.name for s in self.fields.values() if s.sql is None and s.name not in ("id", "version"))
        # what nobody ever reads is not kept in audit entries either
        labels = {column: spec.label for column in columns if (spec := self._spec(column)).read is not None}
        taken = ", ".join(f'{alias}.{column} AS "{label or column}"' for column, label in labels.items())
        return f"(SELECT to_jsonb(x) FROM (SELECT {taken}) x)" if taken else "'{}'::jsonb"

    def _checked(self) -> str:
        return (
            f"SELECT b.*, b.visible AND {self.checks.allowed()} AND b.fixed AND b.same_currency AND r.ok"
            " AND (i._match IS NULL OR i._match = b.etag) AS allowed FROM i JOIN b USING (_n) JOIN r USING (_n)"
        )

    def _write(self) -> str:
        match self.shape.action:
            case Action.CREATE:
                return f"{self._insert('i JOIN r USING (_n)', 'r.ok')} {self._returning()}"
            case Action.UPSERT:
                taken = [f"{c} = excluded.{c}" for c in self.shape.written]
                which = "CASE WHEN k.id IS NULL THEN r.ok ELSE k.allowed AND k.changed END"
                return (
                    f"{self._insert('i JOIN r USING (_n) LEFT JOIN k USING (_n)', which)}"
                    f" ON CONFLICT (organization_id, source, external_id) DO UPDATE SET {', '.join([*taken, *_TOUCH])}"
                    f" WHERE t.id IN (SELECT k.id FROM k WHERE k.allowed) {self._returning()}"
                )
            case Action.UPDATE:
                taken = [f"{c} = i.{c}" for c in self.shape.written]
                return (
                    f"UPDATE {self.table} t SET {', '.join([*taken, *_TOUCH])} FROM i JOIN k USING (_n)"
                    f" WHERE t.organization_id = {self.organization} AND t.id = k.id AND k.allowed AND k.changed"
                    f" {self._returning()}"
                )
            case Action.DELETE:
                return (
                    f"DELETE FROM {self.table} t USING k WHERE t.organization_id = {self.organization} AND t.id = k.id"
                    f" AND k.allowed {self._returning()}"
                )

    def _insert(self, source: str, where: str) -> str:
        columns = ["organization_id", "id", "version", "created_at", "updated_at", *self.shape.inserted]
        given = {c: f"i.{c}" for c in self.shape.inserted}
        if "currency" in given:
            given["currency"] = wholes.currency(self.entity, self.organization)
        values = [self.organization, "i._id", "1", "now()", "now()", *given.values()]
        if self.shape.team_default:
            team = self.entity.__rows__.team
            assert team is not None
            columns.append(team)
            values.append(
                f"(SELECT u.team_id FROM users u WHERE u.organization_id = {self.organization} AND u.id = {self.user})"
            )
        return (
            f"INSERT INTO {self.table} AS t ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {source} WHERE {where}"
        )

    def _returning(self) -> str:
        """Beside the row: what the caller may do to it as it is now, where the write could have changed that."""
        image = "NULL::jsonb" if self.shape.action is Action.DELETE else self._image("t")
        told = ", ".join(f"{sql} AS {name}" for name, sql in self.checks.after().items())
        return f"RETURNING t.id, t.version, {image} AS image, {told}"

    def _differences(self) -> str:
        """The rows written, with what changed in them as `{column: [before, after]}`."""
        before, old = ("LEFT JOIN k USING (_n)", "k.image") if self.has_before else ("", "NULL::jsonb")
        target = "coalesce(k.id, i._id)" if self.has_before else "i._id"
        effect = {Action.CREATE: "'created'", Action.UPDATE: "'updated'", Action.DELETE: "'deleted'"}.get(
            self.shape.action, "CASE WHEN k.id IS NULL THEN 'created' ELSE 'updated' END"
        )
        return (
            f"SELECT i._n, i._audit, i._event, w.id, w.version, {effect} AS effect,"
            f" {', '.join(f'w.{name}' for name in self.checks.after())},"
            " coalesce((SELECT jsonb_object_agg(key, jsonb_build_array(x.old -> key, x.new -> key))"
            " FROM jsonb_object_keys(coalesce(x.new, x.old)) AS key"
            " WHERE coalesce(x.old -> key, 'null') <> coalesce(x.new -> key, 'null')), '{}') AS changes"
            f" FROM i {before} JOIN w ON w.id = {target} CROSS JOIN LATERAL (SELECT {old} AS old, w.image AS new) x"
        )

    def _audit(self) -> str:
        return (
            f"{INTO_AUDIT} SELECT {self.organization}, d._audit, {self.user}, {self.kind}, {self.channel}, {self.whom},"
            f" {self.request}, left(d.effect, -1), '{self.shape.entity}', d.id, d.changes FROM d ORDER BY d._n"
        )

    def _outbox(self) -> str:
        noun, called = snake(self.shape.entity), self.entity.__events__.items()
        otherwise = "".join(f" WHEN '{done}' THEN '{name}'" for done, name in called)
        verb = f"CASE d.effect{otherwise} ELSE d.effect END" if called else "d.effect"
        return (
            f"{INTO_OUTBOX} SELECT {self.organization}, d._event,"
            f" coalesce({self.event}, '{noun}.' || {verb}),"
            f" '{self.shape.entity}', d.id, jsonb_build_object('id', d.id, 'fields',"
            " (SELECT coalesce(jsonb_agg(f ORDER BY f), '[]') FROM jsonb_object_keys(d.changes) f))"
            " FROM d ORDER BY d._n"
        )

    def _answer(self) -> str:
        references = [f"r.{column} AS ref_{column}" for column in self._reference_columns()]
        before = "NULL::uuid AS known"
        if self.has_before:
            checks = ("visible", *self.checks.before(), "etag", "fixed", "same_currency", "changed")
            before = ", ".join(["k.id AS known", *(f"k.{check}" for check in checks)])
        after = ", ".join(["d.id AS written, d.version, d.effect", *(f"d.{name}" for name in self.checks.after())])
        join = "LEFT JOIN k USING (_n)" if self.has_before else ""
        taken = ", ".join(["i._n", before, after, *references])
        return f"SELECT {taken} FROM i JOIN r USING (_n) {join} LEFT JOIN d USING (_n) ORDER BY i._n"


_TOUCH = ("version = t.version + 1", "updated_at = now()")


def may_default_owner(entity: type[Entity], policy: Policy) -> bool:
    """Whether the caller makes rows of their own here, so that one they make is theirs unless they say otherwise."""
    return any(g.create and g.rule in (Rule.OWN, Rule.TEAM) for g in policy.on(entity.__name__))
