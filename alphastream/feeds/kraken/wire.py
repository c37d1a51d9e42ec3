"""Who Kraken is, what it calls its pairs, the frames that subscribe to them, and what is no data.

The second WebSocket interface says BTC and DOGE where REST says XBT and XDG.

Source: https://docs.kraken.com/api/docs/guides/spot-ws-intro and .../websocket-v2/trade.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

import msgspec

from alphastream.feeds.codec import Keepalive, WireSymbol
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.feeds.spelling import wire_symbol, wire_symbols
from alphastream.instruments import InstrumentId

NAME: Final = "kraken"
TITLE: Final = "Kraken spot"
MOST_PAIRS: Final = 100  # on one connection; the venue states no limit
KEEPALIVE: Final = Keepalive(b'{"method":"ping"}', 30.0)  # a connection that hears nothing for a minute may be cut
TODAY: Final = {"XBT": "BTC", "XDG": "DOGE"}
_IN_REST: Final = {new: old for old, new in TODAY.items()}
_ANYTHING: Final = msgspec.json.Decoder()
_SIGNS_OF_LIFE: Final = ("heartbeat", "status")


def pairs(instruments: Collection[InstrumentId]) -> list[WireSymbol]:
    """Return what instruments are called there. Raises ParameterError; see ``wire_symbols``."""
    return wire_symbols((NAME, TITLE), instruments, MOST_PAIRS, "BTC/USD", "/")


def rest_pair(instrument: InstrumentId) -> str:
    """Return what REST calls an instrument: XBTUSD. Raises ParameterError; see ``wire_symbol``."""
    symbol = wire_symbol((NAME, TITLE), instrument, "BTC/USD", "/")
    return "".join(_IN_REST.get(part, part) for part in symbol.split("/"))


def control(
    method: Literal["subscribe", "unsubscribe"], symbols: Sequence[WireSymbol], request_id: int, **channel: object
) -> bytes:
    """Return a frame that changes what a connection carries; each symbol is answered by itself."""
    return msgspec.json.encode({"method": method, "params": {**channel, "symbol": symbols}, "req_id": request_id})


def other(frame: bytes, channels: Collection[str], rejects: Rejects) -> Sequence[Any]:
    """Take apart what is not read as a whole.

    Parameters
    ----------
    channels : whose data are wanted.
    rejects : where all is counted that should not have come: neither data, nor an answer, nor a sign of life.

    Returns
    -------
    data : of one of these channels, each still to be read.
    """
    try:
        message = _ANYTHING.decode(frame)
    except PROBLEMS:
        rejects.add("not_json", frame)
        return ()
    if not isinstance(message, dict):
        rejects.add("foreign", frame)
    elif message.get("success") is False or "error" in message:
        rejects.add("error_reply", message)
    elif message.get("channel") in channels:
        data = message.get("data")
        if isinstance(data, list) and data:
            return data
        rejects.add("wrong_type", message)
    elif not (message.get("channel") in _SIGNS_OF_LIFE or message.get("success") is True or _is_pong(message)):
        rejects.add("foreign", message)
    return ()


def _is_pong(message: dict[str, Any]) -> bool:
    return message.get("method") == "pong"
