"""A feed and the store it fills, which the rest calls a line: a venue, a recording, or a source of a bus.

Lines do not know each other: what one lacks touches no other.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from alphastream.core.units import SECOND
from alphastream.errors import StorageError
from alphastream.tape.columns import TickGroups
from alphastream.tape.ring import Gap
from config import Settings
from ingest import Feed, Ingest
from runtime.bus.publisher import Publisher
from runtime.connections.head_feed import HeadFeed
from runtime.connections.market_feed import MarketFeed
from runtime.stores.market_store import MarketStore
from runtime.writer_lock import HeldError
from storage import Origin, TickStore

HOUR_NS: Final = 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class Line:
    """One feed and the store it fills.

    Parameters
    ----------
    title : what the trades are, in a few words.
    venue : where its instruments are listed.
    address : host that the trades come from; empty for a recording.
    market, kept : quotes, books and funding of now, and those of before; None where they are not received.
    outage : why they are not although they were asked for; "" where they are.
    publishers : what sends its trades to others.
    heads : fetches bars of before the tape; None where they are not fetched.
    """

    title: str
    venue: str
    ingest: Ingest
    store: TickStore
    address: str = ""
    market: MarketFeed | None = None
    kept: MarketStore | None = None
    outage: str = ""
    publishers: list[Publisher] = field(default_factory=list)
    heads: HeadFeed | None = None

    def start(self) -> None:
        """Start the feeds."""
        self.ingest.start()
        if self.market is not None:
            self.market.start()
        if self.heads is not None:
            self.heads.start()

    def stop(self) -> None:
        """Stop the feeds, then close the files."""
        self.stop_feeds()
        self.close()

    def stop_feeds(self) -> None:
        """Stop what comes in."""
        self.ingest.stop()
        if self.market is not None:
            self.market.stop()
        if self.heads is not None:
            self.heads.stop()

    def close(self) -> None:
        """Close the files, also where one of them cannot be written. Raises StorageError then."""
        with ExitStack() as closing:
            if self.kept is not None:
                closing.callback(self.kept.close)
            closing.callback(self.store.close)


def open_or_follow(settings: Settings, path: Path, origin: Origin, *, seals: bool = True) -> TickStore:
    """Open a store to write, or to follow the process that writes it.

    Parameters
    ----------
    seals : whether its old ticks are moved to the history.
    """
    try:
        return open_store(settings, path, origin, history=settings.history_place, seals=seals)
    except HeldError as held:
        try:
            return open_store(settings, path, origin, read_only=True, history=settings.history_place)
        except StorageError as error:
            raise HeldError(f"{held}. It cannot be shown yet: {error}", held.holder) from error


def open_store(
    settings: Settings,
    path: Path,
    origin: Origin,
    *,
    read_only: bool = False,
    history: str | None = None,
    seals: bool = True,
) -> TickStore:
    """Open a store as the settings say; raises as TickStore does."""
    return TickStore(
        path,
        ring_ticks=settings.ring_ticks,
        retention_ns=settings.retention_hours * HOUR_NS,
        origin=origin,
        begin_anew=True,
        read_only=read_only,
        history=history,
        seals=seals,
    )


def line_of(title: str, feed: Feed, store: TickStore, address: str = "") -> Line:
    """Connect a feed to its store: what it delivers is kept, what the store lacks is fetched."""

    def take(ticks: TickGroups) -> None:
        store.append(ticks)

    def time_before(symbol: str, first: int) -> int:
        return store.times_around(symbol, Gap(first, first))[0] or 0

    return Line(title, feed.venue, Ingest(feed, take, store.gaps, time_before), store, address)
