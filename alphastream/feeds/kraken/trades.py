"""Frames of the channel trade to ticks.

The side is that of the taker. Ids count up by one for each pair; holes on the connection that REST fills were reported,
so a missing one is asked for before it is called lost. Prices are JSON numbers: as floats they are the nearest to what
was written, and come back from one as written.

Source: https://docs.kraken.com/api/docs/websocket-v2/trade.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from alphastream.feeds.iso_times import iso_times
from alphastream.feeds.kraken.wire import other
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.trade_frames import TradeFrames, TradeNumbers, read_together


class Trade(msgspec.Struct, gc=False):
    """A trade: the keys we use; the venue sends more."""

    symbol: str
    id: int = msgspec.field(name="trade_id")
    price: float
    quantity: float = msgspec.field(name="qty")
    timestamp: str
    side: Literal["buy", "sell"]


class _Frame(msgspec.Struct, tag_field="channel", tag="trade"):
    data: list[Trade]


_FRAME: Final = msgspec.json.Decoder(_Frame)


class KrakenTrades(TradeFrames[Trade]):
    """Reads the channel trade."""

    def trades(self, frame: bytes) -> Sequence[Trade]:
        """Return the trades of a frame; see ``TradeFrames``."""
        try:
            found = _FRAME.decode(frame).data
        except PROBLEMS:
            return self._one_by_one(frame)
        if not found:
            self.rejected.add("wrong_type", frame)
        return found

    def burst(self, frames: Sequence[bytes]) -> Iterable[Sequence[Trade]]:
        """Return the trades of each frame; see ``TradeFrames``."""
        found = read_together(_FRAME, frames)
        if found is None or not all(message.data for message in found):
            return map(self.trades, frames)
        return [message.data for message in found]

    def numbers(self, trades: Sequence[Trade]) -> TradeNumbers:
        """Return the numbers of trades; see ``TradeFrames``."""
        return TradeNumbers(
            np.array([trade.id for trade in trades], dtype=np.int64),
            np.array([trade.price for trade in trades], dtype=np.float64),
            np.array([trade.quantity for trade in trades], dtype=np.float64),
            iso_times([trade.timestamp for trade in trades]),
            np.array([trade.side == "sell" for trade in trades], dtype=np.bool_),
        )

    def _one_by_one(self, frame: bytes) -> list[Trade]:
        found = []
        for row in other(frame, ("trade",), self.rejected):
            try:
                found.append(msgspec.convert(row, Trade))
            except PROBLEMS:
                self.rejected.add("wrong_type", row)
        return found
