"""A process that fills a store of books and seals it until it is killed: ``… -m tests.….killed_market_sealer FILE``.

It goes on from what the file and its history hold and prints up to which sample all is durable.
"""

import sys
import threading
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.books import BookColumns, QuoteColumns
from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from runtime.stores import market_tails
from runtime.stores.market_store import MarketStore

NAMES: Final = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
STEP_NS: Final = 60 * 10**9  # 1,440 samples a day
DAY_NS: Final = 86_400 * 10**9


def books(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> BookColumns:
    """Return the books of these numbers, which everybody can compute."""
    columns = BookColumns.empty(3, len(numbers))
    columns.time_ns[:] = numbers * STEP_NS
    columns.receive_ns[:] = numbers * STEP_NS + 1
    for place, side in enumerate(columns.arrays()[2:]):
        side[:] = (numbers[:, None] * (7 + place) + np.arange(3)) / 100
    return columns


def quotes(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> QuoteColumns:
    """Return the quotes of these numbers."""
    times = numbers * STEP_NS
    return QuoteColumns(times, times + 2, numbers / 3, numbers / 5, numbers / 7, numbers / 11)


def main(path: Path) -> None:
    """Write and seal for ever."""
    market_tails.BLOCK_SAMPLES = 200  # type: ignore[misc]
    with MarketStore(path, flush_s=0.002, history=path.parent / "history") as store:
        held = {name: (len(store.samples(name, 0, 2**63 - 1)), len(store.quotes(name, 0, 2**63 - 1))) for name in NAMES}
        newest = [max(map(max, held.values()))]
        threading.Thread(target=_seal, args=(store, newest), daemon=True).start()
        while True:
            start = newest[0]
            end = start + int(np.random.default_rng(start).choice([30, 700, 2_500]))
            for name, (first_book, first_quote) in held.items():
                store.add(name, books(np.arange(first_book, end)))
                store.add(name, quotes(np.arange(first_quote, end)))
            held, newest[0] = dict.fromkeys(NAMES, (end, end)), end
            store.flush(60)
            sys.stdout.write(f"{end - 1}\n")
            sys.stdout.flush()


def _seal(store: MarketStore, newest: list[int]) -> None:
    sys.stdout.write("open\n")
    sys.stdout.flush()
    while True:
        try:
            store.seal(newest[0] * STEP_NS // DAY_NS * DAY_NS)
        except StorageError as error:
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
