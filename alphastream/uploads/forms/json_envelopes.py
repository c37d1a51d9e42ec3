"""Instruments that only the message around rows names: a channel, a topic, the id or number of a subscription.

{"ch": "market.btcusdt.trade.detail", "tick": {"data": [...]}} (HTX), {"channel": "live_trades_btcusd", "data": {...}}
(Bitstamp), {"id": "BTC-USD", "contents": {"trades": [...]}} (dYdX), [17470, "te", [...]] (Bitfinex). Two instruments in
one recording must never become one, however near their prices are.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from alphastream.uploads.columns import ALIASES
from alphastream.uploads.contents import content_of
from alphastream.uploads.finding import find_symbol
from alphastream.uploads.forms.json_records import Cells, has_price, json_cell
from alphastream.uploads.sampled import Sampled
from alphastream.uploads.symbols import is_pair
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import fields_of, fold, word_set

CHANNEL: Final = "chanId"  # of Bitfinex: told once with the pair, then before every trade
UPDATES: Final = ("tu", "ftu")  # of Bitfinex: the same trade once more
_EXECUTIONS: Final = ("te", "fte")
_DEEPEST: Final = 4
_CHANNELS: Final = word_set("ch channel channelname topic stream subject subscription feed id")
_NO_NAMES: Final = word_set("type method op jsonrpc version table status encoding command cmd")
_FINISHED: Final = word_set("x confirm isclosed isfinal closed finished")
_SAID: Final = word_set("s code")
# Words of channels that are no instrument, wherever they stand in one.
_KINDS: Final = word_set(
    """
    market markets trade trades detail kline klines candle candles candlestick ticker tickers match matches lightning
    executions live public publictrade spot futures swap linear inverse aggtrade bbo book books depth raw none all full
    ws api update updates snapshot price prices mark index ohlc ohlcv
    """
)
_PERIOD: Final = re.compile(r"(?i)v?\d+(ms|s|m|min|h|hour|d|day|w|week|mon|month|y)?|(candle|kline)s?\d\w*")
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Instruments:
    """The instrument of each message, by one key of the messages; different texts there never become one.

    Parameters
    ----------
    key : the key, of ``naming_key``.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._names: dict[str, str] = {}
        self._pairs: dict[str, str] = {}

    def __call__(self, envelope: Cells) -> str:
        """The instrument a message is about; empty where it does not say."""
        text = envelope.get(self._key, "")
        if self._key == CHANNEL:
            pair = envelope.get("pair") or envelope.get("symbol")
            if pair:
                self._pairs[text] = pair
            return self._pairs.get(text, f"CHANNEL {text}" if text else "")
        if text not in self._names:
            name = instrument_in(text) or text
            self._names[text] = text if name in self._names.values() else name
        return self._names[text]


def envelope_of(message: bytes | msgspec.Raw) -> Cells:
    """The plain values of a message outside of its rows.

    >>> envelope_of(b'{"ch":"market.btcusdt.trade.detail","tick":{"ts":1,"data":[{"id":7,"price":1.5}]}}')
    {'ch': 'market.btcusdt.trade.detail', 'ts': '1'}
    >>> envelope_of(b'[17470,"te",[401597395,1574694478808,0.005,7245.3]]')
    {'chanId': '17470'}
    """
    first = memoryview(message)[:1].tobytes()
    if first == b"{":
        return _around(_OBJECT.decode(message), 0)
    items = [bytes(item) for item in _LIST.decode(message)] if first == b"[" else []
    if len(items) < 2 or not items[0].isdigit() or not items[-1].startswith((b"[", b'"')):
        return {}
    texts = {json_cell(item) for item in items if item.startswith(b'"')}
    return {CHANNEL: items[0].decode()} if texts <= {*_EXECUTIONS, *UPDATES} else {}


def once(bare: list[str] | None, told: set[str]) -> list[str] | None:
    """Cells of Bitfinex's messages without their kind; of a trade that was told before, the kind alone.

    Parameters
    ----------
    bare : cells of a row; the kind, "te" for a trade as it is executed and "tu" for the same one a little later, last.
    told : ids of trades that were executed, and not told once more yet; changed in place.
    """
    if bare is None or len(bare) < 2 or bare[-1] not in (*_EXECUTIONS, *UPDATES):
        return bare
    if bare[-1] in _EXECUTIONS:
        told.add(bare[0])
    elif bare[0] in told:
        told.discard(bare[0])
        return bare[-1:]
    return bare[:-1]


def _around(values: Mapping[str, msgspec.Raw], depth: int) -> Cells:
    cells: Cells = {}
    for key, value in values.items():
        first = memoryview(value)[:1].tobytes()
        if first == b"{" and depth < _DEEPEST:
            inner = _OBJECT.decode(value)
            if not has_price((dict.fromkeys(inner, ""), None)):
                cells |= {name: cell for name, cell in _around(inner, depth + 1).items() if name not in cells}
        elif first not in (b"{", b"["):
            cells[key] = json_cell(bytes(value))
    return cells


def naming_key(envelopes: Sequence[Cells], whole: bool) -> str | None:
    """The key that names the instrument of messages, where their rows do not; None where none does.

    Parameters
    ----------
    envelopes : of messages with rows, one a row.
    whole : whether the one message is a document that was asked for, which says more about itself.

    Examples
    --------
    >>> naming_key([{"id": "BTC-USD", "channel": "v4_trades"}, {"id": "ETH-USD", "channel": "v4_trades"}], False)
    'id'
    >>> naming_key([{"connection": "c7", "channel": "live_trades_btcusd"}], False)
    'channel'
    """
    keys = [key for key in envelopes[0] if all(envelope.get(key) for envelope in envelopes)] if envelopes else []
    ranked = []
    for at, key in enumerate(keys):
        texts = [envelope[key] for envelope in envelopes]
        rank = None if whole and fold(key) not in _CHANNELS else _rank(key, texts)
        if rank is not None:
            ranked.append((rank, len(set(texts)) == 1, at, key))
    return min(ranked)[-1] if ranked else None


def _rank(key: str, texts: Sequence[str]) -> int | None:
    """How well a key names instruments, smaller is better; None where it does not."""
    distinct = set(texts)
    name = fold(key)
    if key == CHANNEL:
        return 0
    if name in _NO_NAMES or fields_of(key).keys() & {"event", "venue"}:
        return None
    if any(not re.search(r"[^\W\d_]", text) or looks_like_time(text) for text in distinct):
        return None
    pairs = all(is_pair(instrument_in(text) or "") for text in distinct)
    if name in ALIASES["symbol"] and len(name) > 1:
        return 0
    if name in _CHANNELS:
        repeated = name != "id" and 1 < len(distinct) < len(texts)
        return 1 if pairs or repeated else None
    instruments = pairs or (not name.endswith("id") and content_of(texts).kind == "symbol")
    return 2 if instruments and 1 < len(distinct) < len(texts) else None


def instrument_in(channel: str) -> str | None:
    """What is left of a channel's name without the words that say what is sent; None where it is not one thing.

    >>> [instrument_in(text) for text in ("market.btcusdt.trade.detail", "lightning_executions_FX_BTC_JPY")]
    ['btcusdt', 'FX_BTC_JPY']
    >>> [instrument_in(text) for text in ("/market/match:BTC-USDT", "btcusdt@kline_1m", "v4_trades", "XBT/USD")]
    ['BTC-USDT', 'btcusdt', None, 'XBT/USD']
    """
    parts = re.split(r"[.:@|,/\s]+" if channel.startswith("/") else r"[.:@|,\s]+", channel)
    left = [name for part in parts if (name := _without_kinds(part))]
    return left[0] if len(left) == 1 else None


def _without_kinds(part: str) -> str:
    words = part.split("_")
    while words and _is_kind(words[0]):
        del words[0]
    while words and _is_kind(words[-1]):
        del words[-1]
    return "_".join(words)


def _is_kind(word: str) -> bool:
    return not word or word.lower() in _KINDS or _PERIOD.fullmatch(word) is not None


def has_symbol(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows say of what instrument they are."""
    return "symbol" in find_symbol(Sampled(columns, rows), columns, priced=True).roles


def said_symbol(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The one instrument that rows of a stream speak of, by a name that other files use for something else."""
    found = find_symbol(Sampled(columns, rows), columns, priced=True).roles.get("symbol")
    if found is None or found.certainty != "guessed" or fold(found.column) not in _SAID:
        return None
    at = columns.index(found.column)
    cells = {row[at] for row in rows if len(row) > at}
    return cells.pop() if len(cells) == 1 else None


def finished_key(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The key that says whether the bar of a message is finished: streams send a bar over and over until it is."""
    names = {fold(column) for column in columns}
    if not all({role, role[0]} & names for role in ("open", "high")):
        return None
    for at, column in enumerate(columns):
        cells = {row[at].lower() for row in rows if len(row) > at}
        truths = {"true", "false"} if len(column) == 1 else {"true", "false", "0", "1"}
        if fold(column) in _FINISHED and cells <= truths:
            return column
    return None
