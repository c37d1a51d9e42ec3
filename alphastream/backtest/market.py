"""What a run needs of a market: closed rows of pairs and instruments, and the trades that orders can meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from alphastream.backtest.book_tapes import BookSource
from alphastream.bar_rows import BarRows, align_bars
from alphastream.bars import Bars, PairRows, align, resample
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.graph import interval_name
from alphastream.streaming.tape_bars import bars_of
from alphastream.tape.protocols import TickArrays
from alphastream.trading.broker.costs import FillRule

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class LegTrades:
    """Moments at which orders of one symbol can be filled, oldest first; every field has shape (K,).

    Parameters
    ----------
    price, quantity : of the trade; of a bar, its open or close and all its volume.
    """

    time_ns: Ints
    price: Floats
    quantity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LegBars:
    """Bars of one symbol that orders with a price of their own meet, oldest first; every field has shape (K,).

    Parameters
    ----------
    time_ns : last moment of each, 1 ns before its end.
    begin_ns : when the open was.
    """

    time_ns: Ints
    begin_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    volume: Floats


class Market(Protocol):
    """Recorded trades, or bars."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """What was recorded."""

    def rows(self, y: str, x: str, interval_ns: int, of_ns: int | None = None) -> PairRows:
        """Closed rows of a pair, made of bars of ``of_ns`` where that is given."""

    def bar_rows(self, symbols: Sequence[str], interval_ns: int, of_ns: int | None = None) -> BarRows:
        """Closed rows of instruments."""

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        """Where orders of a symbol can be filled under a rule that takes trades."""

    def leg_bars(self, symbol: str, rule: FillRule, interval_ns: int) -> LegBars:
        """What orders with a price of their own meet, under a rule that takes opens or closes."""

    @property
    def books(self) -> BookSource | None:
        """Sampled books; None where none were recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class TickMarket:
    """Trades, from a tape or a file.

    Parameters
    ----------
    ticks : by symbol.
    until_ns : bars that end later are left out; None takes all, the last of which may not be over yet.
    books : sampled books, for orders that are filled in them; None where none were recorded.
    """

    ticks: Mapping[str, TickArrays]
    until_ns: int | None = None
    books: BookSource | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """What was recorded."""
        return tuple(self.ticks)

    def bars(self, symbol: str, interval_ns: int) -> Bars:
        """Bars of a symbol."""
        return bars_of(_known(self.ticks, symbol), interval_ns)

    def rows(self, y: str, x: str, interval_ns: int, of_ns: int | None = None) -> PairRows:
        """Closed rows of a pair."""
        of_y, of_x = (longer(self.bars(leg, of_ns or interval_ns), interval_ns, of_ns) for leg in (y, x))
        return align(of_y, of_x, interval_ns, until_ns=self.until_ns)

    def bar_rows(self, symbols: Sequence[str], interval_ns: int, of_ns: int | None = None) -> BarRows:
        """Closed rows of instruments."""
        bars = {symbol: longer(self.bars(symbol, of_ns or interval_ns), interval_ns, of_ns) for symbol in symbols}
        return align_bars(bars, interval_ns, until_ns=self.until_ns)

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        """Trades themselves, or first or last ones of bars."""
        if rule in ("next_open", "next_close", "same_close"):
            return bar_tape(self.bars(symbol, interval_ns), rule, interval_ns)
        ticks = _known(self.ticks, symbol)
        order = np.argsort(ticks.time_ns, kind="stable")
        return LegTrades(ticks.time_ns[order], ticks.price[order], ticks.quantity[order])

    def leg_bars(self, symbol: str, rule: FillRule, interval_ns: int) -> LegBars:
        """Bars of the strategy."""
        bars = self.bars(symbol, interval_ns)
        return leg_bars_of(bars, bars.first_ns, interval_ns)


@dataclass(frozen=True, slots=True, eq=False)
class BarMarket:
    """Bars, of a file. What happened inside a bar is not known: its first known price is the open, at its start.

    Parameters
    ----------
    bars : by symbol.
    interval_ns : their length.
    """

    bars: Mapping[str, Bars]
    interval_ns: int

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is in the file."""
        return tuple(self.bars)

    def _of(self, symbol: str, interval_ns: int) -> Bars:
        bars = _known(self.bars, symbol)
        if interval_ns < self.interval_ns:
            raise ParameterError(
                f"bars of {interval_name(interval_ns)} cannot be made of bars of {interval_name(self.interval_ns)}: "
                "give the pair an interval at least as long"
            )
        return bars if interval_ns == self.interval_ns else resample(bars, interval_ns)

    def rows(self, y: str, x: str, interval_ns: int, of_ns: int | None = None) -> PairRows:
        """Closed rows of a pair."""
        of_y, of_x = (longer(self._of(leg, of_ns or interval_ns), interval_ns, of_ns) for leg in (y, x))
        return align(of_y, of_x, interval_ns)

    def bar_rows(self, symbols: Sequence[str], interval_ns: int, of_ns: int | None = None) -> BarRows:
        """Closed rows of instruments."""
        bars = {symbol: longer(self._of(symbol, of_ns or interval_ns), interval_ns, of_ns) for symbol in symbols}
        return align_bars(bars, interval_ns)

    @property
    def books(self) -> None:
        """Bars have none."""
        return None

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        """Opens or closes."""
        # The finest bars have the earliest next price; their opens are where a new bar of any length opens too.
        finest = rule == "next_trade"
        bars = _known(self.bars, symbol) if finest else self._of(symbol, interval_ns)
        return bar_tape(bars, rule, interval_ns, at_start=True)

    def leg_bars(self, symbol: str, rule: FillRule, interval_ns: int) -> LegBars:
        """Bars of the file, or of the strategy where it trades at their opens or closes."""
        if rule == "next_trade":
            bars, interval_ns = _known(self.bars, symbol), self.interval_ns
        else:
            bars = self._of(symbol, interval_ns)
        return leg_bars_of(bars, bars.start_ns, interval_ns)


def longer(bars: Bars, interval_ns: int, of_ns: int | None) -> Bars:
    """Bars of this length from bars of another; a live run sums up in the same order, so that bits are the same."""
    return bars if of_ns in (None, interval_ns) else resample(bars, interval_ns)


def bar_tape(bars: Bars, rule: FillRule, interval_ns: int, *, at_start: bool = False) -> LegTrades:
    """Where orders can be filled at bars: at their closes, or at their opens, when they were traded or at the start."""
    if rule in ("next_close", "same_close"):
        return LegTrades(bars.start_ns + interval_ns, bars.close, bars.volume)
    return LegTrades(bars.start_ns if at_start else bars.first_ns, bars.open, bars.volume)


def leg_bars_of(bars: Bars, begin_ns: Ints, interval_ns: int) -> LegBars:
    """Bars as orders with a price of their own meet them."""
    return LegBars(bars.start_ns + (interval_ns - 1), begin_ns, bars.open, bars.high, bars.low, bars.volume)


def _known(columns: Mapping[str, Value], symbol: str) -> Value:
    try:
        return columns[symbol]
    except KeyError:
        raise ParameterError(f"{symbol} is not in the data: it has {', '.join(columns) or 'nothing'}") from None
