"""A recorded tape as a feed."""

import math
import queue
import time
from collections.abc import Mapping, Sequence
from typing import Final

from alphastream.core.units import SECOND
from alphastream.errors import FeedBlocked, ParameterError
from alphastream.feeds.codec import Instrument
from alphastream.feeds.feed import FeedContext
from alphastream.feeds.replay import Replay
from alphastream.instruments import InstrumentId, bare
from alphastream.tape.columns import TickGroups
from alphastream.tape.recordings import Recording
from alphastream.tape.repetition import Repetition

LOOK_AROUND_S: Final = 0.2  # longest wait without a look at new symbols
BATCH: Final = 1_000  # ticks handed over at once


class ReplayFeed:
    """A recorded tape, played as if it happened now.

    Its time begins at the wall clock's and runs ``speed`` times as fast, on a clock that stands still while the
    machine sleeps.

    Parameters
    ----------
    tape : what to play.
    speed : 1 real timings, 10 ten times as fast, ``math.inf`` as fast as it is taken, 0 only by ``step``.
    loop, head_s : as in Replay.
    symbols : which of its instruments; None for all. One that is not on the tape is refused, the others play.
    """

    def __init__(
        self,
        tape: Recording,
        speed: float = 1.0,
        loop: bool = True,
        head_s: float = 0.0,
        *,
        symbols: Sequence[InstrumentId] | None = None,
    ) -> None:
        if not speed >= 0:
            raise ParameterError(f"speed is {speed}, needs a factor from 0 on")
        self.title = f"Replay of {tape.describe()}"
        self.tape = tape
        self.venue = tape.venue
        self._on_tape = tape.instruments
        self._asked = tuple(self._on_tape if symbols is None else symbols)
        self._carried = {symbol for symbol in self._asked if symbol in self._on_tape}
        self._speed, self._loop, self._head_s = speed, loop, head_s
        self._steps: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._start_ns, self._start_mono_ns = time.time_ns(), time.monotonic_ns()
        self._data_ns = self._start_ns  # of the last trade
        self._repetition: Repetition | None = None

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """Instruments it carries."""
        return tuple(symbol for symbol in self._on_tape if symbol in self._carried)

    @property
    def repetition(self) -> Repetition | None:
        """When the laps of the tape begin; None before the first."""
        return self._repetition

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Empty: a tape knows no trading rules."""
        return {}

    def run(self, context: FeedContext) -> None:
        """Deliver what is due until stopped or the tape ends."""
        context.stats.refused.update(
            {symbol: self._refusal(symbol) for symbol in self._asked if symbol not in self._carried}
        )
        self._start_ns, self._start_mono_ns = time.time_ns(), time.monotonic_ns()
        self._data_ns = self._start_ns
        replay = Replay(self.tape, self._start_ns, loop=self._loop, head_s=self._head_s)
        self._repetition = replay.repetition
        if not self._carried:
            context.report("blocked", "the tape has none of the symbols")
        else:
            context.report("live", f"{self.title}, played {self._pace()}")
        while not context.stopping:
            groups, last_ns = replay.take_columns(*self._due())
            carried = {symbol: columns for symbol, columns in groups.items() if symbol in self._carried}
            self._data_ns = last_ns or self._data_ns
            if carried and context.deliver(TickGroups(carried)):
                context.stats.last_message_ns = self._data_ns
            next_ns = replay.next_ns()
            if next_ns is None:
                context.report("stopped", "the tape has ended")
                return
            if 0 < self._speed < math.inf:
                # At least 5 ms, so that a burst becomes one batch.
                ahead_s = (next_ns - self.now_ns()) / SECOND / self._speed
                context.wait(min(LOOK_AROUND_S, max(0.005, ahead_s)))

    def step(self, count: int = 1) -> None:
        """Let the next trades of the tape go, at speed 0."""
        self._steps.put(count)

    def interrupt(self) -> None:
        """Wake ``run``."""
        self._steps.put(0)

    def add(self, symbol: InstrumentId) -> None:
        """Carry an instrument of the tape from now on. Raises FeedBlocked where the tape has none."""
        if symbol not in self._on_tape:
            raise FeedBlocked(self._refusal(symbol))
        self._carried = {*self._carried, symbol}

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more."""
        self._carried = self._carried - {symbol}

    def now_ns(self) -> int:
        """Return the time on the tape, moved to now: that of the last trade where the pace has no clock."""
        if not 0 < self._speed < math.inf:
            return self._data_ns
        return self._start_ns + round((time.monotonic_ns() - self._start_mono_ns) * self._speed)

    def _due(self) -> tuple[int, int | None]:
        """Return how many trades to take at most, and up to which time."""
        if self._speed == 0:
            return self._steps.get(), None
        return BATCH, None if self._speed == math.inf else self.now_ns()

    def _pace(self) -> str:
        return {0: "step by step", math.inf: "as fast as possible"}.get(
            self._speed, f"at {self._speed:g} times real time"
        )

    def _refusal(self, symbol: InstrumentId) -> str:
        return f"{bare(symbol, self.venue)} is not on the tape, it holds {', '.join(self.tape.symbols)}"
