"""A process that fills a store of books until it is killed: ``… -m tests.runtime.stores.killed_market_writer FILE``.

It goes on from what the file holds and prints up to which sample all is durable.
"""

import sys
from pathlib import Path

import numpy as np

from alphastream.books import BookColumns
from alphastream.feeds.market import FundingPayment
from alphastream.instruments import InstrumentId
from runtime.stores.market_store import MarketStore

NAMES = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
MS = 1_000_000


def known(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> BookColumns:
    """Return the samples of these numbers, which everybody can compute."""
    columns = BookColumns.empty(3, len(numbers))
    columns.time_ns[:] = numbers * MS
    columns.receive_ns[:] = numbers * MS + 1
    for place, side in enumerate(columns.arrays()[2:]):
        side[:] = (numbers[:, None] * (7 + place) + np.arange(3)) / 100
    return columns


def main(path: Path) -> None:
    """Write for ever."""
    with MarketStore(path, flush_s=0.002) as store:
        starts = [
            len(store.samples(name, 0, 2**63 - 1)) for name in NAMES
        ]  # one may have been written without the other
        start = max(starts)
        sys.stdout.write("open\n")
        sys.stdout.flush()
        while True:
            end = start + int(np.random.default_rng(start).choice([1, 30, 700, 2_500]))
            for name, first in zip(NAMES, starts, strict=True):
                store.add(name, known(np.arange(first, end)))
            store.add_funding([FundingPayment(NAMES[0], start * MS, start / 7)])
            if end % 3 == 0:
                store.flush(60)
                sys.stdout.write(f"{end - 1}\n")
                sys.stdout.flush()
            starts, start = [end] * len(NAMES), end


if __name__ == "__main__":
    main(Path(sys.argv[1]))
