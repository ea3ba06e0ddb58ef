"""What a statement may grow to, and how long it may take, on shapes that once went wrong."""

import time

import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


def nested(depth: int) -> str:
    """A relation filter with a condition on a field that differs from row to row at every step."""
    tree = (
        '{ notes: { eq: "x" } }' if depth == 0 else f'{{ email: {{ eq: "a@b.example" }}, parent: {nested(depth - 1)} }}'
    )
    return tree.replace("notes", "phone").replace('"x"', '"+4930901820"')


async def test_a_nested_filter_grows_no_faster_than_it_nests(api: Api) -> None:
    """Each step has a weakened copy for the indexes; a copy of the steps below it would double the statement at each."""
    sizes = []
    for depth in (2, 4, 6):
        answer = await api.as_("sales_rep")(f"{{ customers(first: 1, filter: {nested(depth)}) {{ totalCount }} }}")
        assert answer.data
        sizes.append(len(answer.sql[0]))
    assert sizes[2] - sizes[1] < 1.5 * (sizes[1] - sizes[0])


@pytest.mark.parametrize(
    "query",
    [
        '{ opportunityLines(first: 1, filter: { opportunity: { lossReason: { eq: "nobody wrote this" } } }) { nodes { id } } }',
        "{ opportunityLines(first: 1, filter: { opportunity: { source: { isNull: false } } }) { nodes { id } } }",
        '{ customers(first: 1, filter: { opportunities: { some: { lossReason: { eq: "nobody" } } } }) { nodes { id } } }',
        "{ customers(first: 50) { nodes { opportunities(first: 2) { nodes { name } } openTickets } } }",
    ],
)
@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep"])
async def test_a_reference_that_differs_by_row_is_still_served_by_an_index(api: Api, query: str, persona: str) -> None:
    """Without one, 8,000 lines against 3,000 opportunities took half a minute."""
    begun = time.monotonic()
    answer = await api.as_(persona)(query)
    assert answer.status == 200, answer.body
    assert time.monotonic() - begun < 5
