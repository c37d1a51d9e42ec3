"""One paper run: it reads the tape of its pipeline, plays bars when they have closed, and writes down what came of it.

Pages read its ``PaperView``, which does not change.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np

from alphastream.backtest import BY_HAND, LiveRun
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.events import Tick
from alphastream.tape.protocols import Batch
from alphastream.trading import SpreadOrder, SpreadRequest
from runtime.paper.journal import AccountState, Entry, Filled, Ordered, Paid, Paused, RunFile, RunRecord, Stopped
from runtime.paper.view import PaperView, Status, TradeSource, legs_of, marks_of, view_of

log = logging.getLogger(__name__)


GRACE_NS: Final = 1_000_000_000  # so long after a bar's end a trade of one leg shows that the other was silent
STEP_S: Final = 0.1  # at most one step in this time
HEARTBEAT_NS: Final = 10 * 10**9  # of the tape, between two lines that say how far a quiet run is
PATIENCE_S: Final = 30.0  # how long bars wait for each range of ids that the tape lacks
NEVER_NS: Final = 10**18
WARM_BARS: Final = 2_000
MAX_WARM_NS: Final = 24 * 3_600 * 10**9


class _FellBehind(Exception):
    """Ticks left the ring before they were read."""


@dataclass(slots=True)
class Start:
    """A run that has been warmed up, and where its tape goes on.

    Parameters
    ----------
    cursors, loaded : by symbol: place in the tape, and ids that were read beyond it.
    later : ticks after the beginning.
    from_ids : by symbol: ids below were in the bars that are over.
    """

    live: LiveRun
    cursors: dict[str, int]
    loaded: dict[str, Any]
    later: dict[str, list[Tick]]
    from_ids: dict[str, int]


class PaperRun:
    """One run in the loop.

    Parameters
    ----------
    record : what is known of it; grows with the file.
    fresh : it has just been opened: decisions begin where the record says, and not only now.
    """

    def __init__(
        self,
        name: str,
        file: RunFile,
        record: RunRecord,
        pipeline: Callable[[str], TradeSource | None],
        pool: ThreadPoolExecutor,
        *,
        fresh: bool,
    ) -> None:
        self.id = name
        self.record = record
        self._file = file
        self._pipeline = pipeline
        self._pool = pool
        self._fresh = fresh
        self._live: LiveRun | None = None
        self._cursors: dict[str, int] = {}
        self._loaded: dict[str, Any] = {}
        self._first: dict[str, int] = {}  # places in the tape when waiting for it to go on began
        self._from_ids: dict[str, int] = {}
        self._lacking: dict[Any, float] = {}  # ranges of ids, and since when they are waited for
        self._known: dict[int, tuple[Any, ...]] = {}
        self._settled = 0  # so many orders, from the first on, change no more
        self._written_ns = 0
        self._late_before = 0 if record.state is None else record.state.late
        self._stopping: str | None = None
        self.wake = asyncio.Event()
        self.status: Status = "starting"
        self.why = ""
        self.view = self._look()

    # ---- life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Play until stopped. Ends with a line that says why, unless the service closes down."""
        try:
            while self._stopping is None:
                pipeline = self._pipeline(self.record.begin.trades)
                lacking = None if pipeline is None else self._lacks(pipeline)
                if pipeline is None or lacking:
                    self._fresh, self._first = False, {}
                    self._show("waiting", f"for {self.record.begin.trades} trades of {lacking or self._symbols()}")
                    await self._woken()
                elif not (self._fresh or self._is_ready(pipeline)):
                    self._show("waiting", "for the next trades, and for those that were missed until then")
                    await self._woken()
                else:
                    self._first = {}
                    await self._play(pipeline)
            self._end(self._stopping if self.status != "closing" else self._closed())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the edge of a run: the page shows it, the log has the traceback
            log.exception("paper run failed: id=%s", self.id)
            self._end(str(error) if isinstance(error, AlphaStreamError) else f"{type(error).__name__}: {error}")

    def _is_ready(self, pipeline: TradeSource) -> bool:
        """Whether the tape goes on and is whole: until then series would warm up on what a break has left of it."""
        if not self._first:
            self._first = {symbol: pipeline.store.since(symbol).cursor for symbol in legs_of(self.record.definition)}
            self._from_ids = dict.fromkeys(self._first, 0)
        goes_on = all(pipeline.store.since(symbol, place).cursor > place for symbol, place in self._first.items())
        return goes_on and not self._waits_for_ids(pipeline)

    def _lacks(self, pipeline: TradeSource) -> str:
        """Symbols that a pipeline does not follow."""
        return ", ".join(sorted({*legs_of(self.record.definition)} - {*pipeline.symbols}))

    async def _play(self, pipeline: TradeSource) -> None:
        """Follow one pipeline until it ends, falls behind, or the run is stopped."""
        loop = asyncio.get_running_loop()
        start = await loop.run_in_executor(self._pool, self._warm, pipeline)
        if self._stopping is not None:
            return
        live = self._begin(start)
        dispatching = asyncio.ensure_future(live.dispatcher.run(stop_signals=[]))
        dispatching.add_done_callback(lambda _: self.wake.set())
        try:
            while not (self._done() or dispatching.done()):
                if self._pipeline(self.record.begin.trades) is not pipeline:
                    if self.record.begin.trades == "replay":
                        self._stopping = "the recording is over"
                    break
                self._step(pipeline, live)
                await asyncio.sleep(STEP_S)
                await self._woken()
        except _FellBehind:
            log.warning("paper run fell behind the tape and begins again: id=%s", self.id)
        finally:
            live.dispatcher.stop()
            await asyncio.gather(dispatching, return_exceptions=True)
            self._leave(live)
        if live.dispatcher.last_error is not None:
            raise live.dispatcher.last_error

    def _leave(self, live: LiveRun) -> None:
        """Write down the last of a pipeline. A run that ends cancels what still waits."""
        try:
            if self._stopping is not None or live.dispatcher.last_error is not None:
                for order in live.simulation.broker.orders:
                    if order.is_open:
                        live.simulation.broker.cancel(order)
                        order.reason = f"{order.reason}; open when the run was stopped"
            self._write(force=True)
        finally:
            self._live = None

    def _done(self) -> bool:
        waits = self._live is not None and self._live.simulation.broker.is_waiting
        return self._stopping is not None and not (self.status == "closing" and waits)

    async def _woken(self) -> None:
        await self.wake.wait()
        self.wake.clear()

    def stop(self, *, flatten: bool) -> None:
        """End the run: at once, or when its positions are closed at the next trades."""
        live = self._live
        held = any(self._positions())
        if self.status == "closing" and flatten:
            return
        self._stopping = "stopped by hand"
        if not held:
            self._show(self.status, "")
        elif not flatten or live is None or live.row is None:
            self._stopping += ", positions left as they were" + "; no trades came to close them at" * flatten
            self._show("running", self._stopping)
        else:
            self._flatten(live)
            self._show("closing", "at the next trades; they count when their bar is over")
        self.wake.set()

    def give_up(self, why: str) -> None:
        """End the run at once, whatever it holds."""
        self._stopping, self.status = why, "running"
        self.wake.set()

    def _positions(self) -> Sequence[float]:
        return self.view.positions if self._live is None else self._live.simulation.account.positions

    def _closed(self) -> str:
        """How a run ended whose positions were to be closed."""
        left = any(self._positions())
        return "stopped by hand, positions " + ("could not be closed: no trades came" if left else "closed")

    def _flatten(self, live: LiveRun) -> None:
        """Send an order that ends all positions, as of now and not of the last bar."""
        pipeline = self._pipeline(self.record.begin.trades)
        now_ns = live.until_ns if pipeline is None else max(live.until_ns, pipeline.ingest.now_ns())
        live.simulation.halt()
        wish = SpreadRequest(
            tuple(-units for units in live.simulation.account.positions),
            direction=0,
            reason=BY_HAND,
            timeout_ns=NEVER_NS,
            on_timeout="keep",
        )
        live.simulation.broker.request(wish, now_ns, live.row.marks, live.row.volumes)
        self._write(force=True)

    # ---- tape ------------------------------------------------------------------------------------------------

    def _warm(self, pipeline: TradeSource) -> Start:
        """Warm up on the tape there is. Runs beside the loop: it may read a day of trades and compile kernels."""
        begin, definition = self.record.begin, self.record.definition
        live = LiveRun(definition.strategy, definition.rules, definition.capital)
        live.dispatcher.stop_on_handler_exceptions = True
        cursors = {symbol: pipeline.store.since(symbol).cursor for symbol in live.symbols}  # before what is read now
        now_ns = pipeline.ingest.now_ns() - GRACE_NS
        warm_ns, begin_ns = first_bar_ns(now_ns, live.interval_ns), max(now_ns, self.record.until_ns)  # no bar twice
        if self._fresh:
            warm_ns, begin_ns = begin.warm_ns, begin.begin_ns
        ticks = {symbol: pipeline.store.columns(symbol, warm_ns, now_ns + MAX_WARM_NS) for symbol in live.symbols}
        live.warm_up(ticks, begin_ns)
        from_ids, later = {}, {}
        for symbol, columns in ticks.items():
            later[symbol] = [tick for tick in columns.ticks(symbol) if tick.time_ns >= live.until_ns]
            newest = int(columns.id[-1]) + 1 if len(columns.id) else 0
            from_ids[symbol] = min((tick.id for tick in later[symbol]), default=newest)
        return Start(live, cursors, {symbol: ticks[symbol].id for symbol in live.symbols}, later, from_ids)

    def _begin(self, start: Start) -> LiveRun:
        """Take the books over and go on."""
        live, record = start.live, self.record
        self._cursors, self._loaded, self._from_ids = start.cursors, start.loaded, start.from_ids
        account = live.simulation.account
        account.restore(record.fills, record.funding)
        if record.state is not None:
            account.round_trip = max(account.round_trip, record.state.round_trip)
            if any(account.positions):
                account.direction = record.state.direction
        if not self._fresh:
            self._note_pause(live.until_ns)
        self._fresh = False
        for ticks in start.later.values():
            live.take(ticks)
        self._known, self._settled = {order.id: _signature(order) for order in record.orders.values()}, 0
        live.simulation.broker.resume(_copy(order) for order in record.orders.values())
        live.dispatcher.subscribe_idle(self._write)
        self._late_before = 0 if record.state is None else record.state.late
        self._live = live
        self._write(force=True)
        self._show("running", "")
        return live

    def _note_pause(self, to_ns: int) -> None:
        from_ns = self.record.until_ns
        if to_ns > from_ns:
            why = "paper trading did not run, or its trades did not come"
            self._append([Paused(from_ns, to_ns, why)])

    def _step(self, pipeline: TradeSource, live: LiveRun) -> None:
        """Read what came, close bars."""
        for symbol in live.symbols:
            batch = pipeline.store.since(symbol, self._cursors[symbol])
            if batch.missed:
                raise _FellBehind
            self._cursors[symbol] = batch.cursor
            live.take(self._new(symbol, batch))
        if not self._waits_for_ids(pipeline):
            live.advance(GRACE_NS)

    def _new(self, symbol: str, batch: Batch) -> list[Tick]:
        """Ticks that were not among those read at the beginning."""
        ticks = list(batch)
        loaded = self._loaded.pop(symbol, None) if ticks else None
        if loaded is None:
            return ticks
        known = np.isin([tick.id for tick in ticks], loaded)
        return [tick for tick, was_known in zip(ticks, known.tolist(), strict=True) if not was_known]

    def _waits_for_ids(self, pipeline: TradeSource) -> bool:
        """Whether the tape has holes that may still be filled: bars stay open for a while."""
        now_s = asyncio.get_running_loop().time()
        self._lacking = {
            (symbol, *gap): self._lacking.get((symbol, *gap), now_s)
            for symbol, from_id in self._from_ids.items()
            for gap in pipeline.store.gaps(symbol)
            if gap[1] >= from_id
        }
        return any(now_s - since_s < PATIENCE_S for since_s in self._lacking.values())

    # ---- what came of it -------------------------------------------------------------------------------------

    def _write(self, *, force: bool = False) -> None:
        """Write down what is new and show it; called whenever the dispatcher has nothing left to do."""
        live = self._live
        if live is None:
            return
        account, record = live.simulation.account, self.record
        entries: list[Entry] = [Ordered(order) for order in self._changed(live.simulation.broker.orders)]
        entries += [Filled(fill) for fill in account.fills[len(record.fills) :]]
        entries += [Paid(payment) for payment in account.funding[len(record.funding) :]]
        if entries or force or live.until_ns - self._written_ns >= HEARTBEAT_NS:
            marks = tuple(price if price == price else None for price in marks_of(live))
            entries.append(AccountState(live.until_ns, account.direction, account.round_trip, self._late(), marks))
            self._written_ns = live.until_ns
            self._append(entries)
        self.view = self._look()
        self.wake.set()

    def _late(self) -> int:
        if self._live is not None:
            return self._late_before + self._live.late
        return 0 if self.record.state is None else self.record.state.late

    def _changed(self, orders: Sequence[SpreadOrder]) -> list[SpreadOrder]:
        """Copies of orders that are new or not what they were."""
        found = []
        for order in orders[self._settled :]:
            if self._known.get(order.id) != _signature(order):
                self._known[order.id] = _signature(order)
                found.append(_copy(order))
        while self._settled < len(orders) and orders[self._settled].state not in ("open", "one leg", "unwinding"):
            self._settled += 1
        return found

    def _append(self, entries: Sequence[Entry]) -> None:
        self._file.append(entries)
        for entry in entries:
            self.record.take(entry)

    def _end(self, why: str) -> None:
        try:
            self._append([Stopped(why)])
        except StorageError as error:
            log.error("end of a paper run not written: id=%s reason=%s", self.id, error)
        try:
            self._show("stopped", why)
        except Exception:  # books that cannot be shown any more: the last view stays, and says that it is over
            log.exception("end of a paper run not shown: id=%s", self.id)
            self.view = replace(self.view, status="stopped", why=why)

    def _show(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        self.view = self._look()

    def _look(self) -> PaperView:
        return view_of(self.id, self.record, self.status, self.why, self._live, self._late())

    def _symbols(self) -> str:
        return ", ".join(self.record.definition.strategy.symbols)


def first_bar_ns(now_ns: int, interval_ns: int) -> int:
    """Where warming up begins: some thousand bars back, but no more than a day."""
    reach_ns = min(WARM_BARS * interval_ns, MAX_WARM_NS)
    return (now_ns - reach_ns) // interval_ns * interval_ns


def _signature(order: SpreadOrder) -> tuple[Any, ...]:
    return order.state, order.reason, *((leg.state, leg.filled) for leg in order.legs)


def _copy(order: SpreadOrder) -> SpreadOrder:
    return msgspec.structs.replace(order, legs=tuple(msgspec.structs.replace(leg) for leg in order.legs))
