"""Whether two instruments have stopped moving together."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

BREAKS_AT: Final = 4.0
"""Standard errors. Looked at on each closed bar for a day, walks whose correlation never changes pass 3 too often;
``tests/risk`` measures how many pass this."""
_FEWEST: Final = 30


@dataclass(frozen=True, slots=True)
class CorrelationBreak:
    """Correlation lately and before.

    Parameters
    ----------
    recent, before : of returns, in the newest bars and in all before them.
    error : standard error of their difference, for returns of any distribution with four moments.
    has_broken : they differ by more than four errors.
    refusal : why there is no answer; "" where there is one.
    """

    recent: float
    before: float
    error: float
    has_broken: bool
    refusal: str = ""


def correlation_break(y: Floats, x: Floats, recent: int) -> CorrelationBreak:
    """Compare the correlation of the newest returns with that of those before.

    The error comes from the influence function of the correlation, summed with Newey and West's weights, so fat tails
    and clusters of volatility are in it; Fisher's transform would hold for normal returns alone.

    Parameters
    ----------
    y, x : shape (T,), returns, oldest first; rows where one is NaN are left out.
    recent : how many of them are the newest.
    """
    if len(y) != len(x):
        raise ParameterError(f"returns of {len(y)} and {len(x)} rows: they must be of the same bars")
    known = np.isfinite(y) & np.isfinite(x)
    y, x = y[known], x[known]
    if recent < _FEWEST or len(y) - recent < 2 * recent:
        fewest = max(recent, _FEWEST)
        why = f"needs {3 * fewest} bars to compare the newest {fewest} with those before, there are {len(y)}"
        return CorrelationBreak(math.nan, math.nan, math.nan, has_broken=False, refusal=why)
    late, late_error = _correlation(y[-recent:], x[-recent:])
    early, early_error = _correlation(y[:-recent], x[:-recent])
    error = math.hypot(late_error, early_error)
    if not math.isfinite(error) or error == 0.0:
        return CorrelationBreak(late, early, math.nan, has_broken=False, refusal="a price did not move")
    return CorrelationBreak(late, early, error, has_broken=abs(late - early) > BREAKS_AT * error)


def _correlation(y: Floats, x: Floats) -> tuple[float, float]:
    y, x = y - y.mean(), x - x.mean()
    scale_y, scale_x = math.sqrt(float(y @ y) / len(y)), math.sqrt(float(x @ x) / len(x))
    if scale_y == 0.0 or scale_x == 0.0:
        return math.nan, math.nan
    y, x = y / scale_y, x / scale_x
    value = float(y @ x) / len(y)
    influence = y * x - 0.5 * value * (y * y + x * x)
    lags = math.ceil(len(y) ** (1.0 / 3.0))
    variance = float(influence @ influence)
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1)) * float(influence[lag:] @ influence[:-lag])
    return value, math.sqrt(max(variance, 0.0)) / len(y)
