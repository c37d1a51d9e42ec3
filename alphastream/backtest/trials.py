"""Many settings over one history, a chunk a window: what each came to, on any backend."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest import kernel
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import PairSeries, PairStrategy, pair_series
from alphastream.backtest.vectorised import terms_of
from alphastream.backtest.walking import all_statistics
from alphastream.bars import PairRows
from alphastream.compute import Arrays, Backend, named_arrays, open_arrays, run
from alphastream.core.types import Floats
from alphastream.estimators import ThresholdSignal, positions_of
from alphastream.pairs import source_columns
from alphastream.trading.broker.costs import BrokerRules

Span: TypeAlias = tuple[int, int]
"""First row and row after the last."""

_ROWS: Final = "rows."  # before the names of arrays
_MARKET: Final = "market."


class Work(TypedDict, total=False):
    """Where trials are worked on, and who is told; as ``alphastream.compute.run`` has it."""

    backend: str | Backend
    workers: int | None
    folder: str | None
    progress: Callable[[int, int], None] | None
    cancelled: Callable[[], bool] | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A strategy with one window, and rules to try on what it computes.

    Parameters
    ----------
    history : name of the arrays of rows and market.
    spans : of rows, each an account of its own.
    strategy, window : the strategy, and the window of its hedge ratio to take.
    signals : (E,) rules.
    terms : sizes and costs.
    with_series : return what the strategy computes too.
    """

    history: str
    spans: tuple[Span, ...]
    strategy: PairStrategy
    window: int
    signals: tuple[ThresholdSignal, ...]
    terms: kernel.Terms
    with_series: bool


class _Prepared:
    """A history where its trials are worked on, and its pieces."""

    def __init__(self, name: str, spans: tuple[Span, ...]) -> None:
        arrays = open_arrays(name)
        rows = PairRows(*(_own(arrays[_ROWS + item.name]) for item in fields(PairRows)))
        market = kernel.KernelMarket(*(_own(arrays[_MARKET + item]) for item in kernel.KernelMarket._fields))
        self.history = PairHistory(rows, BrokerRules(), market)  # each trial brings its own terms
        self.pieces = [self._piece(span) for span in spans]

    def _piece(self, span: Span) -> PairHistory:
        return self.history if span == (0, len(self.history)) else self.history.cut(*span)


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself, or a copy of one that lies in a file: kernels are compiled for arrays that can be written."""
    return np.require(array, requirements=["C", "W"])


_opening = threading.Lock()
_prepared = lru_cache(maxsize=2)(_Prepared)
_columns = lru_cache(maxsize=2)(lambda name, spans, price: source_columns(_prepared(name, spans).history.rows, price))


def outcome(trial: Trial) -> Floats:
    """Statistics of each span and rule, and where asked z-score, hedge ratio and leverage of all rows, in one array."""
    with _opening:
        prepared = _prepared(trial.history, trial.spans)
        columns = _columns(trial.history, trial.spans, trial.strategy.pair.price)
    strategy = replace(trial.strategy, pair=replace(trial.strategy.pair, window=trial.window))
    series = pair_series(prepared.history.rows, strategy, columns)
    found = [
        statistics(piece, series.cut(*span), trial.signals, trial.terms)
        for span, piece in zip(trial.spans, prepared.pieces, strict=True)
    ]
    asked = (series.zscore, series.hedge_ratio, series.leverage) if trial.with_series else ()
    return np.concatenate([np.ravel(found), *asked])


def outcomes(
    history: PairHistory,
    strategy: PairStrategy,
    windows: Sequence[int],
    signals: Sequence[ThresholdSignal],
    spans: Sequence[Span],
    capital: float,
    work: Work,
    *,
    with_series: bool = False,
) -> list[tuple[Floats, PairSeries]]:
    """``kernel.STATISTICS`` of each window: (spans, E, STATISTICS), and the series of the strategy with it.

    The series are empty unless asked for: of many windows they are the larger part.
    """
    arrays: Arrays = {
        **{_ROWS + item.name: getattr(history.rows, item.name) for item in fields(PairRows)},
        **{_MARKET + name: array for name, array in history.market._asdict().items()},
    }
    terms = terms_of(strategy, history.rules, capital)
    tried, rules = tuple(spans), tuple(signals)
    rows, shape = len(history), (len(spans), len(signals), kernel.STATISTICS)
    with named_arrays(arrays, work.get("backend", "threads"), work.get("folder")) as name:
        try:
            trials = [Trial(name, tried, strategy, window, rules, terms, with_series) for window in windows]
            found = run(outcome, trials, **work)
        finally:
            _prepared.cache_clear()
            _columns.cache_clear()
    ends = np.cumsum([np.prod(shape), rows, rows])
    parts = [np.split(each, ends) for each in found]
    return [(numbers.reshape(shape), PairSeries(*series)) for numbers, *series in parts]


def statistics(
    history: PairHistory, series: PairSeries, signals: Sequence[ThresholdSignal], terms: kernel.Terms
) -> Floats:
    """``kernel.STATISTICS`` of each rule on the series of one window, (E, STATISTICS)."""
    directions = positions_of(signals, series.zscore)
    return all_statistics(directions, series.hedge_ratio, series.leverage, history.market, terms)
