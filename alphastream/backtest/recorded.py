"""A history on disk as a market: legs are read when a pair asks for them, and few are held at once."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final, Protocol, TypeAlias

import numpy as np

from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.market import LegBars, LegTrades, Market, bar_tape, leg_bars_of, longer
from alphastream.backtest.pair_history import pair_history
from alphastream.backtest.pair_series import PairStrategy
from alphastream.backtest.vectorised import run_pair
from alphastream.bar_rows import BarRows, align_bars
from alphastream.bars import Bars, PairRows, align
from alphastream.core.units import DAY
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.trading.broker.costs import BrokerRules, FillRule

MEMORY: Final = 200 << 20


class BarTape(Protocol):
    """What is asked of a history; ``alphastream.history.open_tape`` gives one."""

    def instruments(self, kind: str = "ticks") -> list[str]:
        """What is held."""

    def bars(self, instrument: str, every: str | int, start: Any = None, end: Any = None) -> Bars:
        """Bars of a time."""

    def ticks(self, instrument: str, start: Any = None, end: Any = None) -> Any:
        """Trades of a time, with ``time_ns``, ``price`` and ``quantity``."""


_Leg: TypeAlias = tuple[str, int]


class RecordedMarket:
    """A time of a history, for ``backtest``, ``pair_history`` and ``run_pairs``.

    Bars are those of the history's ticks, and on days without any those that were kept as bars. Orders are filled at
    bars under the rules that take bars ("next_open", "next_close", "same_close"). "next_trade" takes the trades, all of
    which are in memory then, and on days of which only bars are held the open of each bar.

    Parameters
    ----------
    tape : a history; symbols are its instruments, ``venue:symbol``.
    start, end : of the time, as ``Tape.bars`` takes them; the end is not included. None for all that is held.
    memory : bytes of bars that are kept for the next pair with the same leg, the oldest unused go first.

    Examples
    --------
    >>> from alphastream.history import open_tape
    >>> market = RecordedMarket(open_tape("var"), "2026-01-01", "2027-01-01")  # doctest: +SKIP
    """

    def __init__(self, tape: BarTape, start: Any = None, end: Any = None, *, memory: int = MEMORY) -> None:
        require_integer("memory", memory, minimum=0)
        self._tape, self._time, self._memory = tape, (start, end), memory
        self._held: OrderedDict[_Leg, Bars] = OrderedDict()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Instruments of which ticks or bars are held."""
        return tuple(sorted({*self._tape.instruments("ticks"), *self._tape.instruments("bars")}))

    @property
    def books(self) -> None:
        """None: books of a history are not read here."""
        return None

    def bars(self, symbol: str, interval_ns: int) -> Bars:
        """Bars of an instrument.

        Raises
        ------
        ParameterError : nothing of it is held in this time, or only bars that make none of this length.
        """
        leg = symbol, interval_ns
        if leg in self._held:
            self._held.move_to_end(leg)
            return self._held[leg]
        bars = self._tape.bars(symbol, interval_ns, *self._time)
        if not len(bars):
            held = self.symbols
            has = f"{', '.join(held[:8])}{' and more' if len(held) > 8 else ''}" if held else "nothing"
            raise ParameterError(f"{symbol} has no trade in this time of the history: it has {has}")
        self._held[leg] = bars
        while len(self._held) > 2 and sum(map(_size, self._held.values())) > self._memory:  # a pair needs two
            self._held.popitem(last=False)
        return bars

    def rows(self, y: str, x: str, interval_ns: int, of_ns: int | None = None) -> PairRows:
        """Closed rows of a pair."""
        of_y, of_x = (longer(self.bars(leg, of_ns or interval_ns), interval_ns, of_ns) for leg in (y, x))
        return align(of_y, of_x, interval_ns)

    def bar_rows(self, symbols: Sequence[str], interval_ns: int, of_ns: int | None = None) -> BarRows:
        """Closed rows of instruments."""
        bars = {symbol: longer(self.bars(symbol, of_ns or interval_ns), interval_ns, of_ns) for symbol in symbols}
        return align_bars(bars, interval_ns)

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        """Trades of an instrument, or first or last ones of its bars."""
        bars = self.bars(symbol, interval_ns)
        if rule != "next_trade":
            return bar_tape(bars, rule, interval_ns)
        ticks = self._tape.ticks(symbol, *self._time)
        days = np.unique(ticks.time_ns // DAY)
        alone = bars.take(np.flatnonzero(~np.isin(bars.first_ns // DAY, days)))
        parts = (alone.first_ns, ticks.time_ns), (alone.open, ticks.price), (alone.volume, ticks.quantity)
        time_ns, price, quantity = map(np.concatenate, parts)
        order = np.argsort(time_ns, kind="stable")
        return LegTrades(time_ns[order], price[order], quantity[order])

    def leg_bars(self, symbol: str, rule: FillRule, interval_ns: int) -> LegBars:
        """Bars of an instrument that orders with a price of their own meet."""
        bars = self.bars(symbol, interval_ns)
        return leg_bars_of(bars, bars.first_ns, interval_ns)


def run_pairs(
    market: Market, strategies: Iterable[PairStrategy], rules: BrokerRules | None = None, *,
    capital: float = 100_000.0,
) -> Iterator[VectorisedRun]:  # fmt: skip
    """Run strategies of one pair each over a history, one after the other, each with an account of its own.

    A run is made when it is asked for, and nothing of it is held here. Who takes what he needs of each run and lets it
    go needs, with a ``RecordedMarket``, the memory of one pair and of the legs that the market keeps, however many
    pairs there are.

    Parameters
    ----------
    strategies : in the order in which they are run; pairs with a leg in common are best beside each other.
    rules : as in ``pair_history``.
    capital : of each account.

    Raises
    ------
    ParameterError : as ``pair_history`` and ``run_pair``; it names the pair.
    """
    for strategy in strategies:
        yield run_pair(pair_history(market, strategy.pair, rules), strategy, capital=capital)


def _size(bars: Bars) -> int:
    return sum(getattr(bars, item.name).nbytes for item in fields(bars))
