"""Shares and prices: no cent is lost, whatever the amounts."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_graph import kinds
from crm_graph.resolvers.proposals.allocation import allocate, unit_price

DECIMALS = st.sampled_from([0, 2, 3])
UNITS = st.lists(st.integers(0, 10**15), min_size=1, max_size=120)


@given(UNITS, st.decimals(0, 100, places=6), DECIMALS)
def test_shares_add_up(units: list[int], percent: Decimal, decimals: int) -> None:
    unit = Decimal(1).scaleb(-decimals)
    weights = [number * unit for number in units]
    amount = (sum(weights, Decimal(0)) * percent / 100).quantize(unit, ROUND_HALF_UP)
    shares = allocate(amount, weights, decimals)
    assert sum(shares, Decimal(0)) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight
        assert share == share.quantize(unit)
        if amount:
            exact = amount * weight / sum(weights, Decimal(0))
            assert abs(share - exact) < unit * Decimal("1.000001")


@given(st.permutations([Decimal("0.01"), Decimal("0.02"), Decimal("9.99"), Decimal("33.33")]))
def test_equal_remainders_go_by_place(weights: list[Decimal]) -> None:
    """The same proposal is shared the same way each time."""
    assert allocate(Decimal("1.00"), weights, 2) == allocate(Decimal("1.00"), weights, 2)


def test_there_is_something_to_share_by() -> None:
    assert allocate(Decimal(0), [Decimal(0)], 2) == [Decimal("0.00")]
    with pytest.raises(ValueError, match="nothing to share by"):
        allocate(Decimal("0.01"), [Decimal(0)], 2)


@given(
    st.integers(0, 10**14),
    st.decimals(Decimal("0.000001"), Decimal(10**11), places=6),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_quantity_times_price_is_the_amount(units: int, quantity: Decimal, currency: str) -> None:
    decimals = kinds.minor_units(currency)
    net = units * Decimal(1).scaleb(-decimals)
    price = unit_price(net, quantity, decimals)
    assert kinds.rounded(price * quantity, currency) == net
