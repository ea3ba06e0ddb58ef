"""What decides whether a row may be written so: SQL over the row as it was, and over the row as the write leaves it.

A suffix stands for a category of fields that some grant leaves out: the levels are asked for each of them apart.
"""

from collections.abc import Mapping

from crm_graph.auth.levels import Category
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import ActorValue
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.plan.access import write_access
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import left_out, open_lens
from crm_graph.plan.access.write_access import NONE, WriteAccess
from crm_graph.plan.changes import Action
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.writes import wholes
from crm_graph.plan.writes.shape import Shape

NAMES = {"read_after": "integer", "write_after": "integer", "create_level": "integer"}
_OTHERS = {"entrusts": "boolean", "share_level": "integer", "share_clearance": "integer", "share_self": "boolean"}


def suffix(category: Category | None) -> str:
    return f"_{category.value}" if category else ""


class Checks:
    """The checks of one shape of write under a policy, on the row of alias `t`."""

    def __init__(self, shape: Shape, policy: Policy, parameters: Parameters, lens: Lens | None) -> None:
        self.shape, self.policy, self.parameters, self.lens = shape, policy, parameters, lens
        self.entity: type[Entity] = REGISTRY[shape.entity]
        categories: list[Category | None] = [None, *left_out(self.entity, policy)]
        self.access: dict[str, WriteAccess] = {
            suffix(one): write_access.write_access(self.entity, policy, parameters, "t", one) for one in categories
        }

    def needs(self) -> list[str]:
        """The columns of the input that say which levels are needed."""
        return [f"_need{s}" for s in self.access]

    @property
    def moving(self) -> tuple[str, ...]:
        """The columns written that decide who has access."""
        return tuple(c for c in self.shape.written if c in self.entity.__rows__.columns())

    def before(self) -> dict[str, str]:
        """What is told of the row as it was, beside the input `i`."""
        trusted, rows = self.shape.trusted, self.entity.__rows__
        found: dict[str, str] = {}
        for s, access in self.access.items():
            found[f"write_level{s}"] = "100" if trusted else access.write
            found[f"read_level{s}"] = access.read
        found["may_delete"] = "TRUE" if trusted else self.access[""].delete
        found["unassigned"] = found["own_clearance"] = found["frozen"] = found["unentrusted"] = "FALSE"
        if self.shape.guarded and self.entity.__frozen__:
            found["frozen"] = wholes.frozen(self.entity, self.entity.__frozen__, "t")
        entrusting = tuple(c for c in self.shape.written if rows.entrusts and c in rows.entrusts.columns)
        if entrusting and not trusted:
            entrusts = self._entrusts(dict.fromkeys(entrusting, "i"))
            found["unentrusted"] = f"{differs(entrusting, 't', 'i')} AND {entrusts}"
        found["moved"] = differs(self.moving, "t", "i")
        if self.moving and not trusted:
            found["unassigned"] = f"{found['moved']} AND NOT ({self.access[''].assign})"
        clears = tuple(c for c in self.shape.written if c in rows.clears)
        if clears and rows.self_ and not trusted:
            own = f"t.{rows.self_} = {self.parameters.actor(rows.subject)}"
            found["own_clearance"] = f"coalesce({own}, FALSE) AND {differs(clears, 't', 'i')}"
        return found

    def allowed(self) -> str:
        """Whether the row as it was, in `b`, may be written as `i` asks."""
        if self.shape.action is Action.DELETE:
            return "b.may_delete AND NOT b.frozen"
        levels = [f"(i._need{s} IS NULL OR coalesce(b.write_level{s} >= i._need{s}, FALSE))" for s in self.access if s]
        general = "coalesce(b.write_level >= i._need, FALSE)"
        kept = ("NOT b.unassigned", "NOT b.own_clearance", "NOT b.frozen", "NOT b.unentrusted")
        return " AND ".join([general, *levels, *kept])

    def after(self) -> Mapping[str, str]:
        """What is told of the row as the write leaves it, where the write could have changed that."""
        shape = self.shape
        names = {f"{name}{s}": kind for s in self.access for name, kind in NAMES.items()}
        told = {"visible_after": "boolean", "frozen_after": "boolean", **names, **_OTHERS}
        found = {name: f"NULL::{kind}" for name, kind in told.items()}
        if shape.trusted or shape.action is Action.DELETE:
            return found
        if shape.action is Action.CREATE or self.moving:
            found["visible_after"] = f"coalesce({self.lens.visible if self.lens else 'FALSE'}, FALSE)"
            for s, access in self.access.items():
                found[f"write_after{s}"], found[f"read_after{s}"] = access.write, access.read
        if shape.guarded and self.entity.__frozen__ and self.entity.__frozen__.of:
            found["frozen_after"] = wholes.frozen(self.entity, self.entity.__frozen__, "t")
        if shape.action is not Action.UPDATE:
            found |= {f"create_level{s}": access.create for s, access in self.access.items()}
        if shape.action is not Action.UPDATE or self.moving:
            found["entrusts"] = self._entrusts({})
        return {**found, **self._share()}

    def _entrusts(self, source: Mapping[str, str]) -> str:
        """Whether the row, with these columns from their `source`, lets a person act, and the caller may not say so."""
        entrusts, access = self.entity.__rows__.entrusts, self.access[""]
        if entrusts is None:
            return "FALSE"
        condition = entrusts.condition.format_map({c: f"{source.get(c, 't')}.{c}" for c in entrusts.columns})
        may = f"({access.assign}) AND coalesce({access.read} >= {int(entrusts.level)}, FALSE)"
        return f"(coalesce({condition}, FALSE) AND NOT ({may}))"

    def _share(self) -> dict[str, str]:
        """Of a share: how much the caller may see of the row that is shared and that they may write, and its level."""
        column = self.entity.__shares__
        ref = self.entity.__specs__[column].ref if column else None
        if ref is None:
            return {}
        shared = REGISTRY[ref.entity]
        lens = open_lens(shared, self.policy, self.parameters, "s")
        accesses = [
            write_access.write_access(shared, self.policy, self.parameters, "s", one)
            for one in (None, *left_out(shared, self.policy))
        ]
        if lens is None or accesses[0].write == NONE:
            level = NONE
        else:
            read = ", ".join(f"coalesce({access.read}, 0)" for access in accesses)
            level = (
                f"(SELECT least({read}) FROM {table_name(shared)} s"
                f" WHERE {lens.where()} AND s.id = t.{column} AND {accesses[0].write} IS NOT NULL)"
            )
        oneself = f"coalesce(t.user_id = {self.parameters.actor(ActorValue.USER)}, FALSE)"
        return {"share_level": level, "share_clearance": "t.clearance::integer", "share_self": oneself}


def differs(columns: tuple[str, ...], left: str, right: str) -> str:
    found = " OR ".join(f"{left}.{c} IS DISTINCT FROM {right}.{c}" for c in columns)
    return f"({found})" if found else "FALSE"
