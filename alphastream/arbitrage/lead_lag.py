"""Which of two prices moves first, and by how long, with an error."""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.arbitrage.lead_lag_kernels import block_contrasts, confidence_test
from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_integer
from alphastream.errors import NotEnoughObservations, ParameterError

BLOCKS: Final = 60
"""Stretches of equal length that the time is cut into and that are drawn again."""
DRAWS: Final = 999
LEVEL: Final = 0.95
BLOCK_LAGS: Final = 4
"""A block is as long as the longest lag this often, at least, so that what two blocks share does not matter."""
MIN_CHANGES: Final = 300
"""Changes of each price, five a block: coverage was measured with this many and more."""


@dataclass(frozen=True, slots=True)
class LeadLag:
    """How long after the first price the second one moves.

    Parameters
    ----------
    lag_ns : where the contrast is largest; positive where the first price leads.
    low_ns, high_ns : confidence set of 95 %, widened by half a step of the grid and by the error of the clocks.
    is_cut_low, is_cut_high : the set reaches that end of the grid, so it may go on beyond.
    correlation : of the moves at that lag, mean of the blocks.
    lags_ns, correlations : the grid and the whole contrast, as correlations, shape (K,).
    changes : of the first and the second price.
    error_ns : of both clocks together.
    """

    lag_ns: int
    low_ns: int
    high_ns: int
    is_cut_low: bool
    is_cut_high: bool
    correlation: float
    lags_ns: Ints
    correlations: Floats
    changes: tuple[int, int]
    error_ns: int

    @property
    def leader(self) -> Literal["first", "second"] | None:
        """Which price leads; None where no lead can be told, because the set holds 0 or is the whole grid."""
        if self.is_cut_low and self.is_cut_high:
            return None
        if self.low_ns > 0:
            return "first"
        return "second" if self.high_ns < 0 else None


def lead_lag(
    time_a: ArrayLike,
    price_a: ArrayLike,
    time_b: ArrayLike,
    price_b: ArrayLike,
    *,
    max_lag_ns: int,
    step_ns: int,
    error_ns: int = 0,
    seed: int = 0,
) -> LeadLag:
    """Find the lag at which two prices move together most, and all lags that may be that one.

    For every lag on a grid the second price's times are moved back by it, and the products of log returns whose
    intervals then overlap are summed: the Hayashi-Yoshida covariance as a function of the lag. That is done in blocks
    of time, each divided by the realised volatility of both prices in it, so that a burst does not outweigh all the
    rest. The largest mean of the blocks is the estimate. A lag is in the confidence set where the hypothesis that the
    expected contrast is largest there is not rejected: the studentised lead of the best other lag over it is held
    against what it is in samples of the same blocks drawn again (block bootstrap), among lags that are not clearly
    worse. The prices have to move in the same direction, as those of one asset do.

    Give every observation, also those that repeat a price: they tell when it had not moved yet. Work: lags × rows.

    Parameters
    ----------
    time_a, time_b : (n,) and (m,) integers on one clock, UTC ns, never backwards. Of several at one time the last
        counts.
    price_a, price_b : (n,) and (m,) prices > 0; mid prices rather than trades, which bounce.
    max_lag_ns, step_ns : the grid reaches from −max to +max; 0 is on it.
    error_ns : how far the two clocks may be off from each other.
    seed : of the draws.

    Raises
    ------
    NotEnoughObservations
        A price changes fewer than ``MIN_CHANGES`` times in the time that both cover.
    ParameterError
        Lengths differ, a time runs backwards, a price is not a number > 0, the time is too short for the grid or the
        grid has more than 2,001 lags.

    Notes
    -----
    Coverage was measured by simulation (``python -m calibration.lead_lag``, docs/calibration.md) for constant lags,
    observation times that do not depend on the price, with and without bounce and bursts of volatility. Where the lag
    moves while one looks, or a venue quotes only after it has moved, it is not known.

    Source: Hoffmann, Rosenbaum and Yoshida (2013), "Estimation of the lead-lag parameter from non-synchronous data",
    Bernoulli 19, section 3 (contrast); Carlstein (1986), Annals of Statistics 14 (blocks that do not overlap); Andrews
    and Soares (2010), "Inference for parameters defined by moment inequalities", Econometrica 78, section 4 (set by
    inversion, and which inequalities count).
    """
    require_integer("step_ns", step_ns, 1)
    require_integer("max_lag_ns", max_lag_ns, step_ns)
    require_integer("error_ns", error_ns, 0)
    side = max_lag_ns // step_ns
    if side > 1_000:
        raise ParameterError(f"a grid of {2 * side + 1} lags: needs at most 2001, so make step_ns larger")
    lags = np.arange(-side, side + 1, dtype=np.int64) * step_ns
    a_time, a_log = _prices("a", time_a, price_a)
    b_time, b_log = _prices("b", time_b, price_b)
    # So far from its ends that each lag sees the whole of both.
    begin = max(a_time[0], b_time[0]) + side * step_ns if a_time.size and b_time.size else 0
    end = min(a_time[-1], b_time[-1]) - side * step_ns if a_time.size and b_time.size else 0
    changes = tuple(_changes(time, log, begin, end) for time, log in ((a_time, a_log), (b_time, b_log)))
    if min(changes) < MIN_CHANGES:
        raise NotEnoughObservations("a lead (changes of each price)", MIN_CHANGES, min(changes))
    if end - begin < BLOCKS * BLOCK_LAGS * side * step_ns:
        need_s = BLOCKS * BLOCK_LAGS * side * step_ns / 1e9
        raise ParameterError(
            f"both prices cover {(end - begin) / 1e9:.1f} s, lags up to {max_lag_ns / 1e6:g} ms need {need_s:.1f} s: "
            "bring more time or lower max_lag_ns"
        )
    bounds = np.linspace(begin, end, BLOCKS + 1).astype(np.int64)
    contrasts = block_contrasts(a_time, a_log, b_time, b_log, lags, bounds)
    contrasts /= _scales(a_time, a_log, bounds)[:, None] * _scales(b_time, b_log, bounds)[:, None]
    draws = np.random.default_rng(seed).multinomial(BLOCKS, np.full(BLOCKS, 1.0 / BLOCKS), DRAWS) / BLOCKS
    kept = np.flatnonzero(confidence_test(contrasts, draws, math.sqrt(math.log(BLOCKS)), LEVEL))
    correlations = contrasts.mean(axis=0)
    best = int(correlations.argmax())
    # The estimate itself is never rejected, so the set is not empty.
    margin = step_ns // 2 + error_ns
    return LeadLag(
        lag_ns=int(lags[best]),
        low_ns=int(lags[kept[0]]) - margin,
        high_ns=int(lags[kept[-1]]) + margin,
        is_cut_low=bool(kept[0] == 0),
        is_cut_high=bool(kept[-1] == lags.size - 1),
        correlation=float(correlations[best]),
        lags_ns=lags,
        correlations=correlations,
        changes=(changes[0], changes[1]),
        error_ns=error_ns,
    )


def _prices(name: str, time: ArrayLike, price: ArrayLike) -> tuple[Ints, Floats]:
    times, prices = np.asarray(time), np.asarray(price, np.float64)
    if times.ndim != 1 or times.dtype.kind not in "iu" or times.shape != prices.shape:
        raise ParameterError(
            f"time_{name} and price_{name} need integers and prices of one length, have {times.dtype} of shape "
            f"{times.shape} and shape {prices.shape}"
        )
    stamps = times.astype(np.int64)
    if not bool(np.all((prices > 0.0) & np.isfinite(prices))):
        raise ParameterError(f"price_{name} has values that are no numbers > 0: leave these rows out")
    steps = np.diff(stamps)
    if steps.size and steps.min() < 0:
        raise ParameterError(f"time_{name} runs backwards at row {np.flatnonzero(steps < 0)[0] + 1}: sort the rows")
    last = np.append(steps > 0, True)[: stamps.size]
    return stamps[last], np.log(prices[last])


def _changes(time: Ints, log: Floats, begin: int, end: int) -> int:
    inside = log[(time >= begin) & (time <= end)]
    return int((np.diff(inside) != 0.0).sum())


def _scales(time: Ints, log: Floats, bounds: Ints) -> Floats:
    """Root of the sum of squared moves of each block; 1 where there is none, so that nothing is divided by 0."""
    block = bounds.searchsorted(time[1:], side="left") - 1
    inside = (block >= 0) & (block < BLOCKS)
    squares = np.bincount(block[inside], np.diff(log)[inside] ** 2, BLOCKS)
    return np.sqrt(np.where(squares > 0.0, squares, 1.0))
