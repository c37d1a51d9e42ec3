"""The only place where feed, store and engine meet: ``System(settings)``.

The system runs the live pipeline and, while live trades are not to be had, beside it a pipeline that replays the
bundled recording. The two never share a file: a recorded trade is not a live one. Where the settings leave the venue
open, the live pipeline is that of the first venue that serves this computer.
"""

import logging
import threading
import time
from collections.abc import Callable

from alphastream.alerts import Alert, RuleContext
from alphastream.core.units import MS, SECOND
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.history import Tape, open_tape
from alphastream.history.hot import HotOfKinds
from alphastream.history.layout import HISTORY
from alphastream.history.market_files import MarketFiles
from alphastream.history.places import Place
from alphastream.history.tape_files import TapeFiles
from alphastream.risk import Breach
from config import Settings
from ingest import Health
from lines import Line
from pipelines import Pipeline, live_pipeline, replay_pipeline, venue_line
from runtime import threads
from runtime.alerts.service import AlertService
from runtime.alerts.watch import AlertWatch
from runtime.alerts.webhooks import Message, Webhooks
from runtime.arbitrage.service import ArbitrageService
from runtime.channel.hub import Hub
from runtime.connections.venue_choice import VenueChoice
from runtime.paper.service import PaperService
from runtime.risk.monitor import RiskMonitor
from runtime.startup import hand_over_often
from runtime.stores.migration import rewriting
from runtime.stores.signal_side import WithSignals
from runtime.stores.signal_store import FILE as SIGNALS
from runtime.stores.signal_store import KEPT, SignalStore
from runtime.watchlists.lists import Watchlists
from runtime.writer_lock import HeldError

log = logging.getLogger(__name__)

HOUR_NS = 3_600 * SECOND
DROP_EVERY_S = 5.0  # between two looks at what the feeds carry
REOPEN_S = 1.0  # between two tries to open a file that cannot be used
CHOOSER_S = 2.0  # for a pipeline that is being left when all is to stop


class System:
    """Everything that runs behind the pages; started and stopped once a process.

    ``hub`` carries what pages show.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hub = Hub(max_clients=settings.max_clients)
        self._failure: str | None = None
        self._logged: set[str] = set()
        self._tried = threading.Event()  # to open the live pipeline
        self.choice = VenueChoice(settings.candidates) if settings.chooses_venue else None
        self.alerts = AlertService(settings.data_dir, venue=settings.home)
        self.webhooks = _webhooks(settings)
        self._watch = AlertWatch(self.alerts, self._rule_context, (self._show_alert, self._send_alert))
        self.paper = PaperService(settings.data_dir / "paper", self.pipeline_of)
        signals = SignalStore(settings.data_dir / SIGNALS)
        sampled_ns = settings.books_every_ms * MS
        self.arbitrage = ArbitrageService(settings.data_dir, signals, self._live_lines, sampled_ns=sampled_ns)
        self.risk = RiskMonitor(settings.data_dir, self.paper.runs, lambda: self.pipeline, self._tell_breach)
        self.watchlists = Watchlists(settings.data_dir)
        self._lock = threading.RLock()
        self._live: Pipeline | None = None
        self._replay: Pipeline | None = None
        self._stopping = threading.Event()
        self._chooser = threading.Thread(target=self._choose_pipeline, name="alphastream-pipelines", daemon=True)
        self._dropper = threading.Thread(target=self._drop_unwatched, name="alphastream-unwatched", daemon=True)

    def start(self) -> None:
        """Start the feed the settings ask for. Alerts, webhooks and paper trading may fail to: their pages say why."""
        hand_over_often()
        self.hub.start()
        if why := _start("webhooks", self.webhooks.start):
            self.webhooks.problems += (why,)
        if why := _start("watching the alert rules", self._watch.start):
            self.alerts.outage = why
        if self.settings.feed != "replay":
            self._chooser.start()
            while not self._tried.wait(0.05) and rewriting() is None:  # that takes long: pages say how far it is
                pass
        if self.settings.feed == "replay" or (self.settings.feed == "auto" and self._live is None):
            self._open_replay()
        self.paper.failure = _start("paper trading", self.paper.start)
        self.risk.outage = _start("watching risk", self.risk.start)
        self.arbitrage.outage = _start("watching edges between venues", self.arbitrage.start)
        self._dropper.start()

    def stop(self) -> None:
        """Stop every thread and close every file, also where one of them fails to. May be called twice."""
        self._stopping.set()
        with self._lock:
            pipelines = [pipeline for pipeline in (self._live, self._replay) if pipeline is not None]
        # No alert of a feed that stops; then the feeds, which would take the time that the rest needs to end.
        feeds = (self._watch.stop, *(line.stop_feeds for pipeline in pipelines for line in pipeline.lines))
        rooms = (self.webhooks.stop, self.paper.stop, self.arbitrage.stop, self.risk.stop, self.hub.stop)
        for stop in (*feeds, *rooms, self._forget_pipelines, *(pipeline.stop for pipeline in pipelines)):
            try:
                stop()
            except Exception:  # what is left must be stopped all the same
                log.exception("not stopped in order: %s", stop.__qualname__)
        if self._chooser.is_alive():  # it may be stopping a pipeline of its own, which it has just left
            self._chooser.join(CHOOSER_S)

    def _forget_pipelines(self) -> None:
        with self._lock:
            self._live = self._replay = None

    def _fail(self, what: str, error: Exception) -> None:
        """Log a failure, once, and keep it for the pages."""
        on_purpose = isinstance(error, AlphaStreamError)
        why = str(error) if on_purpose else f"{type(error).__name__}: {error}"
        if why not in self._logged:
            log.error("%s: %s", what, why, exc_info=None if on_purpose else error)
        self._logged.add(why)
        self._failure = why

    @property
    def failure(self) -> str | None:
        """Why there is no pipeline, or none of live trades yet; None where nothing is wrong."""
        return rewriting() or self._failure

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
            return self._live.health if self._live is not None else None

    def tape(self, kind: str) -> Tape | None:
        """All that was recorded of "live" trades, files of the history included, or that a "replay" has played so far.

        None where nothing is there: no recording plays, or nothing was ever recorded.
        """
        if kind == "live":
            place = Place(self.settings.history_place or self.settings.data_dir / HISTORY)
            folder = self.settings.data_dir
            files = HotOfKinds(TapeFiles(folder), MarketFiles(folder))
            tape = Tape(place, WithSignals(files, lambda: self.arbitrage.signals(KEPT)))
            return tape if self.pipeline_of(kind) is not None or tape.instruments() else None
        pipeline = self.pipeline_of(kind)
        return None if pipeline is None or pipeline.scratch is None else open_tape(pipeline.scratch.name)

    def _live_lines(self) -> tuple[Line, ...]:
        with self._lock:
            return tuple(self._live.lines) if self._live is not None else ()

    def _rule_context(self) -> RuleContext | None:
        """What alert rules see: the trades that pages see, and the live feed where there is one."""
        with self._lock:
            pipeline, watched = self._replay or self._live, self._live or self._replay
        if pipeline is None or watched is None:
            return None
        return RuleContext(
            answer_for=pipeline.engine.snapshot,
            now_ns=pipeline.now_ns(),
            feed=watched.health,
            feed_now_ns=watched.now_ns(),
            symbols=pipeline.symbols,
            follow=pipeline.add_symbol,
            recorded=pipeline.kind == "replay",
            flow_of=pipeline.closed_flow,
            edges=self.arbitrage.bests,
        )

    def _show_alert(self, alert: Alert) -> None:
        pipeline = self.pipeline
        self.hub.broadcast(alert.note(pipeline.venue if pipeline is not None else ""))

    def _send_alert(self, alert: Alert) -> None:
        self.webhooks.send(alert.channels, Message(alert.rule, alert.sentence, alert.facts()))

    def _tell_breach(self, breach: Breach, recorded: bool) -> None:
        """Show a limit that is passed on every open page, and send it to the webhooks that were asked for."""
        text = breach.sentence + (" Recorded trades, not live ones." if recorded else "")
        time_ns, title = time.time_ns(), "Risk limit passed"
        key = "-".join((*breach.key, str(time_ns)))
        self.hub.broadcast({"id": key, "time_ms": time_ns // MS, "title": title, "text": text, "tone": "warn"})
        facts = {"limit": breach.limit, "account": breach.account, "value": breach.value, "level": breach.level}
        self.webhooks.send(self.risk.watched.channels, Message(title, text, {**facts, "recorded": recorded}))

    def _open_live(self) -> bool:
        """Open the live pipeline; whether there may be one, now or at another try."""
        try:
            symbols = self.choice.symbols if self.choice is not None else self.settings.symbols
            pipeline = live_pipeline(self.settings, symbols, self.hub.notify, self.paper.notify)
            with self._lock:
                if self.stopped:
                    pipeline.stop()
                    return False
                self._live, self._failure = pipeline, None
                self._logged.clear()
                pipeline.start()
        except Exception as error:  # noqa: BLE001 (the edge of a pipeline: pages come up and say why)
            self._fail("live pipeline not started", error)
            is_file = isinstance(error, StorageError)
            if self.choice is not None and is_file and not isinstance(error, HeldError):
                self.choice.failed(str(error))
            return is_file
        finally:
            self._tried.set()
        return True

    def _choose_pipeline(self) -> None:
        """Until the first live trade: play the recording when live is refused, fails, or does not come in time."""
        deadline = time.monotonic() + self.settings.fallback_after_s
        while not self.stopped:
            try:
                if self._has_chosen(deadline) and not self._is_incomplete():
                    return
            except Exception as error:  # noqa: BLE001 (the edge of the thread: the choice stays open)
                self._fail("pipeline not chosen", error)
            self._stopping.wait(0.1 if self._live is not None and not self._live.absent else REOPEN_S)

    def _is_incomplete(self) -> bool:
        """Open venues that could not be opened before; whether any of them still cannot be."""
        with self._lock:
            pipeline = self._live
        if pipeline is None:
            return False
        for venue in list(pipeline.absent):
            try:
                line = venue_line(self.settings, venue)
            except StorageError as error:
                pipeline.absent[venue] = str(error)
                continue
            with self._lock:
                if self.stopped:
                    line.stop()
                    return False
                pipeline.join(line)
            log.info("venue=%s is here now", venue)
        return bool(pipeline.absent)

    def _drop_unwatched(self) -> None:
        """Now and then, end what the feeds carry for nobody."""
        while not self._stopping.wait(DROP_EVERY_S):
            with self._lock:
                pipelines = [pipeline for pipeline in (self._live, self._replay) if pipeline is not None]
            try:
                held = {name for run in self.paper.runs() if run.status != "stopped" for name in run.symbols}
                for pipeline in pipelines:
                    pipeline.drop_unwatched(held, time.monotonic())
            except Exception:  # the edge of the thread: it looks again
                threads.begins_again()
                log.exception("instruments that nobody looks at were not dropped")

    def _has_chosen(self, deadline: float) -> bool:
        """Look once; whether live trades arrive, so that there is nothing left to choose."""
        with self._lock:
            pipeline = self._live
        if pipeline is None:
            has_more = self._open_live()
            if self._live is None and self.settings.feed == "auto":
                self._open_replay()
            return not has_more
        feeds = [line.ingest.health for line in pipeline.lines]
        has_trades = any(feed.ticks for feed in feeds)
        if self.choice is not None and self.choice.looked(feeds[0], time.monotonic()):
            log.info("%s: trying %s", self.choice.why, self.choice.venue)
            self._leave(pipeline)
            return not self._open_live()
        if not has_trades:
            refused = all(feed.state == "blocked" or feed.next_attempt_ns is not None for feed in feeds)
            if self.settings.feed == "auto" and (refused or time.monotonic() > deadline):
                self._open_replay()
            return self.settings.feed == "live" and self.choice is None
        with self._lock:
            replay, self._replay = self._replay, None
        if replay is not None:
            log.info("live trades arrive: the replay ends")
            replay.stop()
        return True

    def _leave(self, pipeline: Pipeline) -> None:
        """Stop the live pipeline, for that of another venue."""
        with self._lock:
            self._live = None
        pipeline.stop()

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
