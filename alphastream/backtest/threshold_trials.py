"""Thresholds that follow from cost against those that are set, on bars that the fit has not seen."""

import math
from dataclasses import dataclass, replace

import numpy as np

from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import PairStrategy, pair_series
from alphastream.backtest.vectorised import keep_books
from alphastream.cointegration import cointegration, newest_tested
from alphastream.errors import NotEnoughObservations
from alphastream.pairs import source_columns
from alphastream.strategies import PairThresholds, Thresholds, pair_thresholds, round_trip_cost

LEAST_TEST_ROWS = 100


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdTrial:
    """One rule on the bars that the fit has not seen.

    Parameters
    ----------
    entry, exit : as z-scores of the model.
    expected : what the fit expects of the rule.
    run : what it came to, flat at first.
    """

    entry: float
    exit: float
    expected: Thresholds
    run: VectorisedRun

    @property
    def profit(self) -> float:
        """Net result, in the quote currency."""
        return float(self.run.equity[-1]) - self.run.capital


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdTrials:
    """A fit on the first part of a history, and three rules on the rest.

    Parameters
    ----------
    fit : on the newest rows of the first part.
    train, test : first row and row after the last.
    present, turning, waiting : the rule that is set, the best that turns at the other entry, the best that leaves at
        the mean.
    """

    fit: PairThresholds
    train: tuple[int, int]
    test: tuple[int, int]
    present: ThresholdTrial
    turning: ThresholdTrial
    waiting: ThresholdTrial

    @property
    def trials(self) -> tuple[ThresholdTrial, ...]:
        """The three of them."""
        return self.present, self.turning, self.waiting


def threshold_trials(
    history: PairHistory, strategy: PairStrategy, *, capital: float = 100_000.0, share: float = 0.5
) -> ThresholdTrials:
    """Fit thresholds on the first part of a history and trade them, and those that are set, on the rest.

    All else of the strategy stays: size, stops, hedge. A stop has to be beyond all entries. Costs are those of the
    history's rules; fees and half spreads go into the thresholds, impact and funding do not.

    Parameters
    ----------
    history : of the strategy's pair.
    share : of the rows that the fit may look at; of them it takes the newest, see ``pair_thresholds``.

    Raises
    ------
    AlphaStreamError
        Too few rows for a fit or a test, thresholds that a stop contradicts, or no fit at all.
    """
    rows, spec = len(history), strategy.pair
    split = int(rows * share)
    if rows - split < LEAST_TEST_ROWS:
        raise NotEnoughObservations("a test of thresholds", LEAST_TEST_ROWS, rows - split)
    columns = source_columns(history.rows, spec.price)
    series = pair_series(history.rows, strategy, columns)
    known = np.flatnonzero(np.isfinite(series.hedge_ratio[:split]))
    ratio = float(series.hedge_ratio[known[-1]]) if known.size else math.nan
    y, x = (float(prices[split - 1]) for prices in (history.rows.y, history.rows.x))
    cost = round_trip_cost(spec, history.rules, ratio, y, x)
    before = history.rows.take(slice(split))
    tested, verdict = newest_tested(before.y_trades, before.x_trades), cointegration(before, spec.price)
    own, hedge, zscore = (column[tested] for column in (columns["y"], columns["x"], series.zscore))
    fit = pair_thresholds(own, hedge, zscore, cost, spec.entry, spec.exit, verdict)
    piece, rest = history.cut(split, rows), series.cut(split, rows)

    def trial(expected: Thresholds, entry: float, leave: float) -> ThresholdTrial:
        changed = replace(strategy, pair=replace(spec, entry=entry, exit=leave))
        return ThresholdTrial(entry, leave, expected, keep_books(piece, changed, rest, capital))

    return ThresholdTrials(
        fit=fit,
        train=(0, split),
        test=(split, rows),
        present=trial(fit.present, spec.entry, spec.exit),
        turning=trial(fit.turning, *fit.zscores(fit.turning)),
        waiting=trial(fit.waiting, *fit.zscores(fit.waiting)),
    )
