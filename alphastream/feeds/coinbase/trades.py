"""Frames of the channels matches and heartbeat to ticks.

The side of a match is that of the maker: "buy" means that the taker sold. Ids are contiguous for each product, and a
heartbeat names the newest one each second, so a trade that was left out shows without waiting for the next.

Source: https://docs.cdp.coinbase.com/exchange/websocket-feed/channels, "Matches Channel", "Heartbeat Channel".
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from alphastream.feeds.iso_times import iso_times
from alphastream.feeds.names import MAX_NAMES
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.trade_frames import TradeFrames, TradeNumbers, read_together
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

log = logging.getLogger(__name__)


class Trade(msgspec.Struct, gc=False):
    """A trade, from the feed or from REST, which does not say of what: the keys we use; there are more."""

    id: int = msgspec.field(name="trade_id")
    price: float
    quantity: float = msgspec.field(name="size")
    time: str
    side: Literal["buy", "sell"]
    symbol: str = msgspec.field(name="product_id", default="")


class Match(Trade, gc=False, tag_field="type", tag="match"):
    """A trade of the feed."""


class LastMatch(Trade, gc=False, tag_field="type", tag="last_match"):
    """The newest trade when a product was subscribed, however old."""


class Heartbeat(msgspec.Struct, gc=False, tag_field="type", tag="heartbeat"):
    """A sign of life of one product, each second."""

    symbol: str = msgspec.field(name="product_id")
    last_id: int = msgspec.field(name="last_trade_id")


# Numbers arrive as text ("400.23"), which strict=False turns into floats.
_FRAME: Final = msgspec.json.Decoder(Match | LastMatch | Heartbeat, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()
_TAGS: Final = ("match", "last_match", "heartbeat")


class Promises:
    """Holds the newest trade that each heartbeat names against the newest one that came.

    A trade may arrive a moment after the heartbeat that names it, so it is missed once the next heartbeat comes first.

    Examples
    --------
    >>> promises = Promises()
    >>> promises.kept("BTC-USD", 7)
    >>> [promises.is_broken("BTC-USD", last_id) for last_id in (8, 8, 8)]
    [False, True, False]
    """

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._promised: dict[str, int] = {}
        self._told: set[str] = set()

    def kept(self, symbol: str, trade_id: int) -> None:
        """Take note of a trade."""
        if trade_id > self._newest.get(symbol, 0):
            self._newest[symbol] = trade_id

    def is_broken(self, symbol: str, last_id: int) -> bool:
        """Take note of a heartbeat, and say whether what the last one named is missing; so once until all came."""
        if len(self._promised) + len(self._newest) > MAX_NAMES:  # a peer gone mad
            self._newest, self._promised, self._told = {}, {}, set()
        newest, promised = self._newest.get(symbol, 0), self._promised.get(symbol, 0)
        self._promised[symbol] = last_id
        if newest >= last_id:
            self._told.discard(symbol)
        if newest >= promised or symbol in self._told:
            return False
        self._told.add(symbol)
        return True


class CoinbaseTrades(TradeFrames[Trade]):
    """Reads matches and heartbeats. A broken promise counts among ``endings``: the connection should be replaced."""

    def __init__(self, venue: str) -> None:
        super().__init__(venue)
        self._venue = venue
        self._promises = Promises()

    def trades(self, frame: bytes) -> Sequence[Trade]:
        """Return the trade of a frame; see ``TradeFrames``."""
        try:
            message = _FRAME.decode(frame)
        except PROBLEMS:
            self._note_other(frame)
            return ()
        return self._taken(message)

    def burst(self, frames: Sequence[bytes]) -> Iterable[Sequence[Trade]]:
        """Return the trade of each frame; see ``TradeFrames``."""
        found = read_together(_FRAME, frames)
        return map(self.trades, frames) if found is None else map(self._taken, found)

    def _taken(self, message: Match | LastMatch | Heartbeat) -> Sequence[Trade]:
        """Return the trade of a message, and hold it against what was promised."""
        if isinstance(message, Heartbeat):
            if self._promises.is_broken(message.symbol, message.last_id):
                self.endings += 1
                log.warning("feed=%s trade=%d of %s did not come", self._venue, message.last_id, message.symbol)
            return ()
        self._promises.kept(message.symbol, message.id)
        return (message,)

    def columns(self, trades: Sequence[Trade], receive_ns: Sequence[int], name: InstrumentId) -> TickColumns:
        """Return trades as columns; ``receive_ns`` is 0 of one that was told later: nobody saw it arrive."""
        seen = [0 if isinstance(trade, LastMatch) else at_ns for trade, at_ns in zip(trades, receive_ns, strict=True)]
        return super().columns(trades, seen, name)

    def numbers(self, trades: Sequence[Trade]) -> TradeNumbers:
        """Return the numbers of trades; see ``TradeFrames``."""
        return TradeNumbers(
            np.array([trade.id for trade in trades], dtype=np.int64),
            np.array([trade.price for trade in trades], dtype=np.float64),
            np.array([trade.quantity for trade in trades], dtype=np.float64),
            iso_times([trade.time for trade in trades]),
            np.array([trade.side == "buy" for trade in trades], dtype=np.bool_),
        )

    def _note_other(self, frame: bytes) -> None:
        """Count what is no trade, unless it is an answer to a subscription."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "error":
            self.rejected.add("error_reply", message)
        elif kind in _TAGS:
            self.rejected.add("wrong_type", message)
        elif kind != "subscriptions":
            self.rejected.add("foreign", message)
