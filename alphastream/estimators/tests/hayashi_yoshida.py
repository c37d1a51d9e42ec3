"""Correlation of two prices that trade at different times, without bars."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.tests.observations import one_series, require

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HayashiYoshidaResult:
    """Covariance and correlation of asynchronous log returns.

    Parameters
    ----------
    correlation : covariance over the root of both realised variances. Not cut to [−1, 1]: a short or noisy sample
        can leave it, and that is worth seeing.
    covariance : Σ Δa·Δb over pairs of intervals that overlap.
    variance_a, variance_b : sums of squared log returns.
    n_a, n_b : ticks used, after those of one instant were merged.
    """

    correlation: float
    covariance: float
    variance_a: float
    variance_b: float
    n_a: int
    n_b: int


def hayashi_yoshida(
    time_a: ArrayLike, price_a: ArrayLike, time_b: ArrayLike, price_b: ArrayLike
) -> HayashiYoshidaResult:
    """Hayashi-Yoshida estimator: products of log returns whose intervals overlap, in one walk over both tapes.

    Bars understate the correlation of legs that trade at different instants (Epps effect); this estimator does not.
    Give both legs the same span of time, or the longer one's variance weighs its correlation down. Of ticks at one
    instant the last counts.

    Parameters
    ----------
    time_a, time_b : (n,) and (m,) integers, UTC ns, never backwards.
    price_a, price_b : (n,) and (m,) prices > 0.

    Raises
    ------
    NotEnoughObservations
        Fewer than two instants in a leg.
    ParameterError
        Lengths differ, a time runs backwards, a price is not a number > 0, or a leg's price never moves.

    Source: Hayashi and Yoshida (2005), "On covariance estimation of non-synchronously observed diffusion processes",
    Bernoulli 11, definition 3.1.

    Examples
    --------
    >>> result = hayashi_yoshida([0, 10, 20], [1.0, 2.0, 1.0], [0, 10, 20], [1.0, 4.0, 1.0])
    >>> round(result.correlation, 12)
    1.0
    """
    a_time, a_log = _tape("a", time_a, price_a)
    b_time, b_log = _tape("b", time_b, price_b)
    covariance = _overlap_covariance(a_time, a_log, b_time, b_log)
    a_change, b_change = np.diff(a_log), np.diff(b_log)
    variance_a, variance_b = float(a_change @ a_change), float(b_change @ b_change)
    for leg, variance in (("a", variance_a), ("b", variance_b)):
        if variance == 0.0:
            raise ParameterError(f"price_{leg} never moves: its correlation with anything is undefined")
    return HayashiYoshidaResult(
        correlation=covariance / math.sqrt(variance_a) / math.sqrt(variance_b),
        covariance=covariance,
        variance_a=variance_a,
        variance_b=variance_b,
        n_a=a_time.size,
        n_b=b_time.size,
    )


def _tape(leg: str, time: ArrayLike, price: ArrayLike) -> tuple[Times, Floats]:
    times = np.asarray(time)
    if times.ndim != 1 or times.dtype.kind not in "iuM":
        raise ParameterError(f"time_{leg} needs integers of shape (n,), has {times.dtype} of shape {times.shape}")
    stamps = times.astype("datetime64[ns]").astype(np.int64) if times.dtype.kind == "M" else times.astype(np.int64)
    prices = one_series(f"price_{leg}", price)
    if stamps.size != prices.size:
        raise ParameterError(f"time_{leg} has {stamps.size} rows and price_{leg} has {prices.size}")
    if prices.size and prices.min() <= 0.0:
        raise ParameterError(f"row {prices.argmin()} of price_{leg} is {prices.min():g}: log returns need prices > 0")
    steps = np.diff(stamps)
    if steps.size and steps.min() < 0:
        raise ParameterError(f"time_{leg} runs backwards at row {np.flatnonzero(steps < 0)[0] + 1}: sort the ticks")
    last_of_instant = np.append(steps > 0, True)[: stamps.size]
    stamps, prices = stamps[last_of_instant], prices[last_of_instant]
    require("Hayashi-Yoshida correlation", 2, stamps.size)
    return stamps, np.log(prices)


@kernel
def _overlap_covariance(a_time: Times, a_log: Floats, b_time: Times, b_log: Floats) -> float:
    """Σ over a's intervals of Δa times b's move from its last tick at or before the start to its first from the end.

    All intervals of b that overlap one interval of a lie side by side, so their returns add up to one difference.
    """
    total = 0.0
    start = end = 0
    last = b_time.size - 1
    for i in range(1, a_time.size):
        while start < last and b_time[start + 1] <= a_time[i - 1]:
            start += 1
        while end < last and b_time[end] < a_time[i]:
            end += 1
        total += (a_log[i] - a_log[i - 1]) * (b_log[end] - b_log[start])
    return total
