"""Frames of trade streams to ticks.

An unknown symbol is acknowledged as well, so an acknowledgement is no sign of life.

Source: https://developers.binance.com/docs, page "Aggregate Trade Streams".
"""

import logging
from typing import Any, Final

import msgspec

from alphastream.core.units import MS
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.instruments import InstrumentId

log = logging.getLogger(__name__)

MAX_ID: Final = 2**63  # ids and times travel as int64
MAX_TIME_MS: Final = 2**63 // MS
MAX_NAMES: Final = 100_000  # kept; a venue lists some thousands, a peer gone mad may invent them
PROBLEMS: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside


class Trade(msgspec.Struct, gc=False):
    """An aggTrade, from a stream or from REST: the keys we use; the venue may send more, in any order."""

    a: int
    p: float
    q: float
    T: int
    m: bool
    s: str = ""
    e: str = ""


class _Wrapped(msgspec.Struct, gc=False):
    """The frame of a combined stream."""

    data: Trade


# Numbers arrive as text ("61800.30"), which strict=False turns into floats.
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


class _Names(dict[str, InstrumentId]):
    """Full names by symbol, each made once: a full ring would hold a million copies of a name."""

    def __init__(self, venue: str) -> None:
        super().__init__()
        self._venue = venue

    def __missing__(self, symbol: str) -> InstrumentId:
        if len(self) >= MAX_NAMES:
            self.clear()
        name = self[symbol] = InstrumentId(self._venue, symbol)
        return name


class TradeFrames:
    """Reads the frames of one connection and counts what is no trade.

    Parameters
    ----------
    name : of the venue, for the names of instruments and for the log.

    Attributes
    ----------
    rejected : messages that were no trades and should not have come, by kind.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._names = _Names(name)
        self.rejected: dict[str, int] = {}

    def parse(self, frame: bytes, receive_ns: int) -> list[Tick]:
        """Return the trades in a frame; see ``BinanceCodec.parse``."""
        try:
            trade = _WRAPPED.decode(frame).data
        except PROBLEMS:
            return self._parse_slowly(frame, receive_ns)
        if trade.e != "aggTrade":
            self._reject("foreign", frame)
            return []
        tick = self._named(trade, receive_ns)
        return [] if tick is None else [tick]

    def _named(self, trade: Trade, receive_ns: int) -> Tick | None:
        """Return a trade that says its symbol as a tick; None for one that cannot be, which is counted."""
        try:
            name = self._names[trade.s]
        except ParameterError:
            self._reject("absurd", repr(trade))
            return None
        return self.tick(trade, name, receive_ns)

    def tick(self, trade: Trade, instrument: InstrumentId, receive_ns: int) -> Tick | None:
        """Return a trade as a tick; None for one whose numbers cannot be, which is counted."""
        # Written so that NaN fails every comparison.
        sane = 0 < trade.p < float("inf") and 0 < trade.q < float("inf") and 0 < trade.T < MAX_TIME_MS
        if not (sane and 0 <= trade.a < MAX_ID):
            self._reject("absurd", repr(trade))
            return None
        return Tick(instrument, trade.a, trade.p, trade.q, trade.T * MS, receive_ns, trade.m)

    def _parse_slowly(self, frame: bytes, receive_ns: int) -> list[Tick]:
        """Take apart what is not a wrapped trade."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self._reject("not_json", frame)
            return []
        if isinstance(message, dict) and "data" in message:
            message = message["data"]
        ticks = []
        for event in message if message and isinstance(message, list) else [message]:
            tick = self._event(event, receive_ns)
            if tick is not None:
                ticks.append(tick)
        return ticks

    def _event(self, event: Any, receive_ns: int) -> Tick | None:
        if not isinstance(event, dict):
            self._reject("foreign", event)
        elif event.get("e") == "aggTrade":
            try:
                trade = msgspec.convert(event, Trade, strict=False)
            except PROBLEMS:
                self._reject("wrong_type", event)
            else:
                return self._named(trade, receive_ns)
        elif "error" in event or ("code" in event and "msg" in event):
            self._reject("error_reply", event)
        elif not ("result" in event and "id" in event):
            self._reject("foreign", event)
        return None

    def _reject(self, kind: str, seen: object) -> None:
        count = self.rejected.get(kind, 0)
        self.rejected[kind] = count + 1
        if count == 0:
            text = seen.decode("utf-8", "replace") if isinstance(seen, bytes) else str(seen)
            log.warning("feed=%s rejected=%s seen=%r: further ones are only counted", self._name, kind, text[:200])
