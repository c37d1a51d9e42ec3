"""The live path: ticks as they arrive become the same events that a backtest has, in the same order.

Time is that of the tape. Ticks are held until the bars they lie in have closed; then rows and trades of those bars are
dispatched by their own times. So what a strategy does depends on the tape alone, not on when its parts arrived.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest.book_tapes import QUOTED_NS, BookSource, in_time, levels_at, with_quotes
from alphastream.backtest.market import LegBars, LegTrades, TickMarket
from alphastream.backtest.simulation import (
    CLOSES_FIRST,
    ROWS_THEN,
    BarRangeEvent,
    BookEvent,
    RowFold,
    RowsKey,
    Simulation,
    TradeEvent,
    require_one_interval,
)
from alphastream.bar_rows import BarRows, align_bars
from alphastream.bars import Bars, PairRows, align, concatenate, empty_bars, merge, resample
from alphastream.books import BookColumns
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.strategies import Strategy
from alphastream.trading.broker.costs import BrokerRules, Due
from alphastream.trading.engine.realtime import RealtimeDispatcher
from alphastream.trading.engine.sources import FifoQueueEventSource


@dataclass(slots=True)
class _Leg:
    """Ticks and books of one symbol that wait for their bar to close.

    ``before`` is the newest closed bar of each length that is read; ``shorter`` are closed bars of
    which a longer one will be made that is still forming.
    """

    waiting: list[Tick] = field(default_factory=list)
    books: list[BookColumns] = field(default_factory=list)
    quotes: list[BookColumns] = field(default_factory=list)
    book_ns: int = 0
    newest_ns: int = 0
    before: dict[int, Bars] = field(default_factory=dict)
    shorter: dict[int, list[Bars]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    time_ns: Ints
    price: Floats
    quantity: Floats
    buyer_is_maker: NDArray[np.bool_]


class TapeDispatcher(RealtimeDispatcher):
    """Its clock is the tape's: it stands still until it is moved, so no timer waits for what is due later."""

    def __init__(self) -> None:
        self._tape_ns = 0
        super().__init__(max_concurrent=1, late="drop", clock=lambda: self._tape_ns)

    def move(self, to_ns: int) -> None:
        """Set the clock and dispatch what is due by then; call it in the loop."""
        self._tape_ns = to_ns
        self._sleeper.rouse()

    def _delay_s(self) -> None:
        return None


class LiveRun:
    """One strategy on a tape that grows.

    Parameters
    ----------
    strategy, rules, capital : as in ``backtest``.

    Attributes
    ----------
    dispatcher : run it in a loop; ``advance`` must be called in that loop.
    until_ns : the tape has been played up to here.
    late : ticks since the beginning that came after their bar had closed. Neither rows nor orders saw them.
    """

    def __init__(self, strategy: Strategy, rules: BrokerRules | None = None, capital: float = 100_000.0) -> None:
        self.strategy = strategy
        self.rules = rules or BrokerRules()
        self.interval_ns = require_one_interval(strategy)
        self._in_books = self.rules.fill == "recorded_depth"
        self.until_ns = self._begin_ns = 0
        self.late = 0
        self.row: Any = None  # newest row that was decided on
        self._fold = RowFold([strategy])
        self._legs = {symbol: _Leg() for symbol in self._fold.symbols}
        self._lengths = {key.interval_ns for key in self._fold.keys}
        self.dispatcher = TapeDispatcher()
        self.simulation = Simulation(
            strategy, self.rules, capital, self.dispatcher.schedule, lambda _leg, _from_ns: None
        )
        priority = CLOSES_FIRST if self.rules.fill in ("next_close", "same_close") else 0
        self._rows = FifoQueueEventSource(priority=ROWS_THEN)
        self._trades = [FifoQueueEventSource(priority=priority) for _ in strategy.symbols]
        self.dispatcher.subscribe(self._rows, self.simulation.on_row)
        for source in self._trades:
            met = self.simulation.on_book if self._in_books else self.simulation.on_trade
            self.dispatcher.subscribe(source, met)
        self._bars = [FifoQueueEventSource() for _ in strategy.symbols if self.simulation.broker.singles.in_bars]
        for source in self._bars:
            self.dispatcher.subscribe(source, self.simulation.on_bar)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols whose ticks it wants: those it trades, and those its pairs read."""
        return tuple(self._legs)

    @property
    def booked(self) -> tuple[str, ...]:
        """Symbols whose sampled books it wants: those in which orders are filled, and those whose quotes are read."""
        filled_in = self.strategy.symbols if self._in_books else ()
        return tuple(dict.fromkeys((*filled_in, *sorted(self._fold.quoted))))

    def warm_up(self, ticks: Mapping[str, Any], begin_ns: int, books: BookSource | None = None) -> int:
        """Fold rows before the beginning: series are ready, nothing is decided.

        Parameters
        ----------
        ticks : arrays of each symbol, as ``TickStore.columns`` gives; those after the beginning are taken in too.
        begin_ns : decisions begin with the first row that ends after it; made a multiple of the interval.
        books : sampled books of that time, for series of bid and ask.

        Returns
        -------
        Rows folded.
        """
        self.until_ns = self._begin_ns = begin_ns // self.interval_ns * self.interval_ns
        market = TickMarket(ticks, self.until_ns, books)
        (table,), _ = self._fold.run(self._fold.rows_of(market))
        for symbol, leg in self._legs.items():
            bars = market.bars(symbol, self.interval_ns)
            self._closed(leg, bars.take(slice(None, int(np.searchsorted(bars.start_ns, self.until_ns)))), self.until_ns)
        if len(table):
            self.row = list(table.rows())[-1]
            self.simulation.account.direction = self.strategy.direction_at(self.row)
        self.simulation.broker.funding.begin(self.until_ns)
        self.dispatcher.move(self.until_ns)
        return len(table)

    def take(self, ticks: Iterable[Tick]) -> None:
        """Keep ticks until their bars close."""
        for tick in ticks:
            leg = self._legs.get(tick.symbol)
            if leg is None:
                continue
            if tick.time_ns < self.until_ns:
                self.late += tick.time_ns >= self._begin_ns  # before, it was nobody's
                continue
            leg.waiting.append(tick)
            leg.newest_ns = max(leg.newest_ns, tick.time_ns)

    def take_books(self, symbol: str, books: BookColumns) -> None:
        """Keep samples of a book until bars close; orders meet them where the rules say so.

        What comes of a time that was played already is left out: orders meet the next sample.
        """
        leg = self._legs[symbol]
        if len(books):
            if symbol in self.strategy.symbols and self._in_books:
                leg.books.append(books)
            if symbol in self._fold.quoted:
                leg.quotes.append(books)
            leg.book_ns = max(leg.book_ns, int(books.time_ns.max()))

    def pay(self, symbol: str, due: Due) -> None:
        """Charge funding that has become known: at its time, or, where the tape is beyond it, on what was held then.

        Raises
        ------
        ParameterError : its mark is not known, so what it costs is not either.
        """
        if due.mark is None:
            raise ParameterError(f"funding of {symbol}: the venue has not said its mark, so it cannot be charged")
        self.simulation.broker.funding.announce(self.simulation.account.symbols.index(symbol), due, self.until_ns)

    def advance(self, grace_ns: int | None = None, read_up_to_ns: int | None = None) -> bool:
        """Close what bars can be closed and hand their rows and trades to the dispatcher.

        A bar is over when every symbol has traded after it. The clock on the wall has no say: while a feed is down
        nothing is known of what trades.

        Parameters
        ----------
        grace_ns : so long after a bar's end a trade of one symbol shows that the others were silent; None never.
        read_up_to_ns : time of a trade that was known before any symbol was read. A later one shows nothing: it may
            have come while others were read. None where all were read at one moment.

        Returns
        -------
        Whether anything was handed over.
        """
        newest_ns = [leg.newest_ns for leg in self._legs.values()]
        newest_ns += [self._legs[symbol].book_ns for symbol in self.booked]  # bars that read them wait for them
        reach_ns = min(newest_ns)
        if grace_ns is not None:
            known_ns = max(newest_ns) if read_up_to_ns is None else min(max(newest_ns), read_up_to_ns)
            reach_ns = max(reach_ns, known_ns - grace_ns)
        until_ns = reach_ns // self.interval_ns * self.interval_ns
        if until_ns <= self.until_ns:
            return False
        due = {symbol: self._due(leg, until_ns) for symbol, leg in self._legs.items()}
        market = TickMarket(due)
        bars = {
            symbol: self._closed(leg, market.bars(symbol, self.interval_ns), until_ns)
            for symbol, leg in self._legs.items()
        }
        tables, _ = self._fold.run({key: self._newly_closed(bars, key, until_ns) for key in self._fold.keys})
        table = tables[0]
        from_ns, self.until_ns = self.until_ns, until_ns
        for place, symbol in enumerate(self.strategy.symbols):
            if self._in_books:
                self._push_books(place, self._legs[symbol], from_ns, until_ns)
            else:
                self._push(place, market.tape(symbol, self.rules.fill, self.interval_ns))
            if self._bars:
                self._push_bars(place, market.leg_bars(symbol, self.rules.fill, self.interval_ns))
        for row in table.rows():
            self._rows.push(row)
            self.row = row
        self.dispatcher.move(until_ns)
        return bool(len(table)) or any(len(arrays.time_ns) for arrays in due.values())

    def _due(self, leg: _Leg, until_ns: int) -> _Arrays:
        """Take the ticks of closed bars out of those that wait, by time."""
        due = sorted((tick for tick in leg.waiting if tick.time_ns < until_ns), key=lambda tick: tick.time_ns)
        leg.waiting = [tick for tick in leg.waiting if tick.time_ns >= until_ns]
        return _Arrays(
            np.array([tick.time_ns for tick in due], dtype=np.int64),
            np.array([tick.price for tick in due]),
            np.array([tick.quantity for tick in due]),
            np.array([tick.buyer_is_maker for tick in due], dtype=np.bool_),
        )

    def _closed(self, leg: _Leg, new: Bars, until_ns: int) -> dict[int, Bars]:
        """Bars of each length that have closed by a moment, the newest of before in front of them."""
        found = {}
        for length in self._lengths:
            closed = new if length == self.interval_ns else _joined(leg, length, new, until_ns)
            found[length] = known = merge(leg.before.get(length, empty_bars()), closed)
            leg.before[length] = known.take(slice(-1, None))
        return found

    def _newly_closed(self, bars: Mapping[str, Mapping[int, Bars]], key: RowsKey, until_ns: int) -> PairRows | BarRows:
        length = key.interval_ns
        of = {symbol: bars[symbol][length] for symbol in key.symbols}
        if key.whole_bars:
            rows = align_bars(of, length, after_ns=self.until_ns, until_ns=until_ns)
            return with_quotes(rows, self, length) if self._fold.reads_quotes(key) else rows
        y, x = of.values()
        return align(y, x, length, after_ns=self.until_ns, until_ns=until_ns)

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Sampled books of a time that have been taken in; what is older is forgotten."""
        leg = self._legs[name]
        if not leg.quotes:
            return BookColumns.empty(1)
        books = BookColumns.joined(leg.quotes)
        leg.quotes = [books.rows(books.time_ns >= until_ns - max(QUOTED_NS, *self._lengths))]
        return books.between(from_ns, until_ns)

    def _push_books(self, place: int, leg: _Leg, from_ns: int, until_ns: int) -> None:
        if not leg.books:
            return
        books = BookColumns.joined(leg.books)
        leg.books = [books.rows(books.time_ns >= until_ns)]
        due = in_time(books.between(from_ns, until_ns))
        for row, when_ns in enumerate(due.time_ns.tolist()):
            self._trades[place].push(BookEvent(when_ns, place, *levels_at(due, row)))

    def _push(self, leg: int, tape: LegTrades) -> None:
        source = self._trades[leg]
        for when_ns, price, quantity in zip(
            tape.time_ns.tolist(), tape.price.tolist(), tape.quantity.tolist(), strict=True
        ):
            source.push(TradeEvent(when_ns, leg, price, quantity))

    def _push_bars(self, leg: int, bars: LegBars) -> None:
        columns = bars.time_ns, bars.begin_ns, bars.open, bars.high, bars.low, bars.volume
        for when_ns, *what in zip(*(column.tolist() for column in columns), strict=True):
            self._bars[leg].push(BarRangeEvent(when_ns, leg, *what))


def _joined(leg: _Leg, length: int, new: Bars, until_ns: int) -> Bars:
    """Longer bars that have closed by a moment; what belongs to the one that is forming waits."""
    waiting = leg.shorter.setdefault(length, [])
    if len(new):
        waiting.append(new)
    end_ns = until_ns // length * length
    if not waiting or int(waiting[0].start_ns[0]) >= end_ns:
        return empty_bars()
    known = concatenate(waiting)
    cut = int(np.searchsorted(known.start_ns, end_ns))
    leg.shorter[length] = [known.take(slice(cut, None))] if cut < len(known) else []
    return resample(known.take(slice(None, cut)), length)
