"""Row rules: named relations between a caller and a row, compiled to SQL predicates.

A rule says *which* rows; a grant (`policy.py`) says how much of them. Each predicate is total: on a row
whose attribute is null it is false or null, never an error.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from crm_graph.auth.levels import Level


class Rule(enum.StrEnum):
    """The relations a grant may name."""

    EVERYONE = "everyone"
    """Every row of the organisation."""
    OWN = "own"
    """The caller is the row's owner (or assignee, or author)."""
    TEAM = "team"
    """The row belongs to the caller's team or one below it in the tree."""
    SHARED = "shared"
    """The row is shared, now, with the caller, one of their teams, or their partner."""
    SELF = "self"
    """The row is about the caller as a customer (or is the caller's own user record)."""
    PARTNER = "partner"
    """The row belongs to the partner the caller works for."""
    PUBLISHED = "published"
    """The row is published for everybody (catalogue)."""
    FOR_CUSTOMERS = "for_customers"
    """The row is published for customers, or for everybody."""
    FOR_PARTNERS = "for_partners"
    """The row is published for partners, for customers, or for everybody."""
    FOR_STAFF = "for_staff"
    """The row is published, for whomever."""
    PARENT = "parent"
    """The row is part of another one (a line of an order); it is seen as its parent is."""
    PUBLISHED_PART = "published_part"
    """As `PARENT`, but only rows that are published (the public messages of a ticket)."""


PARTS = (Rule.PARENT, Rule.PUBLISHED_PART)
"""The rules by which a part is seen as its whole is."""
AUDIENCES: Final = ("PUBLIC", "CUSTOMER", "PARTNER", "INTERNAL")
"""Whom a row may be published to, the widest audience first: each is part of those before it."""
PUBLISHED_TO: Final[Mapping[Rule, tuple[str, ...]]] = {
    Rule.PUBLISHED: AUDIENCES[:1],
    Rule.FOR_CUSTOMERS: AUDIENCES[:2],
    Rule.FOR_PARTNERS: AUDIENCES[:3],
    Rule.FOR_STAFF: AUDIENCES,
}
"""The audiences that each of these rules reaches, where a column says to whom a row is published."""


class ActorValue(enum.StrEnum):
    """What a predicate may ask about the caller; the value names the attribute of `Actor`."""

    USER = "user_id"
    TEAMS = "team_ids"
    PARTNER = "partner_id"
    CUSTOMER = "customer_id"
    GRANTEES = "grantee_ids"


@dataclass(frozen=True, slots=True)
class Rows:
    """Which columns of an entity each row rule reads. An absent one makes its rule match nothing.

    `parent` names the reference column of the row this one is part of; `subject` says whether `self_`
    holds the caller's customer or user id.
    """

    own: str | None = None
    team: str | None = None
    self_: str | None = None
    partner: str | None = None
    published: str | None = None
    audience: str | None = None
    """Instead of `published`, which is yes or no: one of `AUDIENCES`, or empty where the row is published to nobody."""
    parent: str | None = None
    shared: bool = False
    subject: ActorValue = ActorValue.CUSTOMER
    person: str | None = None
    """SQL over `{alias}`: whether the row that `self_` names is one human being, who alone may change it so."""
    reaches: tuple[str, ...] = ()
    """With `shared`: the entities whose rows, parts of this one, a share of it reaches as well."""
    withheld: str | None = None
    """With `partner`: SQL over `{alias}`, of parts that no share of their whole shows to a partner they are not of."""
    clears: tuple[str, ...] = ()
    """Columns that decide what the person of the row may see: nobody changes them about themselves."""
    policy: tuple[str, ...] = ()
    """Columns that decide what many people may see (the tree of teams): written by who writes the policy."""

    delegated: bool = False
    """Whether who acts for the customer sees what is marked for the subject. Not where that is about another person."""
    entrusts: "Entrusts | None" = None
    """Of what lets a person act for somebody else: when a row does."""

    def columns(self) -> tuple[str, ...]:
        """The columns that decide access: changing one needs more than the right to write it."""
        return tuple(c for c in (self.own, self.team, self.self_, self.partner, self.parent) if c)


@dataclass(frozen=True, slots=True)
class Entrusts:
    """When a row lets a person act for a customer: `condition` over `columns`, each as `{column}`.

    It is made so by who may assign such rows and sees of them what there is to see at `level`; undone by who writes it.
    """

    columns: tuple[str, ...]
    condition: str
    level: Level = Level.CONFIDENTIAL


Bind = Callable[[ActorValue], str]
"""Gives the SQL placeholder, cast to its type, of something about the caller."""


def predicate(  # noqa: PLR0911 - one return a rule
    rule: Rule, rows: Rows, table: str, alias: str, organization: str, bind: Bind
) -> str | None:
    """SQL that is true on the rows of `alias` which `rule` reaches; `None` when it can reach none.

    `EVERYONE` is `"TRUE"`. The rules that look at the parent are not compiled here: they need its lens
    (`plan/access/opening.py`).
    """
    match rule:
        case Rule.EVERYONE:
            return "TRUE"
        case Rule.OWN if rows.own:
            return f"{alias}.{rows.own} = {bind(ActorValue.USER)}"
        case Rule.TEAM if rows.team:
            return f"{alias}.{rows.team} = ANY({bind(ActorValue.TEAMS)})"
        case Rule.SELF if rows.self_:
            return f"{alias}.{rows.self_} = {bind(rows.subject)}"
        case Rule.PARTNER if rows.partner:
            return f"{alias}.{rows.partner} = {bind(ActorValue.PARTNER)}"
        case Rule.PUBLISHED if rows.published:
            return f"{alias}.{rows.published}"
        case Rule.PUBLISHED | Rule.FOR_CUSTOMERS | Rule.FOR_PARTNERS | Rule.FOR_STAFF if rows.audience:
            reached = ", ".join(f"'{audience}'" for audience in PUBLISHED_TO[rule])
            return f"{alias}.{rows.audience} IN ({reached})"
        case Rule.SHARED if rows.shared:
            return f"EXISTS ({share_rows(table, alias, organization, bind)})"
    return None


def share_rows(table: str, alias: str, organization: str, bind: Bind, select: str = "SELECT 1") -> str:
    """A sub-select over the shares that reach the caller now for the row of `alias`."""
    singular_id, (probed, sh) = f"{singular(table)}_id", shares(table)
    return (
        f"{select} FROM {probed} {sh}"
        f" WHERE sh.organization_id = {organization} AND sh.{singular_id} = {alias}.id"
        f" AND sh.grantee_id = ANY({bind(ActorValue.GRANTEES)}) AND sh.valid_from <= now() AND sh.valid_until > now()"
    )


def shares(table: str) -> tuple[str, str]:
    """The table of the shares of a table's rows, and the alias by which it is probed."""
    return f"{singular(table)}_shares", "sh"


def share_clearance(table: str, alias: str, organization: str, bind: Bind, most: Level) -> str:
    """SQL of the highest level that shares give the caller on the row, capped; null where there is no share.

    The maximum of the capped levels, not the capped maximum: `least` ignores nulls, so no share would give the cap.
    """
    return f"({share_rows(table, alias, organization, bind, f'SELECT max(least({most.value}, sh.clearance))')})"


def shared_ids(table: str, organization: str, bind: Bind, least: int = Level.PUBLIC, under: int | None = None) -> str:
    """A sub-select of the ids of the table's rows that shares show the caller now, from one level to under another."""
    reached = f" AND sh.clearance >= {int(least)}" if least > Level.PUBLIC else ""
    reached += f" AND sh.clearance < {int(under)}" if under is not None else ""
    return (
        f"SELECT sh.{singular(table)}_id FROM {singular(table)}_shares sh WHERE sh.organization_id = {organization}"
        f" AND sh.grantee_id = ANY({bind(ActorValue.GRANTEES)}) AND sh.valid_from <= now() AND sh.valid_until > now()"
        f"{reached}"
    )


def singular(table: str) -> str:
    """`opportunities` → `opportunity`: share tables are named after one row."""
    return table[:-3] + "y" if table.endswith("ies") else table.removesuffix("s")
