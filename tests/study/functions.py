"""Functions of a module, as a user's file has them: a study with them can be written down and sent elsewhere."""

import numpy as np

from alphastream.core.types import Floats
from alphastream.strategies import Portfolio


def low_is_long(rsi: Floats, width: float = 20.0) -> Floats:
    """A strength from an index of 0 to 100."""
    return np.clip((50.0 - rsi) / width, -1.0, 1.0)


def half_of_equity(strength: float, portfolio: Portfolio) -> float:
    """Value to hold."""
    return 0.5 * strength * portfolio.equity


def slope(close: Floats, window: int = 5) -> Floats:
    """Change over a window."""
    out = np.full(len(close), np.nan)
    out[window - 1 :] = close[window - 1 :] - close[: len(close) - window + 1]
    return out


def peek(close: Floats, window: int = 1) -> Floats:
    """The close of the next row."""
    return np.append(close[1:], np.nan)
