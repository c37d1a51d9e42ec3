"""From a frame's bytes to quotes, changes of books and mark prices: how many a second one core reads, venue by venue.

Frames are those the tests hold of each venue, read again and again in bursts as a connection gets them.
"""

import statistics
import time
from collections.abc import Sequence

from alphastream.feeds import FEEDS
from alphastream.feeds.codec import Codec
from alphastream.feeds.market import BookUpdate, MarketCodec, MarkPrice, Quote
from tests.feeds import recordings

ROUNDS = 7
FRAMES = 20_000
BURST = 64
KINDS = {Quote: "quotes", BookUpdate: "changes of books", MarkPrice: "mark prices"}


def by_kind(codec: Codec, market: MarketCodec) -> dict[str, list[bytes]]:
    """Frames of a venue by what is in them; whole books, of which there is one a connection, are left out."""
    found: dict[str, list[bytes]] = {}
    for frame in recordings.market(codec):
        events = market.parse([frame], [1])
        if events and not (isinstance(events[0], BookUpdate) and events[0].is_snapshot):
            found.setdefault(KINDS[type(events[0])], []).append(frame)
    return found


def read(market: MarketCodec, frames: Sequence[bytes]) -> int:
    """Read frames burst by burst; give the number of events."""
    events = 0
    for start in range(0, len(frames), BURST):
        burst = frames[start : start + BURST]
        events += len(market.parse(burst, range(start + 1, start + 1 + len(burst))))
    return events


def main() -> None:
    """Print the table."""
    print(f"{'venue':14s}{'frames of':18s}{'bytes':>7s}{'levels':>8s}{'us a frame':>12s}{'frames/s':>12s}")
    for codec in FEEDS.values():
        market = codec.fresh().market
        if market is None:
            continue
        for kind, own in by_kind(codec, market).items():
            frames = (own * (FRAMES // len(own) + 1))[:FRAMES]
            events = [each for frame in own for each in market.parse([frame], [1])]
            levels = sum(len(each.bids) + len(each.asks) for each in events if isinstance(each, BookUpdate))
            times = []
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                read(market, frames)
                times.append(time.perf_counter() - begin)
            seconds = statistics.median(times) / FRAMES
            size = sum(map(len, own)) // len(own)
            print(
                f"{codec.name:14s}{kind:18s}{size:7d}{levels / len(own):8.1f}{seconds * 1e6:12.2f}{1 / seconds:12,.0f}"
            )


if __name__ == "__main__":
    main()
