"""Lines fed by a bus: which tapes are on it, and a feed with a store for each."""

import logging
import secrets
from collections.abc import Sequence
from functools import partial

import msgspec

from alphastream.errors import BusError, StorageError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.sinks.opening import open_bus
from config import Settings
from lines import Line, line_of, open_or_follow
from runtime.connections.bus_feed import BusFeed
from runtime.connections.standby_feed import StandbyFeed
from runtime.kept_choices import KeptChoices
from storage import Origin, tape_path

log = logging.getLogger(__name__)


class _Known(msgspec.Struct):
    """What is kept of a bus beside the files that it fills.

    Parameters
    ----------
    bus : its address without credentials.
    sources : instruments by source, when it answered last.
    reader : what this folder is called there. It goes with the folder: one that is empty begins at the beginning.
    """

    bus: str
    sources: dict[str, list[str]]
    reader: str


def bus_instruments(settings: Settings) -> tuple[InstrumentId, ...]:
    """What a pipeline of a bus begins with: all that is on it, those that the settings name first.

    While the bus does not answer, what was on it the last time; its trades are in this computer's files.

    Raises
    ------
    StorageError : the bus does not answer and never did, or nothing is on it yet; worth another try.
    """
    sources = _ask(settings)
    found: list[InstrumentId] = []
    for source, names in sources.items():
        venue = source.partition("@")[0]
        asked = [name for name in settings.symbols if name.venue == venue]
        on_bus = [InstrumentId.parse(name) for name in names]
        usual = [InstrumentId(venue, symbol) for symbol in FEEDS[venue].usual]
        # Two at least: a page begins with a pair, also before the second has traded.
        found += [*(name for name in asked if name in on_bus), *on_bus, *(usual if len(on_bus) < 2 else ())]
    return tuple(dict.fromkeys(found))


def bus_line(settings: Settings, symbols: Sequence[InstrumentId]) -> Line:
    """A line fed by the source of a bus that has these symbols' venue; raises as ``TickStore`` does.

    Its file is that of the venue, or of the other host that the trades came from: they are the same trades. Its old
    ticks are deleted: the process that records moves its own to the history.
    """
    assert settings.bus is not None
    venue = symbols[0].venue
    kept = _kept(settings).load()
    known = kept.sources
    source = next((name for name in known if name.partition("@")[0] == venue), venue)
    host, codec = source.partition("@")[2], FEEDS[venue]
    own = Origin.at(venue, codec.stream_url(symbols))
    origin = Origin(venue, host) if host else own
    store = open_or_follow(settings, tape_path(settings.data_dir, origin, is_own=origin == own), origin, seals=False)
    feed = BusFeed(
        codec.title,
        venue,
        source,
        partial(open_bus, settings.bus),
        f"{kept.reader}-{venue}",
        store.flush,
        [InstrumentId.parse(name) for name in known.get(source, ())],
        settings.stall_s,
    )
    return line_of(
        codec.title, StandbyFeed(store, feed, settings.stall_s) if store.follows else feed, store, origin.host
    )


def _kept(settings: Settings) -> KeptChoices[_Known]:
    path, nothing = settings.data_dir / "bus.json", _Known("", {}, f"dashboard-{secrets.token_hex(4)}")
    return KeptChoices(path, nothing, "the bus is asked", "after a restart the bus has to answer first")


def _ask(settings: Settings) -> dict[str, list[str]]:
    """Instruments by source, one source a venue and only of venues that are wanted and known here."""
    assert settings.bus is not None
    kept, bus = _kept(settings), open_bus(settings.bus)
    known = kept.load()
    try:
        on_bus = {source: list(map(str, bus.instruments(source))) for source in bus.sources()}
    except BusError as error:
        if known.bus != bus.name or not known.sources:
            raise StorageError(f"the bus cannot be asked what is on it: {error}") from error
        log.warning("%s: going on with what was on it before", error)
        return known.sources
    finally:
        bus.close()
    wanted = FEEDS.keys() if settings.venue == "auto" else set(settings.venue.split(","))
    sources: dict[str, list[str]] = {}
    for source in sorted(on_bus):  # a venue's own host comes before others
        venue = source.partition("@")[0]
        if venue not in FEEDS or any(other.partition("@")[0] == venue for other in sources):
            log.warning("source=%s of the bus is left out: another one has that venue, or it is not known here", source)
        elif venue in wanted:
            sources[source] = on_bus[source]
    if not sources:
        raise StorageError(
            f"{bus.name} has no trades of {'any venue' if settings.venue == 'auto' else settings.venue} yet: "
            f"start a recorder with python ingest.py --publish {bus.name}"
        )
    kept.save(_Known(bus.name, sources, known.reader))
    return sources
