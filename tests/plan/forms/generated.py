"""Policies, callers and operations, drawn at random: what the forms of SQL are held against the naive form with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import RESTRICTED, Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from tests.plan.forms.world import ORGANIZATION, made

_SIMPLE = (Rule.OWN, Rule.TEAM, Rule.SHARED)
_levels = st.sampled_from(Level)
_sizes = st.integers(0, 7)


def _granted(
    rules: tuple[Rule, ...], categories: st.SearchStrategy[frozenset[Any]]
) -> st.SearchStrategy[tuple[Grant, ...]]:
    one = st.sampled_from(rules).flatmap(
        lambda rule: st.builds(lambda level, without: Grant(rule, level, without=without), _levels, categories)
    )
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda grant: grant.rule).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any grants on customers and what belongs to them; the rest is as open as can be."""
    none: st.SearchStrategy[frozenset[Any]] = st.just(frozenset())
    categories = st.one_of(none, none, st.sampled_from(Category).map(lambda c: frozenset((c,))))
    some = _granted((*_SIMPLE, Rule.SELF), categories)
    customers = st.one_of(some, st.builds(lambda few, level: (*few, Grant(Rule.EVERYONE, level)), some, _levels))
    opportunities = _granted((*_SIMPLE, Rule.PARTNER, Rule.PARENT), categories)
    all_of_it = (Grant(Rule.EVERYONE, RESTRICTED),)
    grants: Mapping[str, tuple[Grant, ...]] = {
        "Customer": draw(customers),
        "Opportunity": draw(opportunities),
        "Contact": (Grant(Rule.PARENT, draw(_levels)),),
        "User": all_of_it,
        "Team": all_of_it,
        "Partner": all_of_it,
    }
    return Policy(grants, key="drawn")


@st.composite
def actors(draw: st.DrawFn) -> Actor:
    policy = draw(policies())
    if draw(st.integers(0, 9)) == 0:
        policy = policy.viewing_as(draw(policies()))
    seen = Actor(ORGANIZATION, ActorKind.STAFF, policy, user_id=made("user", 1), team_ids=(made("team", 2),))
    return Actor(
        ORGANIZATION,
        ActorKind.STAFF,
        policy,
        user_id=made("user", 0),
        team_ids=tuple(made("team", k) for k in range(draw(st.integers(0, 2)))),
        partner_id=draw(st.sampled_from((None, made("partner", 0)))),
        customer_id=draw(st.sampled_from((None, made("customer", 3)))),
        seen_as=seen if policy.beside is not None else None,
    )


_AMOUNTS = ("-7000", "-501", "-1", "0", "999", "1000", "4999", "5000", "250001")
_conditions = st.one_of(
    *(
        st.builds(lambda op, v, name=name: f'{name}: {{ {op}: "{v}" }}', st.sampled_from(("gt", "gte", "lt", "lte", "eq", "ne")), st.sampled_from(_AMOUNTS))
        for name in ("creditLimit", "annualRevenue", "lifetimeValue")
    ),
    st.builds(
        lambda a, b: f'annualRevenue: {{ between: {{ from: "{a}", to: "{b}" }} }}',
        st.sampled_from(_AMOUNTS),
        st.sampled_from(_AMOUNTS),
    ),
    st.sampled_from(
        (
            'email: { eq: "ann1@one.example" }',
            'email: { eq: "a•••@one.example" }',
            'email: { startsWith: "a" }',
            "email: { isNull: true }",
            "creditLimit: { isNull: true }",
            "employees: { in: [1, 20] }",
            "employees: { notIn: [1] }",
            "segment: { eq: ENTERPRISE }",
            'opportunities: { some: { probability: { gte: 20 } } }',
            'opportunities: { none: { amount: { gte: "10" } } }',
            'opportunities: { every: { probability: { isNull: false } } }',
            'contacts: { some: { email: { startsWith: "c" } } }',
            'owner: { name: { eq: "User 0" } }',
        )
    ),
)  # fmt: skip
_filters = st.recursive(
    _conditions,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"and: [{{ {a} }}, {{ {b} }}]", inner, inner),
        st.builds(lambda a, b: f"or: [{{ {a} }}, {{ {b} }}]", inner, inner),
        inner.map(lambda a: f"not: {{ {a} }}"),
    ),
    max_leaves=3,
)
_DIRECTIONS = ("ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_LAST")


def _by(*names: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, way: f"orderBy: [{{ {name}: {way} }}]", st.sampled_from(names), st.sampled_from(_DIRECTIONS)
    )


_amounts = _by("creditLimit", "annualRevenue", "lifetimeValue", "employees")
_dates = _by("createdAt")
_orders = st.one_of(
    _amounts,
    _amounts,
    _dates,
    _dates,
    st.just(""),
    _by("city", "name", "id", "updatedAt"),
    st.builds(
        lambda a, b: f"orderBy: [{{ city: {a} }}, {{ employees: {b} }}]",
        st.sampled_from(_DIRECTIONS),
        st.sampled_from(_DIRECTIONS),
    ),
)
_NODE = (
    "id name email phone employees city createdAt hiddenFields maskedFields etag creditLimit { amount currency }"
    " annualRevenue { amount } opportunities(first: 2, orderBy: [{ amount: DESC }]) { nodes { id amount { amount } probability } totalCount }"
    " contacts(first: 2) { nodes { id email } }"
)
_selections = st.sampled_from(
    (
        f"nodes {{ {_NODE} }}",
        f"edges {{ cursor node {{ {_NODE} }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}",
        "nodes { id } totalCount",
        "totalCount",
        "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount",
    )
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A list of customers: `page` makes the operation of one of its pages."""

    arguments: str
    selected: str
    size: int
    back: bool

    def page(self, cursor: str | None = None) -> str:
        window = f"{'last' if self.back else 'first'}: {self.size}"
        if cursor:
            window += f', {"before" if self.back else "after"}: "{cursor}"'
        return f"{{ customers({window} {self.arguments}) {{ {self.selected} }} }}"


lists = st.builds(
    lambda order, condition, selected, size, back: Drawn(
        f"{order} {f'filter: {{ {condition} }}' if condition else ''}", selected, size, back
    ),
    _orders,
    st.one_of(st.none(), st.none(), st.none(), _filters),
    _selections,
    _sizes,
    st.booleans(),
)


_SUMS = (
    "count countDistinct { email } sum { annualRevenue { amount currency } employees } max { creditLimit { amount } }"
)
ranged = st.builds(
    lambda order, condition, selected, size, back: Drawn(f"{order} filter: {{ {condition} }}", selected, size, back),
    st.one_of(_dates, _orders),
    st.one_of(_conditions, st.builds(lambda a, b: f"and: [{{ {a} }}], {b}", _conditions, _conditions)),
    _selections,
    _sizes,
    st.booleans(),
)
"""Lists under a condition at the top of their filter: a range there is a way to the rows."""

counts = _filters.map(lambda condition: f"{{ customers(filter: {{ {condition} }}) {{ totalCount }} }}")
sums = st.builds(
    lambda by, condition: (
        f"{{ customerAggregate({f'groupBy: [{{ {by}: VALUE }}]' if by else 'first: 9'}"
        f"{f', filter: {{ {condition} }}' if condition else ''})"
        f" {{ groupCount groups {{ {f'key {{ {by} }}' if by else ''} {_SUMS} }} }} }}"
    ),
    st.sampled_from((None, "segment", "city", "employees")),
    st.one_of(st.none(), st.none(), _filters),
)
