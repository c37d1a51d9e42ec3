"""Functions of arrays as a user writes them."""

from typing import Any

import numpy as np

from alphastream.core.types import Floats

SCALE = 2.0


def mean(x: Floats, window: int = 5) -> Floats:
    """Mean of the newest rows."""
    out = np.full(x.size, np.nan)
    if x.size >= window:
        out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(x, window).mean(axis=1)
    return out


def scaled(x: Floats) -> Floats:
    """Reads a constant of its module."""
    return x * SCALE


def less(a: Floats, b: Floats) -> Floats:
    """Not the same the other way round."""
    return a - b


def next_row(x: Floats) -> Floats:
    """Peeks by one row."""
    found: Floats = np.r_[x[1:], x[-1:]]
    return found


def of_all(x: Floats) -> Floats:
    """Normalises by the whole sample."""
    found: Floats = (x - x.mean()) / x.std()
    return found


def centred(x: Floats) -> Floats:
    """A mean with the newest row in its middle."""
    return np.convolve(x, np.ones(5) / 5, "same")


def filled_from_behind(x: Floats) -> Floats:
    """Fills gaps with the next price."""
    out = x.copy()
    for row in range(x.size - 2, -1, -1):
        if np.isnan(out[row]):
            out[row] = out[row + 1]
    return out


def smooth(x: Floats, window: int = 5) -> Floats:
    """An exponential average: remembers everything, whatever its window is called."""
    out = x.copy()
    for row in range(1, x.size):
        out[row] = out[row - 1] + (x[row] - out[row - 1]) * 2 / (window + 1)
    return out


def carried(x: Floats, state: Any = None, speed: float = 0.1) -> tuple[Floats, Any]:
    """The same with a state."""
    out, last = np.empty(x.size), np.nan if state is None else state
    for row, value in enumerate(x):
        last = value if np.isnan(last) else last + speed * (value - last)
        out[row] = last
    return out, last


def forgetful(x: Floats, state: Any = None) -> tuple[Floats, Any]:
    """Has a state and does not use it."""
    return np.cumsum(x), x.size


def two(x: Floats) -> dict[str, Floats]:
    """Two columns."""
    return {"up": np.maximum(x, 0.0), "down": np.minimum(x, 0.0)}
