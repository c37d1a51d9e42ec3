"""Books of the channel level2_batch: a snapshot, then what changed every 50 ms.

Updates have no numbers and no checksum, so a lost one shows only as a crossed book: completeness cannot be known. The
channel ticker speaks only when something trades, so the best bid and offer are those of the book.

Source: https://docs.cdp.coinbase.com/exchange/websocket-feed/channels, "Level2 Batch Channel".
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from alphastream.errors import ParameterError
from alphastream.feeds.coinbase.wire import NAME, TITLE, control, products
from alphastream.feeds.market import BookUpdate, Level, MarketEvent, Route, are_levels
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.spot_market import SpotMarket, time_or
from alphastream.instruments import InstrumentId


class _Snapshot(msgspec.Struct, tag_field="type", tag="snapshot"):
    symbol: str = msgspec.field(name="product_id")
    bids: list[Level]
    asks: list[Level]
    time: str = ""


class _Update(msgspec.Struct, tag_field="type", tag="l2update"):
    symbol: str = msgspec.field(name="product_id")
    changes: list[tuple[Literal["buy", "sell"], float, float]]
    time: str


_FRAME: Final = msgspec.json.Decoder(_Snapshot | _Update, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


class CoinbaseMarket(SpotMarket):
    """Frames of books to updates; see ``MarketCodec``."""

    depth: int = 0  # the whole book
    completeness: Literal["sequence", "checksum", "unknown"] = "unknown"

    def __init__(self, ws_url: str) -> None:
        super().__init__(NAME, TITLE)
        self._ws_url = ws_url

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return one connection; see ``MarketCodec``."""
        opening = tuple(control("subscribe", [product], ("level2_batch",)) for product in products(instruments))
        return (Route(self._ws_url, opening, frozenset({"books"})),)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return the books and updates in many frames; see ``MarketCodec``."""
        events: list[MarketEvent] = []
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                message = _FRAME.decode(frame)
            except PROBLEMS:
                self._note_other(frame)
                continue
            try:
                events.append(self._book(message, at_ns))
            except (ValueError, ParameterError):
                self._rejects.add("absurd", frame)
        return events

    def _book(self, message: _Snapshot | _Update, at_ns: int) -> BookUpdate:
        if isinstance(message, _Snapshot):
            bids, asks = tuple(message.bids), tuple(message.asks)
        else:
            bids = tuple((price, size) for side, price, size in message.changes if side == "buy")
            asks = tuple((price, size) for side, price, size in message.changes if side == "sell")
        if not (are_levels(bids) and are_levels(asks)):
            raise ValueError("a level that cannot be")
        time_ns = time_or(message.time, at_ns)
        return BookUpdate(self._names[message.symbol], isinstance(message, _Snapshot), bids, asks, time_ns, at_ns)

    def _note_other(self, frame: bytes) -> None:
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self._rejects.add("not_json", frame)
            return
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "error":
            self._rejects.add("error_reply", message)
        elif kind in ("snapshot", "l2update"):
            self._rejects.add("wrong_type", message)
        elif kind != "subscriptions":
            self._rejects.add("foreign", message)
