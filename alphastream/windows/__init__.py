"""Windowed aggregation of trades: tumbling, sliding and session windows as folds.

    rows, state = TimeWindow(every_ns=SECOND, period_ns=5 * SECOND).run(Trades.of(tape.columns(...)))

``rows`` has open, high, low, close, VWAP, volume, counts, both sides of the takers, bid, ask and spread of each window.
"""

import numpy as np

from alphastream.windows.kinds import ImbalanceWindow, SessionWindow, TimeWindow, TradeWindow, VolumeWindow
from alphastream.windows.trades import Trades
from alphastream.windows.window import Window, WindowRows, WindowState

__all__ = [
    "ImbalanceWindow",
    "SessionWindow",
    "TimeWindow",
    "TradeWindow",
    "Trades",
    "VolumeWindow",
    "Window",
    "WindowRows",
    "WindowState",
    "warm_up",
]


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache."""
    one = np.ones(2)
    trades = Trades(np.arange(2), one, one, np.zeros(2, np.bool_))
    for window in (TimeWindow(every_ns=1), VolumeWindow(every=1.0), ImbalanceWindow(threshold=1.0)):
        window.run(trades)
