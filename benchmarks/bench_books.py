"""What a book costs: updates a second and core by depth, from frames to samples, and bytes of a sample on disk."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from alphastream.books import BookColumns, OrderBook
from alphastream.books.blocks import decode, encode
from alphastream.books.sampler import BookSampler
from alphastream.core.units import MS
from alphastream.feeds import FEEDS
from alphastream.feeds.market import BookUpdate, Level
from runtime.connections.market_kept import KeptMarket
from runtime.stores.market_store import MarketStore
from tests.books.streams import NAME, Numbered, Venue

ROUNDS = 5
UPDATES = 20_000
LEVELS_AN_UPDATE = 10  # of each side, as a busy perpetual sends every 100 ms
DEPTHS = (20, 200, 1_000, 5_000)


def book_of(depth: int) -> BookUpdate:
    """Return a snapshot of so many levels a side, a tick apart."""
    bids = tuple((round((600_000 - n) / 10, 1), 1.0 + n) for n in range(1, depth + 1))
    asks = tuple((round((600_000 + n) / 10, 1), 1.0 + n) for n in range(1, depth + 1))
    return BookUpdate(NAME, True, bids, asks, 10**18, 10**18, last=0)


def updates_of(depth: int) -> list[BookUpdate]:
    """Return updates whose levels lie near the best, most of them nearer than ten ticks; a third goes away."""
    random = np.random.default_rng(1)
    found = []
    for number in range(UPDATES):
        sides: list[tuple[Level, ...]] = []
        for sign in (-1, 1):
            places = np.minimum(random.geometric(0.1, LEVELS_AN_UPDATE), depth)
            quantities = np.where(random.random(LEVELS_AN_UPDATE) < 0.3, 0.0, random.integers(1, 10**6) / 1_000)
            prices = ((600_000 + sign * places) / 10).round(1)
            sides.append(tuple(zip(prices.tolist(), quantities.tolist(), strict=True)))
        time_ns = 10**18 + number * 100 * MS
        bids, asks = sides
        found.append(BookUpdate(NAME, False, bids, asks, time_ns, time_ns, number + 1, number + 1, number))
    return found


def frame_of(update: BookUpdate) -> bytes:
    """Write an update as Binance's futures do."""
    sides = {
        key: [[f"{price:.1f}", f"{quantity:.3f}"] for price, quantity in levels]
        for key, levels in (("b", update.bids), ("a", update.asks))
    }
    numbers = {"U": update.first, "u": update.last, "pu": update.previous}
    times = {"E": update.time_ns // MS, "T": update.time_ns // MS}
    data = {"e": "depthUpdate", **times, "s": NAME.symbol, **numbers, **sides}
    return msgspec.json.encode({"stream": "btcusdt@depth@100ms", "data": data})


def rate(work: Callable[[], object], count: int) -> float:
    """Return how many a second of processor time, the median of some rounds."""
    rates = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        rates.append(count / (time.process_time() - begun))
    return statistics.median(rates)


def applied(depth: int) -> float:
    """Return updates a second that a book of a depth takes."""
    snapshot, updates = book_of(depth), updates_of(depth)

    def work() -> None:
        book = OrderBook(Numbered(), 0, is_asked_for=True)
        book.begin(snapshot)
        for update in updates:
            book.apply(update)
        assert book.in_sequence

    return rate(work, len(updates))


def from_frames() -> float:
    """Return updates a second from Binance's frames to samples of twenty levels, every 100 ms of the venue."""
    market = FEEDS["binance-usdm"].fresh().market
    assert market is not None
    snapshot, updates = book_of(1_000), updates_of(1_000)
    frames, times = [frame_of(update) for update in updates], [update.receive_ns for update in updates]

    def work() -> None:
        kept = KeptMarket(NAME, market, 20, 100, (1.0, 1.0))
        kept.begin(snapshot)
        for start in range(0, len(frames), 10):
            for event in market.parse(frames[start : start + 10], times[start : start + 10]):
                kept.take(event, has_quotes=True)
        assert kept.book.in_sequence
        kept.drain()

    return rate(work, len(frames))


def sampled(levels: int, count: int) -> BookColumns:
    """Return samples of a book that moves at random."""
    venue, book = Venue(1), OrderBook(Numbered(), 0, is_asked_for=True)
    sampler = BookSampler(book, levels, MS)
    book.begin(venue.snapshot())
    for _ in range(count):
        book.apply(venue.update())
        sampler.look(book.receive_ns)
    columns = sampler.drain()
    assert columns is not None
    return columns


def main() -> None:
    """Measure and print."""
    print(f"{2 * LEVELS_AN_UPDATE} levels an update, medians of {ROUNDS}, one core\n")
    print("levels a side   updates/s   us an update")
    for depth in DEPTHS:
        found = applied(depth)
        print(f"{depth:13,} {found:11,.0f} {1e6 / found:14.2f}")
    found = from_frames()
    print(f"\nfrom Binance's frames to samples of 20 levels: {found:,.0f} updates/s, {1e6 / found:.1f} us each\n")
    print("levels sampled   bytes a sample   as floats   packed/s   unpacked/s   bytes of the file a sample")
    for levels in (1, 10, 20):
        columns = sampled(levels, 10_000).rows(slice(2_000))
        block = encode(columns)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "books.db"
            with MarketStore(path) as store:
                for _ in range(10):
                    store.add(NAME, columns)
            in_file = path.stat().st_size / (10 * len(columns))
        print(
            f"{levels:14} {len(block) / len(columns):16.1f} {16 + 32 * levels:11} "
            f"{rate(lambda columns=columns: encode(columns), len(columns)):10,.0f} "  # type: ignore[misc]
            f"{rate(lambda block=block: decode(block, BookColumns), len(columns)):12,.0f} {in_file:28.1f}"  # type: ignore[misc]
        )


if __name__ == "__main__":
    main()
