"""Trades that a recorder publishes on a bus, as a feed."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, BusError, FeedBlocked
from alphastream.feeds.codec import Instrument
from alphastream.feeds.feed import FeedContext
from alphastream.instruments import InstrumentId, bare
from alphastream.sinks.batches import Batch
from alphastream.sinks.protocols import Bus, Consumer
from alphastream.tape.columns import TickColumns, TickGroups
from runtime.backoff import Backoff

log = logging.getLogger(__name__)

RECEIVE_S: Final = 0.25
SETTLE_EVERY_S: Final = 0.5  # what came until then is made durable, and acknowledged
SETTLE_TICKS: Final = 100_000  # or as soon as so many have come
FAR_BEHIND_S: Final = 5.0  # after the recorder; from there on it catches up
RETRY_S: Final = (0.5, 10.0)
OPEN_AGAIN_S: Final = 30.0  # without an answer: a client may have given up for good


class BusFeed:
    """A feed of one source of a bus: all instruments that are on it.

    What was received is acknowledged once the store has made it durable, so a kill loses nothing: it comes again, and
    the store knows it by its ids. Late trades that the recorder fetched come by the bus as well; nothing is asked of
    the venue from here.

    Parameters
    ----------
    title : of the venue.
    venue, source : whose trades, and what their tape is called on the bus.
    open_bus : opens the bus; called again after a failure.
    durable : the name of this reader there, that no other one has.
    settle : makes what was delivered durable. Raises StorageError where that cannot be.
    known : instruments that are known before a trade of them comes.
    stall_s : without any trade for so long the feed counts as stalled.
    """

    def __init__(
        self,
        title: str,
        venue: str,
        source: str,
        open_bus: Callable[[], Bus],
        durable: str,
        settle: Callable[[], object],
        known: Iterable[InstrumentId] = (),
        stall_s: float = 20.0,
    ) -> None:
        self.title = title
        self._venue, self._source, self._open, self._durable = venue, source, open_bus, durable
        self._settle, self._stall_s = settle, stall_s
        self._known: dict[InstrumentId, None] = dict.fromkeys(known)
        self._left: set[InstrumentId] = set()
        self._bus: Bus | None = None
        self._is_interrupted = False
        self._pause = Backoff(*RETRY_S, jitter=0.0)
        self._heard_s: float | None = None  # when a batch came, None before the first
        self._behind_s = 0.0
        self._unsettled = 0
        self._settled_s = 0.0

    @property
    def venue(self) -> str:
        """Where its instruments are listed."""
        return self._venue

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """Instruments on the bus."""
        return tuple(sorted(self._known.keys() - self._left))

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Empty: a bus knows no trading rules."""
        return {}

    def now_ns(self) -> int:
        """Return the wall clock."""
        return time.time_ns()

    def interrupt(self) -> None:
        """Wake ``run`` from any wait for the bus."""
        self._is_interrupted = True
        if (bus := self._bus) is not None:
            bus.close()

    def add(self, symbol: InstrumentId) -> None:
        """Carry an instrument from now on. Raises FeedBlocked where the bus has none of it."""
        if symbol not in self._known:
            on_it = ", ".join(bare(each, self._venue) for each in self.symbols) or "nothing yet"
            raise FeedBlocked(
                f"{bare(symbol, self._venue)} is not on the bus: its recorder decides what is, and sends {on_it}"
            )
        self._left = self._left - {symbol}

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more."""
        self._left = self._left | {symbol}

    def run(self, context: FeedContext) -> None:
        """Deliver what comes until the context is stopping."""
        while not context.stopping:
            consumer: Consumer | None = None
            try:
                self._bus = self._open()
                if self._is_interrupted:  # before there was a bus to close
                    return
                context.report("connecting", f"bus: asking {self._bus.name}")
                names = map(InstrumentId.parse, self._bus.instruments(self._source))
                self._known = {**self._known, **dict.fromkeys(names)}
                consumer = self._bus.subscribe(self._source, self._durable)
                self._receive(context, self._bus, consumer)
            except AlphaStreamError as error:
                self._fail(context, error)
            finally:
                self._let_go(consumer)

    def _fail(self, context: FeedContext, error: AlphaStreamError) -> None:
        wait_s = self._pause.next_s()
        state = "connecting" if isinstance(error, BusError) else "stalled"
        words = str(error) if isinstance(error, BusError) else f"what came cannot be kept: {error}"
        context.report(state, f"bus: {words}", self.now_ns() + int(wait_s * SECOND))  # type: ignore[arg-type]
        context.wait(wait_s)

    def _let_go(self, consumer: Consumer | None) -> None:
        if consumer is not None:
            consumer.close()
        if (bus := self._bus) is not None:
            bus.close()
        self._bus = None

    def _receive(self, context: FeedContext, bus: Bus, consumer: Consumer) -> None:
        """Deliver and acknowledge until stopped."""
        self._unsettled, self._settled_s = 0, time.monotonic()
        was_connected, damaged, opened_s = True, 0, time.monotonic()
        answered_s = opened_s
        context.stats.traffic.transport = f"bus {bus.name}"
        while not context.stopping:
            batches = consumer.receive(RECEIVE_S)
            if consumer.is_connected and not was_connected:
                context.stats.reconnects += 1
            was_connected = consumer.is_connected
            answered_s = time.monotonic() if was_connected else answered_s
            if time.monotonic() - answered_s > OPEN_AGAIN_S:
                raise BusError(f"{bus.name} has not answered for {OPEN_AGAIN_S:g} s")
            if batches:
                self._deliver(context, batches)
            if consumer.damaged > damaged:
                # They are acknowledged as well: many of them alone would keep the bus from giving more.
                self._unsettled += consumer.damaged - damaged
                damaged = consumer.damaged
                context.stats.rejected = {**context.stats.rejected, "no batch of trades": damaged}
            if self._unsettled and (
                self._unsettled >= SETTLE_TICKS or time.monotonic() - self._settled_s >= SETTLE_EVERY_S
            ):
                self._settle()
                consumer.ack()
                self._unsettled, self._settled_s = 0, time.monotonic()
                self._pause.reset()
            self._tell(context, bus.name, opened_s, is_connected=was_connected)

    def _deliver(self, context: FeedContext, batches: Sequence[Batch]) -> None:
        """Hand batches over, those of an instrument together. Raises BusError where they are not taken."""
        groups: dict[str, list[TickColumns]] = {}
        for batch in batches:
            if batch.instrument not in self._left:
                groups.setdefault(batch.instrument, []).append(batch.ticks)
        now_ns = self.now_ns()
        self._known = {**self._known, **dict.fromkeys(InstrumentId.parse(name) for name in groups)}
        ticks = TickGroups({name: TickColumns.joined(parts) for name, parts in groups.items()})
        if groups:
            if not context.deliver(ticks) and not context.stopping:
                raise BusError("the last batches were not taken here, they are asked for again")
            newest_ns = max(int(columns.time_ns.max()) for columns in ticks.groups.values())
            context.stats.lag_ns = now_ns - newest_ns
            context.stats.traffic.arrived(now_ns - newest_ns)
        self._unsettled += len(ticks) or 1
        context.stats.last_message_ns = now_ns
        self._heard_s = time.monotonic()
        received_ns = max(int(max(batch.ticks.receive_ns.max(), batch.ticks.time_ns.max())) for batch in batches)
        self._behind_s = max(0.0, (now_ns - received_ns) / SECOND)

    def _tell(self, context: FeedContext, name: str, opened_s: float, *, is_connected: bool) -> None:
        """Say how the feed is."""
        now_s = time.monotonic()
        if not is_connected:
            context.report("connecting", f"bus: {name} does not answer, what comes meanwhile waits there")
        elif now_s - (self._heard_s or opened_s) > self._stall_s:
            context.report("stalled", f"bus: {name} connected, no trade for more than {self._stall_s:g} s")
        elif self._heard_s is None:
            context.report("connecting", f"bus: {name} connected, no trade of {self._source} has come yet")
        else:
            state = "backfilling" if self._behind_s > FAR_BEHIND_S else "live"
            behind = f"{self._behind_s:,.0f} s" if self._behind_s >= 1 else f"{self._behind_s * 1_000:.0f} ms"
            context.report(state, f"bus: {name} connected, {behind} behind")  # type: ignore[arg-type]
