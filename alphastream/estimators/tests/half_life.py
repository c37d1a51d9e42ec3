"""Half-life of a spread: rows until half of its distance to the mean is expected to be gone."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.estimators.rolling.ols import RollingOLS
from alphastream.estimators.tests.lags import remove_trend
from alphastream.estimators.tests.observations import MINIMUM_ROWS, varying_series

LAST, HEAD = 1, 2  # places in a state: rows seen, the last value, then the state of a RollingOLS


@dataclass(frozen=True, slots=True)
class HalfLifeResult:
    """Half-life of a spread, in rows.

    Parameters
    ----------
    half_life : −ln 2/ln(1 + λ); ``inf`` where λ ≥ 0 (nothing pulls it back), 0 where λ ≤ −1 (gone within a row).
    low, high : half-lives at the ends of the confidence interval of λ; ``high`` is often ``inf``.
    lambda_ : slope of Δs on s(−1).
    standard_error : of λ.
    confidence : probability the interval is meant to cover.
    n_obs : rows of the regression.
    """

    half_life: float
    low: float
    high: float
    lambda_: float
    standard_error: float
    confidence: float
    n_obs: int


def half_life(spread: ArrayLike, confidence: float = 0.95) -> HalfLifeResult:
    """Half-life of a spread by least squares of Δs on s(−1) and a constant.

    The interval takes λ ± z·(standard error) through the same formula. Near a random walk λ is biased downwards, so
    that the half-life comes out too short and the interval covers less than it says: test for a unit root first.

    Parameters
    ----------
    spread : (T,) levels, oldest first.
    confidence : in (0, 1).

    Raises
    ------
    NotEnoughObservations
        Under 30 rows.
    ParameterError
        When a row is NaN or infinite, the spread is constant, or ``confidence`` is outside (0, 1).

    Source: Chan (2013), Algorithmic Trading, chapter 2, with the discrete-time ln(1 + λ) instead of λ.

    Examples
    --------
    >>> s = [100.0 + 8.0 * 0.5 ** (row / 7) for row in range(60)]
    >>> round(half_life(s).half_life, 6)
    7.0
    """
    if not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence is {confidence!r}: use a number between 0 and 1, such as 0.95")
    levels = varying_series("spread", spread, "half-life", MINIMUM_ROWS)
    scaled = remove_trend(levels / np.abs(levels).max(), 1)[0]
    before = remove_trend(scaled[:-1].copy(), 1)[0]
    change = remove_trend(np.diff(scaled), 1)[0]
    square = float(before @ before)
    if square == 0.0:
        raise ParameterError("spread is constant but for its last row: there is nothing to fit")
    slope = float(before @ change) / square
    residual = change - slope * before
    standard_error = math.sqrt(float(residual @ residual) / (change.size - 2) / square)
    reach = NormalDist().inv_cdf(0.5 + 0.5 * confidence) * standard_error
    return HalfLifeResult(
        half_life=float(rows_to_half(1.0 + slope)),
        low=float(rows_to_half(1.0 + slope - reach)),
        high=float(rows_to_half(1.0 + slope + reach)),
        lambda_=slope,
        standard_error=standard_error,
        confidence=confidence,
        n_obs=change.size,
    )


def rows_to_half(persistence: ArrayLike) -> Floats:
    """−ln 2/ln φ for φ = 1 + λ; ``inf`` from 1 upwards, 0 from 0 downwards, NaN for NaN."""
    phi = np.asarray(persistence, dtype=np.float64)
    between = np.where((phi > 0.0) & (phi < 1.0), phi, 0.5)
    rows = np.where(phi >= 1.0, np.inf, np.where(phi <= 0.0, 0.0, -math.log(2.0) / np.log(between)))
    return np.where(np.isnan(phi), np.nan, rows)


@dataclass(frozen=True, slots=True, eq=False)
class HalfLifeRows:
    """``half_life`` has shape (T,), in rows; NaN while the window fills, ``inf`` where nothing pulls back."""

    half_life: Floats


@dataclass(frozen=True, slots=True)
class HalfLife(Fold[HalfLifeRows]):
    """Half-life of a spread over a sliding window: ``half_life`` without its interval, at every row.

    A row with NaN or inf gives NaN and is passed over. NaN where the window is constant.

    Parameters
    ----------
    window : rows, at least 4.

    Examples
    --------
    >>> rows, state = HalfLife(window=4).run([8.0, 4.0, 2.0, 1.0, 0.5])
    >>> rows.half_life.round(9).tolist()
    [nan, nan, nan, 1.0, 1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("spread",)
    row_type: ClassVar[type[HalfLifeRows]] = HalfLifeRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=4)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, spread: ArrayLike, state: State | None = None) -> tuple[HalfLifeRows, State]:
        """Fold T values of a spread, (T,), into rows and the next state."""
        return self._fold(state, spread)

    def _begin(self, pairs: int) -> Floats:
        head = np.tile([0.0, np.nan], (pairs, 1))
        return np.hstack([head, RollingOLS(self.window - 1)._begin(pairs)])

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        out.fill(np.nan)
        # 1 + λ is the slope of s on s(−1). The very first row has none before it: RollingOLS passes its NaN over.
        line = RollingOLS(self.window - 1)
        for pair, state in enumerate(values):
            valid = np.isfinite(columns[0][pair])
            now = columns[0][pair, valid]
            if now.size == 0:
                continue
            fits, after = line.run(np.append(state[LAST], now[:-1]), now, State(line, state[None, HEAD:]))
            out[0, pair, valid] = rows_to_half(fits.hedge_ratio)
            state[COUNT], state[LAST], state[HEAD:] = state[COUNT] + now.size, now[-1], after.values[0]
