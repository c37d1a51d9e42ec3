"""Thresholds of a pair that follow from what trading costs, in the z-score of its model."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.cointegration import SMALLEST_P, TEST_ROWS, Cointegration
from alphastream.core.pvalues import pvalue_text
from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import OrnsteinUhlenbeckResult, ornstein_uhlenbeck
from alphastream.pairs import PairSpec
from alphastream.strategies.thresholds import Rule, Thresholds, at_bar_ends, expected
from alphastream.trading.broker.costs import BrokerRules

LEAST_ROWS: Final = 100
LEAST_CORRELATION: Final = 0.5
LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class PairThresholds:
    """What a fit on the newest rows says about entry and exit. Distances are in units of y, of its log or its price.

    Parameters
    ----------
    process : the spread of one ratio, fixed over the rows of the fit: what a position earns.
    traded : the z-score of the model, times ``unit``: what a position waits for. Slower than it was in the rows by as
        much as the verdict's half-life, which has lost the bias of short samples, is longer than the likeliest one.
    unit : by how much that spread is away from its mean at a z-score of 1 of the model, on average.
    correlation : of both over the rows.
    cost : of a round trip of both legs.
    turning, waiting : the best rule that turns at the entry of the other side, and the best that leaves at the mean.
    present : what the pair's own entry and exit are expected to earn.
    slow, fast : ``turning`` with the longest and the shortest half-life in the verdict's interval; None where that end
        is none (a walk that never returns; gone within a bar).
    verdict : of the test of the same rows, with its half-life and interval.
    refusal : why nothing is offered, with its numbers; None where something is.
    """

    process: OrnsteinUhlenbeckResult
    traded: OrnsteinUhlenbeckResult
    unit: float
    correlation: float
    cost: float
    turning: Thresholds
    waiting: Thresholds
    present: Thresholds
    slow: Thresholds | None
    fast: Thresholds | None
    verdict: Cointegration
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
    y: Floats, x: Floats, zscore: Floats, cost: float, entry: float, exit: float, verdict: Cointegration  # noqa: A002
) -> PairThresholds:  # fmt: skip
    """Fit the spread of the newest rows and find the thresholds that earn the most after costs.

    A position keeps the hedge ratio of its entry, so that what it earns is the change of a spread of one fixed ratio:
    that of least squares over the rows. The z-score that it is traded on is the model's, whose ratio or mean may move.
    The regression of the fixed spread on the z-score says what a z-score is worth; how fast it comes and goes is its
    own Ornstein-Uhlenbeck process.

    Out of sample (20 pairs of 6,000 rows with a half-life of 8, fitted on 500 of the first half) the rule that turns
    earned .56, .83, 1.04 and 1.05 of what was expected for least squares over 60, 100, 200 and 400 rows, and .90 for
    the discounted Kalman model over 100; 2.0 to 2.9 times what 2 in and .5 out did. With a half-life of 25 it earned .5
    to .6 of what was expected, and three times what 2 in and .5 out did: a fit that just passes looks too fast.

    Nothing is offered where the return of the spread is not established (no cointegration at 5 %, or a half-life whose
    interval has no end), and where no threshold pays: its best entry would come less than once in as many rows as were
    fitted, or earn nothing after costs. Of 200 pairs of walks (least squares over 100 rows) 3 were offered thresholds,
    of 200 with a half-life of 10 rows 183.

    Parameters
    ----------
    y, x, zscore : (T,) columns of the pair's source, and of the model, oldest first: the rows that were tested, in
        which both legs traded. A row is one of those.
    cost : of a round trip of both legs, in units of y.
    entry, exit : |z| of the pair as it is, for comparison.
    verdict : of the test of the same rows.

    Raises
    ------
    NotEnoughObservations
        Under 100 rows with a z-score.
    ParameterError
        The z-scores or the spread do not vary, no return at all is seen, or the z-score hardly follows the spread
        (correlation below .5).
    """
    y, x, zscore = (column[-TEST_ROWS:] for column in (y, x, zscore))
    known = np.flatnonzero(np.isfinite(zscore) & np.isfinite(y) & np.isfinite(x))
    if known.size < LEAST_ROWS:
        raise NotEnoughObservations("thresholds that follow from cost", LEAST_ROWS, int(known.size))
    y, x, zscore = (column[known] for column in (y, x, zscore))
    away = x - x.mean()
    square = float(away @ away)
    spread = y - y.mean() - (float(away @ y) / square if square > 0.0 else 0.0) * away
    process = ornstein_uhlenbeck(spread)
    unit, correlation = _in_zscores(spread, zscore)
    likeliest = ornstein_uhlenbeck(unit * zscore)

    def paced(half_life: float) -> OrnsteinUhlenbeckResult | None:
        """The z-score, as much faster or slower than its likeliest as the half-life is than the spread's likeliest."""
        if not 0.0 < half_life < math.inf:
            return None
        return likeliest.at_speed(likeliest.speed * process.half_life / half_life)

    traded = paced(verdict.half_life_bars) or likeliest.less_biased()
    turning, waiting = (at_bar_ends(traded, cost, rule) for rule in ("opposite", "mean"))
    slow, fast = (
        None if end is None else at_bar_ends(end, cost)
        for end in (paced(verdict.half_life_high), paced(verdict.half_life_low))
    )
    leave: Rule = "opposite" if exit == -entry else "mean"
    return PairThresholds(
        process=process,
        traded=traded,
        unit=unit,
        correlation=correlation,
        cost=cost,
        turning=turning,
        waiting=waiting,
        present=expected(traded, cost, leave, entry * unit, exit * unit),
        slow=slow,
        fast=fast,
        verdict=verdict,
        refusal=_refusal(process, traded, turning, cost, verdict),
    )


def round_trip_cost(spec: PairSpec, rules: BrokerRules, ratio: float, y: float, x: float) -> float:
    """Fees and half spreads of opening and closing both legs of one y, in the units of y that a spread is in.

    Parameters
    ----------
    ratio : hedge ratio as the pair is estimated, on logs or on prices.
    y, x : prices of the legs.
    """
    of_logs = spec.price == "log"
    notionals = 1.0 + abs(ratio if of_logs else ratio * x / y)
    of_y = 2.0 * notionals * (rules.fees.fee_bps(maker=False) + rules.half_spread_bps) * 1e-4
    return max(of_y, 0.0) * (1.0 if of_logs else y)


def _in_zscores(spread: Floats, zscore: Floats) -> tuple[float, float]:
    """Slope of the spread on the z-score, and their correlation."""
    own, other = zscore - zscore.mean(), spread - spread.mean()
    square, length = float(own @ own), float(other @ other)
    if not square > 0.0:
        raise ParameterError("the z-scores do not vary: there is nothing to set a threshold of")
    product = float(own @ other)
    correlation = product / math.sqrt(square * length)
    if not correlation >= LEAST_CORRELATION:
        raise ParameterError(
            f"the z-score of this model hardly follows the spread that is traded (correlation {correlation:.2f}, needs "
            f"{LEAST_CORRELATION:g}): take a longer window or another model"
        )
    return product / square, correlation


def _rows(half_life: float) -> str:
    return f"{half_life:.0f}" if math.isfinite(half_life) else "∞"


def _refusal(
    process: OrnsteinUhlenbeckResult,
    traded: OrnsteinUhlenbeckResult,
    best: Thresholds,
    cost: float,
    verdict: Cointegration,
) -> str | None:
    if not verdict.pvalue < LEVEL:
        why = verdict.refusal or f"p = {pvalue_text(verdict.pvalue, SMALLEST_P)}, needs to be below {LEVEL:g}"
        return f"no cointegration is shown on the newest {verdict.rows} bars ({why}): there is nothing to wait for"
    if not verdict.half_life_high < math.inf:
        return (
            f"no return to the mean is established: a half-life of {_rows(verdict.half_life_bars)} bars fits the "
            f"newest {verdict.rows} best, but its 95 % interval has no upper end, as for a walk that never returns; "
            "take more bars or another pair"
        )
    if best.round_trip > process.n_obs or best.profit <= 0.0:
        return (
            f"no threshold pays: a round trip costs {cost / traded.deviation:.1f} standard deviations of the spread; "
            f"the best entry, at {best.entry / traded.deviation:.1f} of them, would earn {best.profit / cost:.0%} of "
            f"that cost once in {_bars(best.round_trip)}, and {process.n_obs + 1} were seen"
        )
    return None


def _bars(number: float) -> str:
    return f"{number:,.0f} bars" if number < 1e9 else "more than a billion bars"
