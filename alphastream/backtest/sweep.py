"""Many parameters over one history: what each combination came to, and how much of the best is luck."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest import kernel
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import PairStrategy
from alphastream.backtest.trials import Work, outcomes
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import ThresholdSignal
from alphastream.performance import DeflatedSharpe, ReturnMoments, deflated_sharpe


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Windows of the hedge ratio and z-score, W of them, times thresholds, E of them.

    Parameters
    ----------
    strategies : (W,), the strategy with each window.
    signals : (E,), the rule with each entry and its exit.
    """

    strategies: tuple[PairStrategy, ...]
    signals: tuple[ThresholdSignal, ...]

    @property
    def windows(self) -> tuple[int, ...]:
        """(W,)."""
        return tuple(strategy.pair.window for strategy in self.strategies)

    @property
    def entries(self) -> tuple[float, ...]:
        """(E,)."""
        return tuple(signal.entry for signal in self.signals)

    @property
    def exits(self) -> tuple[float, ...]:
        """(E,), one for each entry."""
        return tuple(signal.exit for signal in self.signals)

    @property
    def shape(self) -> tuple[int, int]:
        """W and E."""
        return len(self.strategies), len(self.signals)

    def strategy(self, place: tuple[int, int]) -> PairStrategy:
        """The strategy of one combination."""
        signal, at_window = self.signals[place[1]], self.strategies[place[0]]
        return replace(at_window, pair=replace(at_window.pair, entry=signal.entry, exit=signal.exit))


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What each combination came to; arrays have shape (W, E).

    Parameters
    ----------
    rows : returns of each combination.
    final_equity : in the quote currency.
    mean, std, skew, kurtosis : of the returns of a row, as in ``ReturnMoments``; NaN for an account that came to its
        end.
    sharpe : mean over deviation of a row, not annualised; NaN for one that never traded, or came to its end.
    drawdown : deepest, a fraction of the peak, at most 0.
    trades : round trips.
    turnover : traded notional over mean equity, of the whole history.
    end_row : row at which the account was liquidated, or had nothing left; −1 for those that were not.
    refused : decisions whose order was beyond the leverage limit.
    """

    grid: Grid
    rows: int
    final_equity: Floats
    mean: Floats
    std: Floats
    skew: Floats
    kurtosis: Floats
    sharpe: Floats
    drawdown: Floats
    trades: NDArray[np.int64]
    turnover: Floats
    end_row: NDArray[np.int64]
    refused: NDArray[np.int64]

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Combinations whose account was liquidated, or had nothing left."""
        return self.end_row >= 0

    def best(self) -> tuple[int, int]:
        """Place of the highest Sharpe ratio; the first of equals, and the first of all where none is defined."""
        known = np.where(np.isnan(self.sharpe), -np.inf, self.sharpe)
        window, threshold = np.unravel_index(int(np.argmax(known)), known.shape)
        return int(window), int(threshold)

    def moments(self, place: tuple[int, int]) -> ReturnMoments:
        """Of the returns of one combination."""
        numbers = (self.mean, self.std, self.skew, self.kurtosis)
        return ReturnMoments(self.rows, *(float(each[place]) for each in numbers))

    def deflated(self, place: tuple[int, int] | None = None, factor: float = 1.0) -> DeflatedSharpe:
        """How much of a combination's Sharpe ratio is left as one of so many tried; None: of the best.

        Parameters
        ----------
        factor : of the deviation, for the autocorrelation of the rows (``VectorisedRun.sharpe``); all trials are taken
            to have it. A sweep keeps no series and does not know it.
        """
        chosen = self.moments(self.best() if place is None else place)
        shared = 1.0 if math.isnan(factor) else factor
        return deflated_sharpe(chosen.over_many_rows(factor), self.sharpe / shared)


def grid_of(
    strategy: PairStrategy,
    windows: Sequence[int],
    entries: Sequence[float],
    exits: float | Sequence[float] | None = None,
) -> Grid:
    """Combine windows and thresholds.

    Parameters
    ----------
    strategy : everything else.
    exits : one for all, one for each entry, or None for the strategy's own.

    Raises
    ------
    ParameterError : nothing to combine, another number of exits than of entries, or thresholds that cannot be.
    """
    if not len(windows) or not len(entries):
        raise ParameterError(f"{len(windows)} windows and {len(entries)} entries: give at least one of each")
    leave = strategy.pair.exit if exits is None else exits
    each = [float(leave)] * len(entries) if isinstance(leave, float | int) else [float(one) for one in leave]
    if len(each) != len(entries):
        raise ParameterError(f"{len(each)} exits for {len(entries)} entries: give one for each, or one for all")
    rule = strategy.signal()
    return Grid(
        tuple(replace(strategy, pair=replace(strategy.pair, window=int(window))) for window in windows),
        tuple(replace(rule, entry=float(entry), exit=out) for entry, out in zip(entries, each, strict=True)),
    )


def sweep(
    history: PairHistory,
    strategy: PairStrategy,
    windows: Sequence[int],
    entries: Sequence[float],
    exits: float | Sequence[float] | None = None,
    *,
    capital: float = 100_000.0,
    **work: Unpack[Work],
) -> Sweep:
    """Run every combination of windows and thresholds; each has the equity that ``run_pair`` gives it.

    What a window computes is computed once for all thresholds, and no series of a combination is kept.

    Parameters
    ----------
    history : of the strategy's pair.
    exits : one for all, one for each entry, or None for the strategy's own.
    **work : ``backend``, ``workers`` (None for one a core), ``folder``, ``progress``, ``cancelled``, as
        ``alphastream.compute.run`` has them; a window is a chunk. The numbers are the same bit for bit.

    Raises
    ------
    ParameterError : as ``grid_of``.
    JobCancelled : when ``cancelled`` said so.
    """
    grid = grid_of(strategy, windows, entries, exits)
    found = outcomes(history, strategy, grid.windows, grid.signals, [(0, len(history))], capital, work)
    return gathered(grid, np.stack([numbers[0] for numbers, _ in found]))


def gathered(grid: Grid, found: Floats) -> Sweep:
    """Make a sweep of the statistics of every combination, (W, E, STATISTICS)."""
    at = np.moveaxis(found, 2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sharpe = np.where(at[kernel.STD] > 0.0, at[kernel.MEAN] / at[kernel.STD], np.nan)
        turnover = np.where(at[kernel.MEAN_EQUITY] > 0.0, at[kernel.NOTIONAL_TRADED] / at[kernel.MEAN_EQUITY], np.nan)
    return Sweep(
        grid=grid,
        rows=int(at[kernel.ROWS].flat[0]),
        final_equity=at[kernel.FINAL],
        mean=at[kernel.MEAN],
        std=at[kernel.STD],
        skew=at[kernel.SKEW],
        kurtosis=at[kernel.KURTOSIS],
        sharpe=sharpe,
        drawdown=at[kernel.DRAWDOWN],
        trades=at[kernel.N_TRADES].astype(np.int64),
        turnover=turnover,
        end_row=at[kernel.END_ROW].astype(np.int64),
        refused=at[kernel.N_REFUSED].astype(np.int64),
    )
