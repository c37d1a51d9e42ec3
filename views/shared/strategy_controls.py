"""The form of a strategy, the same where it is tested on the past and where it runs on paper."""

from collections.abc import Sequence
from typing import Any, Final, cast

import streamlit as st

from alphastream.baskets import BasketSpec
from alphastream.errors import ParameterError
from alphastream.pairs import MODELS, PairSpec
from alphastream.registry import find, registered
from alphastream.strategies import (
    BasketSizer,
    BasketThreshold,
    BetaNeutral,
    FixedNotional,
    PositionOptimiser,
    Sizer,
    Strategy,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.strategies.threshold import Spread
from config import Settings
from views.shared.basket_controls import basket_controls
from views.shared.controls import number, pair_controls
from views.shared.escaping import in_markdown
from views.shared.form_controls import Offered, form, require
from views.shared.links import understood
from views.shared.portfolio_controls import portfolio_controls
from views.shared.user_code import told_in_words

ZSCORE, BASKET, OPTIMISER = "z-score threshold", "basket", "optimiser"
OLD_INNOVATION: Final = "Kalman innovation"
"""A strategy in links of before: z-score threshold with the Kalman model."""
SIZERS: Final = {
    "notional of y": ("size_notional", 10_000.0, 1.0, 1e9, 1_000.0),
    "gross, both legs": ("size_gross", 20_000.0, 1.0, 1e9, 1_000.0),
    "units of y": ("size_units", 1.0, 1e-6, 1e9, 1.0),
    "volatility, % a year": ("size_volatility", 10.0, 0.1, 500.0, 1.0),
}
"""Key, value at first, least, most and step of each way to size a position."""
SPREADS: Final[dict[str, Spread]] = {"residual": "residual", "value": "value"}
CAPITAL: Final = 100_000.0

HELP: Final = {
    "strategy": "z-score threshold: bets that a spread comes back, in and out at the thresholds below. Basket: the "
    "same on a spread of 3 to 10 instruments. Optimiser: holds several pairs at once in the proportions that the "
    "portfolio page shows. What is behind it are strategies of your own, from files of the folder user/.",
    "capital": "Cash at the beginning, in the quote currency. Returns are measured against it, also where most of it "
    "is idle.",
    "stop": "|z| against the position at which it is closed; above the entry. 0: no stop. Stops often sell the lows: "
    "compare with and without.",
    "time_stop": "Bars after which a position is closed whatever z says; silent stretches have no bars. 0: none.",
    "cool_down": "Bars after a stop or a time stop in which nothing is opened; z must also have been back inside "
    "the entry once.",
    "sizer": "What stays the same from trade to trade. Notional of y: the value of the dependent leg. Gross: the value "
    "of both legs together. Units of y: a number of coins. Volatility: the expected annual volatility of the "
    "position, as a share of the equity, from the last window of bars. Of a basket, y is the first leg, and both "
    "legs are all of them.",
    "size": "Value at the entry, in the quote currency; units; or annual volatility in % of the equity.",
    "size_most": "Largest value of y as a multiple of the equity, however low the volatility.",
    "rebalance": "Follow the hedge ratio on every bar while in a position. Each change pays fees: on short bars this "
    "alone can cost more than the spread brings. Off: an open position keeps the ratio of its entry, also when Frozen "
    "OLS is fitted again.",
    "spread": "What z is made of. Residual: the intercept of the fit is taken out, and with it a level that drifts. "
    "Value: it stays in, as in the price of a portfolio of both legs; a rolling mean alone takes the level out.",
}


def choose_kind(row: Any) -> tuple[str, float]:
    """Ask for the kind of strategy and its capital, in a row of controls."""
    _take_old_strategy()
    kinds = [ZSCORE, BASKET, OPTIMISER, *(each.name for each in registered("strategies"))]
    kind = row.segmented_control(
        "Strategy",
        kinds,
        default=ZSCORE,
        required=True,
        key="strategy",
        help=HELP["strategy"],
        bind="query-params",
    )
    return str(kind), number(row, "Capital", 100.0, 1e12, CAPITAL, "capital", HELP["capital"], 10_000.0, "%.0f", 150)


def choose_pairs(
    kind: str,
    symbols: Sequence[str],
    settings: Settings,
    capital: float,
    *,
    venue: str = "",
    shortest_s: int = 1,
    open_list: bool = False,
) -> PairSpec | BasketSpec | Strategy | None:
    """Ask what a strategy of this kind trades; None, and a sentence on the page, while the choice cannot be.

    Parameters
    ----------
    venue, shortest_s, open_list : as in ``pair_controls``.

    Raises
    ------
    AlphaStreamError
        Where the choice makes no sense; its sentence says why.
    """
    if kind == OPTIMISER:
        request = portfolio_controls(symbols, settings, venue=venue, capital=capital, shortest_s=shortest_s)
        return None if request is None else PositionOptimiser(request.pairs, request.config, request.style)
    if kind == BASKET:
        return basket_controls(symbols, settings, venue=venue, shortest_s=shortest_s, open_list=open_list)
    if kind != ZSCORE:
        return _own(kind, Offered(symbols, settings, venue, shortest_s, open_list, controls={Sizer: _sizer}))
    return pair_controls(symbols, settings, venue=venue, shortest_s=shortest_s, open_list=open_list)


def _own(kind: str, offered: Offered) -> Strategy | None:
    """The form of a strategy that somebody registered, and what is said of it."""
    entry = find("strategies", kind)
    where = f"{entry.home}{f', version {entry.version}' if entry.version else ''}"
    st.caption(in_markdown(f"{entry.about} ({where})" if entry.about else where))
    made = form(entry.made, offered) if isinstance(entry.made, type) else entry.made
    if made is None:
        return None
    with told_in_words(made):
        if not (made.pairs and made.symbols and made.name):
            raise ParameterError(f"{entry.name} reads no pairs or bars, or trades nothing: see its pairs and symbols")
        intervals = {spec.interval_ns for spec in made.pairs}
        if len(intervals) > 1:
            raise ParameterError(f"{entry.name} reads bars of several lengths in its pairs: all need one")
    return cast(Strategy, made)


def strategy_of(chosen: PairSpec | BasketSpec | Strategy) -> Strategy:
    """The strategy on what ``choose_pairs`` gave, after asking for exits and size where it waits for a threshold."""
    return _threshold(chosen) if isinstance(chosen, PairSpec | BasketSpec) else chosen


def _take_old_strategy() -> None:
    """Set the model where a link of before names the strategy that only one model had; say what is no longer asked."""
    if st.query_params.get("strategy") == OLD_INNOVATION:
        understood("strategy")
        if "model" not in st.session_state:
            st.session_state["model"] = MODELS["kalman"]
        given = st.query_params.get("filter") == "given"
        st.warning(
            f"{OLD_INNOVATION} is now the model {MODELS['kalman']} of the z-score threshold, with another formula: the "
            "z-score of before shrank as bars went by."
            + (
                " Variances of your own are no longer asked for here; they are InnovationThreshold's in Python." * given
            ),
            icon=":material/link_off:",
            title="This link is from an earlier version",
        )


def _threshold(spec: PairSpec | BasketSpec) -> Strategy:
    """Ask for the exits and the size of a strategy that waits for a threshold of this pair or basket."""
    with st.expander("Exits and size", icon=":material/straighten:", key="exits"):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        stop = number(row, "Stop |z|", 0.0, 20.0, 0.0, "stop", HELP["stop"], 0.25)
        time_stop = int(number(row, "Time stop, bars", 0, 100_000, 0, "time_stop", HELP["time_stop"], 10, width=130))
        cool_down = int(number(row, "Cool-down, bars", 0, 100_000, 0, "cool_down", HELP["cool_down"], 10, width=130))
        sizer = _sizer(row)
        rebalance = row.toggle("Rebalance", key="rebalance", help=HELP["rebalance"], bind="query-params")
        spread = SPREADS[_spread(row)] if isinstance(spec, PairSpec) else "residual"
    rule = ThresholdRule(stop or None, time_stop or None, cool_down)
    if isinstance(spec, BasketSpec):
        return BasketThreshold(spec, rule=rule, sizer=cast(BasketSizer, sizer), rebalance=rebalance)
    return ZScoreThreshold(spec, rule=rule, sizer=sizer, rebalance=rebalance, spread=spread)


def _spread(row: Any) -> str:
    return str(
        row.selectbox("Spread", list(SPREADS), key="spread", help=HELP["spread"], bind="query-params", width=120)
    )


def _sizer(row: Any) -> Sizer:
    own = {each.name: each.made for each in registered("sizers")}
    kind = str(
        row.selectbox("Size by", [*SIZERS, *own], key="sizer", help=HELP["sizer"], bind="query-params", width=170)
    )
    if kind in own:
        return cast(Sizer, require(own[kind], Offered()))
    key, first, least, most, step = SIZERS[kind]
    size = number(row, "Size", least, most, first, key, HELP["size"], step, "%.8g", 130)
    if key == "size_notional":
        return FixedNotional(size)
    if key == "size_gross":
        return BetaNeutral(size)
    if key == "size_units":
        return Units(size)
    most_held = number(row, "Max, × equity", 0.01, 100.0, 2.0, "size_most", HELP["size_most"], 0.5, width=140)
    return VolatilityTarget(size / 100.0, most_held)
