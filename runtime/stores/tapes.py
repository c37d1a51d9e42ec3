"""The tapes of several venues, read as one: an instrument's venue says which of them holds it."""

from collections.abc import Mapping
from typing import Protocol

from alphastream.events import Tick
from alphastream.instruments import split
from alphastream.tape.columns import TickColumns
from alphastream.tape.ring import Coverage, Gap, TickBatch


class ReadableTape(Protocol):
    """What pages, the engine and paper runs read of the tapes behind them, be they one or several."""

    def symbols(self) -> list[str]:
        """Full names of all instruments of which anything is held."""

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Ticks with start ≤ time < end, by time."""

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """What became visible after a batch's cursor; None begins with the oldest tick in memory."""

    def last(self, symbol: str) -> Tick | None:
        """The tick with the largest id, None where there is none."""

    def coverage(self, symbol: str) -> Coverage | None:
        """What is held of an instrument, None if nothing is."""

    def gaps(self, symbol: str) -> list[Gap]:
        """Missing ids between the first and the last one known."""


class Tapes:
    """Reads each instrument from the tape of its venue.

    Parameters
    ----------
    tapes : by venue, at least one; an instrument of none of these venues is read from the first, which has nothing
        of it.
    """

    def __init__(self, tapes: Mapping[str, ReadableTape]) -> None:
        self._tapes = dict(tapes)
        self._first = next(iter(self._tapes.values()))

    def add(self, venue: str, tape: ReadableTape) -> None:
        """Read the instruments of one more venue."""
        self._tapes = {**self._tapes, venue: tape}

    def _of(self, symbol: str) -> ReadableTape:
        return self._tapes.get(split(symbol)[0], self._first)

    def symbols(self) -> list[str]:
        """Full names of all instruments of which anything is held, venue by venue."""
        return [symbol for tape in self._tapes.values() for symbol in tape.symbols()]

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Ticks with start ≤ time < end, by time."""
        return self._of(symbol).columns(symbol, start_ns, end_ns)

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """What became visible after a batch's cursor; None begins with the oldest tick in memory."""
        return self._of(symbol).since(symbol, cursor)

    def last(self, symbol: str) -> Tick | None:
        """The tick with the largest id, None where there is none."""
        return self._of(symbol).last(symbol)

    def coverage(self, symbol: str) -> Coverage | None:
        """What is held of an instrument, None if nothing is."""
        return self._of(symbol).coverage(symbol)

    def gaps(self, symbol: str) -> list[Gap]:
        """Missing ids between the first and the last one known."""
        return self._of(symbol).gaps(symbol)
