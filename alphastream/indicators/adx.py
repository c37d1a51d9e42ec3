"""Average directional index."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.ranges import true_range

HIGH, LOW, CLOSE, UP, DOWN, RANGE, ADX_SUM, SIZE = 1, 2, 3, 4, 5, 6, 7, 8


@dataclass(frozen=True, slots=True, eq=False)
class ADXRows:
    """Each field has shape (T,), is 0 to 100 and NaN for the first 2 window - 1 valid rows.

    Parameters
    ----------
    adx : strength of the trend, whichever its direction.
    plus_di : +DI, upward movement in percent of the range; NaN where nothing moved.
    minus_di : -DI, downward movement in percent of the range.
    """

    adx: Floats
    plus_di: Floats
    minus_di: Floats


@dataclass(frozen=True, slots=True)
class ADX(Fold[ADXRows]):
    """Average directional index, with both directional indicators.

    +DM = rise of the high where it exceeds the fall of the low, -DM the reverse, else 0. Each and the true range are
    summed by Wilder: s = s - s / n + new, beginning with the sum of the first n - 1. +DI = 100 · +DM / TR, -DI = 100
    · -DM / TR, DX = 100 · |+DI - -DI| / (+DI + -DI); adx begins at valid row 2n with the mean of n values of DX, then
    adx = (adx · (n - 1) + DX) / n. Without movement it stays. A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2.

    Notes
    -----
    Source: Wilder, J. W. (1978), New Concepts in Technical Trading Systems; TA-Lib, ADX, PLUS_DI and MINUS_DI.

    Examples
    --------
    >>> up = [1.0, 2.0, 3.0, 4.0]
    >>> ADX(window=2).run(high=up, low=up, close=up)[0].adx.tolist()
    [nan, nan, nan, 100.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[ADXRows]] = ADXRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before all three are defined."""
        return 2 * self.window

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[ADXRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _adx_kernel(high, low, close, self.window, values, out)


@kernel
def _adx_kernel(high: Floats, low: Floats, close: Floats, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[:, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            seen = state[COUNT]
            if seen > 0.0:
                rise, fall = top - state[HIGH], state[LOW] - bottom
                fade = 1.0 / window if seen >= window else 0.0
                state[UP] += (rise if rise > 0.0 and rise > fall else 0.0) - fade * state[UP]
                state[DOWN] += (fall if fall > 0.0 and fall > rise else 0.0) - fade * state[DOWN]
                state[RANGE] += true_range(top, bottom, state[CLOSE]) - fade * state[RANGE]
                up = down = np.nan
                if state[RANGE] > 0.0:
                    up, down = 100.0 * (state[UP] / state[RANGE]), 100.0 * (state[DOWN] / state[RANGE])
                if seen >= window:
                    moved = up + down > 0.0
                    strength = 100.0 * (abs(up - down) / (up + down)) if moved else 0.0
                    if seen < 2 * window:
                        state[ADX_SUM] += strength
                        if seen == 2 * window - 1:
                            state[ADX_SUM] /= window
                    elif moved:
                        state[ADX_SUM] += (strength - state[ADX_SUM]) / window
                    if seen >= 2 * window - 1:
                        out[0, pair, t] = state[ADX_SUM]
                        out[1, pair, t] = up
                        out[2, pair, t] = down
            state[HIGH], state[LOW], state[CLOSE] = top, bottom, last
            state[COUNT] += 1.0
