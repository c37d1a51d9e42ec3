"""Books made up around the trades of a tape: seeded, so that the same trades give the same books.

A trade at the bid takes the bids above it and leaves a rest at its price, one at the ask likewise; the other side stays
within a few ticks, quantities of some levels change, far levels come and go. What is made up is the depth; prices are
where the tape traded. A book is made from when somebody first asks for one: before that, it costs nothing.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Literal

from .events import BookChange, Level, Quote, Trade
from .listings import Listing

MS_NS = 1_000_000
FLUSH_NS = 100 * MS_NS
LEVELS, MOST_LEVELS = 30, 45
WIDEST_TICKS = 4
BEST = 10  # levels a side that a checksum is formed over
Side = Literal["bids", "asks"]


@dataclass(frozen=True, slots=True)
class BookNow:
    """A whole book, best levels first; ``id`` is that of its last change, ``count`` that of its last `BookChange`."""

    symbol: str
    id: int
    count: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Steps:
    """Numbers as whole steps of a size, and back to texts with the digits of the size."""

    def __init__(self, size: str) -> None:
        self._size = Decimal(size)
        self._digits = len(size.partition(".")[2])

    def count(self, text: str) -> int:
        """Return the number of steps nearest to a number, at least one."""
        return max(1, round(Decimal(text) / self._size))

    def text(self, steps: int) -> str:
        """Write a number of steps."""
        return f"{steps * self._size:.{self._digits}f}"


@dataclass(slots=True)
class _Book:
    """The book of one symbol, in ticks and steps."""

    symbol: str
    ticks: Steps
    steps: Steps
    chance: random.Random
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    id: int = 0
    count: int = 1  # the book it begins with; Bybit means a new one by 1
    told_id: int = 0
    told_ns: int = 0
    pending: dict[tuple[Side, int], int] = field(default_factory=dict)
    quoted: tuple[Level, Level] | None = None

    def around(self, price: int, *, is_bid: bool) -> None:
        """Move the book to where a trade was: at its best bid or at its best offer."""
        own, other = (self.bids, self.asks) if is_bid else (self.asks, self.bids)
        own_side: Side = "bids" if is_bid else "asks"
        other_side: Side = "asks" if is_bid else "bids"
        away = -1 if is_bid else 1  # towards worse prices of the own side
        for level in [level for level in own if (level - price) * away < 0]:
            self._set(own_side, level, 0)
        for level in [level for level in other if (level - price) * away >= 0]:
            self._set(other_side, level, 0)
        self._set(own_side, price, self._quantity())
        nearest = price - away * self.chance.randint(1, WIDEST_TICKS)
        if all(abs(level - price) > WIDEST_TICKS for level in other) and nearest > 0:
            self._set(other_side, nearest, self._quantity())
        self._fill(own_side, own, away)
        self._fill(other_side, other, -away)
        for levels, side in ((own, own_side), (other, other_side)):
            if levels and self.chance.random() < 0.5:
                self._set(side, self.chance.choice(sorted(levels)), self._quantity())

    def now(self) -> BookNow:
        """Return the whole book."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return BookNow(self.symbol, self.id, self.count, self._levels(bids), self._levels(asks))

    def quote(self, trade: Trade) -> Quote | None:
        """Return the best bid and offer where they changed, and there are both."""
        if not self.bids or not self.asks:
            return None
        bid, ask = max(self.bids), min(self.asks)
        best = (self._level(bid, self.bids[bid]), self._level(ask, self.asks[ask]))
        if best == self.quoted:
            return None
        self.quoted = best
        return Quote(self.symbol, self.id, *best, trade.time_ns, trade.event_ns)

    def change(self, time_ns: int, event_ns: int, every_ns: int = FLUSH_NS) -> BookChange | None:
        """Return what changed since the last time, where that was long enough ago."""
        if not self.pending or event_ns - self.told_ns < every_ns:
            return None
        self.count += 1
        bids, asks = (
            self._levels((price, steps) for (of, price), steps in self.pending.items() if of == side)
            for side in ("bids", "asks")
        )
        numbers = (self.id, self.told_id + 1, self.told_id, self.count)
        best = (self._levels(nlargest(BEST, self.bids.items())), self._levels(nsmallest(BEST, self.asks.items())))
        change = BookChange(self.symbol, *numbers, bids, asks, time_ns, event_ns, *best)
        self.told_id, self.told_ns = self.id, event_ns
        self.pending.clear()
        return change

    def _fill(self, side: Side, levels: dict[int, int], away: int) -> None:
        """Add far levels while there are few, take them while there are many."""
        while len(levels) < LEVELS and levels:
            worst = (max if away > 0 else min)(levels) + away * self.chance.randint(1, 3)
            if worst < 1:
                return
            self._set(side, worst, self._quantity())
        while len(levels) > MOST_LEVELS:
            self._set(side, (max if away > 0 else min)(levels), 0)

    def _set(self, side: Side, price: int, steps: int) -> None:
        levels = self.bids if side == "bids" else self.asks
        if levels.get(price, 0) == steps:
            return
        if steps:
            levels[price] = steps
        else:
            del levels[price]
        self.id += 1
        self.pending[side, price] = steps

    def _quantity(self) -> int:
        return max(1, round(self.chance.lognormvariate(5.0, 1.5)))

    def _level(self, price: int, steps: int) -> Level:
        return self.ticks.text(price), self.steps.text(steps)

    def _levels(self, levels: Iterable[tuple[int, int]]) -> tuple[Level, ...]:
        return tuple(self._level(price, steps) for price, steps in levels)


class Books:
    """The books of a venue, asleep until they are first asked for.

    Parameters
    ----------
    listings : rules of each symbol, for ticks and steps.
    begin : a trade of each symbol that a book can begin at.
    """

    def __init__(self, listings: Mapping[str, Listing], begin: Mapping[str, Trade], seed: int = 1) -> None:
        self._listings = listings
        self._last = dict(begin)
        self._seed = seed
        self._books: dict[str, _Book] = {}

    @property
    def awake(self) -> bool:
        """True once somebody has asked."""
        return bool(self._books)

    def wake(self) -> None:
        """Begin to make books."""
        if self.awake:
            return
        for symbol, trade in self._last.items():
            rules = self._listings[symbol]
            chance = random.Random(f"{self._seed} {symbol} {trade.id}")
            book = _Book(symbol, Steps(rules.tick_size), Steps(rules.step_size), chance)
            book.around(book.ticks.count(trade.price_text), is_bid=trade.buyer_is_maker)
            book.told_id, book.told_ns = book.id, trade.event_ns
            book.pending.clear()
            self._books[symbol] = book

    def now(self, symbol: str) -> BookNow:
        """Return the book of a symbol of the tape as it is now."""
        self.wake()
        return self._books[symbol].now()

    def after(self, trade: Trade) -> Iterator[Quote | BookChange]:
        """Take a trade that was played, and give the quotes and the changes of books it leads to."""
        self._last[trade.symbol] = trade
        if not self.awake:
            return
        book = self._books[trade.symbol]
        book.around(book.ticks.count(trade.price_text), is_bid=trade.buyer_is_maker)
        quote = book.quote(trade)
        if quote is not None:
            yield quote
        for each in self._books.values():
            change = each.change(trade.time_ns, trade.event_ns)
            if change is not None:
                yield change

    def rest(self, now_ns: int) -> Iterator[BookChange]:
        """Give what has changed in books and was not told yet."""
        for each in self._books.values():
            change = each.change(now_ns, max(now_ns, each.told_ns), every_ns=0)
            if change is not None:
                yield change
