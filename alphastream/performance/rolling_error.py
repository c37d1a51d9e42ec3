"""A Sharpe ratio over a window that moves, with how far chance alone would move it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_integer
from alphastream.performance.inputs import positive, sample
from alphastream.performance.metrics import ROUNDING

MOST: Final = 1_000
"""Windows that are looked at, unless said otherwise: about what a wide screen has pixels for."""
BLOCK: Final = 2_000_000
"""Returns held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class RollingSharpe:
    """Sharpe ratios of W windows, oldest first.

    Parameters
    ----------
    row : (W,) place of the newest return of each window.
    sharpe, error : (W,) plain ratio and its standard error, NaN where returns do not vary or one is not a number.
    """

    row: Ints
    sharpe: Floats
    error: Floats

    def __len__(self) -> int:
        return len(self.row)


def rolling_sharpe_error(
    row_returns: ArrayLike, window: int, rows_per_year: float = 1.0, most: int = MOST
) -> RollingSharpe:
    """Plain Sharpe ratio of the newest ``window`` returns, and its standard error, at evenly spaced rows.

    The error is that of independent returns with the skew and kurtosis of the window, ``sharpe_error``. It needs sums
    of fourth powers, which running sums lose to rounding: each window is looked at by itself, and not all of them.

    Parameters
    ----------
    row_returns : (T,).
    window : returns of each ratio, at least 2.
    rows_per_year : both are times its root.
    most : windows at most, the first and the last among them.

    Returns
    -------
    No window where there are fewer returns than one takes.

    Source: E. Mertens, "Comments on variance of the IID estimator in Lo (2002)", 2002.

    Examples
    --------
    >>> found = rolling_sharpe_error([0.02, -0.01, 0.03, 0.01], 3)
    >>> found.row.tolist(), found.sharpe.round(3).tolist(), found.error.round(3).tolist()
    ([2, 3], [0.641, 0.5], [0.681, 0.586])
    """
    require_integer("window", window, minimum=2)
    require_integer("most", most, minimum=2)
    year, found = math.sqrt(positive("rows_per_year", rows_per_year)), sample(row_returns)
    if found.size < window:
        return RollingSharpe(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    windows = sliding_window_view(found, window)
    rows = np.unique(np.linspace(0, len(windows) - 1, min(most, len(windows))).round().astype(np.int64))
    step = max(1, BLOCK // window)
    parts = [_ratios(windows[rows[begin : begin + step]]) for begin in range(0, len(rows), step)]
    sharpe, error = (np.concatenate(each) * year for each in zip(*parts, strict=True))
    return RollingSharpe(rows + window - 1, sharpe, error)


def _ratios(windows: Floats) -> tuple[Floats, Floats]:
    """Ratio and error of each window, (W, n)."""
    count = windows.shape[1]
    mean, std = windows.mean(axis=1), windows.std(axis=1, ddof=1)
    std = np.where(std > ROUNDING * np.abs(windows).max(axis=1), std, np.nan)
    away = (windows - mean[:, None]) / std[:, None]
    second, third, fourth = (np.mean(away**power, axis=1) for power in (2, 3, 4))
    sharpe = mean / std
    spread = 1.0 - third / second**1.5 * sharpe + (fourth / second**2 - 1.0) / 4.0 * sharpe * sharpe
    return sharpe, np.sqrt(np.maximum(spread, 0.0) / count)
