"""How the process is, once for all who ask: the health page, /healthz and /metrics.

A ``Report`` is what every room says of itself at one moment. ``troubles`` judges it; ``metrics.py`` writes it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from alphastream.books.health import MarketHealth, MarketStoreHealth
from alphastream.core.units import SECOND
from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from alphastream.tape.ring import Coverage, Gap
from config import Settings
from ingest import Health
from lines import Line
from pipelines import Pipeline
from runtime.bus.publisher import PublisherHealth
from runtime.channel.hub import ChannelHealth
from runtime.monitoring.process import FileRoom, Memory, memory, room_of
from runtime.threads import Task, tasks
from storage import StoreHealth
from system import System

GRACE_S: Final = 30.0
"""A feed that was live may be without trades for so long before it counts as trouble: reconnecting is its work."""

DURABLE_LAG_S: Final = 10.0
"""A tick that waits longer for the disk is trouble: forty times what a flush takes."""

SHOWN_HOLES: Final = 20
"""At once: each needs two blocks of the file for its times."""

HoleState = Literal["open", "healing", "lost"]


@dataclass(frozen=True, slots=True)
class InstrumentReport:
    """One instrument: what was delivered, and what the tape holds and lacks of it.

    Parameters
    ----------
    symbol : as tape and feed name it.
    venue, name : the two parts of that.
    delivered : ticks since the start.
    rate : of them a second, mean of about the last ten seconds; None where that is not known yet.
    quiet_ns : since when it has not traded although others do and it would, by its own pace; None while it does.
    last_tick_ns : trade time of the newest delivered tick, UTC ns in the feed's time; None before one.
    held : what the tape holds; None before its first tick.
    gaps : ids that are missing on the tape.
    """

    symbol: str
    venue: str
    name: str
    delivered: int
    rate: float | None
    quiet_ns: int | None
    last_tick_ns: int | None
    held: Coverage | None
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """One feed with its tape.

    Parameters
    ----------
    kind : whether trades are live or recorded.
    venue : where names without one belong.
    now_ns : the feed's time.
    instruments : that the feed carries or the tape holds.
    file : of the tape.
    follows : whether another process records, and this one shows what that one writes.
    market : quotes, books and mark prices; None where they are not received.
    kept : how the file of their samples is; None likewise.
    outage : why they are not although they were asked for; "" where they are.
    published : how it goes to buses and databases, each of them.
    """

    kind: Literal["live", "replay"]
    venue: str
    now_ns: int
    feed: Health
    store: StoreHealth
    instruments: tuple[InstrumentReport, ...]
    file: FileRoom
    follows: bool
    market: MarketHealth | None = None
    kept: MarketStoreHealth | None = None
    outage: str = ""
    published: tuple[PublisherHealth, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether trades arrive, or did until a moment ago."""
        if self.feed.state in ("live", "backfilling"):
            return True
        waited_s = (self.now_ns - self.feed.since_ns) / SECOND
        return self.feed.ticks > 0 and self.feed.state in ("connecting", "stalled") and waited_s <= GRACE_S


@dataclass(frozen=True, slots=True)
class Report:
    """All of it at one moment.

    Parameters
    ----------
    asked : which trades were asked for, as ``ALPHASTREAM_FEED``.
    pipelines : that run; the one that pages show comes first.
    failure : why a pipeline could not be built; None where each was.
    channel : of browsers; None where there is no page.
    webhooks_waiting : messages that wait to be sent; None likewise.
    retention_hours : ticks that are older are moved to the history, or deleted without one.
    absent : venues that were asked for and could not be opened, and why.
    """

    asked: str
    pipelines: tuple[PipelineReport, ...]
    failure: str | None
    channel: ChannelHealth | None
    webhooks_waiting: int | None
    threads: tuple[Task, ...]
    memory: Memory
    retention_hours: int
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hole:
    """Missing ids of one instrument.

    Parameters
    ----------
    state : "open" is known of, "healing" is being fetched, "lost" is what the venue does not give any more.
    reason : in a few words.
    from_ns, to_ns : trade times of the ticks beside it; None where such a tick is not held.
    """

    symbol: str
    first_id: int
    last_id: int
    state: HoleState
    reason: str
    from_ns: int | None
    to_ns: int | None


def report_of(system: System) -> Report:
    """What every room of a running system says."""
    running = {id(each): each for each in (system.pipeline, system.pipeline_of("live"), system.pipeline_of("replay"))}
    pipelines = tuple(each for each in running.values() if each is not None)
    return report(system.settings, pipelines, system.failure, system.hub.health, system.webhooks.waiting)


def report(
    settings: Settings,
    pipelines: Sequence[Pipeline],
    failure: str | None = None,
    channel: ChannelHealth | None = None,
    webhooks_waiting: int | None = None,
) -> Report:
    """What these pipelines and the process say."""
    return Report(
        asked=settings.feed,
        pipelines=tuple(_of_line(pipeline, line) for pipeline in pipelines for line in pipeline.lines),
        failure=failure,
        channel=channel,
        webhooks_waiting=webhooks_waiting,
        threads=tasks(),
        memory=memory(),
        retention_hours=settings.retention_hours,
        absent={venue: why for pipeline in pipelines for venue, why in pipeline.absent.copy().items()},
    )


def _of_line(pipeline: Pipeline, line: Line) -> PipelineReport:
    feed, store, venue = line.ingest.health, line.store, line.venue
    symbols = dict.fromkeys((*feed.symbols, *store.symbols()))
    return PipelineReport(
        kind=pipeline.kind,
        venue=venue,
        now_ns=line.ingest.now_ns(),
        feed=feed,
        store=store.health,
        instruments=tuple(_of_instrument(line, feed, symbol, venue) for symbol in symbols),
        file=room_of(store.path),
        follows=store.follows,
        market=line.market.health if line.market is not None else None,
        kept=line.kept.health if line.kept is not None else None,
        outage=line.outage,
        published=tuple(publisher.health for publisher in line.publishers),
    )


def _of_instrument(line: Line, feed: Health, symbol: str, venue: str) -> InstrumentReport:
    full = InstrumentId.parse(symbol, venue)
    return InstrumentReport(
        symbol=symbol,
        venue=full.venue,
        name=full.symbol,
        delivered=feed.traffic.ticks.get(symbol, 0),
        rate=feed.traffic.rates.get(symbol),
        quiet_ns=feed.quiet.get(symbol),
        last_tick_ns=feed.last_tick_ns.get(symbol),
        held=line.store.coverage(symbol),
        gaps=tuple(line.store.gaps(symbol)),
    )


def troubles(report: Report) -> tuple[str, ...]:
    """Why the process does not do what it was asked for, a sentence each; empty where it does."""
    wanted = {"live": ("live",), "replay": ("replay",)}.get(report.asked, ("live", "replay"))
    found = []
    asked = [each for each in report.pipelines if each.kind in wanted]
    if any(each.is_live for each in asked):  # of several venues each is asked for; a recording stands in for all
        asked = [] if any(each.kind == "replay" and each.is_live for each in asked) else asked
    elif not asked:
        found.append(f"there is no feed: {report.failure or 'it was not started'}")
    found += [
        f"the {each.kind} feed{f' of {each.venue}' if len(asked) > 1 else ''} is {each.feed.state}: {each.feed.reason}"
        for each in asked
        if not each.is_live
    ]
    found += [f"the feed of {venue} could not be opened: {why}" for venue, why in report.absent.items()]
    for each in report.pipelines:
        if each.store.last_error is not None:
            found.append(f"ticks cannot be saved: {each.store.last_error}")
        elif each.store.sealing_error is not None:
            found.append(f"old ticks stay in the tape file, which grows: {each.store.sealing_error}")
        elif each.store.durable_lag_s > DURABLE_LAG_S:
            found.append(
                f"a tick of the {each.kind} feed has waited {each.store.durable_lag_s:.0f} s for the disk, "
                f"more than {DURABLE_LAG_S:g} s"
            )
        found += _troubles_of_books(each)
        found += [
            f"trades of {each.venue} do not go to {sink.sink}: {sink.trouble}"
            for sink in each.published
            if sink.failing_s > GRACE_S
        ]
    return tuple(found)


def _troubles_of_books(pipeline: PipelineReport) -> list[str]:
    """Say why quotes and books do not come or are not kept; nothing where no trades come, which says enough."""
    found = []
    market, of_venue = pipeline.market, f"of {pipeline.venue}"
    if pipeline.outage:
        found.append(f"no books {of_venue} are received: {pipeline.outage}")
    if market is not None and market.state != "live" and pipeline.is_live:
        waited_s = (pipeline.now_ns - market.since_ns) / SECOND
        found += [f"the books {of_venue} are {market.state}: {market.reason}"] if waited_s > GRACE_S else []
    if pipeline.kept is not None and pipeline.kept.last_error is not None:
        found.append(f"books {of_venue} cannot be saved: {pipeline.kept.last_error}")
    elif pipeline.kept is not None and pipeline.kept.sealing_error is not None:
        found.append(f"old books {of_venue} stay in their file, which grows: {pipeline.kept.sealing_error}")
    return found


def holes(pipeline: Pipeline, symbol: str, newest: int = SHOWN_HOLES) -> list[Hole]:
    """The newest holes of an instrument, newest first, with the times beside them."""
    line = pipeline.line_of(symbol)
    feed = line.ingest.health
    lost = [each for each in feed.unfillable if each.symbol == symbol]
    found = []
    for gap in line.store.gaps(symbol)[: -newest - 1 : -1]:
        why = next((each.reason for each in lost if each.first <= gap.last_id and gap.first_id <= each.last), None)
        state: HoleState = "open"
        if why is not None:
            state, reason = "lost", why
        elif feed.state == "backfilling":
            state, reason = "healing", "the venue is asked for them"
        elif pipeline.kind == "replay":
            reason = "the recording lacks them"
        elif line.store.follows:
            reason = "left to the process that records"
        else:
            reason = "to be asked for once trades arrive" if feed.state != "live" else "not asked for yet"
        found.append(Hole(symbol, *gap, state, reason, *_times_around(line, symbol, gap)))
    return found


def _times_around(line: Line, symbol: str, gap: Gap) -> tuple[int | None, int | None]:
    try:
        return line.store.times_around(symbol, gap)
    except StorageError:  # the page says elsewhere that the file cannot be read
        return None, None
