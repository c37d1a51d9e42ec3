"""Events as the JSON that Binance sends, by stream and by REST."""

import msgspec

from ...events import BookChange, Mark, Quote, Trade

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


SPREAD = 7
"""Numbers of the books of futures are those of the whole market: a symbol has every seventh of them or fewer."""


def book_number(number: int, *, is_futures: bool) -> int:
    """Return the number that the venue gives to the change of a book that is the ``number``-th of its symbol."""
    return number * SPREAD if is_futures else number


def quote_message(quote: Quote, stream: str, *, is_futures: bool, wrapped: bool) -> bytes:
    """Write a bookTicker; spot's says neither what it is nor when it was."""
    fields: Json = {"u": book_number(quote.id, is_futures=is_futures), "s": quote.symbol}
    fields |= {"b": quote.bid[0], "B": quote.bid[1], "a": quote.ask[0], "A": quote.ask[1]}
    if is_futures:
        times: Json = {"T": quote.time_ns // 1_000_000, "E": quote.event_ns // 1_000_000}
        fields = {"e": "bookTicker"} | fields | times
    return shuffled(fields, stream, quote.id, wrapped=wrapped)


def depth_message(change: BookChange, stream: str, *, is_futures: bool, wrapped: bool) -> bytes:
    """Write a depthUpdate; that of futures names the one before."""
    fields: Json = {"e": "depthUpdate", "E": change.event_ns // 1_000_000}
    if is_futures:
        fields["T"] = change.time_ns // 1_000_000
    first = book_number(change.first_id, is_futures=is_futures)
    fields |= {"s": change.symbol, "U": first, "u": book_number(change.id, is_futures=is_futures)}
    if is_futures:
        fields["pu"] = book_number(change.previous_id, is_futures=True)
    fields |= {"b": change.bids, "a": change.asks}
    return shuffled(fields, stream, change.count, wrapped=wrapped)


def mark_message(mark: Mark, stream: str, *, wrapped: bool) -> bytes:
    """Write a markPriceUpdate."""
    fields: Json = {"e": "markPriceUpdate", "E": mark.event_ns // 1_000_000, "s": mark.symbol, "p": mark.mark}
    fields |= {"i": mark.index, "P": mark.index, "r": mark.funding_rate, "T": mark.next_funding_ns // 1_000_000}
    return shuffled(fields, stream, mark.id, wrapped=wrapped)


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
