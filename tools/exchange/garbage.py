"""Messages no client should choke on, by kind."""

from collections.abc import Callable
from typing import Literal

import msgspec
from websockets.frames import Opcode

from .messages import Json, stream_message, wrap
from .tape import Trade

Kind = Literal["malformed", "truncated", "binary", "foreign", "wrong_types", "missing_keys", "huge", "bad_utf8", "raw"]
CONTAINED: tuple[Kind, ...] = ("malformed", "truncated", "binary", "foreign", "wrong_types", "missing_keys", "huge")
"""Kinds that leave the connection whole. After "bad_utf8" and "raw" a client has to give it up."""

HUGE_BYTES = 2**20
NOT_A_FRAME = b"\xfb\x00HTTP/1.1 garbage\r\n"
"""Begins with reserved bits and an opcode that does not exist: no WebSocket frame."""

Message = tuple[Opcode, bytes]


def _text(message: Json) -> Message:
    return Opcode.TEXT, msgspec.json.encode(message)


def _truncated(trade: Trade) -> Message:
    return Opcode.TEXT, stream_message(trade, "usdm", wrapped=True)[:-40]


def _binary(trade: Trade) -> Message:
    return Opcode.BINARY, bytes(range(256)) + trade.id.to_bytes(8, "little")


def _foreign(trade: Trade) -> Message:
    book: Json = {"e": "bookTicker", "u": 1, "s": trade.symbol, "b": trade.price_text, "B": "2", "T": 1, "E": 1}
    return _text(wrap(f"{trade.symbol.lower()}@bookTicker", book))


def _wrong_types(trade: Trade) -> Message:
    wrong: Json = {"e": "aggTrade", "E": "soon", "a": str(trade.id), "s": 7, "p": None, "q": [], "T": -1, "m": "no"}
    return _text(wrap(trade.stream, wrong))


def _missing_keys(trade: Trade) -> Message:
    return _text(wrap(trade.stream, {"e": "aggTrade", "s": trade.symbol}))


def _huge(trade: Trade) -> Message:
    return _text(wrap(trade.stream, {"e": "aggTrade", "s": trade.symbol, "p": "9" * HUGE_BYTES}))


GARBAGE: dict[Kind, Callable[[Trade], Message]] = {
    "malformed": lambda trade: (Opcode.TEXT, b'{"stream":"%s","data":{]' % trade.stream.encode()),
    "truncated": _truncated,
    "binary": _binary,
    "foreign": _foreign,
    "wrong_types": _wrong_types,
    "missing_keys": _missing_keys,
    "huge": _huge,
    "bad_utf8": lambda trade: (Opcode.TEXT, b'{"s":"\xff\xfe' + trade.symbol.encode() + b'"}'),
}
"""Builders by kind; "raw" has none, it is `NOT_A_FRAME` written past the framing."""
