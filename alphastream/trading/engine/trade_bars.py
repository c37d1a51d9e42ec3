"""Bars from trades that are pushed while a dispatcher runs: by the clock live, by the events' time in a backtest."""

import logging
from typing import Generic

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Moment, Span, from_ns, span_ns, to_ns
from alphastream.trading.engine.dispatcher import EventDispatcher
from alphastream.trading.engine.events import BarEvent, PairBar, Value
from alphastream.trading.engine.pairs import Pair
from alphastream.trading.engine.sources import FifoQueueEventSource

logger = logging.getLogger(__name__)


class TradesToBars(FifoQueueEventSource, Generic[Value]):
    """A source of ``BarEvent`` that sums up what ``push_trade`` is given.

    A bar holds the trades of ``[begin, begin + duration)``; it is dispatched when that time is over, by a job of the
    dispatcher, so that nobody has to wait for the next trade. A period without a trade has no bar.

    Parameters
    ----------
    dispatcher : whose time counts, and which dispatches the bars.
    pair : what trades.
    duration : length of a bar: timedelta or nanoseconds. Bars begin at its multiples since 1970.
    skip_first_bar : leave out the period of the first trade, of which nobody knows the beginning.
    flush_delay : how long after its end a bar waits for trades that are on their way: timedelta or nanoseconds.
    priority : among events of one moment the higher goes first.

    Attributes
    ----------
    late : trades whose bar had been dispatched, or that came out of order: logged, counted, in no bar.

    Examples
    --------
    >>> import asyncio
    >>> from alphastream.trading import Event, FifoQueueEventSource, Pair, backtesting_dispatcher
    >>> dispatcher = backtesting_dispatcher()
    >>> bars = TradesToBars(dispatcher, Pair("BTC", "USDT"), 10, skip_first_bar=False)
    >>> trades = FifoQueueEventSource(events=[Event(3), Event(7), Event(24)])
    >>> dispatcher.subscribe(trades, lambda event: bars.push_trade(event.when_ns, 100.0 + event.when_ns, 1.0))
    >>> dispatcher.subscribe(bars, lambda event: print(event.when_ns, event.bar.open, event.bar.close))
    >>> asyncio.run(dispatcher.run(stop_signals=[]))
    10 103.0 107.0
    30 124.0 124.0
    """

    def __init__(
        self,
        dispatcher: EventDispatcher,
        pair: Pair,
        duration: Span | int,
        *,
        skip_first_bar: bool = True,
        flush_delay: Span | int = 0,
        priority: int = 0,
    ) -> None:
        super().__init__(priority=priority)
        self._dispatcher = dispatcher
        self._pair = pair
        self._duration_ns, self._delay_ns = span_ns(duration), span_ns(flush_delay)
        if self._duration_ns < 1 or self._delay_ns < 0:
            raise ParameterError(
                f"bars of {duration} that wait {flush_delay}: give a length above 0, a wait of at least 0"
            )
        self._skip = skip_first_bar
        self._open: dict[int, list[tuple[Value, Value]]] = {}
        self._last_ns: int | None = None
        self._flushed_ns: int | None = None
        self.late = 0

    def push_trade(self, when: Moment | int, price: Value, amount: Value) -> None:
        """Take a trade in. Trades come in order of time.

        Parameters
        ----------
        when : tz-aware datetime or UTC nanoseconds.
        price, amount : both Decimal or both float.
        """
        when_ns = to_ns(when)
        begin_ns = when_ns // self._duration_ns * self._duration_ns
        if self._last_ns is not None and when_ns < self._last_ns:
            self._leave_out(when_ns, "it is older than the trade before it")
            return
        if self._flushed_ns is not None and begin_ns < self._flushed_ns:
            self._leave_out(when_ns, "its bar was dispatched")
            return
        self._last_ns = when_ns
        if self._skip:
            self._skip, self._flushed_ns = False, begin_ns + self._duration_ns
            return
        if begin_ns not in self._open:
            self._open[begin_ns] = []
            end_ns = begin_ns + self._duration_ns
            self._dispatcher.schedule(end_ns + self._delay_ns, lambda: self._flush(begin_ns))
        self._open[begin_ns].append((price, amount))

    def _leave_out(self, when_ns: int, why: str) -> None:
        self.late += 1
        logger.warning("trade left out of bars: pair=%s time=%s why=%s", self._pair, from_ns(when_ns).isoformat(), why)

    def _flush(self, begin_ns: int) -> None:
        trades = self._open.pop(begin_ns)
        prices = [price for price, _ in trades]
        volume = sum((amount for _, amount in trades), start=trades[0][1] * 0)
        bar = PairBar(begin_ns, self._pair, prices[0], max(prices), min(prices), prices[-1], volume, self._duration_ns)
        self._flushed_ns = begin_ns + self._duration_ns
        self.push(BarEvent(self._flushed_ns + self._delay_ns, bar))
