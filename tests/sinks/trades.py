"""Trades for buses: their ids tell whether any is missing or came twice."""

import numpy as np

from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch
from alphastream.tape.columns import TickColumns

BTC = InstrumentId("binance-usdm", "BTCUSDT")
START_NS = 1_700_000_000_000_000_000


def trades(first: int, count: int) -> TickColumns:
    """Trades with ids from ``first`` on, a millisecond apart, as a venue reports them."""
    ids = np.arange(first, first + count, dtype=np.int64)
    times = START_NS + ids * 1_000_000
    price = np.round(60_000 + np.cumsum(np.where(ids % 3 == 0, 0.1, -0.05)), 2)
    return TickColumns(ids, price, (1 + ids % 500) / 1_000, times, times + 5_000_000 + ids % 7, ids % 2 == 0)


def batches(count: int, size: int = 100, instrument: InstrumentId = BTC, first: int = 1) -> list[Batch]:
    """So many trades, in batches of one size."""
    ticks = trades(first, count)
    return [Batch(instrument, ticks.rows(slice(start, start + size))) for start in range(0, count, size)]


def same(left: TickColumns, right: TickColumns) -> bool:
    """Whether two have the same bits."""
    pairs = zip(left.arrays(), right.arrays(), strict=True)
    return all(len(one) == len(two) and one.tobytes() == two.tobytes() for one, two in pairs)
