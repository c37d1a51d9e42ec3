"""Frames of trades to ticks and columns: what is the same at every venue."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.feeds.names import Names
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns, empty


class WireTrade(Protocol):
    """A trade as a message holds it, with the venue's symbol."""

    @property
    def symbol(self) -> str:
        """What the venue calls the instrument."""


_Trade = TypeVar("_Trade", bound=WireTrade)
_Message = TypeVar("_Message")


def read_together(decoder: msgspec.json.Decoder[_Message], frames: Sequence[bytes]) -> list[_Message] | None:
    """Return the message of each frame, all read at once; None where one of them is no such message.

    A line that ends with a brace and one that begins with a brace are never of one object, so where there are as many
    objects as frames, each frame is one.

    Examples
    --------
    >>> decoder = msgspec.json.Decoder(dict[str, int])
    >>> read_together(decoder, [b'{"a":1}', b'{"b":2}'])
    [{'a': 1}, {'b': 2}]
    >>> read_together(decoder, [b'{"a":1}{"b":2}', b'{"c":3']) is None
    True
    """
    if not all(frame[:1] == b"{" and frame[-1:] == b"}" for frame in frames):
        return None
    try:
        found = decoder.decode_lines(b"\n".join(frames))
    except PROBLEMS:
        return None
    return found if len(found) == len(frames) else None


class TradeNumbers(NamedTuple):
    """Numbers of trades, one row each; quantities in units of base, times in UTC ns."""

    id: Ints
    price: Floats
    quantity: Floats
    time_ns: Ints
    buyer_is_maker: npt.NDArray[np.bool_]


class TradeFrames(ABC, Generic[_Trade]):
    """Reads the frames of one connection and counts what is no trade.

    A venue says how a frame is taken apart and where the numbers of its trades stand. One trade whose numbers cannot be
    takes no other along.

    Parameters
    ----------
    venue : for the names of instruments and for the log.

    Attributes
    ----------
    rejected : messages that were no trades and should not have come, by kind.
    endings : messages that said that a connection should be replaced; see ``Codec``.
    """

    def __init__(self, venue: str) -> None:
        self.rejected = Rejects(venue)
        self.endings = 0
        self._names = Names(venue)

    @abstractmethod
    def trades(self, frame: bytes) -> Sequence[_Trade]:
        """Return the trades of a frame as they stand there. All else is counted; nothing raises."""

    def burst(self, frames: Sequence[bytes]) -> Iterable[Sequence[_Trade]]:
        """Return the trades of each frame, as ``trades`` does; a venue may have a quicker way for many."""
        return map(self.trades, frames)

    @abstractmethod
    def numbers(self, trades: Sequence[_Trade]) -> TradeNumbers:
        """Return the numbers of trades of one instrument; ValueError or OverflowError where one has none."""

    def parse(self, frame: bytes, receive_ns: int) -> list[Tick]:
        """Return the trades in a frame; see ``Codec.parse``."""
        ticks: list[Tick] = []
        for trade in self.trades(frame):
            name = self._name_of(trade)
            if name is not None:
                ticks += self.columns([trade], [receive_ns], name).ticks(name)
        return ticks

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades in many frames; see ``Codec.parse_columns``."""
        arrived: defaultdict[str, tuple[list[_Trade], list[int]]] = defaultdict(lambda: ([], []))
        for found, at_ns in zip(self.burst(frames), receive_ns, strict=True):
            for trade in found:
                trades, times = arrived[trade.symbol]
                trades.append(trade)
                times.append(at_ns)
        columns: dict[str, TickColumns] = {}
        for trades, times in arrived.values():
            name = self._name_of(trades[0], count=len(trades))
            if name is not None and len(part := self.columns(trades, times, name)):
                columns[name] = part
        return columns

    def past(self, trades: Sequence[_Trade], instrument: InstrumentId) -> list[Tick]:
        """Return the trades of a REST answer, oldest first; ``receive_ns`` is 0: nobody saw them arrive."""
        ticks = self.columns(trades, [0] * len(trades), instrument).ticks(instrument)
        return sorted(ticks, key=lambda tick: tick.id)

    def columns(self, trades: Sequence[_Trade], receive_ns: Sequence[int], name: InstrumentId) -> TickColumns:
        """Return trades of one instrument as columns, without those whose numbers cannot be, which are counted."""
        try:
            numbers = self.numbers(trades)
        except (ValueError, OverflowError):
            if len(trades) == 1:
                self.rejected.add("absurd", repr(trades[0]))
                return empty()
            alone = [self.columns([trade], [at_ns], name) for trade, at_ns in zip(trades, receive_ns, strict=True)]
            return TickColumns.joined(alone)
        raw = TickColumns(*numbers[:4], np.array(receive_ns, dtype=np.int64), numbers.buyer_is_maker)
        sane = raw.sound() & (raw.time_ns > 0)
        if sane.all():
            return raw
        for place in np.flatnonzero(~sane).tolist():
            self.rejected.add("absurd", repr(trades[place]))
        return raw.rows(sane)

    def _name_of(self, trade: _Trade, count: int = 1) -> InstrumentId | None:
        """Return whose trade it is; None for a symbol that cannot be, which is counted."""
        try:
            return self._names[trade.symbol]
        except ParameterError:
            for _ in range(count):
                self.rejected.add("absurd", repr(trade))
            return None
