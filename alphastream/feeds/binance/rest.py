"""Answers of the REST interface: trades, symbols with their rules, and the clock."""

from typing import Final, Literal

import msgspec

from alphastream.core.units import MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.answers import decimals, decode
from alphastream.feeds.binance.trades import Trade
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.instruments import InstrumentId


class _Filter(msgspec.Struct, rename="camel"):
    """One trading rule; which of the values is set depends on its type."""

    filter_type: str
    tick_size: str = "0"
    step_size: str = "0"
    min_notional: float = 0.0
    notional: float = 0.0


class _Symbol(msgspec.Struct):
    """A row of exchangeInfo."""

    symbol: str
    status: str = "TRADING"
    contract_type: str = msgspec.field(default="", name="contractType")
    base_asset: str = msgspec.field(default="", name="baseAsset")
    quote_asset: str = msgspec.field(default="", name="quoteAsset")
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


class _ServerTime(msgspec.Struct, rename="camel"):
    server_time: int


_TRADES: Final = msgspec.json.Decoder(list[Trade], strict=False)
_INFO: Final = msgspec.json.Decoder(_ExchangeInfo, strict=False)
_TIME: Final = msgspec.json.Decoder(_ServerTime)


def parse_trades(title: str, body: bytes) -> list[Trade]:
    """Trades of an aggTrades answer, in its order; their symbol is empty. Raises FeedError naming the venue."""
    return decode(title, _TRADES, body, "aggTrades")


def parse_exchange_info(venue: str, title: str, body: bytes) -> dict[str, Instrument]:
    """The rules of what an exchangeInfo answer of a venue lists, by full name. Raises FeedError naming the venue."""
    rows = decode(title, _INFO, body, "exchangeInfo").symbols
    try:
        return {InstrumentId(venue, row.symbol): _instrument(row) for row in rows}
    except ParameterError as error:
        raise FeedError(f"{title} answered exchangeInfo with a name that cannot be: {error}") from error
    except ValueError as error:
        raise FeedError(f"{title} answered exchangeInfo with a step that is no number: {error}") from error


def parse_server_time(title: str, body: bytes) -> int:
    """The venue's clock in UTC ns. Raises FeedError naming the venue."""
    return decode(title, _TIME, body, "time").server_time * MS


def _instrument(row: _Symbol) -> Instrument:
    rules = {rule.filter_type: rule for rule in row.filters}
    price, lot = rules.get("PRICE_FILTER"), rules.get("LOT_SIZE")
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL")
    tick_size = price.tick_size if price else "0"
    return Instrument(
        symbol=WireSymbol(row.symbol),
        tick_size=float(tick_size),
        step_size=float(lot.step_size) if lot else 0.0,
        price_decimals=decimals(tick_size),
        min_notional=(notional.min_notional or notional.notional) if notional else 0.0,
        status=row.status,
        has_sessions=row.contract_type == "TRADIFI_PERPETUAL",
        base=row.base_asset.upper(),
        quote=row.quote_asset.upper(),
        kind=_kind(row),
    )


def _kind(row: _Symbol) -> Literal["spot", "perpetual", "future", ""]:
    """Say what a row is about; one of spot has assets and no contract."""
    if row.contract_type:
        return "perpetual" if row.contract_type.endswith("PERPETUAL") else "future"
    return "spot" if row.base_asset else ""
