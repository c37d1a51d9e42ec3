"""Thresholds of a pair that follow from what trading costs, in the z-score of its model."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import OrnsteinUhlenbeckResult, ornstein_uhlenbeck
from alphastream.pairs import TEST_ROWS
from alphastream.strategies.thresholds import Rule, Thresholds, at_bar_ends, expected

LEAST_ROWS: Final = 100
LEAST_CORRELATION: Final = 0.5


@dataclass(frozen=True, slots=True)
class PairThresholds:
    """What a fit on the newest rows says about entry and exit. Distances are in units of y, of its log or its price.

    Parameters
    ----------
    process : the spread of one ratio, fixed over the rows of the fit.
    unit : by how much that spread is away from its mean at a z-score of 1 of the model, on average.
    correlation : of both over the rows.
    cost : of a round trip of both legs.
    turning, waiting : the best rule that turns at the entry of the other side, and the best that leaves at the mean.
    present : what the pair's own entry and exit are expected to earn.
    slow, fast : ``turning`` at the slowest and the fastest return in the interval of the speed; None where that end is
        no speed (a walk that never returns; gone within a bar).
    refusal : why nothing is offered, with its numbers; None where something is.
    """

    process: OrnsteinUhlenbeckResult
    unit: float
    correlation: float
    cost: float
    turning: Thresholds
    waiting: Thresholds
    present: Thresholds
    slow: Thresholds | None
    fast: Thresholds | None
    refusal: str | None

    @property
    def rows(self) -> int:
        """Rows behind the fit."""
        return self.process.n_obs + 1

    def zscores(self, found: Thresholds) -> tuple[float, float]:
        """Entry and exit as z-scores of the model, to two decimals."""
        entry = max(round(found.entry / self.unit, 2), 0.01)
        return entry, -entry if found.rule == "opposite" else round(found.exit / self.unit, 2)


def pair_thresholds(
    y: Floats, x: Floats, zscore: Floats, cost: float, entry: float, exit: float, rows: int = TEST_ROWS  # noqa: A002
) -> PairThresholds:  # fmt: skip
    """Fit the spread of the newest rows and find the thresholds that earn the most after costs.

    A position keeps the hedge ratio of its entry, so that what it earns is the change of a spread of one fixed ratio:
    that of least squares over the rows. The z-score that it is traded on is the model's, whose ratio or mean may move.
    One is put into the other by the regression of the fixed spread on the z-score.

    Nothing is offered where the return of the spread is not established (a walk that never returns is inside the
    confidence interval of its speed), where the model's z-score hardly follows the spread, and where no threshold pays:
    its best entry would come less than once in as many bars as were fitted, or earn nothing after costs.

    Parameters
    ----------
    y, x, zscore : (T,) columns of the pair's source, and of the model, oldest first.
    cost : of a round trip of both legs, in units of y.
    entry, exit : |z| of the pair as it is, for comparison.
    rows : newest rows to look at.

    Raises
    ------
    NotEnoughObservations
        Under 100 rows with a z-score.
    ParameterError
        The z-scores or the spread do not vary, or no return at all is seen.
    """
    known = np.flatnonzero(np.isfinite(zscore[-rows:]) & np.isfinite(y[-rows:]) & np.isfinite(x[-rows:]))
    if known.size < LEAST_ROWS:
        raise NotEnoughObservations("thresholds that follow from cost", LEAST_ROWS, int(known.size))
    y, x, zscore = (column[-rows:][known] for column in (y, x, zscore))
    away = x - x.mean()
    square = float(away @ away)
    spread = y - y.mean() - (float(away @ y) / square if square > 0.0 else 0.0) * away
    process = ornstein_uhlenbeck(spread)
    unit, correlation = _in_zscores(spread, zscore)
    turning, waiting = (at_bar_ends(process, cost, rule) for rule in ("opposite", "mean"))
    slow, fast = (
        at_bar_ends(process.at_speed(speed), cost) if 0.0 < speed < math.inf else None
        for speed in (process.low, process.high)
    )
    size = abs(unit)
    leave: Rule = "opposite" if exit == -entry else "mean"
    return PairThresholds(
        process=process,
        unit=size,
        correlation=correlation,
        cost=cost,
        turning=turning,
        waiting=waiting,
        present=expected(process, cost, leave, entry * size, exit * size),
        slow=slow,
        fast=fast,
        refusal=_refusal(process, unit, correlation, turning, cost),
    )


def _in_zscores(spread: Floats, zscore: Floats) -> tuple[float, float]:
    """Slope of the spread on the z-score, and their correlation."""
    own, other = zscore - zscore.mean(), spread - spread.mean()
    square, length = float(own @ own), float(other @ other)
    if not square > 0.0:
        raise ParameterError("the z-scores do not vary: there is nothing to set a threshold of")
    product = float(own @ other)
    if not product:
        raise ParameterError("the z-scores have nothing to do with the spread: take another model")
    return product / square, product / math.sqrt(square * length)


def _refusal(
    process: OrnsteinUhlenbeckResult, unit: float, correlation: float, best: Thresholds, cost: float
) -> str | None:
    if process.low == 0.0:
        return (
            f"no return to the mean is established: a half-life of {process.half_life:.0f} bars fits the newest "
            f"{process.n_obs + 1} best, but its {process.confidence:.0%} interval has no upper end, as for a walk that "
            "never returns; take more bars or another pair"
        )
    if correlation < LEAST_CORRELATION:
        return (
            f"the z-score of this model hardly follows the spread that is traded (correlation {correlation:.2f}, needs "
            f"{LEAST_CORRELATION:g}): take another model or a longer window"
        )
    if best.round_trip > process.n_obs or best.profit <= 0.0:
        return (
            f"no threshold pays: a round trip costs {cost / process.deviation:.1f} standard deviations of the spread; "
            f"the best entry, at {best.entry / process.deviation:.1f} of them, would earn {best.profit / cost:.0%} of "
            f"that cost once in {_bars(best.round_trip)}, and {process.n_obs + 1} were seen"
        )
    return None


def _bars(number: float) -> str:
    return f"{number:,.0f} bars" if number < 1e9 else "more than a billion bars"
