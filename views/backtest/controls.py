"""The controls of the backtest page: a strategy and its costs, what to record beside it, and what to try of it.

Each writes itself into the address, so a link restores the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import Series
from alphastream.pairs import PairSpec, series_of
from alphastream.strategies import PositionOptimiser, Strategy
from alphastream.trading.broker.costs import BrokerRules
from config import Settings
from views.backtest.data_controls import Data
from views.backtest.funding_controls import with_funding
from views.shared.controls import number, sentence
from views.shared.cost_controls import broker_rules
from views.shared.escaping import in_markdown
from views.shared.instruments import label
from views.shared.strategy_controls import choose_kind, choose_pairs, strategy_of

MAX_OBSERVED: Final = 4
OWN: Final = ("zscore", "hedge_ratio", "spread")

HELP: Final = {
    "windows": "Windows of the hedge ratio and the z-score to try, spaced geometrically.",
    "entries": "Entries to try, evenly spaced; the exit, the stops and the size stay as above.",
    "observe": "Series to record and draw beside the trades. What the strategy uses is always recorded.",
}


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What the page is asked to run.

    Parameters
    ----------
    observe : further series by name.
    venue : whose symbols are printed bare.
    """

    strategy: Strategy
    rules: BrokerRules
    capital: float
    observe: tuple[tuple[str, Series], ...] = ()
    venue: str = ""


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
    kind, capital = choose_kind(row)
    shortest_s = 1 if data.interval_ns is None else max(1, data.interval_ns // 10**9)
    try:
        chosen = choose_pairs(kind, data.symbols, settings, capital, venue=data.venue, shortest_s=shortest_s)
        if chosen is None:
            return None
        left, right = st.columns(2)
        with left:
            strategy = strategy_of(chosen)
        _require_known(strategy.symbols, data)
        with right:
            rules = broker_rules(data.kind, strategy.symbols, data.contracts, data.venue, has_books=data.has_books)
            rules = with_funding(rules, data, strategy.symbols)
        with left:
            observe = _observe(strategy, data.venue)
        with right:
            trials = _trials(chosen) if isinstance(chosen, PairSpec) else None
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, data.venue)), icon=":material/rule:")
        return None
    return BacktestRequest(strategy, rules, capital, observe, data.venue), trials


def _observe(strategy: Strategy, venue: str) -> tuple[tuple[str, Series], ...]:
    """Series that somebody wants to see beside the trades."""
    one = len(strategy.pairs) == 1 and not isinstance(strategy, PositionOptimiser)
    known: dict[str, Series] = {}
    for spec in strategy.pairs:
        if not isinstance(spec, PairSpec):
            continue
        shown = {name: series for name, series in series_of(spec).items() if name != "position"}
        for name, series in shown.items():
            if one and name in strategy.series(spec):
                continue  # recorded anyway
            if one or name in OWN:
                known[name if one else f"{name} {label(spec.y, venue)}/{label(spec.x, venue)}"] = series
    with st.expander("Also record", icon=":material/visibility:", key="observers"):
        chosen = st.multiselect(
            "Series",
            list(known),
            key="observe",
            help=HELP["observe"],
            bind="query-params",
            max_selections=MAX_OBSERVED,
            placeholder="Only the strategy's own",
        )
    return tuple((name, known[name]) for name in chosen)


def _trials(spec: PairSpec) -> Trials:
    """Windows, spaced by equal factors, and entries, by equal steps."""
    with st.expander("Grid of sweep and walk-forward", icon=":material/grid_on:", key="grid"):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        low = number(row, "Windows from", 5, 5_000, 20, "window_low", HELP["windows"], 5)
        high = number(row, "Windows to", 5, 5_000, 200, "window_high", HELP["windows"], 5)
        count = int(number(row, "Number of windows", 1, 100, 12, "window_count", HELP["windows"], 1))
        first = number(row, "Entries from", 0.1, 10.0, 1.0, "entry_low", HELP["entries"], 0.25)
        last = number(row, "Entries to", 0.1, 10.0, 3.0, "entry_high", HELP["entries"], 0.25)
        steps = int(number(row, "Number of entries", 1, 50, 9, "entry_count", HELP["entries"], 1))
    if high < low or last < first:
        raise ParameterError(
            f"the grid goes from {low:g} to {high:g} and from {first:g} to {last:g}: the smaller number comes first"
        )
    if first < spec.exit:
        raise ParameterError(f"entries of the grid begin at {first:g}, inside the exit of {spec.exit:g}: raise them")
    windows = np.unique(np.geomspace(low, high, count).round().astype(np.int64)).tolist()
    return Trials(tuple(windows), tuple(np.unique(np.linspace(first, last, steps).round(4)).tolist()))


def _require_known(symbols: Sequence[str], data: Data) -> None:
    missing = [symbol for symbol in symbols if symbol not in data.symbols]
    if missing:
        raise ParameterError(f"{', '.join(missing)} is not in the data: it has {', '.join(data.symbols)}")
