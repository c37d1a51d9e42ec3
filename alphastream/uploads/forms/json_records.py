"""Records in nested JSON: the rows of a table, wherever venues and vendors put them.

A record is an object that names a price, or a list of plain values. It may stand in a list, in an object under any
key ("data", "result", "trades"), under its date, or be spread over lists of equal length ("t", "o", "h", "l", "c").
Plain values of the objects around it belong to it too: the symbol often stands there.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from alphastream.uploads.columns import ALIASES
from alphastream.uploads.time_names import zone_rank
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import field_of, fold, tokens_of, word_set

Raw = msgspec.Raw
Cells = dict[str, str]
Record = tuple[Cells, list[str] | None]  # named cells, those around a record too; and cells without a name

_DEEPEST: Final = 12
_LONGEST_KEY: Final = 64  # of a price
_PRICED: Final = frozenset(ALIASES["price"]) | frozenset(ALIASES["close"])
_SYMBOLS: Final = frozenset(ALIASES["symbol"])
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,}(?:[._/:=^-][A-Z0-9]+)*")
_CONTAINERS: Final = word_set(
    """
    data result results list lists row rows item items trade trades tick ticks candle candles kline klines bar bars
    history historical price prices quote quotes value values chart charts series record records payload response body
    content contents message messages meta metadata table tables dataset book books bids asks orders events indicators
    """
)
_LIST: Final = msgspec.json.Decoder(list[Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_TEXT: Final = msgspec.json.Decoder(str)


def json_cell(value: bytes) -> str:
    """One JSON value as text, digits untouched; null is empty.

    >>> [json_cell(value) for value in (b'"a"', b"null", b"1.50", b"true")]
    ['a', '', '1.50', 'true']
    """
    if value.startswith(b'"'):
        return _TEXT.decode(value)
    return "" if value == b"null" else value.decode()


def records_of(message: bytes | Raw) -> Iterator[Record]:
    """The records of one JSON value, in their order.

    Raises
    ------
    msgspec.DecodeError
        The text is no JSON.

    Examples
    --------
    >>> list(records_of(b'{"topic":"trades","data":[{"s":"BTC","p":"1.50"},{"s":"ETH","p":"2"}]}'))
    [({'topic': 'trades', 's': 'BTC', 'p': '1.50'}, None), ({'topic': 'trades', 's': 'ETH', 'p': '2'}, None)]
    >>> list(records_of(b'{"symbol":"BTCUSD","list":[[1,"2"],[3,"4"]]}'))
    [({'symbol': 'BTCUSD'}, ['1', '2']), ({'symbol': 'BTCUSD'}, ['3', '4'])]
    >>> list(records_of(b'{"t":[1723075200,1723075260],"c":[1.5,1.6],"s":"ok"}'))
    [({'t': '1723075200', 'c': '1.5'}, None), ({'t': '1723075260', 'c': '1.6'}, None)]
    """
    return _records(message, {}, 0)


def is_row(message: bytes | Raw) -> bool:
    """Whether a JSON value is an object that is a row itself: it holds plain values only, or names a price."""
    if _kind(message) != "{":
        return False
    values = _OBJECT.decode(message)
    nested = [
        key
        for key, value in values.items()
        if _kind(value) in "[{" or memoryview(value)[:2].tobytes() in (b'"{', b'"[')
    ]
    return not nested or any(_names_price(key) for key in values if key not in nested)


def has_price(record: Record) -> bool:
    """Whether a record names a price (one without names may hold one)."""
    return record[1] is not None or any(map(_names_price, record[0]))


def _names_price(key: str) -> bool:
    return len(key) <= _LONGEST_KEY and _is_price(key)


@lru_cache(2**12)
def _is_price(key: str) -> bool:
    """Whether a key is a price's; the keys of a recording are the same in all its messages."""
    return fold(key) in _PRICED


def _records(value: bytes | Raw, around: Cells, depth: int) -> Iterator[Record]:
    if depth > _DEEPEST:
        raise msgspec.DecodeError(f"nested more than {_DEEPEST} levels deep")
    if _kind(value) == "[":
        yield from _of_list(_LIST.decode(value), around, depth)
    elif _kind(value) == "{":
        yield from _of_object(_OBJECT.decode(value), around, depth)


def _kind(value: bytes | Raw) -> str:
    """The first character: "[" a list, "{" an object, anything else a plain value."""
    view = memoryview(value)
    return chr(view[0]) if len(view) else " "


def _of_list(items: list[Raw], around: Cells, depth: int) -> Iterator[Record]:
    nested = [item for item in items if _kind(item) in "[{"]
    if not nested:
        if items:
            yield around, [json_cell(bytes(item)) for item in items]
        return
    # Kraken's [7, [[...]], "trade", "XBT/USD"]: texts beside the rows say what they are.
    beside = [json_cell(bytes(item)) for item in items if _kind(item) == '"'] if len(nested) < len(items) else []
    for item in nested:
        for cells, bare in _records(item, around, depth + 1):
            yield cells, bare + beside if bare is not None else None


def _of_object(values: Mapping[str, Raw], around: Cells, depth: int) -> Iterator[Record]:
    plain = {key: json_cell(bytes(value)) for key, value in values.items() if _kind(value) not in "[{"}
    nested = {key: value for key, value in values.items() if _kind(value) in "[{"}
    quoted = {key: cell for key, cell in plain.items() if cell.startswith(("{", "["))}
    for key, cell in quoted.items():  # a message kept as a text inside a message
        nested[key] = Raw(cell.encode())
        del plain[key]
    cells = around | plain
    if any(map(looks_like_time, plain.values())):  # the record's own time, not that of the message around it
        cells = {key: cell for key, cell in around.items() if not looks_like_time(cell)} | plain
    columns = _columns(nested)
    if columns:
        symbol = {
            key: cell for key, cell in _plain_within(nested).items() if fold(key) == "symbol" or _is_zone(key, cell)
        }
        own = {key: cell for key, cell in cells.items() if cell.lower() != "ok"} | symbol  # "s" is a status here
        names = list(columns)
        for row in zip(*columns.values(), strict=True):
            yield own | dict(zip(names, row, strict=True)), None
    elif nested and sum(map(looks_like_time, nested)) * 2 > len(nested):
        for date, value in nested.items():
            if _kind(value) == "{":
                yield cells | {"time": date} | _plain(value), None
    elif nested and not any(map(_names_price, plain)):
        yield from _of_nested(nested, cells, depth)
    elif any(_is_table(value, depth) for value in nested.values()):  # Kraken's "last" beside the rows is no price
        around = {key: cell for key, cell in cells.items() if fold(key) not in _PRICED}
        yield from _of_nested(nested, around, depth)
    else:
        yield cells, None


def _of_nested(nested: Mapping[str, Raw], cells: Cells, depth: int) -> Iterator[Record]:
    """The records under each symbol, under the key that speaks of prices, or under the one that holds the most."""
    priced = [key for key in nested if fold(key).rstrip("s") in _PRICED]
    named = [] if priced else [key for key in nested if _names_instrument(key)]
    tables = [key for key in named if _is_table(nested[key], depth)]
    if len(tables) > 1 or (tables and _SYMBOL.fullmatch(tables[0])):
        for key in tables:
            yield from _of_instrument(key, nested[key], cells, depth)
        return
    key = priced[0] if priced else max(nested, key=lambda name: len(memoryview(nested[name])))
    own = dict(cells)
    for other, value in nested.items():
        if other != key and _kind(value) == "{":
            own |= {
                name: cell
                for name, cell in _plain(value).items()
                if name not in own and ("symbol" in name.lower() or _is_zone(name, cell))
            }
    yield from _records(nested[key], own, depth + 1)


def _of_instrument(name: str, value: Raw, cells: Cells, depth: int) -> Iterator[Record]:
    """The records under a key that is a symbol; one that they name themselves is kept."""
    for own, bare in _records(value, cells, depth + 1):
        named = any(fold(key) in _SYMBOLS for key in own)
        yield own if named else own | {"symbol": name}, bare


def _names_instrument(key: str) -> bool:
    """Whether a key above rows can be an instrument: it is no word for rows or for a field.

    >>> [_names_instrument(key) for key in ("AAPL", "XXBTZUSD", "data", "Time Series (5min)", "trades", "close")]
    [True, True, False, False, False, False]
    """
    words = set(tokens_of(key))
    one = len(words) == 1 or _SYMBOL.fullmatch(key) is not None
    return one and not words & _CONTAINERS and (field_of(key) is None or bool(re.fullmatch("[A-Z]", key)))


def _is_table(value: Raw, depth: int) -> bool:
    """Whether rows stand in a value: lists or objects of which the first holds a time, beside other cells."""
    if _kind(value) not in "[{":
        return False
    first = next(_records(value, {}, depth + 1), None)
    if first is None:
        return False
    named, bare = first
    cells = [*named.values(), *(bare or ())]
    return len(cells) > 1 and any(map(looks_like_time, cells))


def _is_zone(key: str, cell: str) -> bool:
    """Whether what stands beside the rows says the zone of their times."""
    return bool(cell) and zone_rank(key) is not None


def _columns(nested: Mapping[str, Raw]) -> dict[str, list[str]]:
    """Lists of equal length, one of them of times, as columns; lists deeper down count where they are as long."""
    lists = {key: _LIST.decode(value) for key, value in nested.items() if _kind(value) == "["}
    times = [
        key
        for key, items in lists.items()
        if items and not any(_kind(item) in "[{" for item in items[:3]) and looks_like_time(json_cell(bytes(items[0])))
    ]
    if not times:
        return {}
    length = len(lists[times[0]])
    columns: dict[str, list[str]] = {}
    for key, items in _lists_within(nested, length, 0):
        columns.setdefault(key, [json_cell(bytes(item)) for item in items])
    return columns if len(columns) > 1 else {}


def _lists_within(nested: Mapping[str, Raw], length: int, depth: int) -> Iterator[tuple[str, list[Raw]]]:
    for key, value in nested.items():
        if _kind(value) == "{" and depth < _DEEPEST:
            yield from _lists_within(_OBJECT.decode(value), length, depth + 1)
        elif _kind(value) == "[":
            items = _LIST.decode(value)
            if len(items) == length and not any(_kind(item) in "[{" for item in items):
                yield key, items
            elif items and _kind(items[0]) == "{" and depth < _DEEPEST:
                yield from _lists_within(_OBJECT.decode(items[0]), length, depth + 1)


def _plain(value: Raw) -> Cells:
    return {key: json_cell(bytes(cell)) for key, cell in _OBJECT.decode(value).items() if _kind(cell) not in "[{"}


def _plain_within(nested: Mapping[str, Raw]) -> Cells:
    return {key: cell for value in nested.values() if _kind(value) == "{" for key, cell in _plain(value).items()}
