"""Scans of universes in which nothing is cointegrated, and of such with one pair: how often a scan turns green."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.scan import scan_pairs, summarise
from calibration.markets import LEVEL

SYMBOLS, ROWS = 40, 500
SEED: Final = 20_261_128
SCAN_BREAK: Final = 4.0  # the factor by which volatility falls half-way
SCAN_BOUNCE: Final = 0.5  # half a bid-ask spread, in standard deviations of a step

Steps = Callable[[np.random.Generator, int], Floats]


def _normal(rng: np.random.Generator, rows: int) -> Floats:
    return rng.standard_normal((rows, SYMBOLS))


def _one_factor(rng: np.random.Generator, rows: int) -> Floats:
    """Steps of which a common factor is half the variance."""
    return np.asarray((rng.standard_normal((rows, 1)) + rng.standard_normal((rows, SYMBOLS))) / math.sqrt(2.0))


def _garch(rng: np.random.Generator, rows: int) -> Floats:
    """One factor; everything GARCH(1, 1) with Student-t innovations of 4 degrees of freedom."""
    shocks = rng.standard_t(4, (rows, SYMBOLS + 1)) / math.sqrt(2.0)
    variance, series = np.ones(SYMBOLS + 1), np.empty((rows, SYMBOLS + 1))
    for row in range(rows):
        series[row] = np.sqrt(variance) * shocks[row]
        variance = 0.02 + 0.10 * series[row] ** 2 + 0.88 * variance
    return np.asarray((series[:, :1] + series[:, 1:]) / math.sqrt(2.0))


def _falling(rng: np.random.Generator, rows: int) -> Floats:
    steps = _one_factor(rng, rows)
    steps[rows // 2 :] /= SCAN_BREAK
    return steps


def _drifting(rng: np.random.Generator, rows: int) -> Floats:
    return _one_factor(rng, rows) + 0.05


CONDITIONS: Final[dict[str, Steps]] = {
    "independent": _normal,
    "one factor": _one_factor,
    "drift .05 sd a bar": _drifting,
    "GARCH, t4": _garch,
    "volatility ÷ 4": _falling,
    "each symbol in half of the bars": _one_factor,
    "bounce .5 sd": _one_factor,
}


def universe(
    condition: str, rng: np.random.Generator, half_life: float = math.inf, common_rows: int = ROWS
) -> pd.DataFrame:
    """Prices of 40 symbols; with a finite half-life, in bars, the last one follows the first.

    ``common_rows`` is how many bars both legs of a pair trade in: of bars that half of the symbols trade in, there are
    four times as many.
    """
    sparse = condition.startswith("each symbol")
    rows = 4 * common_rows if sparse else common_rows
    levels = np.cumsum(CONDITIONS[condition](rng, rows), axis=0)
    if math.isfinite(half_life):
        keeps, deviation = 2.0 ** (-1.0 / half_life), np.empty(rows)
        deviation[0] = rng.standard_normal() / math.sqrt(1.0 - keeps**2)
        own = np.diff(levels[:, -1], prepend=0.0)
        for row in range(1, rows):
            deviation[row] = keeps * deviation[row - 1] + own[row]
        levels[:, -1] = levels[:, 0] + deviation
    if condition.startswith("bounce"):
        levels += np.where(rng.random(levels.shape) < 0.5, -SCAN_BOUNCE, SCAN_BOUNCE)
    prices = pd.DataFrame(LEVEL + levels).add_prefix("S")
    return prices.mask(rng.random(levels.shape) < 0.5) if sparse else prices


def scans(condition: str, runs: int, half_life: float = math.inf, common_rows: int = ROWS) -> tuple[float, float]:
    """Shares of scans in which a pair survives Benjamini-Hochberg, and in which one is confirmed.

    With a finite half-life: in which the true pair does.
    """
    place = list(CONDITIONS).index(condition)
    rng = np.random.default_rng([SEED, place, 0 if math.isinf(half_life) else round(half_life)])
    survived = confirmed = 0
    for _ in range(runs):
        table = scan_pairs(universe(condition, rng, half_life, common_rows), threads=1)
        if math.isfinite(half_life):
            table = table[(table["y"] == "S0") & (table["x"] == f"S{SYMBOLS - 1}")]
        survived += bool((table["qvalue_bh"] < 0.05).any())
        confirmed += summarise(table).confirmed > 0
    return survived / runs, confirmed / runs


@dataclass(frozen=True, slots=True)
class Universes:
    """A chunk: scans of one condition, as ``scans`` has them."""

    condition: str
    runs: int
    half_life: float = math.inf
    common_rows: int = ROWS


def scanned(chunk: Universes) -> Floats:
    """``scans`` as an array, (2,)."""
    return np.array(scans(chunk.condition, chunk.runs, chunk.half_life, chunk.common_rows))
