"""What positions and signals are worth: exposure, turnover, returns, and how sound the matrix behind them is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.performance.metrics import sharpe_ratio as sharpe_ratio  # defined once, and offered here too
from alphastream.portfolio import inputs
from alphastream.portfolio.config import PositionConfig
from alphastream.portfolio.stream import Positions, PositionStream


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Each field has shape (T,); in the units of cash positions unless said otherwise.

    Parameters
    ----------
    gross : sum of what is held, long and short.
    net : long minus short.
    leverage : gross in currency over assets under management.
    turnover : sum of the changes from the row before; the first row comes from nothing.
    cap_used : turnover over ``max_turnover``, at most 1; NaN without a cap.
    """

    gross: Floats
    net: Floats
    leverage: Floats
    turnover: Floats
    cap_used: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """What the eigenvalues of the matrix of each row say, (T,); NaN on rows without a matrix.

    Parameters
    ----------
    condition_number : largest over smallest; inf if the smallest is not positive.
    effective_rank : exp of the entropy of their shares: N if all are equal, 1 if one is all.
    """

    condition_number: Floats
    effective_rank: Floats


def exposure(positions: Positions, config: PositionConfig) -> Exposure:
    """Return gross and net exposure, leverage and turnover of each row."""
    held = positions.held
    gross = np.abs(held).sum(axis=1)
    turnover = _changes(held)
    cap = np.nan if config.max_turnover is None else config.max_turnover
    return Exposure(gross, held.sum(axis=1), gross * (config.position_scale / config.aum), turnover, turnover / cap)


def spectrum(prices: Any, signals: Any, config: PositionConfig, *, assets: Iterable[str] | None = None) -> Spectrum:
    """Condition number and effective rank of the matrix of each row; tables as in ``optimise``.

    Source: O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007, definition 1.
    """
    names, price_table, signal_table = inputs.history(prices, signals, assets, config.max_nan_fraction)
    stream = PositionStream.begin(names, config)
    condition, rank = np.full((2, len(price_table)), np.nan)
    for t in range(len(price_table)):
        stream = stream.run(price_table[t : t + 1], signal_table[t : t + 1])[1]
        condition[t], rank[t] = soundness_of(stream.matrix())
    return Spectrum(condition, rank)


def information_coefficient(prices: Any, signals: Any, *, horizon: int = 1, ranked: bool = False) -> Floats:
    """Correlation over the assets between the signals of a row and the returns that follow, (T,).

    Parameters
    ----------
    prices, signals : as in ``optimise``.
    horizon : rows over which the return is taken, at least 1.
    ranked : correlate ranks (Spearman) in place of values (Pearson).

    Returns
    -------
    (T,), NaN on the last ``horizon`` rows, with fewer than two assets, and where all signals or returns are equal.
    """
    require_integer("horizon", horizon, minimum=1)
    _, price_table, signal_table = inputs.aligned(prices, signals, None)
    out = np.full(len(price_table), np.nan)
    for t in range(len(out) - horizon):
        follows = price_table[t + horizon] / price_table[t] - 1.0
        both = np.isfinite(follows) & np.isfinite(signal_table[t])
        if both.sum() >= 2:
            pair = signal_table[t, both], follows[both]
            out[t] = _correlation(*((_ranks(pair[0]), _ranks(pair[1])) if ranked else pair))
    return out


def returns(positions: Positions, prices: Any, config: PositionConfig) -> Floats:
    """Return of each row on the assets under management, (T,), after costs.

    What was held at the end of a row earns the return of the next; an asset without a return earns nothing.
    """
    _, table = inputs.table("prices", prices, positions.assets)
    inputs.equal_rows(positions.held, table)
    growth = np.zeros_like(table)
    growth[1:] = table[1:] / table[:-1] - 1.0
    row_returns = np.zeros(len(table))
    row_returns[1:] = (positions.held[:-1] * np.where(np.isfinite(growth[1:]), growth[1:], 0.0)).sum(axis=1)
    return (row_returns - config.cost_per_unit * _changes(positions.held)) * (config.position_scale / config.aum)


def sharpe_over_shrinkage(
    prices: Any,
    signals: Any,
    config: PositionConfig,
    shrinkages: Iterable[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    *,
    rows_per_year: float = 1.0,
) -> dict[float, float]:
    """Sharpe ratio of the history for each value of ``shrink``: 0 takes assets as uncorrelated, 1 as estimated.

    The best of them was chosen on this history and says little of the next.
    """
    tables = inputs.history(prices, signals, None, config.max_nan_fraction)
    trials = returns_over_shrinkage(*tables, config, shrinkages, returns)
    return {shrink: sharpe_ratio(row_returns, rows_per_year) for shrink, row_returns in trials}


def returns_over_shrinkage(
    assets: tuple[str, ...],
    prices: Floats,
    signals: Floats,
    config: PositionConfig,
    shrinkages: Iterable[float],
    row_returns: Callable[[Positions, Floats, PositionConfig], Floats],
) -> Iterator[tuple[float, Floats]]:
    """Each value of ``shrink`` with the returns of the rows after its first positions; none if it has no positions.

    Parameters
    ----------
    assets, prices, signals : tables of ``inputs.history``, (T, N).
    row_returns : which fills count, (T,) of positions, prices and configuration: ``returns`` fills at the price that a
        signal was made from, ``allocation.net_returns`` a bar later.
    """
    for shrink in shrinkages:
        trial = config.replace(shrink=shrink)
        positions, _ = PositionStream.begin(assets, trial).run(prices, signals)
        valid = np.flatnonzero(positions.status == "valid")
        yield float(shrink), row_returns(positions, prices, trial)[valid[0] + 1 :] if valid.size else np.empty(0)


def _changes(held: Floats) -> Floats:
    return np.abs(np.diff(held, axis=0, prepend=0.0)).sum(axis=1)  # type: ignore[no-any-return]


def soundness_of(matrix: Floats) -> tuple[float, float]:
    """Condition number and effective rank of a matrix, of the assets in it that take part."""
    used = np.flatnonzero(np.isfinite(np.diag(matrix)))
    square = matrix[np.ix_(used, used)]
    if used.size == 0 or not np.isfinite(square).all():
        return np.nan, np.nan
    eigenvalues = np.clip(np.linalg.eigvalsh(square), 0.0, None)
    shares = eigenvalues[eigenvalues > 0.0] / eigenvalues.sum()
    condition = float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0.0 else np.inf
    return condition, float(np.exp(-(shares * np.log(shares)).sum()))


def _correlation(x: Floats, y: Floats) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0.0 else np.nan


def _ranks(values: Floats) -> Floats:
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return ((last - count + last - 1) / 2.0)[at]
