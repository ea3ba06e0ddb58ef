"""Sharing an amount among lines so that no cent is lost, and prices that come to an amount exactly."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

_MOST_PLACES = 30


def allocate(amount: Decimal, weights: Sequence[Decimal], decimals: int) -> list[Decimal]:
    """Shares of an amount by weight that add up to it, with so many decimals: the largest remainders are rounded up.

    Amount and weights have no more decimals than that, and none is negative. No share is greater than its weight where
    the amount is not greater than all of them. Raises `ValueError` where there is no weight to share by.
    """
    unit, whole = Decimal(1).scaleb(-decimals), sum(weights, Decimal(0))
    if amount == 0:
        return [Decimal(0).quantize(unit)] * len(weights)
    if whole <= 0:
        raise ValueError("nothing to share by")
    with localcontext(prec=100):
        units, parts = int(amount / unit), [int(weight / unit) for weight in weights]
        shared = [divmod(units * part, sum(parts)) for part in parts]
        left = units - sum(share for share, _ in shared)
        first = sorted(range(len(parts)), key=lambda n: (-shared[n][1], n))[:left]
        return [(share + (n in first)) * unit for n, (share, _) in enumerate(shared)]


def unit_price(net: Decimal, quantity: Decimal, decimals: int) -> Decimal:
    """The price of one, with as few decimals as do, so that quantity times price rounds to `net` exactly."""
    unit = Decimal(1).scaleb(-decimals)
    with localcontext(prec=100):
        for places in range(decimals, _MOST_PLACES):
            price = (net / quantity).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
            if (price * quantity).quantize(unit, ROUND_HALF_UP) == net:
                return price
    raise AssertionError("a quantity has at most 12 digits before the point")
