"""Trades that tests write into a history."""

from datetime import date
from typing import Final

import numpy as np

from alphastream.history.layout import DAY_NS, first_ns_of
from alphastream.tape.columns import TickColumns

BTC: Final = "binance-usdm:BTCUSDT"
ETH: Final = "binance-usdm:ETHUSDT"
NOON: Final = first_ns_of(date(2026, 11, 2)) + DAY_NS // 2


def ticks(count: int, *, start_ns: int = NOON, first_id: int = 1, seed: int = 1) -> TickColumns:
    """Trades a tenth of a second apart on the mean, at prices of a tenth."""
    rng = np.random.default_rng(seed)
    time_ns = start_ns + np.cumsum(rng.integers(0, 200, count)) * 1_000_000
    return TickColumns(
        np.arange(first_id, first_id + count),
        np.round(60_000 + np.cumsum(rng.normal(0, 1, count)), 1),
        np.round(rng.exponential(1, count) + 0.001, 3),
        time_ns,
        time_ns + rng.integers(20_000_000, 200_000_000, count),
        rng.random(count) < 0.5,
    )


def same(one: TickColumns, other: TickColumns) -> bool:
    """Whether all bits and types are equal."""
    pairs = zip(one.arrays(), other.arrays(), strict=True)
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
