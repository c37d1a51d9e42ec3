"""Live trades that another process records: shown as they become durable, and recorded here once it has ended."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, FeedBlocked, StorageError
from alphastream.events import Tick
from alphastream.feeds.codec import Instrument
from alphastream.feeds.feed import Feed, FeedContext
from alphastream.instruments import InstrumentId
from alphastream.tape.ring import TickBatch
from runtime.backoff import Backoff
from runtime.writer_lock import HeldError

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.1
CLAIM_S: Final = (0.5, 10.0)  # first and longest pause between two tries to take over; the first while it is held
CARRIED_NS: Final = 600 * SECOND  # an instrument that traded so long before the tape's end was being recorded


class SharedTape(Protocol):
    """A tape that this process follows, or writes once it has claimed it."""

    @property
    def trouble(self) -> str | None:
        """Why it cannot be followed now."""

    def claim(self) -> None:
        """Become the process that writes. Raises HeldError while another one does, StorageError where it cannot be."""

    def symbols(self) -> list[str]:
        """What it holds."""

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """Return what became visible after the cursor."""

    def last(self, symbol: str) -> Tick | None:
        """Return the tick with the largest id."""


class StandbyFeed:
    """A feed that another process records. When that ends, this one goes on with the venue's own feed.

    Ticks come into the tape by themselves; this counts them, says how the recording is, and takes over. Then what was
    carried before goes on beside what ``live`` was made to carry; gaps are fetched as after any break.

    Parameters
    ----------
    tape : of both processes. Exactly one of many that stand by succeeds in claiming it.
    live : the venue's feed.
    stall_s : without any trade for so long the recording counts as stalled.
    """

    def __init__(self, tape: SharedTape, live: Feed, stall_s: float) -> None:
        self.title = live.title
        self._tape, self._live, self._stall_s = tape, live, stall_s
        self._claim_pause = Backoff(*CLAIM_S, jitter=0.0)
        self._claim_at_s = 0.0
        self._holder: str | None = None
        self._is_ours = False
        self._cursors: dict[str, int] = {}
        self._heard_s: float | None = None  # when a trade came, None before the first

    @property
    def venue(self) -> str:
        """Where its instruments are listed."""
        return self._live.venue

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """Instruments on the tape; those it carries once it records."""
        if self._is_ours:
            return self._live.symbols
        return tuple(InstrumentId.parse(symbol, self.venue) for symbol in self._tape.symbols())

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules, once the venue was asked for them."""
        return self._live.instruments

    def now_ns(self) -> int:
        """Return the wall clock."""
        return self._live.now_ns()

    def interrupt(self) -> None:
        """Wake ``run`` from any wait for the network."""
        self._live.interrupt()

    def add(self, symbol: InstrumentId) -> None:
        """Carry an instrument once it is recorded here.

        Raises
        ------
        FeedBlocked
            The process that records does not carry it, or the venue does not list it.
        ParameterError
            It is of another venue, or one too many.
        """
        self._live.add(symbol)
        if symbol not in self.symbols:
            raise FeedBlocked(
                f"{symbol.symbol} is not recorded: process {self._holder} decides what is, and carries "
                f"{', '.join(each.symbol for each in self.symbols) or 'nothing yet'}. Add it there"
            )

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more once it is recorded here."""
        self._live.remove(symbol)

    def run(self, context: FeedContext) -> None:
        """Follow until the other process has ended, then run the venue's feed."""
        self._cursors = {symbol: self._tape.since(symbol).cursor for symbol in self._tape.symbols()}
        while not context.stopping and not self._has_taken_over(context):
            self._look(context)
            context.wait(LOOK_EVERY_S)
        if not context.stopping:
            self._live.run(context)

    def _has_taken_over(self, context: FeedContext) -> bool:
        if self._is_ours or time.monotonic() < self._claim_at_s:
            return self._is_ours
        try:
            self._tape.claim()
        except HeldError as error:
            self._claim_pause.reset()
            if error.holder != self._holder:
                log.info("standing by: process %s records %s", error.holder, self.title)
                self._holder = error.holder
        except StorageError as error:
            context.report("stalled", f"the recording cannot be taken over: {error}")
        else:
            log.info("process %s has ended: %s is recorded here now", self._holder, self.title)
            context.stats.refused.clear()
            self._carry_on()
            self._is_ours = True
        self._claim_at_s = time.monotonic() + self._claim_pause.next_s()
        return self._is_ours

    def _carry_on(self) -> None:
        """Have the venue's feed carry what was being recorded."""
        newest = {each.symbol: each.time_ns for symbol in self._tape.symbols() if (each := self._tape.last(symbol))}
        end_ns = max(newest.values(), default=0)
        for symbol, time_ns in newest.items():
            try:
                if time_ns >= end_ns - CARRIED_NS:
                    self._live.add(InstrumentId.parse(symbol, self.venue))
            except AlphaStreamError as error:
                log.warning("symbol=%s was recorded and is not carried on: %s", symbol, error)

    def _look(self, context: FeedContext) -> None:
        """Count what has come, and say how the recording is."""
        counts = {symbol: self._count(context, symbol) for symbol in self._tape.symbols()}
        now_s = time.monotonic()
        if any(counts.values()):
            context.stats.traffic.delivered(counts, now_s)
            context.stats.last_message_ns = self.now_ns()
            self._heard_s = now_s
        if self._holder is None:  # nothing is known but that it could not be claimed
            return
        if (trouble := self._tape.trouble) is not None:
            context.report("stalled", f"process {self._holder} records it, and cannot be followed: {trouble}")
        elif self._heard_s is None:
            context.report("connecting", f"process {self._holder} records it: no trade of it has come yet")
        elif now_s - self._heard_s > self._stall_s:
            context.report("stalled", f"process {self._holder} records it: no trade for more than {self._stall_s:g} s")
        else:
            context.report("live", f"recorded by process {self._holder}")
        self._refuse(context)

    def _count(self, context: FeedContext, symbol: str) -> int:
        """Take note of what has come of an instrument; how many ticks."""
        stats, batch = context.stats, self._tape.since(symbol, self._cursors.get(symbol))
        self._cursors[symbol] = batch.cursor
        ticks = batch.columns
        if not len(ticks):
            return 0
        newest_ns = int(ticks.time_ns.max())
        if newest_ns > stats.last_tick_ns.get(symbol, 0):
            stats.last_tick_ns[symbol] = newest_ns
            stats.lag_ns = self.now_ns() - newest_ns
        stats.ticks += len(ticks) + batch.missed
        return len(ticks) + batch.missed

    def _refuse(self, context: FeedContext) -> None:
        """Name what was asked for here and is not on the tape."""
        on_tape: Sequence[InstrumentId] = self.symbols
        if not on_tape:
            return
        why = f"is not recorded by process {self._holder}"
        context.stats.refused = {
            symbol: f"{symbol.symbol} {why}" for symbol in self._live.symbols if symbol not in on_tape
        }
