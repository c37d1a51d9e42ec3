"""What readers need of a tape, wherever it is held: a store on disk, a test's list, a recording."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from alphastream.tape.ring import Coverage, Gap


class TickArrays(Protocol):
    """Trades of one symbol as arrays, (T,) each."""

    @property
    def time_ns(self) -> Ints: ...
    @property
    def price(self) -> Floats: ...
    @property
    def quantity(self) -> Floats: ...


@runtime_checkable
class SidedArrays(TickArrays, Protocol):
    """Trades of one symbol as arrays, (T,) each, with who was the taker."""

    @property
    def buyer_is_maker(self) -> NDArray[np.bool_]: ...


class Columns(TickArrays, Protocol):
    """Ticks of one symbol as arrays, (T,) each, with the ids they have at the venue."""

    @property
    def id(self) -> Ints: ...


class Batch(Protocol):
    """Ticks that became visible, in the order of arrival.

    ``cursor`` is where to go on; ``missed`` counts ticks that had left memory before they were read.
    """

    @property
    def cursor(self) -> int: ...
    @property
    def missed(self) -> int: ...
    @property
    def columns(self) -> TickColumns: ...
    def __iter__(self) -> Iterator[Tick]: ...
    def __len__(self) -> int: ...


class RecordedTape(Protocol):
    """A tape that can be looked up by time."""

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks with start ≤ time < end, by time."""

    def coverage(self, symbol: str) -> Coverage | None:
        """What is held of a symbol, None if nothing is."""


class GrowingTape(Protocol):
    """A tape that can be followed."""

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks with start ≤ time < end, by time."""

    def since(self, symbol: str, cursor: int | None = None) -> Batch:
        """What became visible after a batch's cursor; None begins with the oldest tick in memory."""

    def last(self, symbol: str) -> Tick | None:
        """The tick with the largest id, None where there is none."""


class Tape(RecordedTape, GrowingTape, Protocol):
    """A tape that can be looked up and followed, keeps whole ticks, and names what it lacks."""

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Ticks with start ≤ time < end, by time."""

    def gaps(self, symbol: str) -> Sequence[Gap]:
        """Missing ids between the first and the last one known."""
