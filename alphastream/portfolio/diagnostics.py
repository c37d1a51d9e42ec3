"""How signals became positions, and what the positions would have earned under other costs, delays and smoothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.performance.metrics import ROUNDING
from alphastream.portfolio import inputs
from alphastream.portfolio.config import PositionConfig
from alphastream.portfolio.evaluation import returns, soundness_of
from alphastream.portfolio.stream import Positions, PositionStream

NO_SIGNAL: Final = 1e-8
"""Signals up to here count as none, as in the optimiser."""
COSTS_BPS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
LAGS: Final = (-2, -1, 0, 1, 2, 3, 5, 10)
SMOOTHING: Final = (1, 2, 3, 5, 10, 20)


@dataclass(frozen=True, slots=True, eq=False)
class SolveDiagnostics:
    """The linear system A·x = μ of each row: how sound it is, and what it does to the signals.

    Parameters
    ----------
    condition_number, effective_rank : (T,), as in ``Spectrum``.
    residual : (T,), ‖A·x − μ‖₂ of a solution of its own by LAPACK: 0 without a signal, NaN without a solution.
    utilisation : (T, N), x / μ: 1 where an asset moves alone, below 1 where others have said the same already, negative
        where they outweigh it. 0 on rows without any signal, NaN where an asset has none or took no part.
    """

    condition_number: Floats
    effective_rank: Floats
    residual: Floats
    utilisation: Floats


@dataclass(frozen=True, slots=True)
class ICStatistics:
    """Information coefficients of many rows; NaN where undefined.

    Parameters
    ----------
    mean, std : over the rows that have one; the deviation is the sample's, 0 where it is only rounding.
    icir : mean over std, of a row, not annualised.
    rows : how many have one.
    """

    mean: float
    std: float
    icir: float
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class TiltAndTiming:
    """Gross returns of each row on the assets under management, (T,), in two parts that add up to ``total``.

    Parameters
    ----------
    tilt : of holding each asset's mean position throughout.
    timing : of what was held beyond that mean.
    """

    total: Floats
    tilt: Floats
    timing: Floats


def solve_diagnostics(
    prices: Any, signals: Any, config: PositionConfig, *, assets: Iterable[str] | None = None
) -> SolveDiagnostics:
    """Condition, effective rank, residual and signal utilisation of each row; tables as in ``optimise``.

    Sources: O. Roy, M. Vetterli, "The effective rank", 2007, definition 1; the residual of a linear system and the
    share of a signal in its solution as the field has them, x = A⁻¹μ.
    """
    names, price_table, signal_table = inputs.history(prices, signals, assets, config.max_nan_fraction)
    stream = PositionStream.begin(names, config)
    condition, rank, residual = np.full((3, len(price_table)), np.nan)
    share = np.full(price_table.shape, np.nan)
    for t in range(len(price_table)):
        stream = stream.run(price_table[t : t + 1], signal_table[t : t + 1])[1]
        matrix = stream.matrix()
        condition[t], rank[t] = soundness_of(matrix)
        used = np.flatnonzero(np.isfinite(np.diag(matrix)))
        square, signal = matrix[np.ix_(used, used)], np.nan_to_num(signal_table[t, used])
        if not used.size or not np.isfinite(square).all():
            continue
        if (np.abs(signal) <= NO_SIGNAL).all():
            residual[t], share[t, used] = 0.0, 0.0
            continue
        try:
            x = np.linalg.solve(square, signal)
        except np.linalg.LinAlgError:  # a singular matrix has no solution: NaN says so
            continue
        residual[t] = float(np.linalg.norm(square @ x - signal))
        has = signal != 0.0
        share[t, used[has]] = x[has] / signal[has]
    return SolveDiagnostics(condition, rank, residual, share)


def ic_statistics(coefficients: Floats) -> ICStatistics:
    """Mean, deviation and ratio (ICIR) of the coefficients of ``information_coefficient``.

    Source: R. Grinold, R. Kahn, "Active portfolio management", 2000, chapter 6, for the coefficient; its ratio is the
    mean over the deviation.

    Examples
    --------
    >>> ic_statistics(np.array([0.1, 0.3, np.nan]))
    ICStatistics(mean=0.2, std=0.1414213562373095, icir=1.4142135623730951, rows=2)
    """
    known = coefficients[np.isfinite(coefficients)]
    mean = float(known.mean()) if known.size else np.nan
    std = float(np.std(known, ddof=1)) if known.size > 1 else np.nan
    std = 0.0 if std <= ROUNDING * float(np.abs(known).max(initial=0.0)) else std
    return ICStatistics(mean, std, mean / std if std > 0.0 else np.nan, int(known.size))


def tilt_and_timing(positions: Positions, prices: Any, config: PositionConfig) -> TiltAndTiming:
    """Split gross returns into those of the mean position and those of the moves around it.

    The mean is over all rows from the first positions on and known only afterwards: it explains, and cannot be traded.
    """
    free = config.replace(cost_per_unit=0.0)
    first = _first(positions)
    steady = np.zeros_like(positions.held)
    if first < len(steady):
        steady[first:] = positions.held[first:].mean(axis=0)
    parts = (positions.held, steady, positions.held - steady)
    return TiltAndTiming(*(returns(replace(positions, held=held), prices, free) for held in parts))


def returns_over_costs(
    positions: Positions, prices: Any, config: PositionConfig, costs_bps: Iterable[float] = COSTS_BPS
) -> dict[float, Floats]:
    """Returns of the rows after the first positions, by cost in bps of what is traded (not ``cost_per_unit``)."""
    found = {}
    for bps in costs_bps:
        require_number("costs_bps", bps, minimum=0.0)
        found[float(bps)] = returns(positions, prices, config.replace(cost_per_unit=bps / 1e4))[_first(positions) + 1 :]
    return found


def returns_over_lags(
    positions: Positions, prices: Any, config: PositionConfig, lags: Iterable[int] = LAGS
) -> dict[int, Floats]:
    """Returns of the rows after the first positions where each was held some rows later; after costs.

    All lags are judged over the same rows: those on which each of them has positions.

    Parameters
    ----------
    lags : rows; 0 as they are. A negative one holds positions before they were known: it shows what was foreseen of the
        past, and could not be traded.
    """
    lags = tuple(lags)
    held, rows = positions.held, len(positions.held)
    begin, end = _first(positions) + 1 + max(0, *lags, 0), rows + min(0, *lags, 0)
    found = {}
    for lag in lags:
        if not isinstance(lag, int):
            raise ParameterError(f"lags hold {lag!r}: give whole numbers of rows")
        shifted = np.zeros_like(held)
        if lag >= 0:
            shifted[lag:] = held[: max(rows - lag, 0)]
        else:
            shifted[:lag] = held[-lag:]
        found[lag] = returns(replace(positions, held=shifted), prices, config)[begin : max(end, begin)]
    return found


def returns_over_smoothing(
    positions: Positions, prices: Any, config: PositionConfig, windows: Iterable[int] = SMOOTHING
) -> dict[int, Floats]:
    """Returns of the rows after the first positions where the mean of the newest ``window`` positions was held; after
    costs. A window of 1 holds them as they are; before there are so many rows, the mean is of those there are."""
    first, found = _first(positions), {}
    for window in windows:
        require_integer("windows", window, minimum=1)
        sums = np.concatenate((np.zeros((1, positions.held.shape[1])), np.cumsum(positions.held, axis=0)))
        rows = np.arange(1, len(sums))
        before = np.maximum(rows - window, 0)
        smooth = (sums[rows] - sums[before]) / (rows - before)[:, None] if window > 1 else positions.held
        found[window] = returns(replace(positions, held=smooth), prices, config)[first + 1 :]
    return found


def _first(positions: Positions) -> int:
    """The first row with positions; the number of rows where there is none."""
    valid = np.flatnonzero(positions.status == "valid")
    return int(valid[0]) if valid.size else len(positions.status)
