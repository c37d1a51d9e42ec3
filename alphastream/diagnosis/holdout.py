"""A fixed ratio that is fitted on the first rows of a pair and judged on the others, which had no say in it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError
from alphastream.estimators import engle_granger_wild, half_life, residual_half_life, spread_wild
from alphastream.estimators.tests.rescaled import without_spikes

LEAST_ROWS: Final = 100  # of either part
SIGNIFICANT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the rows at the ratio of the first.

    Parameters
    ----------
    rows : in which both legs traded.
    pvalue, pvalue_floor : of no return to the mean, and the smallest that the test can give: Engle-Granger's wild
        bootstrap on the rows that the ratio was fitted on, that of a given spread on the others.
    half_life : of the spread, in rows.
    mean, std : of the spread; the mean of the rows it was fitted on is 0.
    own_ratio : that least squares on this part alone would have; nothing here uses it.
    refusal : why there is no p-value, or None.
    """

    rows: int
    pvalue: float
    pvalue_floor: float
    half_life: float
    mean: float
    std: float
    own_ratio: float
    refusal: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """A pair whose ratio comes from its first rows alone.

    Parameters
    ----------
    hedge_ratio, intercept : least squares of y on x over the training rows.
    spread : (T,) y less intercept and ratio times x, over all rows.
    split : the first row of the test.
    """

    hedge_ratio: float
    intercept: float
    spread: Floats
    split: int
    train: Part
    test: Part

    @property
    def verdict(self) -> str:
        """What the rows that the ratio has not seen say, in a sentence."""
        if self.test.refusal is not None:
            return f"The test rows say nothing: {self.test.refusal}."
        shift = abs(self.test.mean) / self.train.std if self.train.std > 0.0 else math.nan
        moved = f"its mean there is {shift:.1f} deviations of the training away"
        if self.test.pvalue < SIGNIFICANT:
            return f"On rows that it has not seen the spread of the fitted ratio comes back; {moved}."
        return f"On rows that it has not seen a return of the spread of the fitted ratio is not shown; {moved}."


def holdout(y: Floats, x: Floats, split: int) -> Holdout:
    """Fit one ratio on rows before ``split`` and test the spread on either side of it; no row is used by both.

    Parameters
    ----------
    y, x : (T,) levels of rows in which both legs traded, oldest first.
    split : the first row of the test; fewer than 100 rows on a side have no p-value, and say so.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> x = np.cumsum(rng.normal(size=600))
    >>> y = 0.5 * x + rng.normal(size=600)
    >>> found = holdout(y, x, 400)
    >>> round(found.hedge_ratio, 1), found.test.pvalue < 0.05, found.test.rows
    (0.5, True, 200)
    """
    ratio = _slope(y[:split], x[:split])
    intercept = float(np.mean(y[:split]) - ratio * np.mean(x[:split])) if split else math.nan
    spread = y - (intercept + ratio * x)
    return Holdout(
        ratio,
        intercept,
        spread,
        split,
        _train(y[:split], x[:split], spread[:split]),
        _test(y[split:], x[split:], spread[split:]),
    )


def _train(y: Floats, x: Floats, spread: Floats) -> Part:
    if (refusal := _too_few(spread)) is not None:
        return _part(y, x, spread, refusal=refusal)
    try:
        found = engle_granger_wild(y, x)
        speed = residual_half_life(without_spikes(y), without_spikes(x)).half_life
    except AlphaStreamError as error:
        return _part(y, x, spread, refusal=str(error))
    return _part(y, x, spread, found.pvalue, 1.0 / (found.replications + 1), speed)


def _test(y: Floats, x: Floats, spread: Floats) -> Part:
    if (refusal := _too_few(spread)) is not None:
        return _part(y, x, spread, refusal=refusal)
    try:
        found = spread_wild(spread)
        speed = half_life(spread).half_life
    except AlphaStreamError as error:
        return _part(y, x, spread, refusal=str(error))
    return _part(y, x, spread, found.pvalue, 1.0 / (found.replications + 1), speed)


def _part(
    y: Floats,
    x: Floats,
    spread: Floats,
    pvalue: float = math.nan,
    floor: float = 0.0,
    speed: float = math.nan,
    *,
    refusal: str | None = None,
) -> Part:
    mean = float(np.mean(spread)) if spread.size else math.nan
    std = float(np.std(spread, ddof=1)) if spread.size > 1 else math.nan
    return Part(spread.size, pvalue, floor, speed, mean, std, _slope(y, x), refusal)


def _too_few(spread: Floats) -> str | None:
    return (
        None if spread.size >= LEAST_ROWS else f"{spread.size} rows with trades of both legs, {LEAST_ROWS} are needed"
    )


def _slope(y: Floats, x: Floats) -> float:
    """Of y on x by least squares; NaN where x does not move."""
    if y.size < 2:
        return math.nan
    moved = x - x.mean()
    square = float(moved @ moved)
    return float(moved @ y / square) if square > 0.0 else math.nan
