"""Frames of ``publicTrade`` to ticks. Block trades, agreed elsewhere at another price, are left out and counted."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np

from alphastream.core.units import MS
from alphastream.feeds.bybit.trade_ids import TradeIds
from alphastream.feeds.names import MAX_NAMES
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.trade_frames import TradeFrames, TradeNumbers

TOPIC: Final = "publicTrade."
BLOCK_TRADE: Final = "block_trade"


class Trade(
    msgspec.Struct,
    gc=False,
    rename={"time": "T", "symbol": "s", "side": "S", "size": "v", "price": "p", "text": "i", "is_block": "BT"},
):
    """A fill of the stream; price and size arrive as text."""

    time: int
    symbol: str
    side: Literal["Buy", "Sell"]
    size: float
    price: float
    text: str
    seq: int
    is_block: bool = False


class _Frame(msgspec.Struct, gc=False):
    topic: str
    data: list[Trade]


_FRAME: Final = msgspec.json.Decoder(_Frame, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


def is_answer(message: dict[str, Any]) -> bool | None:
    """Say whether a message answers one of ours: True for a yes, False for a no, None where it is none."""
    if "topic" in message or not ("success" in message or "op" in message):
        return None
    return message.get("success") is not False


class BybitTradeFrames(TradeFrames[Trade]):
    """Reads the frames of one connection. See ``TradeFrames``."""

    def __init__(self, venue: str) -> None:
        super().__init__(venue)
        self._ids: dict[str, TradeIds] = {}

    def trades(self, frame: bytes) -> Sequence[Trade]:
        """Return the trades of a frame; see ``TradeFrames``."""
        try:
            message = _FRAME.decode(frame)
        except PROBLEMS:
            return self._read_slowly(frame)
        if not message.topic.startswith(TOPIC):
            self.rejected.add("foreign", frame)
            return ()
        return self.without_blocks(message.data)

    def without_blocks(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """Return the trades that are no block trades; those are counted."""
        if not any(trade.is_block for trade in trades):
            return trades
        for trade in trades:
            if trade.is_block:
                self.rejected.add(BLOCK_TRADE, repr(trade))
        return [trade for trade in trades if not trade.is_block]

    def ids_of(self, symbol: str) -> TradeIds:
        """Return what numbers the trades of an instrument."""
        ids = self._ids.get(symbol)
        if ids is None:
            if len(self._ids) >= MAX_NAMES:
                self._ids.clear()
            ids = self._ids[symbol] = TradeIds()
        return ids

    def numbers(self, trades: Sequence[Trade]) -> TradeNumbers:
        """Return the numbers of trades; see ``TradeFrames``."""
        number = self.ids_of(trades[0].symbol).of
        return TradeNumbers(
            np.array([number(each.seq, each.text) for each in trades], dtype=np.int64),
            np.array([each.price for each in trades]),
            np.array([each.size for each in trades]),
            np.array([each.time * MS for each in trades], dtype=np.int64),
            np.array([each.side == "Sell" for each in trades], dtype=np.bool_),
        )

    def _read_slowly(self, frame: bytes) -> Sequence[Trade]:
        """Take apart what is not a frame of sound trades."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return ()
        if not isinstance(message, dict):
            self.rejected.add("foreign", frame)
            return ()
        answer = is_answer(message)
        if answer is False:
            self.rejected.add("error_reply", frame)
        elif answer is None:
            return self._each(message)
        return ()

    def _each(self, message: dict[str, Any]) -> Sequence[Trade]:
        """Return what is sound of the trades in a message."""
        topic, rows = message.get("topic"), message.get("data")
        if not isinstance(topic, str) or not topic.startswith(TOPIC) or not isinstance(rows, list):
            self.rejected.add("foreign", message)
            return ()
        found: list[Trade] = []
        for row in rows:
            try:
                found.append(msgspec.convert(row, Trade, strict=False))
            except PROBLEMS:
                self.rejected.add("wrong_type", row)
        return self.without_blocks(found)
