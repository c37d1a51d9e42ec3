"""A book kept in sequence. No clock and no socket in here."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

import numpy as np

from alphastream.books.view import BookView
from alphastream.core.types import Floats
from alphastream.feeds.codec import Instrument
from alphastream.feeds.market import BookUpdate, Level

State = Literal["waiting", "in sequence", "out of sequence"]

MOST_KEPT: Final = 10_000  # updates that wait for a snapshot; of more, the oldest go and the snapshot must be newer
_CHECKED: Final = 25  # best levels a side that a checksum is formed over: venues take 10 or 25
_WHOLE: Final = float("-inf")


class UpdateRules(Protocol):
    """What a book asks its venue's codec; see MarketCodec."""

    @property
    def completeness(self) -> Literal["sequence", "checksum", "unknown"]:
        """What proves that no update was missed."""

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Say whether an update continues a book."""

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return the venue's checksum over a book."""


class OrderBook:
    """A book from snapshots and the updates that follow them.

    An update costs what its levels cost: each is looked up by its price, and a price that is new or gone is moved in
    a sorted list whose best end is the one where little has to make way.

    A snapshot that comes among the updates tells that the venue keeps the best ``depth`` levels, and sends a level
    again that comes back among them: all beyond is cut off after each update. One that was asked for tells the best
    ``depth`` levels, and updates come for all: levels worse than the worst one of the snapshot are left out, as others
    beside them are not known, and ``is_thin`` says when a new snapshot is wanted.

    Parameters
    ----------
    rules : the venue's codec.
    depth : levels a side; 0 for all there are.
    is_asked_for : snapshots can be asked for, and updates wait for them; else they only come among the updates.
    instrument : trading rules, for checksums over digits.

    Attributes
    ----------
    state : "waiting" for the first snapshot, "in sequence" or "out of sequence".
    reason : why it is not in sequence; empty where it is.
    updates, gaps : applied, and how often it fell out of sequence.
    """

    def __init__(
        self, rules: UpdateRules, depth: int, *, is_asked_for: bool, instrument: Instrument | None = None
    ) -> None:
        self.instrument = instrument
        self._rules, self._depth, self._is_asked_for = rules, depth, is_asked_for
        self._bids, self._asks = _Side(+1), _Side(-1)
        self._waiting: deque[BookUpdate] | None = deque(maxlen=MOST_KEPT) if is_asked_for else None
        self._last, self._is_first = -1, True
        self._is_kept = False  # the venue keeps it at its depth
        self.state: State = "waiting"
        self.reason = "no snapshot has come yet"
        self.time_ns = self.receive_ns = 0
        self.updates = self.gaps = 0

    @property
    def in_sequence(self) -> bool:
        """No update is known to be missing."""
        return self.state == "in sequence"

    @property
    def is_thin(self) -> bool:
        """A side has less than a quarter of the levels of a snapshot left that are known without holes."""
        return any(side.floor > _WHOLE and len(side.keys) * 4 < self._depth for side in (self._bids, self._asks))

    def apply(self, update: BookUpdate) -> bool:
        """Take what came, in the order of its arrival; True where the book has changed and is in sequence."""
        if update.is_snapshot:
            return self._begin(update, is_kept=True)
        if self._waiting is not None:
            self._waiting.append(update)
        return self.in_sequence and self._continue(update)

    def begin(self, snapshot: BookUpdate) -> bool:
        """Take a snapshot that was asked for, and what came meanwhile; True where the book is in sequence then."""
        return self._begin(snapshot, is_kept=False)

    @property
    def has_waiting(self) -> bool:
        """Some updates wait for a snapshot."""
        return bool(self._waiting)

    def refresh(self) -> None:
        """Have updates wait for a snapshot that is about to be asked for; the book goes on meanwhile."""
        if self._is_asked_for and self._waiting is None:
            self._waiting = deque(maxlen=MOST_KEPT)

    def lose(self, reason: str) -> None:
        """Say that updates may be missing: a connection was lost, or a stream is silent. The levels stay as they were.

        Updates that came before it are of no use to the next snapshot.
        """
        self._fall_out(reason)
        self._waiting = deque(maxlen=MOST_KEPT) if self._is_asked_for else None

    def best(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Return the best bids and offers, at most so many a side, best first."""
        return self._bids.best(levels), self._asks.best(levels)

    def best_columns(self, levels: int) -> tuple[list[float], list[float], list[float], list[float]]:
        """Return prices and quantities of the best bids, then of the best offers, at most so many a side."""
        return *self._bids.columns(levels), *self._asks.columns(levels)

    def view(self, levels: int | None = None) -> BookView:
        """Return the book as arrays: all of it, or the best levels."""
        bids, asks = (side.arrays(levels) for side in (self._bids, self._asks))
        return BookView(*bids, *asks, self.time_ns, self.receive_ns, self.in_sequence, self.reason)

    def _begin(self, snapshot: BookUpdate, *, is_kept: bool) -> bool:
        self._is_kept = is_kept
        for side, levels in ((self._bids, snapshot.bids), (self._asks, snapshot.asks)):
            side.fill(levels, 0 if is_kept else self._depth)
        waited = tuple(self._waiting or ())
        self._stop_waiting()
        self._last, self._is_first = snapshot.last, True
        self.state, self.reason = "in sequence", ""
        self._settle(snapshot)
        for update in waited:
            if self.in_sequence:
                self._continue(update)
            elif self._waiting is not None:
                self._waiting.append(update)
        return self.in_sequence

    def _continue(self, update: BookUpdate) -> bool:
        place = self._rules.follows(update, self._last, is_first=self._is_first)
        if place == "old":
            return False
        if place == "gap":
            self._fall_out(f"updates are missing between {self._last} and {max(update.first, update.previous)}")
            if self._waiting is not None and (not self._waiting or self._waiting[-1] is not update):
                self._waiting.append(update)
            return False
        self._bids.change(update.bids)
        self._asks.change(update.asks)
        self._last, self._is_first = update.last, False
        return self._settle(update)

    def _settle(self, update: BookUpdate) -> bool:
        """Cut the book to its depth and look whether it can be right."""
        self.updates += 1
        self.time_ns, self.receive_ns = update.time_ns, update.receive_ns
        if self._depth:
            for side in (self._bids, self._asks):
                if self._is_kept:
                    side.cut(self._depth)
                elif len(side.keys) > 2 * self._depth:
                    side.cut(self._depth)
                    side.floor = side.keys[0]
        found = None
        if update.checksum is not None:
            found = self._rules.checksum(*self.best(_CHECKED), self.instrument)
            if found is not None and found != update.checksum:
                self._fall_out(f"its checksum is {found}, the venue's {update.checksum}")
        if found is None and self._rules.completeness != "sequence" and self._is_crossed():
            bid, ask = self._bids.keys[-1], -self._asks.keys[-1]
            self._fall_out(f"the best bid {bid:g} is not below the best offer {ask:g}: an update was missed")
        return self.in_sequence

    def _stop_waiting(self) -> None:
        self._waiting = None

    def _is_crossed(self) -> bool:
        bids, asks = self._bids.keys, self._asks.keys
        return bool(bids and asks) and bids[-1] >= -asks[-1]

    def _fall_out(self, reason: str) -> None:
        self.gaps += self.in_sequence
        self.state, self.reason = "out of sequence", reason
        if self._is_asked_for and self._waiting is None:
            self._waiting = deque(maxlen=MOST_KEPT)


class _Side:
    """Levels of one side.

    Parameters
    ----------
    sign : +1 for bids, -1 for offers; prices times it are sorted with the best at the end.

    Attributes
    ----------
    keys : prices times the sign, ascending.
    floor : the worst of them that is known with all between; minus infinity where that is the whole side.
    """

    __slots__ = ("_quantities", "_sign", "floor", "keys")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._quantities: dict[float, float] = {}
        self.keys: list[float] = []
        self.floor = _WHOLE

    def fill(self, levels: Iterable[Level], depth: int) -> None:
        """Begin anew; a side with ``depth`` levels goes on beyond them, and 0 says that it does not."""
        self._quantities = {self._sign * price: quantity for price, quantity in levels if quantity > 0}
        self.keys = sorted(self._quantities)
        self.floor = self.keys[0] if depth and len(self.keys) >= depth else _WHOLE

    def change(self, levels: Iterable[Level]) -> None:
        """Set the quantities of levels; 0 takes one away."""
        quantities, keys, sign, floor = self._quantities, self.keys, self._sign, self.floor
        for price, quantity in levels:
            key = sign * price
            if quantity > 0:
                if key not in quantities:
                    if key < floor:
                        continue
                    insort(keys, key)
                quantities[key] = quantity
            elif quantities.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]

    def cut(self, depth: int) -> None:
        """Keep the best levels."""
        beyond = len(self.keys) - depth
        if beyond > 0:
            for key in self.keys[:beyond]:
                del self._quantities[key]
            del self.keys[:beyond]

    def best(self, levels: int) -> list[Level]:
        """Prices with their quantities, best first."""
        return list(zip(*self.columns(levels), strict=True))

    def columns(self, levels: int) -> tuple[list[float], list[float]]:
        """Prices, and quantities, best first."""
        keys = self.keys[: -levels - 1 : -1]
        quantities = list(map(self._quantities.__getitem__, keys))
        return keys if self._sign > 0 else [-key for key in keys], quantities

    def arrays(self, levels: int | None) -> tuple[Floats, Floats]:
        """Prices, and quantities, best first."""
        prices, quantities = self.columns(len(self.keys) if levels is None else levels)
        return np.array(prices, np.float64), np.array(quantities, np.float64)
