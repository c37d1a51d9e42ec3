"""Trades as the JSON that Binance sends, by stream and by REST."""

import msgspec

from ...events import Trade

Json = dict[str, object]


def stream_message(trade: Trade, stream: str, *, is_futures: bool, wrapped: bool) -> bytes:
    """Write a trade as its live frame.

    Keys come in another order in every fifth message and with keys that no document names in every seventh,
    because the venue promises neither order nor completeness.
    """
    fields: Json = {
        "e": "aggTrade",
        "E": trade.event_ns // 1_000_000,
        "a": trade.id,
        "s": trade.symbol,
        "p": trade.price_text,
        "q": trade.quantity_text,
    }
    if is_futures:
        fields["nq"] = trade.quantity_text
    fields |= {"f": trade.first_id, "l": trade.last_id, "T": trade.time_ns // 1_000_000, "m": trade.buyer_is_maker}
    fields |= {"st": 1} if is_futures else {"M": True}
    return shuffled(fields, stream, trade.id, wrapped=wrapped)


def shuffled(fields: Json, stream: str, number: int, *, wrapped: bool) -> bytes:
    """Write a message with what the venue does not promise: keys in another order, and keys that no document names."""
    if number % 7 == 0:
        fields |= {"zz": None, "X": {"a": [1, "2"]}}
    if number % 5 == 0:
        fields = dict(reversed(fields.items()))
    return msgspec.json.encode(wrap(stream, fields, data_first=number % 5 == 0) if wrapped else fields)


def wrap(stream: str, data: Json, *, data_first: bool = False) -> Json:
    """Put a message into the envelope of a combined stream."""
    return {"data": data, "stream": stream} if data_first else {"stream": stream, "data": data}


def rest_row(trade: Trade, *, is_futures: bool) -> Json:
    """Write a trade as a row of aggTrades."""
    row: Json = {"a": trade.id, "p": trade.price_text, "q": trade.quantity_text}
    if is_futures:
        row["nq"] = trade.quantity_text
    row |= {"f": trade.first_id, "l": trade.last_id, "T": trade.time_ns // 1_000_000, "m": trade.buyer_is_maker}
    return row if is_futures else row | {"M": True}
