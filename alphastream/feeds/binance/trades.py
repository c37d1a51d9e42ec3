"""Frames of trade streams to ticks.

An unknown symbol is acknowledged as well, so an acknowledgement is no sign of life.

Source: https://developers.binance.com/docs, page "Aggregate Trade Streams".
"""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, Final

import msgspec
import numpy as np

from alphastream.core.units import MAX_TIME_MS, MS
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.feeds.binance import bursts
from alphastream.feeds.names import Names
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

log = logging.getLogger(__name__)

MAX_ID: Final = 2**63  # ids and times travel as int64


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


class TradeFrames:
    """Reads the frames of one connection and counts what is no trade.

    Parameters
    ----------
    name : of the venue, for the names of instruments and for the log.

    Attributes
    ----------
    rejected : messages that were no trades and should not have come, by kind.
    endings : messages in which the venue announced the end of a connection.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._names = Names(name)
        self.rejected = Rejects(name)
        self.endings = 0

    def parse(self, frame: bytes, receive_ns: int) -> list[Tick]:
        """Return the trades in a frame; see ``BinanceCodec.parse``."""
        named = ((self._name_of(trade), trade) for trade in self._trades(frame))
        ticks = (self.tick(trade, name, receive_ns) for name, trade in named if name is not None)
        return [tick for tick in ticks if tick is not None]

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades in many frames; see ``BinanceCodec.parse_columns``."""
        with suppress(ParameterError):  # a symbol that cannot be is counted below
            if (usual := bursts.read(frames, receive_ns, self._names)) is not None:
                return usual
        decode = _WRAPPED.decode
        arrived: defaultdict[str, tuple[list[Trade], list[int]]] = defaultdict(lambda: ([], []))
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                trade = decode(frame).data
                found = [trade] if trade.e == "aggTrade" else self._trades(frame)
            except PROBLEMS:
                found = self._trades(frame)
            for trade in found:
                trades, times = arrived[trade.s]
                trades.append(trade)
                times.append(at_ns)
        columns: dict[str, TickColumns] = {}
        for trades, times in arrived.values():
            name = self._name_of(trades[0], count=len(trades))
            if name is not None and len(part := self._columns(trades, times, name)):
                columns[name] = part
        return columns

    def _columns(self, trades: list[Trade], receive_ns: list[int], name: InstrumentId) -> TickColumns:
        try:
            ids, times = ([each.a for each in trades], [each.T for each in trades])
            raw = TickColumns(
                np.array(ids, dtype=np.int64),
                np.array([each.p for each in trades]),
                np.array([each.q for each in trades]),
                np.array(times, dtype=np.int64),
                np.array(receive_ns, dtype=np.int64),
                np.array([each.m for each in trades], dtype=np.bool_),
            )
        except OverflowError:  # one at a time, for the sake of the others
            ticks = map(self.tick, trades, repeat(name), receive_ns)
            return TickColumns.of(tick for tick in ticks if tick is not None)
        sane = raw.sound() & (raw.time_ns > 0) & (raw.time_ns < MAX_TIME_MS)
        if not sane.all():
            for place in np.flatnonzero(~sane).tolist():
                self.rejected.add("absurd", repr(trades[place]))
            raw = raw.rows(sane)
        return dataclasses.replace(raw, time_ns=raw.time_ns * MS)

    def _trades(self, frame: bytes) -> list[Trade]:
        """Return what a frame holds of trades, as they stand there; all else is counted."""
        try:
            trade = _WRAPPED.decode(frame).data
        except PROBLEMS:
            return self._read_slowly(frame)
        if trade.e != "aggTrade":
            self.rejected.add("foreign", frame)
            return []
        return [trade]

    def _name_of(self, trade: Trade, count: int = 1) -> InstrumentId | None:
        """Return whose trade it is; None for a symbol that cannot be, which is counted."""
        try:
            return self._names[trade.s]
        except ParameterError:
            for _ in range(count):
                self.rejected.add("absurd", repr(trade))
            return None

    def tick(self, trade: Trade, instrument: InstrumentId, receive_ns: int) -> Tick | None:
        """Return a trade as a tick; None for one whose numbers cannot be, which is counted."""
        # Written so that NaN fails every comparison.
        sane = 0 < trade.p < float("inf") and 0 < trade.q < float("inf") and 0 < trade.T < MAX_TIME_MS
        if not (sane and 0 <= trade.a < MAX_ID):
            self.rejected.add("absurd", repr(trade))
            return None
        return Tick(instrument, trade.a, trade.p, trade.q, trade.T * MS, receive_ns, trade.m)

    def _read_slowly(self, frame: bytes) -> list[Trade]:
        """Take apart what is not a wrapped trade."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return []
        if isinstance(message, dict) and "data" in message:
            message = message["data"]
        events = message if message and isinstance(message, list) else [message]
        return [trade for event in events if (trade := self._event(event)) is not None]

    def _event(self, event: Any) -> Trade | None:
        if not isinstance(event, dict):
            self.rejected.add("foreign", event)
        elif event.get("e") == "aggTrade":
            try:
                return msgspec.convert(event, Trade, strict=False)
            except PROBLEMS:
                self.rejected.add("wrong_type", event)
        elif event.get("e") == "serverShutdown":
            self.endings += 1
            log.info("feed=%s the venue will end this connection", self._name)
        elif "error" in event or ("code" in event and "msg" in event):
            self.rejected.add("error_reply", event)
        elif not ("result" in event and "id" in event):
            self.rejected.add("foreign", event)
        return None
