"""The view of oneself does not reach what a grant leaves out, nor does anybody who looks as somebody else."""

import pytest

from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy, resolved
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters

CUSTOMER = REGISTRY["Customer"]
PERSONAL = frozenset({Category.PERSONAL})


def shows(policy: Policy, name: str) -> bool:
    lens = open_lens(CUSTOMER, policy, Parameters(), "t")
    assert lens is not None
    return lens.column(lens.spec(name)).sql is not None


def of(*grants: Grant) -> Policy:
    return resolved({"role": {"Customer": grants}}, frozenset({"role"}))


def test_a_category_left_out_is_left_out_of_the_view_of_oneself() -> None:
    own = Grant(Rule.SELF, Level.PUBLIC)
    assert shows(of(own), "born_on")
    narrowed = of(Grant(Rule.SELF, Level.PUBLIC, without=PERSONAL))
    assert not shows(narrowed, "born_on")
    assert shows(narrowed, "tax_number"), "which is no personal matter by its category"


@pytest.mark.parametrize(("without", "seen"), [(frozenset[Category](), True), (PERSONAL, False)])
def test_whoever_looks_as_a_person_sees_no_category_that_is_kept_from_them(
    without: frozenset[Category], seen: bool
) -> None:
    viewer = of(Grant(Rule.EVERYONE, Level.RESTRICTED, without=without))
    assert shows(viewer, "born_on") is seen
    assert shows(viewer.viewing_as(resolved(ROLES, frozenset({"customer"}))), "born_on") is seen
