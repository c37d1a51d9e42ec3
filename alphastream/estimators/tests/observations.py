"""Turns what a caller hands to a test into what the kernels can trust, or says in words what is wrong."""

import math
import operator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import NotEnoughObservations, ParameterError

AutoLag = Literal["aic", "bic"] | None
"""How lags are chosen up to ``max_lags``; None takes ``max_lags`` itself."""

CRITERIA: dict[str | None, int] = {None: 0, "aic": 1, "bic": 2}
"""Codes of the criteria; kernels take the code."""

ROUNDING = 8.0 * float(np.finfo(np.float64).eps)

MINIMUM_ROWS = 30  # under this the response surfaces say little: adfuller calls 12 rows stationary at p = 1e-24


@kernel
def _first_bad_row(series: Floats) -> int:
    for row in range(series.size):
        if not math.isfinite(series[row]):
            return row
    return -1


@kernel
def is_constant(series: Floats) -> bool:
    """Whether all rows are equal; true where there are none."""
    for row in range(1, series.size):  # noqa: SIM110, any() of a generator does not compile
        if series[row] != series[0]:
            return False
    return True


def one_series(name: str, values: ArrayLike) -> Floats:
    """A (T,) contiguous float64 array without gaps.

    Raises
    ------
    ParameterError
        When it is not one-dimensional, or a row is NaN or infinite: the message names the first such row.
    """
    series = np.array(values, dtype=np.float64, order="C")  # a copy: kernels are compiled for writable arrays
    if series.ndim != 1:
        raise ParameterError(f"{name} has shape {series.shape}: pass one dimension, (T,)")
    bad = _first_bad_row(series)
    if bad >= 0:
        count = np.count_nonzero(~np.isfinite(series))
        raise ParameterError(
            f"row {bad} of {name} is {series[bad]} ({count} of {series.size} rows are not finite): "
            "drop or fill these rows first"
        )
    return series


def varying_series(name: str, values: ArrayLike, what: str, needed: int) -> Floats:
    """As ``one_series``, with at least ``needed`` rows that are not all the same value."""
    series = one_series(name, values)
    require(what, needed, series.size)
    if is_constant(series):
        raise ParameterError(f"{name} is constant ({series[0]:g} in all {series.size} rows): there is nothing to test")
    return series


def refuse_straight_line(name: str, series: Floats) -> None:
    """Raise ParameterError where a series is a straight line up to the rounding of its values."""
    if np.abs(np.diff(series, 2)).max() <= rounding(series):
        raise ParameterError(f"{name} is a straight line: there is no noise in it to test")


def rounding(series: Floats) -> float:
    """The largest distance that rounding alone can put between values that ought to be the same."""
    return ROUNDING * float(np.abs(series).max())


def require(what: str, needed: int, have: int) -> None:
    """Raise NotEnoughObservations where ``have`` is under ``needed``."""
    if have < needed:
        raise NotEnoughObservations(what, needed, have)


def default_max_lags(n_obs: int, terms: int) -> int:
    """⌈12·(T/100)^¼⌉ (Schwert 1989), but no more than leave two rows for each coefficient."""
    return min(math.ceil(12.0 * math.pow(n_obs / 100.0, 0.25)), n_obs // 2 - terms - 1)


def lag_limit(what: str, n_obs: int, terms: int, max_lags: int | None) -> int:
    """The longest lag to try, checked against the sample.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or fewer than two rows for each coefficient.
    """
    if max_lags is None:
        require(what, MINIMUM_ROWS, n_obs)
        return default_max_lags(n_obs, terms)
    require_integer("max_lags", max_lags, minimum=0)
    require(what, max(MINIMUM_ROWS, 2 * (max_lags + terms + 1)), n_obs)
    return operator.index(max_lags)


def criterion_code(autolag: str | None) -> int:
    """The kernel's code of a criterion; refuses a name it does not know."""
    if autolag not in CRITERIA:
        raise ParameterError(f"autolag is {autolag!r}: use 'aic', 'bic', or None for exactly max_lags lags")
    return CRITERIA[autolag]
