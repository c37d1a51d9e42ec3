"""Rows and tapes for the compiled path."""

import numpy as np

from alphastream.backtest.market import LegTrades
from alphastream.backtest.pair_history import PairHistory, ready
from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.pairs import PairSpec
from alphastream.strategies import Units, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules

SECOND = 10**9
SYMBOLS = ("Y", "X")


def rows_of(y: Floats, x: Floats, traded: Floats | None = None) -> PairRows:
    """One row a second; ``traded`` is (2, T), what traded of each leg."""
    ends = SECOND * np.arange(1, len(y) + 1, dtype=np.int64)
    volumes = np.ones((2, len(y))) if traded is None else traded
    ages = np.zeros(len(y), dtype=np.int64)
    return PairRows(ends, y, x, ages, ages, volumes[0], volumes[1], ages - 1, ages - 1)


def history(y: Floats, x: Floats, rules: BrokerRules) -> PairHistory:
    """Every row opens half-way between the last close and its own, at its start."""
    rows = rows_of(y, x)
    of_y, of_x = (
        LegTrades(rows.end_ns[:-1].copy(), (price[:-1] + price[1:]) / 2.0, np.ones(len(price) - 1)) for price in (y, x)
    )
    return ready(rows, (of_y, of_x), SYMBOLS, rules)


def prices(length: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Two legs whose spread comes back to its mean."""
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(0.0, 0.1, length))
    spread = np.zeros(length)
    for t in range(1, length):
        spread[t] = 0.9 * spread[t - 1] + rng.normal(0.0, 0.2)
    return 20.0 + 0.5 * x + spread, x


def bands(window: int = 20, entry: float = 1.5, leave: float = 0.5) -> ZScoreThreshold:
    """One unit of the spread."""
    return ZScoreThreshold(PairSpec(*SYMBOLS, SECOND, "ols", window, "price", entry, leave), sizer=Units(10.0))
