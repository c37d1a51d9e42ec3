"""One paper run from its beginning to its end: it follows a pipeline, plays bars when they have closed, and stops.

How it reads the tape stands in ``tape_reader``, what it writes down in ``journal_writer``.

Pages read its ``PaperView``, which does not change.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np

from alphastream.backtest import BY_HAND, LiveRun, warm_up_ns
from alphastream.backtest.own_code import code_now, other_code
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.strategies import Strategy
from alphastream.trading import Ended, SpreadRequest
from runtime.backoff import Backoff
from runtime.paper.journal import RunFile
from runtime.paper.journal_writer import JournalWriter
from runtime.paper.market_tape import MarketTape
from runtime.paper.record import RunRecord, definition_of
from runtime.paper.tape_reader import FellBehind, Start, TapeReader, warm_up
from runtime.paper.view import PaperView, Status, TradeSource, elsewhere, legs_of, view_of

log = logging.getLogger(__name__)

GRACE_NS: Final = 1_000_000_000  # so long after a bar's end a trade of one leg shows that the other was silent
STEP_S: Final = 0.1  # at most one step in this time
RETRY_S: Final = (0.5, 30.0)  # first and longest pause before what could not be written is tried again
NEVER_NS: Final = 10**18
WARM_BARS: Final = 2_000
MAX_WARM_NS: Final = 24 * 3_600 * 10**9


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
        self._pipeline = pipeline
        self._pool = pool
        self._fresh = fresh
        self._tape = TapeReader()
        self._market = MarketTape(record)
        self._journal = JournalWriter(file, record, self._save_later)
        self._live: LiveRun | None = None
        self._stopping: str | None = None
        self._ended = False
        self._retry: asyncio.TimerHandle | None = None
        self._backoff = Backoff(*RETRY_S, jitter=0.0)
        self.wake = asyncio.Event()
        self.status: Status = "starting"
        self.why = ""
        self.view = self._build_view()

    async def run(self) -> None:
        """Play until stopped. Ends with a line that says why, unless the service closes down, when that is on disk."""
        try:
            await self._play_until_stopped()
            while self._journal.failure is not None:
                await self._woken()
        finally:
            if self._journal.failure is not None and not self._journal.save():
                log.error("paper run is left with %d lines unwritten: id=%s", self._journal.waiting, self.id)
            self._cancel_retry()

    async def _play_until_stopped(self) -> None:
        try:
            while self._stopping is None:
                pipeline = self._pipeline(self.record.begin.trades)
                why = self._waits_for(pipeline)
                if pipeline is None or why:
                    self._fresh = False
                    self._tape.forget_place()
                    self._show("waiting", why)
                    await self._woken()
                elif not (self._fresh or self._tape.is_ready(pipeline, legs_of(self.record.definition))):
                    self._show("waiting", "for the next trades, and for those that were missed until then")
                    await self._woken()
                else:
                    self._tape.forget_place()
                    await self._play(pipeline)
            self._end(self._stopping if self.status != "closing" else self._closed())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the edge of a run: the page shows it, the log has the traceback
            log.exception("paper run failed: id=%s", self.id)
            self._end(str(error) if isinstance(error, AlphaStreamError) else f"{type(error).__name__}: {error}")

    def _waits_for(self, pipeline: TradeSource | None) -> str:
        """Why a run cannot go on in a pipeline, or without one; "" where it can."""
        if lacks := self.record.lacks_code():
            return lacks
        if pipeline is not None and (there := elsewhere(self.record, pipeline)):
            return there
        legs = self.record.definition.strategy.symbols
        if pipeline is not None:
            legs = tuple(sorted({*legs_of(self.record.definition)} - {*pipeline.symbols}))
        return f"for {self.record.begin.trades} trades of {', '.join(legs)}" if legs else ""

    async def _play(self, pipeline: TradeSource) -> None:
        """Follow one pipeline until it ends, falls behind, or the run is stopped."""
        loop = asyncio.get_running_loop()
        start = await loop.run_in_executor(self._pool, self._warm, pipeline)
        if self._stopping is not None:
            return
        self._journal.note_origin(pipeline)
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
        except FellBehind:
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

    def adopt_code(self) -> None:
        """Go on with the classes of others as their files have them now.

        Raises
        ------
        AlphaStreamError : one is missing, it runs, or would trade something else than what it holds.
        """
        if self._live is not None:
            raise ParameterError("it still runs on the code that it began with: stop it first, then resume it")
        code = tuple(each for each in code_now(self.record.code) if each is not None)
        if len(code) < len(self.record.code):
            raise ParameterError(f"it waits {other_code(self.record.code)}")
        symbols = definition_of(self.record.begin, code, self.record.venue).strategy.symbols
        if symbols != self.record.definition.strategy.symbols:
            held, now = (", ".join(each) for each in (self.record.definition.strategy.symbols, symbols))
            raise ParameterError(f"the file now trades {now} and the run holds {held}: restore the file, or stop it")
        self._journal.note_code(code)
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
        return f"{self._stopping}, positions " + ("could not be closed: no trades came" if left else "closed")

    def _flatten(self, live: LiveRun) -> None:
        """Send an order that ends all positions, as of now and not of the last bar."""
        pipeline = self._pipeline(self.record.begin.trades)
        now_ns = live.until_ns if pipeline is None else max(live.until_ns, pipeline.now_ns())
        live.simulation.halt()
        live.simulation.broker.singles.cancel_all(BY_HAND)
        closing = SpreadRequest(
            tuple(-units for units in live.simulation.account.positions),
            direction=0,
            reason=BY_HAND,
            timeout_ns=NEVER_NS,
            on_timeout="keep",
        )
        live.simulation.broker.request(closing, now_ns, live.row.marks, live.row.volumes)
        self._write(force=True)

    def _warm(self, pipeline: TradeSource) -> Start:
        """Warm up on the tape there is. Runs beside the loop: it may read a day of trades and compile kernels."""
        begin, definition = self.record.begin, self.record.definition
        live = LiveRun(definition.strategy, definition.rules, definition.capital)
        live.dispatcher.stop_on_handler_exceptions = True
        now_ns = pipeline.now_ns() - GRACE_NS
        warm_ns, begin_ns = first_bar_ns(now_ns, definition.strategy), max(now_ns, self.record.until_ns)  # no bar twice
        if self._fresh:
            warm_ns, begin_ns = begin.warm_ns, begin.begin_ns
        return warm_up(live, pipeline, warm_ns, now_ns + MAX_WARM_NS, begin_ns)

    def _begin(self, start: Start) -> LiveRun:
        """Take the books over and go on."""
        live = start.live
        self._tape.begin(start)
        self._market.begin(live.until_ns)
        self._journal.restore_account(live)
        if not self._fresh:
            self._journal.note_pause(live.until_ns)
        self._fresh = False
        for ticks in start.later.values():
            live.take(ticks)
        self._journal.restore_orders(live)
        live.dispatcher.subscribe_idle(self._write)
        self._live = live
        self._write(force=True)
        self._show("running", "")
        return live

    def _step(self, pipeline: TradeSource, live: LiveRun) -> None:
        """Read what came, close bars."""
        newest_ns = self._tape.newest_ns(pipeline)
        for symbol in live.symbols:
            live.take(self._tape.read(pipeline, symbol))
        self._market.read(pipeline, live, newest_ns)
        if not self._tape.waits_for_ids(pipeline):
            live.advance(GRACE_NS, newest_ns)

    def _write(self, *, force: bool = False) -> None:
        """Write down what is new and show it; called whenever the dispatcher has nothing left to do."""
        if self._live is None:
            return
        self._journal.write(self._live, force=force)
        if self._stopping is None and self._live.simulation.ended is not None:
            self._end_account(self._live.simulation.ended)
        self.view = self._build_view()
        self.wake.set()

    def _end_account(self, ended: Ended) -> None:
        """End the run, when what is held is closed."""
        self._stopping, self._ended = (
            f"{ended.reason}; at {np.datetime64(ended.time_ns, 'ns').astype('M8[s]')} UTC",
            True,
        )
        log.warning("paper account came to its end: id=%s %s", self.id, ended.reason)
        if self._live is not None and self._live.simulation.broker.is_waiting:
            self._show("closing", self._stopping)

    def _end(self, why: str) -> None:
        self._journal.end(why, ended=self._ended and not any(self._positions()))
        try:
            self._show("stopped", why)
        except Exception:  # books that cannot be shown any more: the last view stays, and says that it is over
            log.exception("end of a paper run not shown: id=%s", self.id)
            self.view = replace(self.view, status="stopped", why=why)

    def _show(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        self.view = self._build_view()

    def _build_view(self) -> PaperView:
        journal = self._journal
        view = view_of(self.id, self.record, self.status, self.why, self._live, journal.late(self._live))
        return replace(view, unsaved=journal.failure or "", unpaid=self._market.unpaid)

    def _save_later(self) -> None:
        """Try again, after a pause, to write what could not be written."""
        self._cancel_retry()
        self._retry = asyncio.get_running_loop().call_later(self._backoff.next_s(), self._save_again)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()

    def _save_again(self) -> None:
        if self._journal.save():
            self._backoff.reset()
        self.view = self._build_view()
        self.wake.set()


def first_bar_ns(now_ns: int, strategy: Strategy) -> int:
    """Where warming up begins: some thousand bars back, or as many as its series need, but no more than a day."""
    interval_ns: int = strategy.pairs[0].interval_ns
    reach_ns = min(max(WARM_BARS * interval_ns, warm_up_ns(strategy)), MAX_WARM_NS)
    return (now_ns - reach_ns) // interval_ns * interval_ns
