"""Made ticks that lie like real ones: bursts, a grid of prices, quantities that repeat, arrival some milliseconds late.

Measured on the bundled tapes: half of all aggregate trades share their millisecond with the one before, nine of ten
change the price, by a tick within a burst and by some ticks between two, and a seventh of all quantities are distinct.
"""

from typing import Final

import numpy as np

from alphastream.core.units import DAY, MS
from alphastream.tape.columns import TickColumns

START_NS: Final = 1_793_491_200 * 1_000_000_000
"""2026-11-01 00:00 UTC."""

_BURST: Final = 2.2  # trades in a burst, in the mean
_LATENCY_MS: Final = (1.6, 0.35)  # of the logarithm, and of its spread


def made_ticks(rows: int, seed: int, *, day: int = 0, first_id: int = 1, received: bool = True) -> TickColumns:
    """Return the ticks of one symbol and one UTC day, in order of time and id.

    Parameters
    ----------
    day : after ``START_NS``.
    received : whether anybody saw them arrive; the ticks of a published file have no such time.
    """
    random = np.random.default_rng((seed, day))
    begins = random.random(rows) < 1 / _BURST
    begins[0] = True
    busy = np.exp(random.normal(0.0, 1.0, 1_440))[np.arange(rows) * 1_440 // rows]  # minutes differ
    gaps = np.where(begins, random.exponential(1.0, rows) / busy, 0.0)
    share = np.cumsum(gaps)
    time_ns = START_NS + day * DAY + (share / (share[-1] * (1 + 1e-9)) * (DAY // MS)).astype(np.int64) * MS
    burst = np.cumsum(begins) - 1
    buyer_is_maker = random.random(burst[-1] + 1)[burst] < 0.5
    steps = np.where(
        begins, random.integers(-12, 13, rows), np.where(buyer_is_maker, -1, 1) * random.integers(0, 3, rows)
    )
    price = np.round((600_000 * (1 + seed) + np.abs(100_000 + np.cumsum(steps))) / 10, 1)
    lots = np.maximum(np.exp(random.normal(3.0, 1.7, rows)), 1.0)
    quantity = np.where(random.random(rows) < 0.35, 2.0, np.round(lots)) / 1_000
    receive_ns = np.zeros(rows, np.int64)
    if received:
        latency = np.exp(random.normal(*_LATENCY_MS, burst[-1] + 1))[burst] * MS
        inside = np.arange(rows) - np.flatnonzero(begins)[burst]
        receive_ns = time_ns + latency.astype(np.int64) + inside * 20_000 + random.integers(0, 8_000, rows)
    ids = np.arange(first_id, first_id + rows, dtype=np.int64)
    return TickColumns(ids, price, quantity, time_ns, receive_ns, buyer_is_maker)
