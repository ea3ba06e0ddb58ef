"""The operations whose cost under row-by-row access is bounded, who asks them, and the bounds."""

from dataclasses import dataclass

PEOPLE = {"administrator": 1, "rep, masks": 7, "partner 5,000": 51, "partner 100": 52, "partner 90,000": 53}
"""Callers, by the number of their user in `access.sql`."""


@dataclass(frozen=True, slots=True)
class Case:
    """`query` may cost `caller` `limit` times what it costs the administrator. `turns`: its second page is meant."""

    name: str
    caller: str
    limit: float
    query: str
    turns: bool = False


COLUMNS = (
    "id name kind segment stage industry email phone website city country employees notes createdAt"
    " creditLimit { amount currency }"
)
_GROUPS = (
    "{ customerAggregate(groupBy: [{ kind: VALUE }])"
    " { groups { key { kind } count sum { SUMMED { amount currency } } } } }"
)
_MAIL = 'filter: { email: { eq: "binfo391@customer391.example" } }, '
_LARGE = 'filter: { opportunities: { some: { amount: { gte: "999000" } } } }, '
PUBLIC = "id name kind segment stage city country createdAt"
NEWEST = "orderBy: [{ createdAt: DESC }]"


def _list(arguments: str, selected: str = f"nodes {{ {COLUMNS} }}") -> str:
    return f"{{ customers(first: 50, {arguments}) {{ {selected} }} }}"


def _count(condition: str) -> str:
    return f"{{ customers(filter: {{ {condition} }}) {{ totalCount }} }}"


def _nested(what: str) -> str:
    return _list(NEWEST, f"nodes {{ {COLUMNS} {what} }}")


_OPPORTUNITIES = (
    f"opportunities(first: 3, {NEWEST})"
    " { nodes { id name status amount { amount } margin { amount } closeOn } }"
)
_CONTACTS = f"contacts(first: 3, {NEWEST}) {{ nodes {{ id name role email }} }}"
_PAGED = f"edges {{ cursor node {{ {COLUMNS} }} }} pageInfo {{ hasNextPage endCursor }}"
_PARTNERS = ("partner 5,000", "partner 100", "partner 90,000")

CASES = (
    Case("list by date", "rep", 1.2, _list(NEWEST)),
    Case("list by date", "rep, masks", 1.2, _list(NEWEST)),
    Case("list by date, cursors, second page", "rep", 1.2, _list(NEWEST, _PAGED), turns=True),
    Case("list by date, columns of one level", "rep", 1.2, _list(NEWEST, f"nodes {{ {PUBLIC} }}")),
    Case("nested: contacts", "rep, masks", 1.2, _nested(_CONTACTS)),
    Case("nested: contacts", "rep", 1.2, _nested(_CONTACTS)),
    Case("nested: opportunities", "rep", 1.2, _nested(_OPPORTUNITIES)),
    Case("filter: email eq", "rep", 1.5, _list(_MAIL + NEWEST)),
    Case("filter: email eq", "rep, masks", 1.5, _list(_MAIL + NEWEST)),
    Case("filter: creditLimit gte", "rep", 1.5, _list('filter: { creditLimit: { gte: "99900" } }, ' + NEWEST)),
    Case("filter: opportunities some amount", "rep", 1.5, _list(_LARGE + NEWEST)),
    *(Case("page by date", who, 2, _list(NEWEST)) for who in _PARTNERS),
    *(Case("page by date, cursors, second page", who, 2, _list(NEWEST, _PAGED), turns=True) for who in _PARTNERS[::2]),
    *(Case("totalCount", who, 2, "{ customers { totalCount } }") for who in ("rep", *_PARTNERS)),
    Case("opportunities totalCount", "rep", 2, "{ opportunities { totalCount } }"),
    Case("groups: sum of lifetimeValue", "rep", 2.5, _GROUPS.replace("SUMMED", "lifetimeValue")),
    Case("groups: sum of annualRevenue", "partner 5,000", 2.5, _GROUPS.replace("SUMMED", "annualRevenue")),
    Case("count: creditLimit gte", "rep", 2.5, _count('creditLimit: { gte: "50000" }')),
    Case("count: lifetimeValue gte", "rep", 2.5, _count('lifetimeValue: { gte: "2500000" }')),
    Case("count: annualRevenue gte", "rep, masks", 2.5, _count('annualRevenue: { gte: "2500000" }')),
    Case("count: annualRevenue gte", "rep", 2.5, _count('annualRevenue: { gte: "2500000" }')),
    Case("count: segment eq", "partner 5,000", 2.5, _count("segment: { eq: ENTERPRISE }")),
    Case("count: annualRevenue gte", "partner 5,000", 2.5, _count('annualRevenue: { gte: "2500000" }')),
    Case("sort by creditLimit", "rep", 15, _list("orderBy: [{ creditLimit: DESC }]")),
    Case("sort by creditLimit ascending", "rep", 15, _list("orderBy: [{ creditLimit: ASC }]")),
    Case("sort by creditLimit, second page", "rep", 15, _list("orderBy: [{ creditLimit: DESC }]", _PAGED), turns=True),
    Case("sort by annualRevenue", "rep, masks", 15, _list("orderBy: [{ annualRevenue: DESC }]")),
    Case("sort by annualRevenue", "rep", 15, _list("orderBy: [{ annualRevenue: DESC }]")),
    Case("sort by employees", "rep", 15, _list("orderBy: [{ employees: DESC }]")),
    *(Case("sort by annualRevenue", who, 15, _list("orderBy: [{ annualRevenue: DESC }]")) for who in _PARTNERS),
)  # fmt: skip
