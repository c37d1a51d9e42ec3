"""What one fill costs: one number with one key and one default on every page, and what follows from it.

A fill pays its fee and half the bid-ask spread, both in bps of its own notional. Opening and closing a pair is four
fills: twice the cost of one in bps of the notional of both legs, and in bps of one leg's notional twice that times one
plus what is held of the other leg.
"""

import math
from typing import Any, Final, NamedTuple

import streamlit as st

from alphastream.errors import ParameterError
from alphastream.pairs import PairAnalytics, PairSpec
from views.shared.ignored import not_a_number, not_within
from views.shared.links import tell

FILL_COST: Final = "fill_cost"
"""Key of the control and in the address."""
FEE: Final = "taker"
HALF_SPREAD: Final = "half_spread"
"""Keys of the two controls that ask for both parts, where orders are simulated."""
FEE_BPS: Final = 5.0
HALF_SPREAD_BPS: Final = 0.5
FILL_COST_BPS: Final = FEE_BPS + HALF_SPREAD_BPS
"""Where every page begins: a taker on Binance USDS-M without discounts, and half of a spread of 1 bp."""
RANGE: Final = (0.0, 1_000.0)
HELP: Final = (
    "Fee and half the bid-ask spread of one fill, in bps of its notional: the same number on every page. A round trip "
    "of a pair has four fills. Where orders are simulated the half spread stays as it is set there and the rest is the "
    "fee. Slippage of large orders and funding are not in it."
)


class Parts(NamedTuple):
    """Of what one fill costs, in bps of its notional."""

    fee_bps: float
    half_spread_bps: float

    @property
    def cost_bps(self) -> float:
        """Both, without what binary fractions add."""
        return round(self.fee_bps + self.half_spread_bps, 9)


def parts_of(cost_bps: float, half_spread_bps: float = HALF_SPREAD_BPS) -> Parts:
    """Part a cost into fee and half spread: the spread stays, the rest is the fee.

    A cost that is smaller than the half spread is all spread: then there is no fee.

    >>> parts_of(8.0), parts_of(0.2)
    (Parts(fee_bps=7.5, half_spread_bps=0.5), Parts(fee_bps=0.0, half_spread_bps=0.2))
    """
    spread = min(half_spread_bps, cost_bps)
    return Parts(round(cost_bps - spread, 9), spread)


def require_cost(parts: Parts) -> float:
    """What a fill of these parts costs, where every page can show it. Raises ParameterError where not."""
    low, high = RANGE
    if not low <= parts.cost_bps <= high:
        raise ParameterError(
            f"a fee of {parts.fee_bps:g} and a half spread of {parts.half_spread_bps:g} bps are {parts.cost_bps:g} bps "
            f"a fill: other pages take {low:g} to {high:g}"
        )
    return parts.cost_bps


def round_trip_bps(cost_bps: float, hedge: float = 1.0) -> float:
    """Of opening and closing a pair, in bps of the notional of y.

    Parameters
    ----------
    hedge : notional of x that is held for one of y, whatever its sign; 1 where both legs are of the same size.

    >>> round_trip_bps(5.5), round_trip_bps(5.5, -0.5)
    (22.0, 16.5)
    """
    return 2.0 * cost_bps * (1.0 + abs(hedge))


def hedge_notional(answer: PairAnalytics | None, spec: PairSpec) -> float:
    """Notional of x for one of y at the newest closed bar; 1 while there is none."""
    if answer is None or not len(answer.closed["time_ns"]):
        return 1.0
    ratio, y, x = (float(answer.closed[name][-1]) for name in ("hedge_ratio", "y", "x"))
    held = ratio if spec.price == "log" else ratio * x / y
    return held if math.isfinite(held) else 1.0


def fill_cost_control(place: Any, **more: Any) -> float:
    """Ask for the cost of a fill."""
    low, high = RANGE
    value = place.number_input(
        "Cost per fill, bps",
        low,
        high,
        FILL_COST_BPS,
        0.5,
        "%.6g",
        key=FILL_COST,
        help=HELP,
        bind="query-params",
        **more,
    )
    return FILL_COST_BPS if value is None else float(value)


def derived(cost_bps: float) -> str:
    """What a round trip costs, for the place beside the control.

    >>> derived(5.5)
    'Round trip: 4 fills at 5.5 bps, 11 bps of both legs, 22 bps of one of two equal legs.'
    """
    both, one = 2.0 * cost_bps, round_trip_bps(cost_bps)
    return f"Round trip: 4 fills at {cost_bps:g} bps, {both:g} bps of both legs, {one:g} bps of one of two equal legs."


def chosen_fill_cost() -> float:
    """What the control says, on this page or the last one that had it."""
    held = st.session_state.get(FILL_COST)
    return FILL_COST_BPS if held is None else float(held)


def chosen_parts() -> Parts:
    """Fee and half spread as the controls say that ask for both."""
    fee, spread = (st.session_state.get(key) for key in (FEE, HALF_SPREAD))
    return Parts(FEE_BPS if fee is None else float(fee), HALF_SPREAD_BPS if spread is None else float(spread))


def fill_both(cost_bps: float, parts: Parts | None = None) -> dict[str, float]:
    """Values of the two controls, by key, that make a cost.

    Parameters
    ----------
    parts : that are known; None for those that the cost is parted into, the half spread as it was chosen.
    """
    fee, spread = parts_of(cost_bps, chosen_parts().half_spread_bps) if parts is None else parts
    return {FEE: fee, HALF_SPREAD: spread}


def take_fill_cost() -> None:
    """Part the cost of a fill that the address asks for, on a page that asks for both parts and has not drawn them yet.

    Where the address has a part as well, that is taken, and what the cost is then is told.
    """
    text = st.query_params.get(FILL_COST)
    if text is None or FEE in st.session_state or HALF_SPREAD in st.session_state:
        return
    low, high = RANGE
    try:
        cost = float(text)
    except ValueError:
        tell(FILL_COST, not_a_number(FILL_COST, text, f"{FILL_COST_BPS:g}"))
        return
    if not low <= cost <= high:
        tell(FILL_COST, not_within(FILL_COST, text, "the cost per fill", low, high, f"{FILL_COST_BPS:g}"))
    elif FEE in st.query_params or HALF_SPREAD in st.query_params:
        tell(
            FILL_COST,
            f"The address asks for {FILL_COST}={text} and for its parts: the fee and the half spread are taken.",
        )
    else:
        st.session_state.update(fill_both(cost))
