"""Hurst exponent: how the spread of a change grows with the time it is given."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alphastream.errors import ParameterError
from alphastream.estimators.tests.observations import refuse_straight_line, rounding, varying_series

_MINIMUM_ROWS = 100
_MAX_LAG = 100  # longer ones overlap so much in a page's window that they say the same thing again
_LAGS = 20


@dataclass(frozen=True, slots=True)
class HurstResult:
    """A generalised Hurst exponent of order 2.

    Parameters
    ----------
    exponent : 0.5 for a random walk, under 0.5 for a series that reverts, over 0.5 for one that trends.
    r_squared : of the line through the logarithms: far under 1 says that no single exponent describes the series.
    lags : rows of the changes that were compared.
    n_obs : rows used.
    """

    exponent: float
    r_squared: float
    lags: tuple[int, ...]
    n_obs: int

    def __float__(self) -> float:
        return self.exponent


def hurst(series: ArrayLike) -> HurstResult:
    """Slope of ln std(s_{t+k} − s_t) on ln k, over lags k from 1 to a tenth of the sample (100 at most).

    No test: even a random walk of 500 rows gives 0.5 ± 0.1. Trends are understated in short samples, because the drift
    is taken out.

    Parameters
    ----------
    series : (T,) levels, oldest first: log prices, or a spread.

    Raises
    ------
    NotEnoughObservations
        Under 100 rows.
    ParameterError
        When a row is NaN or infinite, the series is constant, a straight line or a cycle.

    Source: Di Matteo (2007), "Multi-scaling in finance", Quantitative Finance 7, eq. 5 with q = 2, drift removed.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=5000)
    >>> round(hurst(np.cumsum(noise)).exponent, 1), abs(hurst(noise).exponent) < 0.1
    (0.5, True)
    """
    levels = varying_series("series", series, "Hurst exponent", _MINIMUM_ROWS)
    refuse_straight_line("series", levels)
    scaled = (levels - levels[0]) / np.ptp(levels)
    longest = min(_MAX_LAG, levels.size // 10)
    lags = np.unique(np.geomspace(1, longest, _LAGS).round().astype(int))
    spreads = np.array([np.std(scaled[lag:] - scaled[:-lag]) for lag in lags])
    if spreads.min() <= rounding(levels) / np.ptp(levels):
        raise ParameterError(f"changes over {lags[spreads.argmin()]} rows are all the same: a cycle has no exponent")
    log_lags, log_spreads = np.log(lags), np.log(spreads)
    log_lags -= log_lags.mean()
    log_spreads -= log_spreads.mean()
    explained = log_lags @ log_spreads
    exponent = float(explained / (log_lags @ log_lags))
    total = float(log_spreads @ log_spreads)
    return HurstResult(
        exponent=exponent,
        r_squared=exponent * float(explained) / total if total > 0.0 else 1.0,
        lags=tuple(lags.tolist()),
        n_obs=levels.size,
    )
