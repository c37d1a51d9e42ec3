"""Frames of ``trades-all`` to ticks.

One message a fill, so ids are contiguous: the documents of the aggregated channel count 123, 122 and 121 as the three
fills of the message 123. Fills of the liquidity program (``source`` 1) have ids of the same sequence and are trades.

Source: https://www.okx.com/docs-v5/en, "WS / All trades channel" and "WS / Trades channel".
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np

from alphastream.core.units import MS
from alphastream.feeds.okx.contracts import UNIT, Contracts
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.trade_frames import TradeFrames, TradeNumbers
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns, empty

CHANNEL: Final = "trades-all"
SIZE_UNKNOWN: Final = "size_unknown"
_RECONNECT: Final = "64008"  # the service will be upgraded: connect again


class Trade(msgspec.Struct, gc=False, rename={"symbol": "instId", "id": "tradeId"}):
    """A fill, from the stream or from REST; numbers arrive as text."""

    symbol: str
    id: int
    px: float
    sz: float
    side: Literal["buy", "sell"]
    ts: int


class Channel(msgspec.Struct, gc=False):
    """What a message belongs to."""

    channel: str


class _Frame(msgspec.Struct, gc=False):
    arg: Channel
    data: list[Trade]


_FRAME: Final = msgspec.json.Decoder(_Frame, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


def is_notice(message: dict[str, Any]) -> bool:
    """Say whether a message announces the end of its connection."""
    return message.get("event") == "notice" and message.get("code") == _RECONNECT


class OkxTradeFrames(TradeFrames[Trade]):
    """Reads the frames of one connection. See ``TradeFrames``.

    Parameters
    ----------
    contracts : what a trade of a swap is worth. One whose contract is not known is counted as "size_unknown" and left
        out, never given a wrong size: its id stays missing, and REST gives it once the listing was answered.
    """

    def __init__(self, venue: str, contracts: Contracts) -> None:
        super().__init__(venue)
        self._contracts = contracts

    def trades(self, frame: bytes) -> Sequence[Trade]:
        """Return the trades of a frame; see ``TradeFrames``."""
        try:
            message = _FRAME.decode(frame)
        except PROBLEMS:
            return self._read_slowly(frame)
        if message.arg.channel != CHANNEL:
            self.rejected.add("foreign", frame)
            return ()
        return message.data

    def numbers(self, trades: Sequence[Trade]) -> TradeNumbers:
        """Return the numbers of trades; see ``TradeFrames``."""
        contract = self._contracts.of(trades[0].symbol) or UNIT
        quantity = np.array([each.sz for each in trades])
        if contract is not UNIT:
            quantity = np.round(quantity * contract.size, contract.decimals)  # as it would be written
        return TradeNumbers(
            np.array([each.id for each in trades], dtype=np.int64),
            np.array([each.px for each in trades]),
            quantity,
            np.array([each.ts * MS for each in trades], dtype=np.int64),
            np.array([each.side == "sell" for each in trades], dtype=np.bool_),
        )

    def columns(self, trades: Sequence[Trade], receive_ns: Sequence[int], name: InstrumentId) -> TickColumns:
        """Return trades of one instrument as columns; none while its contract is not known."""
        if self._contracts.of(name.symbol) is None:
            for trade in trades:
                self.rejected.add(SIZE_UNKNOWN, repr(trade))
            return empty()
        if not trades:
            return empty()
        return super().columns(trades, receive_ns, name)

    def _read_slowly(self, frame: bytes) -> Sequence[Trade]:
        """Take apart what is not a frame of sound trades."""
        if frame == b"pong":
            return ()
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return ()
        if not isinstance(message, dict):
            self.rejected.add("foreign", frame)
        elif is_notice(message):
            self.endings += 1
        elif message.get("event") == "error":
            self.rejected.add("error_reply", frame)
        elif "event" not in message:
            return self._each(message)
        return ()

    def _each(self, message: dict[str, Any]) -> Sequence[Trade]:
        """Return what is sound of the trades in a message."""
        arg, rows = message.get("arg"), message.get("data")
        if not isinstance(arg, dict) or arg.get("channel") != CHANNEL or not isinstance(rows, list):
            self.rejected.add("foreign", message)
            return ()
        found: list[Trade] = []
        for row in rows:
            try:
                found.append(msgspec.convert(row, Trade, strict=False))
            except PROBLEMS:
                self.rejected.add("wrong_type", row)
        return found
