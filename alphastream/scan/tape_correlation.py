"""Correlations of everything on a tape, from trades: by bars, or without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, Protocol

import numpy as np

from alphastream.bars import aggregate
from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.estimators import hayashi_yoshida

Method = Literal["bars", "ticks"]

MIN_ROWS: Final = 30  # of fewer returns a correlation has a standard error of 0.18 and more


class Trades(Protocol):
    """Trades of one symbol, (n,) each, oldest first."""

    @property
    def time_ns(self) -> Ints: ...
    @property
    def price(self) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class TapeCorrelation:
    """Correlations of log returns.

    Parameters
    ----------
    names : the N symbols.
    matrix : (N, N); NaN under 30 rows or where a symbol never moves. 1 on the diagonal where the symbol moves.
    n_rows : (N, N) rows behind each: bars in which both have a return, or trades of the one that has fewer.
    """

    names: tuple[str, ...]
    matrix: Floats
    n_rows: Ints


def tape_correlation(tapes: Mapping[str, Trades], interval_ns: int, method: Method = "bars") -> TapeCorrelation:
    """Correlation of every two symbols.

    Parameters
    ----------
    tapes : trades by symbol, over the same span of time.
    interval_ns : length of a bar; ``method="ticks"`` does without.
    method : "bars": returns from last trade to last trade of bars that follow each other, a pair on the bars in which
        both traded, and in the ones before; legs that trade at different instants look less correlated than they
        are. "ticks": Hayashi-Yoshida, which does not have that fault; bid-ask bounce makes it too small as well.

    Raises
    ------
    ParameterError
        For a method that does not exist, or a bar shorter than a nanosecond.

    Examples
    --------
    >>> class Tape:
    ...     time_ns = np.arange(60) * 10**9
    ...     price = 100.0 + np.sin(np.arange(60))
    >>> found = tape_correlation({"A": Tape(), "B": Tape()}, 10**9)
    >>> found.matrix.round(9).tolist(), found.n_rows[0, 1].item()
    ([[1.0, 1.0], [1.0, 1.0]], 59)
    """
    if method == "bars":
        matrix, n_rows = _by_bars(list(tapes.values()), interval_ns)
    elif method == "ticks":
        matrix, n_rows = _by_ticks(list(tapes.values()))
    else:
        raise ParameterError(f"method is {method!r}: use 'bars' or 'ticks'")
    return TapeCorrelation(tuple(tapes), np.where(n_rows >= MIN_ROWS, matrix, np.nan), n_rows)


def _by_bars(tapes: list[Trades], interval_ns: int) -> tuple[Floats, Ints]:
    bars = [aggregate(tape.time_ns, tape.price, tape.price, interval_ns) for tape in tapes]
    starts = np.unique(np.concatenate([each.start_ns for each in bars])) if bars else np.empty(0, dtype=np.int64)
    prices = np.full((len(bars), starts.size), np.nan)
    for row, each in zip(prices, bars, strict=True):
        row[np.searchsorted(starts, each.start_ns)] = np.log(each.close)
    returns = np.diff(prices, axis=1)[:, np.diff(starts) == interval_ns]
    return pairwise_correlation(returns)


def pairwise_correlation(returns: Floats) -> tuple[Floats, Ints]:
    """Correlations of (N, T) rows, each pair over the columns in which both are finite, and how many those are."""
    known = np.isfinite(returns)
    values, mask = np.where(known, returns, 0.0), known.astype(np.float64)
    count = mask @ mask.T
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN, as documented
        mean = values @ mask.T / count  # of the row's symbol, over the columns it shares with the other
        variance = (values**2) @ mask.T / count - mean**2
        matrix = (values @ values.T / count - mean * mean.T) / np.sqrt(variance * variance.T)
    return np.clip(matrix, -1.0, 1.0), count.astype(np.int64)


def _by_ticks(tapes: list[Trades]) -> tuple[Floats, Ints]:
    matrix = np.full((len(tapes), len(tapes)), np.nan)
    n_rows = np.diag([len(tape.time_ns) for tape in tapes]).astype(np.int64)
    for i, tape in enumerate(tapes):
        matrix[i, i] = 1.0 if len(tape.price) and np.ptp(tape.price) > 0.0 else np.nan
    for i, j in combinations(range(len(tapes)), 2):
        a, b = tapes[i], tapes[j]
        try:
            found = hayashi_yoshida(a.time_ns, a.price, b.time_ns, b.price)
        except AlphaStreamError:  # no trades, or a leg that never moves: undefined, as documented
            continue
        matrix[i, j] = matrix[j, i] = found.correlation
        n_rows[i, j] = n_rows[j, i] = min(found.n_a, found.n_b)
    return matrix, n_rows
