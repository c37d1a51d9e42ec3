"""Frames of bookTicker, depth and markPrice streams to quotes, changes of books and mark prices.

Source: https://developers.binance.com/docs, pages "Individual Symbol Book Ticker Streams", "Diff. Book Depth Streams"
and "Mark Price Stream".
"""

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from alphastream.core.units import MAX_TIME_MS, MS
from alphastream.errors import ParameterError
from alphastream.feeds.binance.trades import MAX_ID
from alphastream.feeds.market import BookUpdate, MarketEvent, MarkPrice, Quote
from alphastream.feeds.names import Names
from alphastream.feeds.rejects import PROBLEMS, Rejects

log = logging.getLogger(__name__)

LARGEST: Final = 1e300  # far above any price, and finite
Price = Annotated[float, Meta(gt=0, le=LARGEST)]
Quantity = Annotated[float, Meta(ge=0, le=LARGEST)]
Time = Annotated[int, Meta(ge=0, le=MAX_TIME_MS - 1)]
Number = Annotated[int, Meta(ge=-1, le=MAX_ID - 1)]

_P = TypeVar("_P")
_Q = TypeVar("_Q")
_T = TypeVar("_T")
_N = TypeVar("_N")


class _Data(msgspec.Struct, Generic[_P, _Q, _T, _N], gc=False):
    """A message of any of the streams: the keys we use; the venue may send more, in any order.

    One struct for all costs a tenth more than one for each, and needs no look at the frame beforehand: spot's
    bookTicker says neither what it is nor when it was.
    """

    s: str = ""
    e: str = ""
    E: _T | None = None
    T: _T | None = None
    u: _N | None = None
    U: _N | None = None
    pu: _N | None = None
    b: _P | tuple[tuple[_P, _Q], ...] | None = None
    a: _P | tuple[tuple[_P, _Q], ...] | None = None
    B: _Q | None = None
    A: _Q | None = None
    p: _P | None = None
    i: _P | None = None
    r: str = ""


class _Wrapped(msgspec.Struct, Generic[_P, _Q, _T, _N], gc=False):
    data: _Data[_P, _Q, _T, _N]


Sound = _Data[Price, Quantity, Time, Number]
# Numbers arrive as text ("61800.30"), which strict=False turns into floats; the bounds are checked on the way.
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped[Price, Quantity, Time, Number], strict=False)
_ANYTHING: Final = msgspec.json.Decoder()
_KINDS: Final = ("bookTicker", "depthUpdate", "markPriceUpdate")


def number(text: str) -> float:
    """Return a number that may be left out, NaN where it is. Raises ValueError for one that cannot be."""
    value = float(text) if text else 0.0
    if not abs(value) <= LARGEST:
        raise ValueError(f"{text!r} is no finite number")
    return value if text else float("nan")


class MarketFrames:
    """Reads the frames of the connections of one client, and counts what is none of these messages.

    Parameters
    ----------
    name : of the venue, for the names of instruments and for the log.

    Attributes
    ----------
    rejected : messages that should not have come, by kind.
    endings : messages in which the venue announced the end of a connection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._names = Names(name)
        self.rejected = Rejects(name)
        self.endings = 0

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return what many frames hold; see ``MarketCodec.parse``."""
        decode = _WRAPPED.decode
        events: list[MarketEvent] = []
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                event = self._event(decode(frame).data, at_ns)
            except (*PROBLEMS, ParameterError):
                event = None
            if event is None:
                event = self._read_slowly(frame, at_ns)
            if event is not None:
                events.append(event)
        return events

    def _event(self, data: Sound, at_ns: int) -> MarketEvent | None:
        """Return what a message says, None for one that lacks something. ParameterError: its name cannot be."""
        bids, asks, last = data.b, data.a, data.u
        if type(bids) is float:
            if data.e not in {"bookTicker", ""} or type(asks) is not float or not data.s:
                return None
            if data.B is None or data.A is None or last is None:
                return None
            time_ns = data.T * MS if data.T else at_ns
            return Quote(self._names[data.s], bids, data.B, asks, data.A, time_ns, at_ns, last)
        if data.e == "depthUpdate":
            time = data.T or data.E
            if not time or type(bids) is not tuple or type(asks) is not tuple or last is None or data.U is None:
                return None
            previous = -1 if data.pu is None else data.pu
            return BookUpdate(
                self._names[data.s], False, bids, asks, time * MS, at_ns, first=data.U, last=last, previous=previous
            )
        return self._mark(data, at_ns) if data.e == "markPriceUpdate" else None

    def _mark(self, data: Sound, at_ns: int) -> MarkPrice | None:
        if data.p is None or not data.E:
            return None
        return MarkPrice(
            self._names[data.s],
            data.p,
            data.E * MS,
            at_ns,
            index=float("nan") if data.i is None else data.i,
            funding_rate=number(data.r),  # contracts that expire say an empty rate and T 0
            next_funding_ns=(data.T or 0) * MS,
        )

    def _read_slowly(self, frame: bytes, at_ns: int) -> MarketEvent | None:
        """Take apart what is not a wrapped message, and count what is none."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return None
        if isinstance(message, dict) and "data" in message:
            message = message["data"]
        if not isinstance(message, dict):
            self.rejected.add("foreign", message)
        elif message.get("e") in _KINDS or ("e" not in message and "B" in message and "A" in message):
            return self._told(message, at_ns)
        elif message.get("e") == "serverShutdown":
            self.endings += 1
            log.info("feed=%s the venue will end this connection", self._name)
        elif "error" in message or ("code" in message and "msg" in message):
            self.rejected.add("error_reply", message)
        elif not ("result" in message and "id" in message):
            self.rejected.add("foreign", message)
        return None

    def _told(self, message: dict[str, Any], at_ns: int) -> MarketEvent | None:
        """Return what a message of ours says, which its frame did not say at the first try."""
        try:
            loose = msgspec.convert(message, _Data[float, float, int, int], strict=False)
        except PROBLEMS:
            self.rejected.add("wrong_type", message)
            return None
        try:
            event = self._event(msgspec.convert(message, Sound, strict=False), at_ns)
        except (*PROBLEMS, ParameterError):
            self.rejected.add("absurd", loose)
            return None
        if event is None:
            self.rejected.add("wrong_type", message)
        return event
