"""The ingest thread: runs one feed, live (``runtime.connections``) or replayed, and says in words how it is.

``python ingest.py --symbols BTCUSDT,ETHUSDT`` records without a browser.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from alphastream.core.units import SECOND
from alphastream.feeds.backfill import Gaps
from alphastream.feeds.codec import Instrument
from alphastream.feeds.feed import Feed, FeedState, FeedStats, Health
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickGroups
from runtime import threads
from runtime.backoff import Backoff

__all__ = ["Feed", "FeedState", "Health", "Ingest"]

log = logging.getLogger(__name__)

RESTART_S: Final = (1.0, 30.0)  # first and longest pause after a defect of the feed


class Ingest:
    """One daemon thread that runs a feed.

    Parameters
    ----------
    feed : what to run.
    on_ticks : takes every batch, on the ingest thread. When it raises, the batch is counted as failed, ``health`` says
        so, and the feed goes on.
    gaps : names the missing id ranges of an instrument, both ends inclusive; None: nothing is fetched afterwards.
    time_before : gives the time of the trade before a gap, from an instrument and the gap's first id; 0 where unknown.
    """

    def __init__(
        self,
        feed: Feed,
        on_ticks: Callable[[TickGroups], object],
        gaps: Gaps | None = None,
        time_before: Callable[[str, int], int] | None = None,
    ) -> None:
        self.feed = feed
        self.refills = gaps is not None
        self._gaps, self._time_before = gaps, time_before
        self.stats = FeedStats()
        self._stop = threading.Event()
        self._on_ticks = on_ticks
        self._recorder_failure = ""
        self._status: tuple[FeedState, str, int, int | None] = ("stopped", "not started yet", feed.now_ns(), None)
        self._thread = threading.Thread(target=self._run, name=f"ingest {feed.title}", daemon=True)

    @property
    def health(self) -> Health:
        """A snapshot that does not change any more."""
        state, reason, since_ns, next_attempt_ns = self._status
        full_reason = "; ".join(filter(None, (reason, self._recorder_failure, *self.stats.refused.values())))
        return self.stats.snapshot(self.feed.title, self.feed.symbols, (state, full_reason, since_ns, next_attempt_ns))

    @property
    def state(self) -> FeedState:
        """The state alone."""
        return self._status[0]

    @property
    def stopping(self) -> bool:
        """True once ``stop`` was called."""
        return self._stop.is_set()

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules by full name, empty until the venue told them."""
        return self.feed.instruments

    def start(self) -> None:
        """Start the thread. An Ingest runs once: make a new one to run again."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.9) -> None:
        """End the feed, whatever its peer does, and wait for the thread. After this no batch is delivered."""
        self._stop.set()
        self.feed.interrupt()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("feed=%r the network holds the thread: it delivers nothing more", self.feed.title)
        if self.state != "stopped":  # it may have ended by itself and said why
            self.report("stopped", "stopped on request")

    def now_ns(self) -> int:
        """Return the time the data lives in, UTC ns."""
        return self.feed.now_ns()

    def add_symbol(self, symbol: str) -> None:
        """Carry an instrument from now on; a symbol without a venue is one of the feed's venue.

        Raises
        ------
        FeedBlocked : the feed is known not to have it.
        ParameterError : it cannot be one, is of another venue, or is one too many.
        """
        instrument = InstrumentId.parse(symbol, self.feed.venue)
        self.feed.add(instrument)
        self.stats.refused.pop(instrument, None)

    def remove_symbol(self, symbol: str) -> None:
        """Carry an instrument no more."""
        instrument = InstrumentId.parse(symbol, self.feed.venue)
        self.feed.remove(instrument)
        self.stats.refused.pop(instrument, None)

    def wait(self, seconds: float | None) -> None:
        """Wait, None for ever, but not beyond ``stop``; for the feed."""
        self._stop.wait(seconds)

    def report(self, state: FeedState, reason: str, next_attempt_ns: int | None = None) -> None:
        """Change the state; for the feed."""
        if self.stopping and state != "stopped":
            return
        before, since_ns = self._status[0], self._status[2]
        if state != before:
            since_ns = self.feed.now_ns()
            log.info("feed=%r state=%s before=%s reason=%r", self.feed.title, state, before, reason)
        self._status = (state, reason, since_ns, next_attempt_ns)
        if next_attempt_ns is not None or state == "blocked":
            self.stats.traffic.broke(self.feed.now_ns(), time.monotonic(), state, reason)

    def deliver(self, ticks: TickGroups) -> bool:
        """Hand a batch over; for the feed. False when it was not taken."""
        if self.stopping:
            return False
        try:
            self._on_ticks(ticks)
        except Exception as error:  # a defect of the recorder must not end the feed
            self.stats.failed_batches += 1
            if not self._recorder_failure:
                log.exception("feed=%r the recorder did not take %d ticks", self.feed.title, len(ticks))
            self._recorder_failure = f"the recorder did not take the last ticks ({type(error).__name__}: {error})"
            return False
        self._recorder_failure = ""
        self.stats.count(ticks)
        return True

    def missing(self, symbol: str) -> Sequence[tuple[int, int]]:
        """Ask for the missing id ranges of an instrument; for the feed. None are known while the recorder fails."""
        try:
            return self._gaps(symbol) if self._gaps is not None else ()
        except Exception as error:  # as in deliver
            log.exception("feed=%r the recorder does not know its gaps", self.feed.title)
            self._recorder_failure = f"the recorder does not know its gaps ({type(error).__name__}: {error})"
            return ()

    def time_before(self, symbol: str, first: int) -> int:
        """Ask for the time of the trade before a gap; for the feed. 0 while the recorder fails."""
        try:
            return self._time_before(symbol, first) if self._time_before is not None else 0
        except Exception:  # as in deliver
            log.exception("feed=%r the recorder does not know its times", self.feed.title)
            return 0

    def _run(self) -> None:
        backoff = Backoff(*RESTART_S, jitter=0.0)
        while not self.stopping:
            began_s = time.monotonic()
            try:
                self.feed.run(self)
                return
            except Exception as error:  # the edge of the thread: a defect of one message must not be the end of all
                if time.monotonic() - began_s > RESTART_S[1]:
                    backoff.reset()
                pause_s = backoff.next_s()
                threads.begins_again()
                log.exception("feed=%r ended by a defect, begins again in %g s", self.feed.title, pause_s)
                why = f"ended by a defect ({type(error).__name__}: {error}), begins again in {pause_s:g} s: "
                self.report("connecting", why + "the log has more", self.feed.now_ns() + int(pause_s * SECOND))
            self.wait(pause_s)


if __name__ == "__main__":
    from recorder import record

    raise SystemExit(record())
