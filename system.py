"""The only place where feed, store and engine meet: ``System(settings)``.

A *pipeline* is one feed with its own store and engine. The system runs the live pipeline and, while live trades are
not to be had, beside it a pipeline that replays the bundled recording. The two never share a file: a recorded trade is
not a live one.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from alphastream.alerts import Alert, RuleContext
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from alphastream.tape.columns import TickGroups
from alphastream.tape.recordings import read_tape
from alphastream.tape.ring import Gap
from analytics import QuantEngine
from config import Settings
from ingest import Feed, Health, Ingest
from runtime.alerts.service import AlertService
from runtime.alerts.watch import AlertWatch
from runtime.alerts.webhooks import Message, Webhooks
from runtime.channel.hub import Hub
from runtime.connections.replay_feed import ReplayFeed
from runtime.connections.standby_feed import StandbyFeed
from runtime.connections.transport_choice import transport_named
from runtime.connections.venue_feed import LiveFeed
from runtime.paper.service import PaperService
from runtime.startup import hand_over_often
from runtime.writer_lock import HeldError
from storage import Origin, TickStore, tape_path

log = logging.getLogger(__name__)

HOUR_NS = 3_600 * SECOND
REOPEN_S = 1.0  # between two tries to open a file that cannot be used


def _no_listener() -> None:
    """The callback where nobody listens."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One feed, the store it fills and the engine that reads it.

    Parameters
    ----------
    title : what the trades are, in a few words.
    venue : where a symbol belongs that is written without one.
    address : host that the trades come from; empty for a recording.
    """

    kind: Literal["live", "replay"]
    title: str
    ingest: Ingest
    store: TickStore
    engine: QuantEngine
    first_pair: PairSpec
    venue: str
    address: str = ""
    scratch: "tempfile.TemporaryDirectory[str] | None" = None

    def start(self) -> None:
        """Start the engine, with the pair a page begins with, then the feed."""
        self.engine.start()
        self.engine.snapshot(self.first_pair)
        self.ingest.start()

    def stop(self) -> None:
        """Stop the feed, then the engine, then close the file."""
        self.ingest.stop()
        self.engine.stop()
        self.store.close()
        if self.scratch is not None:
            self.scratch.cleanup()

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """What can be looked at."""
        return self.ingest.health.symbols


class System:
    """Everything that runs behind the pages; started and stopped once a process.

    ``failure`` says why a pipeline could not be built, where that happened. ``hub`` carries what pages show.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hub = Hub(max_clients=settings.max_clients)
        self.failure: str | None = None
        self.alerts = AlertService(settings.data_dir, venue=settings.venue)
        self.webhooks = _webhooks(settings)
        self._watch = AlertWatch(self.alerts, self._rule_context, (self._show_alert, self._send_alert))
        self.paper = PaperService(settings.data_dir / "paper", self.pipeline_of)
        self._lock = threading.RLock()
        self._live: Pipeline | None = None
        self._replay: Pipeline | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the feed the settings ask for. Alerts, webhooks and paper trading may fail to: their pages say why."""
        hand_over_often()
        self.hub.start()
        if why := _start("webhooks", self.webhooks.start):
            self.webhooks.problems += (why,)
        if why := _start("watching the alert rules", self._watch.start):
            self.alerts.outage = why
        may_come = self.settings.feed != "replay" and self._open_live()
        if self.settings.feed == "replay" or (self.settings.feed == "auto" and self._live is None):
            self._open_replay()
        if may_come:
            threading.Thread(target=self._choose_pipeline, name="alphastream-pipelines", daemon=True).start()
        self.paper.failure = _start("paper trading", self.paper.start)

    def stop(self) -> None:
        """Stop every thread and close every file, also where one of them fails to. May be called twice."""
        self._stopping.set()
        with self._lock:
            pipelines = [pipeline for pipeline in (self._live, self._replay) if pipeline is not None]
        # No alert of a feed that stops; then the feeds, which would take the time that the rest needs to end.
        feeds = (self._watch.stop, *(pipeline.ingest.stop for pipeline in pipelines))
        rooms = (self.webhooks.stop, self.paper.stop, self.hub.stop)
        for stop in (*feeds, *rooms, self._forget_pipelines, *(pipeline.stop for pipeline in pipelines)):
            try:
                stop()
            except Exception:  # what is left must be stopped all the same
                log.exception("not stopped in order: %s", stop.__qualname__)

    def _forget_pipelines(self) -> None:
        with self._lock:
            self._live = self._replay = None

    def _fail(self, what: str, error: Exception) -> None:
        """Log a failure, once, and keep it for the pages."""
        on_purpose = isinstance(error, AlphaStreamError)
        why = str(error) if on_purpose else f"{type(error).__name__}: {error}"
        if why != self.failure:
            log.error("%s: %s", what, why, exc_info=None if on_purpose else error)
        self.failure = why

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopping.is_set()

    @property
    def pipeline(self) -> Pipeline | None:
        """What pages show: live trades if there are any, else the recording while it plays."""
        with self._lock:
            return self._replay or self._live

    def pipeline_of(self, kind: str) -> Pipeline | None:
        """The pipeline that carries "live" or "replay" trades, None while there is none."""
        with self._lock:
            return self._live if kind == "live" else self._replay

    @property
    def live(self) -> Health | None:
        """How the live feed is, also while the recording is shown."""
        with self._lock:
            return self._live.ingest.health if self._live is not None else None

    def _rule_context(self) -> RuleContext | None:
        """What alert rules see: the trades that pages see, and the live feed where there is one."""
        with self._lock:
            pipeline, watched = self._replay or self._live, self._live or self._replay
        if pipeline is None or watched is None:
            return None
        return RuleContext(
            answer_for=pipeline.engine.snapshot,
            now_ns=pipeline.ingest.now_ns(),
            feed=watched.ingest.health,
            feed_now_ns=watched.ingest.now_ns(),
            symbols=pipeline.symbols,
            follow=pipeline.ingest.add_symbol,
            recorded=pipeline.kind == "replay",
        )

    def _show_alert(self, alert: Alert) -> None:
        pipeline = self.pipeline
        self.hub.broadcast(alert.note(pipeline.venue if pipeline is not None else ""))

    def _send_alert(self, alert: Alert) -> None:
        self.webhooks.send(alert.channels, Message(alert.rule, alert.sentence, alert.facts()))

    def _open_live(self) -> bool:
        """Open the live pipeline; whether there may be one, now or at another try."""
        try:
            pipeline = live_pipeline(self.settings, self.hub.notify, self.paper.notify)
            with self._lock:
                if self.stopped:
                    pipeline.stop()
                    return False
                self._live, self.failure = pipeline, None
                pipeline.start()
        except Exception as error:  # noqa: BLE001 (the edge of a pipeline: pages come up and say why)
            self._fail("live pipeline not started", error)
            return isinstance(error, StorageError)
        return True

    def _choose_pipeline(self) -> None:
        """Until the first live trade: play the recording when live is refused, fails, or does not come in time."""
        deadline = time.monotonic() + self.settings.fallback_after_s
        while not self.stopped:
            try:
                if self._has_chosen(deadline):
                    return
            except Exception as error:  # noqa: BLE001 (the edge of the thread: the choice stays open)
                self._fail("pipeline not chosen", error)
            self._stopping.wait(0.1 if self._live is not None else REOPEN_S)

    def _has_chosen(self, deadline: float) -> bool:
        """Look once; whether live trades arrive, so that there is nothing left to choose."""
        live = self.live
        if live is None:
            return not self._open_live()
        if self.settings.feed == "live":
            return True
        if live.ticks == 0:
            if live.state == "blocked" or live.next_attempt_ns is not None or time.monotonic() > deadline:
                self._open_replay()
            return False
        with self._lock:
            replay, self._replay = self._replay, None
        if replay is not None:
            log.info("live trades arrive: the replay ends")
            replay.stop()
        return True

    def _open_replay(self) -> None:
        with self._lock:
            if self._replay is not None or self.stopped:
                return
            try:
                self._replay = replay_pipeline(self.settings, self.hub.notify, self.paper.notify)
            except Exception as error:  # noqa: BLE001 (the edge of a pipeline, as above)
                self._fail("replay not started", error)
                return
            log.info("showing recorded trades: %s", self._replay.title)
            self._replay.start()


def _start(what: str, start: Callable[[], None]) -> str | None:
    """Start a part of the system; why that failed, in words, None where it did not."""
    try:
        start()
    except Exception as error:  # the edge of a part: the others start, its page says why it did not
        log.exception("not started: %s", what)
        return f"{what} could not be started ({type(error).__name__}: {error}): the log has more"
    return None


def _webhooks(settings: Settings) -> Webhooks:
    """Webhooks of the file of secrets; none, and a sentence for the page, where reading it fails."""
    path, allow_private = settings.secrets_file, settings.webhook_private
    try:
        return Webhooks.from_file(path, allow_private=allow_private)
    except Exception as error:  # noqa: BLE001 (the edge of a file; a traceback could quote what is secret in it)
        why = f"{path.name} cannot be read (a defect of kind {type(error).__name__}): no webhook is known"
        log.error("webhooks: %s", why)
        return Webhooks(problems=[why], allow_private=allow_private)


def live_pipeline(
    settings: Settings, published: Callable[[], None] = _no_listener, arrived: Callable[[], None] = _no_listener
) -> Pipeline:
    """A pipeline fed by the venue of the settings; its file is named after the venue, and after its
    host where another one has filled that file. While another process records into it, the pipeline shows that
    process's trades, and records once it has ended.

    Parameters
    ----------
    published : called whenever the pipeline's engine has new answers.
    arrived : called by the feed's thread when trades have come.

    Raises
    ------
    HeldError
        When another process holds the file and its trades cannot be shown yet, for example while it opens it.
    StorageError
        When the file cannot be used. One that cannot be read is moved aside.
    SettingError
        When the transport of the settings cannot be loaded.
    """
    transport = transport_named(settings.transport)
    codec = FEEDS[settings.venue].fresh(settings.ws_url, settings.rest_url)
    origin, own = (
        Origin.at(settings.venue, each.stream_url(settings.symbols)) for each in (codec, FEEDS[settings.venue])
    )
    store = _open_or_follow(settings, tape_path(settings.data_dir, origin, is_own=origin == own), origin)
    feed: Feed = LiveFeed(
        codec,
        settings.symbols,
        transport=transport,
        connect_timeout_s=settings.connect_timeout_s,
        stall_s=settings.stall_s,
        history_s=settings.backfill_hours * 3_600,
        backoff_base_s=settings.backoff_base_s,
        backoff_cap_s=settings.backoff_cap_s,
    )
    if store.follows:
        feed = StandbyFeed(store, feed, settings.stall_s)
    return replace(_connected("live", codec.title, settings, feed, store, published, arrived), address=origin.host)


def replay_pipeline(
    settings: Settings, published: Callable[[], None] = _no_listener, arrived: Callable[[], None] = _no_listener
) -> Pipeline:
    """A pipeline fed by the recorded tape; its file lasts as long as the pipeline.

    Parameters
    ----------
    published : called whenever the pipeline's engine has new answers.
    arrived : called by the feed's thread when trades have come.

    Raises
    ------
    FeedError
        When the tape cannot be read.
    """
    tape = read_tape(settings.replay_tape)
    scratch = tempfile.TemporaryDirectory(prefix="alphastream-replay-")
    try:
        store = _open_store(settings, Path(scratch.name) / "replay.db", Origin(tape.venue, "recording"))
        feed = ReplayFeed(tape, settings.replay_speed, settings.replay_loop, settings.replay_head_s)
        return replace(
            _connected("replay", tape.describe(), settings, feed, store, published, arrived), scratch=scratch
        )
    except BaseException:
        scratch.cleanup()
        raise


def _open_or_follow(settings: Settings, path: Path, origin: Origin) -> TickStore:
    """Open a store to write, or to follow the process that writes it."""
    try:
        return _open_store(settings, path, origin)
    except HeldError as held:
        try:
            return _open_store(settings, path, origin, read_only=True)
        except StorageError as error:
            raise HeldError(f"{held}. It cannot be shown yet: {error}", held.holder) from error


def _open_store(settings: Settings, path: Path, origin: Origin, *, read_only: bool = False) -> TickStore:
    return TickStore(
        path,
        ring_ticks=settings.ring_ticks,
        retention_ns=settings.retention_hours * HOUR_NS,
        origin=origin,
        begin_anew=True,
        read_only=read_only,
    )


def _connected(
    kind: Literal["live", "replay"],
    title: str,
    settings: Settings,
    feed: Feed,
    store: TickStore,
    published: Callable[[], None],
    arrived: Callable[[], None],
) -> Pipeline:
    """Connect a feed to a store and an engine: the callbacks that make them one path."""

    def take(ticks: TickGroups) -> None:
        store.append(ticks)

    def tell() -> None:
        engine.notify()
        arrived()

    ingest = Ingest(feed, take, store.gaps, lambda symbol, first: store.times_around(symbol, Gap(first, first))[0] or 0)
    engine = QuantEngine(
        store,
        ingest.now_ns,
        history_bars=settings.history_bars,
        refresh_s=settings.engine_refresh_ms / 1_000,
        published=published,
    )
    store.on_ticks = tell
    x, y = (InstrumentId(feed.venue, each.symbol) for each in settings.symbols[:2])  # a recording has its own venue
    first_pair = PairSpec(
        y, x, settings.interval_s * SECOND, window=settings.window_bars, entry=settings.entry_z, exit=settings.exit_z
    )
    return Pipeline(kind, title, ingest, store, engine, first_pair, feed.venue)
