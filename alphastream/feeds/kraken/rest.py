"""Answers of the REST interface: trades, pairs with their rules, and the clock. Errors come with HTTP 200.

Source: https://docs.kraken.com/api/docs/rest-api/get-recent-trades, .../get-tradable-asset-pairs, .../get-server-time.
"""

from decimal import Decimal
from typing import Final, Literal

import msgspec

from alphastream.core.units import SECOND
from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds.answers import decode, seen
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.kraken.wire import NAME, TITLE, TODAY
from alphastream.feeds.rejects import Rejects
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import is_sound


class _Row(msgspec.Struct, array_like=True):
    """A trade of an answer; its time is in seconds, with more digits than a float holds."""

    price: float
    quantity: float
    time: Decimal
    side: Literal["b", "s"]
    kind: str
    other: str
    id: int


class _Pair(msgspec.Struct):
    """A pair of AssetPairs; one without ``wsname`` is not on the WebSocket."""

    wsname: str = ""
    tick_size: str = "0"
    pair_decimals: int = 0
    lot_decimals: int = 0
    costmin: str = "0"
    status: str = "online"


class _Time(msgspec.Struct):
    unixtime: int


class _Answer(msgspec.Struct):
    error: list[str] = []
    result: msgspec.Raw = msgspec.Raw(b"null")


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_BY_PAIR: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS: Final = msgspec.json.Decoder(list[_Row], strict=False)
_PAIRS: Final = msgspec.json.Decoder(dict[str, _Pair], strict=False)
_TIME: Final = msgspec.json.Decoder(_Time)
_LATEST_S: Final = 2**63 // SECOND
_TRADES_IN: Final = ("online", "limit_only", "reduce_only")  # nothing trades where orders may only rest or be cancelled


def parse_trades(instrument: InstrumentId, body: bytes, rejects: Rejects) -> list[Tick]:
    """Trades of an answer, oldest first; those that cannot be are counted. Raises FeedError."""
    by_pair = decode(TITLE, _BY_PAIR, result_of(body, "Trades"), "Trades")
    by_pair.pop("last", None)
    if len(by_pair) != 1:
        raise FeedError(f"{TITLE} answered Trades with {len(by_pair)} pairs, needs one: {seen(body)!r}")
    ticks = []
    for row in decode(TITLE, _ROWS, bytes(by_pair.popitem()[1]), "Trades"):
        time_ns = int(row.time * SECOND) if row.time.is_finite() and 0 < row.time < _LATEST_S else 0
        tick = Tick(instrument, row.id, row.price, row.quantity, time_ns, 0, row.side == "s")
        if is_sound(tick) and time_ns > 0:
            ticks.append(tick)
        else:
            rejects.add("absurd", repr(row))
    return sorted(ticks, key=lambda tick: tick.id)


def parse_pairs(body: bytes) -> dict[str, Instrument]:
    """The rules of what an answer lists, by full name. Raises FeedError."""
    rows = decode(TITLE, _PAIRS, result_of(body, "AssetPairs"), "AssetPairs").values()
    try:
        rules = [_instrument(row) for row in rows if row.wsname]
        return {InstrumentId(NAME, each.symbol): each for each in rules}
    except (ParameterError, ValueError, ArithmeticError) as error:
        raise FeedError(f"{TITLE} answered AssetPairs with what cannot be: {error}") from error


def parse_server_time(body: bytes) -> int:
    """The venue's clock in UTC ns, to half a second: it tells whole seconds. Raises FeedError."""
    return decode(TITLE, _TIME, result_of(body, "Time"), "Time").unixtime * SECOND + SECOND // 2


def result_of(body: bytes, what: str) -> bytes:
    """Return what an answer holds. Raises FeedError with the venue's own words."""
    answer = decode(TITLE, _ANSWER, body, what)
    if answer.error:
        raise FeedError(f"{TITLE} refused {what}: {', '.join(answer.error)[:200]}")
    return bytes(answer.result)


def _instrument(row: _Pair) -> Instrument:
    base, _, quote = row.wsname.partition("/")
    base, quote = TODAY.get(base, base), TODAY.get(quote, quote)
    return Instrument(
        symbol=WireSymbol(f"{base}/{quote}"),
        tick_size=float(row.tick_size),
        step_size=float(Decimal(1).scaleb(-row.lot_decimals)),
        price_decimals=row.pair_decimals,
        min_notional=float(row.costmin),
        status="TRADING" if row.status in _TRADES_IN else row.status,
        base=base,
        quote=quote,
        kind="spot",
    )
