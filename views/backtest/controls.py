"""The controls of the backtest page: a strategy, how large it trades, how it is filled and what that costs.

Each writes itself into the address, so a link restores the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import streamlit as st

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.estimators import KalmanHedge
from alphastream.graph import Series
from alphastream.pairs import MODELS, PairSpec, series_of
from alphastream.strategies import (
    BetaNeutral,
    FixedNotional,
    InnovationThreshold,
    PositionOptimiser,
    Sizer,
    Strategy,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.strategies.threshold import Spread
from alphastream.trading.broker.costs import BrokerRules
from config import Settings
from views.backtest.cost_controls import broker_rules
from views.backtest.data_controls import Data
from views.portfolio.controls import portfolio_controls
from views.shared.controls import number, pair_controls, sentence

ZSCORE, INNOVATION, OPTIMISER = "z-score threshold", "Kalman innovation", "optimiser"
SIZERS: Final = {
    "notional of y": ("size_notional", 10_000.0, 1.0, 1e9, 1_000.0),
    "gross, both legs": ("size_gross", 20_000.0, 1.0, 1e9, 1_000.0),
    "units of y": ("size_units", 1.0, 1e-6, 1e9, 1.0),
    "volatility, % a year": ("size_volatility", 10.0, 0.1, 500.0, 1.0),
}
"""Key, value at first, least, most and step of each way to size a position."""
SPREADS: Final[dict[str, Spread]] = {"residual": "residual", "value": "value"}
KALMAN: Final = MODELS["kalman"]
MAX_OBSERVED: Final = 4
OWN: Final = ("zscore", "hedge_ratio", "spread")

HELP: Final = {
    "strategy": "z-score threshold: bets that a spread comes back, in and out at the thresholds below. Kalman "
    "innovation: the same with the surprise of a Kalman filter in its own standard deviation. Optimiser: holds several "
    "pairs at once in the proportions that the portfolio page shows.",
    "capital": "Cash at the beginning, in the quote currency. Returns are measured against it, also where most of it "
    "lies idle.",
    "stop": "|z| against the position at which it is given up; above the entry. 0: no stop. Stops often sell the lows: "
    "compare with and without.",
    "time_stop": "Bars after which a position is closed whatever z says. 0: none.",
    "cool_down": "Bars after a stop or a time stop in which nothing is opened; z must also have been inside the entry "
    "once.",
    "sizer": "What stays the same from trade to trade. Notional of y: the value of the dependent leg. Gross: the value "
    "of both legs together. Units of y: a number of coins. Volatility: the expected deviation of the position a year, "
    "as a share of the equity, from the last window of bars.",
    "size": "Value at the entry, in the quote currency; units; or % of the equity a year.",
    "size_most": "Largest value of y as a multiple of the equity, however quiet the market was.",
    "rebalance": "Follow the hedge ratio on every bar while in a position. Each change pays fees: on short bars this "
    "alone can cost more than the spread brings.",
    "spread": "What z is made of. Residual: the intercept of the fit is taken out, and with it a level that drifts. "
    "Value: it stays in, as in the price of a portfolio of both legs; a rolling mean alone takes the level out.",
    "filter": "Calibrated: the filter's variances come from the first window of bars. Given: from the two fields "
    "beside it, in the units of the legs.",
    "delta": "Variance of a step of the hedge ratio and of the intercept. 0: they never change.",
    "obs_var": "Variance of the noise in y.",
    "windows": "Windows of the hedge ratio and the z-score to try, spaced by equal factors.",
    "entries": "Entries to try, spaced by equal steps; the exit, the stops and the size stay as above.",
    "observe": "Series to record and draw beside the trades. What the strategy reads is recorded anyway.",
}


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What the page is asked to run.

    Parameters
    ----------
    observe : further series by name.
    """

    strategy: Strategy
    rules: BrokerRules
    capital: float
    observe: tuple[tuple[str, Series], ...] = ()


@dataclass(frozen=True, slots=True)
class Trials:
    """Windows and entries that a sweep and a walk-forward try."""

    windows: tuple[int, ...]
    entries: tuple[float, ...]


def backtest_controls(row: Any, data: Data, settings: Settings) -> tuple[BacktestRequest, Trials | None] | None:
    """Ask for a strategy and the rules of its broker; None, and a sentence on the page, while they cannot be.

    Parameters
    ----------
    row : where the first controls go, beside those of the data.

    Returns
    -------
    The request, and what to try of it where it is a strategy on one pair.
    """
    kind = str(
        row.segmented_control(
            "Strategy",
            [ZSCORE, INNOVATION, OPTIMISER],
            default=ZSCORE,
            required=True,
            key="strategy",
            help=HELP["strategy"],
            bind="query-params",
        )
    )
    capital = number(row, "Capital", 100.0, 1e12, 100_000.0, "capital", HELP["capital"], 10_000.0, "%.0f", 150)
    shortest_s = 1 if data.interval_ns is None else max(1, data.interval_ns // 10**9)
    try:
        if kind == OPTIMISER:
            asked = portfolio_controls(data.symbols, settings, capital=capital, shortest_s=shortest_s)
            if asked is None:
                return None
            strategy: Strategy = PositionOptimiser(asked.pairs, asked.config, asked.style)
            _require_known(strategy.symbols, data)
            left, right = st.columns(2)
        else:
            take_model(kind)
            spec = pair_controls(data.symbols, settings, shortest_s=shortest_s)
            if spec is None:
                return None
            left, right = st.columns(2)
            with left:
                strategy = threshold(kind, spec)
        with right:
            rules = broker_rules(data, strategy.symbols)
        with left:
            observe = _observe(strategy)
        with right:
            trials = None if kind == OPTIMISER else _trials(strategy.pairs[0])
    except AlphaStreamError as error:
        st.warning(sentence(error), icon=":material/rule:")
        return None
    return BacktestRequest(strategy, rules, capital, observe), trials


def take_model(kind: str) -> None:
    """There is no innovation but a Kalman filter's: the list of models says so, and is put back afterwards."""
    before = st.session_state.get("model")
    if kind == INNOVATION and before != KALMAN:
        st.session_state["model_before"], st.session_state["model"] = before, KALMAN
    elif kind == ZSCORE and st.session_state.get("model_before") is not None:
        st.session_state["model"] = st.session_state.pop("model_before")


def threshold(kind: str, spec: PairSpec) -> Strategy:
    """Ask for the exits and the size of a strategy that waits for a threshold of this pair."""
    with st.expander("Exits and size", icon=":material/straighten:", key="exits"):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        stop = number(row, "Stop |z|", 0.0, 20.0, 0.0, "stop", HELP["stop"], 0.25)
        time_stop = int(number(row, "Time stop, bars", 0, 100_000, 0, "time_stop", HELP["time_stop"], 10, width=130))
        cool_down = int(number(row, "Cool-down, bars", 0, 100_000, 0, "cool_down", HELP["cool_down"], 10, width=130))
        sizer = _sizer(row)
        rebalance = row.toggle("Rebalance", key="rebalance", help=HELP["rebalance"], bind="query-params")
        model = _filter(row) if kind == INNOVATION else None
        spread = SPREADS[_spread(row)] if kind == ZSCORE else "residual"
    rule = ThresholdRule(stop or None, time_stop or None, cool_down)
    if kind == INNOVATION:
        return InnovationThreshold(
            replace(spec, model="kalman"), rule=rule, sizer=sizer, rebalance=rebalance, model=model
        )
    return ZScoreThreshold(spec, rule=rule, sizer=sizer, rebalance=rebalance, spread=spread)


def _spread(row: Any) -> str:
    return str(
        row.selectbox("Spread", list(SPREADS), key="spread", help=HELP["spread"], bind="query-params", width=120)
    )


def _sizer(row: Any) -> Sizer:
    kind = str(row.selectbox("Size by", list(SIZERS), key="sizer", help=HELP["sizer"], bind="query-params", width=170))
    key, first, least, most, step = SIZERS[kind]
    size = number(row, "Size", least, most, first, key, HELP["size"], step, "%.8g", 130)
    if key == "size_notional":
        return FixedNotional(size)
    if key == "size_gross":
        return BetaNeutral(size)
    if key == "size_units":
        return Units(size)
    most_held = number(row, "At most, × equity", 0.01, 100.0, 2.0, "size_most", HELP["size_most"], 0.5, width=140)
    return VolatilityTarget(size / 100.0, most_held)


def _filter(row: Any) -> KalmanHedge | None:
    kind = row.selectbox(
        "Filter", ["calibrated", "given"], key="filter", help=HELP["filter"], bind="query-params", width=120
    )
    if kind == "calibrated":
        return None
    delta = number(row, "delta", 0.0, 1e6, 1e-4, "delta", HELP["delta"], 1e-5, "%.3g")
    obs_var = number(row, "obs_var", 1e-15, 1e6, 1e-3, "obs_var", HELP["obs_var"], 1e-4, "%.3g")
    return KalmanHedge(delta=delta, obs_var=obs_var)


def _observe(strategy: Strategy) -> tuple[tuple[str, Series], ...]:
    """Series that somebody wants to see beside the trades."""
    one = len(strategy.pairs) == 1 and not isinstance(strategy, PositionOptimiser)
    known: dict[str, Series] = {}
    for spec in strategy.pairs:
        shown = {name: series for name, series in series_of(spec).items() if name != "position"}
        for name, series in shown.items():
            if one and name in strategy.series(spec):
                continue  # recorded anyway
            if one or name in OWN:
                known[name if one else f"{name} {spec.y}/{spec.x}"] = series
    with st.expander("Also record", icon=":material/visibility:", key="observers"):
        chosen = st.multiselect(
            "Series",
            list(known),
            key="observe",
            help=HELP["observe"],
            bind="query-params",
            max_selections=MAX_OBSERVED,
            placeholder="None beside the strategy's own",
        )
    return tuple((name, known[name]) for name in chosen)


def _trials(spec: PairSpec) -> Trials:
    """Windows, spaced by equal factors, and entries, by equal steps."""
    with st.expander("Grid of sweep and walk-forward", icon=":material/grid_on:", key="grid"):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        low = number(row, "Windows from", 5, 5_000, 20, "window_low", HELP["windows"], 5)
        high = number(row, "Windows to", 5, 5_000, 200, "window_high", HELP["windows"], 5)
        count = int(number(row, "Windows in all", 1, 100, 12, "window_count", HELP["windows"], 1))
        first = number(row, "Entries from", 0.1, 10.0, 1.0, "entry_low", HELP["entries"], 0.25)
        last = number(row, "Entries to", 0.1, 10.0, 3.0, "entry_high", HELP["entries"], 0.25)
        steps = int(number(row, "Entries in all", 1, 50, 9, "entry_count", HELP["entries"], 1))
    if high < low or last < first:
        raise ParameterError(f"the grid goes from {low:g} to {high:g} and from {first:g} to {last:g}: turn it round")
    if first < spec.exit:
        raise ParameterError(f"entries of the grid begin at {first:g}, inside the exit of {spec.exit:g}: raise them")
    windows = np.unique(np.geomspace(low, high, count).round().astype(np.int64)).tolist()
    return Trials(tuple(windows), tuple(np.unique(np.linspace(first, last, steps).round(4)).tolist()))


def _require_known(symbols: Sequence[str], data: Data) -> None:
    missing = [symbol for symbol in symbols if symbol not in data.symbols]
    if missing:
        raise ParameterError(f"{', '.join(missing)} is not in the data: it has {', '.join(data.symbols)}")
