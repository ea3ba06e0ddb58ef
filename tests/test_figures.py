"""A figure that makes no sense stops the start, naming field and remedy."""

from dataclasses import replace
from typing import Any

import pytest

from crm_graph import figures
from crm_graph.auth.access_policy import of_document
from crm_graph.auth.classification import Levels
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, Category
from crm_graph.auth.policy.document import Document
from crm_graph.entity import REGISTRY
from crm_graph.markers import DeclarationError, Read
from crm_graph.plan.policies.check import problems

ACTUAL = REGISTRY["Goal"].__specs__["actual"]


def test_an_organisation_does_not_level_it() -> None:
    """What it is made of is levelled, and it follows (tests/access/test_algebra.py)."""
    found = problems(of_document(Document(levels={"Goal.actual": Levels(read=INTERNAL)})))
    (problem,) = found
    assert problem.path == ("levels", "Goal.actual", "read")
    assert "nowhere below what it is made of" in problem.message


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"read": Read(INTERNAL, category=Category.COMMERCIAL)}, "not seen at its level. Raise it to CONFIDENTIAL"),
        ({"read": Read(CONFIDENTIAL)}, "of the category commercial"),
        ({"of": ("Order.nothing",)}, "Order.nothing, which is no readable field"),
        ({"of": ("Customer.annual_revenue",)}, "masked one level below"),
        ({"tables": (("sessions", "s", "fp.id = {plan_id}"),)}, "sessions, which is no table of an entity"),
        ({"tables": (("orders", "fo", "fo.id = 1"),)}, "is not said. Write the condition"),
    ],
)
def test_what_makes_no_sense_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], says: str
) -> None:
    figures.check()
    assert ACTUAL.figure is not None
    faulty = replace(ACTUAL, figure=replace(ACTUAL.figure, **changed))
    monkeypatch.setitem(REGISTRY["Goal"].__specs__, "actual", faulty)
    with pytest.raises(DeclarationError, match=says):
        figures.check()
