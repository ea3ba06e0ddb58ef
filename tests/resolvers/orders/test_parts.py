"""What parts of an order's line come to, together: the line, to the cent."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_graph.resolvers.orders.returns import _part


@given(
    total=st.decimals(-999, 9999, places=2, allow_nan=False),
    quantity=st.integers(1, 12),
    cuts=st.lists(st.integers(1, 12), max_size=6),
)
@settings(max_examples=200, deadline=None)
def test_parts_of_a_line_lose_no_cent(total: Decimal, quantity: int, cuts: list[int]) -> None:
    back, given_back = Decimal(0), Decimal(0)
    for cut in [*cuts, quantity]:
        some = min(Decimal(cut), quantity - back)
        if some:
            line = {"currency": "EUR", "total": total, "quantity": Decimal(quantity), "back": back, "given": given_back}
            part = _part(line, some)["amount"]
            assert isinstance(part, Decimal)
            back, given_back = back + some, given_back + part
    assert (back, given_back) == (quantity, total)
