"""Answers of the REST interface: trades, products with their rules, and the clock.

Source: https://docs.cdp.coinbase.com/exchange/reference, "Get product trades", "Get all known trading pairs".
"""

from typing import Final

import msgspec

from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.answers import decimals, decode
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.coinbase.trades import Trade
from alphastream.feeds.iso_times import iso_ns
from alphastream.instruments import InstrumentId


class _Product(msgspec.Struct):
    """A row of /products."""

    id: str
    base_currency: str = ""
    quote_currency: str = ""
    base_increment: str = "0"
    quote_increment: str = "0"
    min_market_funds: str = "0"
    status: str = "online"
    trading_disabled: bool = False
    cancel_only: bool = False
    post_only: bool = False


class _Time(msgspec.Struct):
    iso: str


_TRADES: Final = msgspec.json.Decoder(list[Trade], strict=False)
_PRODUCTS: Final = msgspec.json.Decoder(list[_Product])
_TIME: Final = msgspec.json.Decoder(_Time)
_HALTS: Final = ("trading_disabled", "cancel_only", "post_only")  # nothing trades where orders may only rest


def parse_trades(title: str, body: bytes) -> list[Trade]:
    """Trades of an answer, in its order; their symbol is empty. Raises FeedError naming the venue."""
    return decode(title, _TRADES, body, "trades")


def parse_products(venue: str, title: str, body: bytes) -> dict[str, Instrument]:
    """The rules of what an answer lists, by full name. Raises FeedError naming the venue."""
    rows = decode(title, _PRODUCTS, body, "products")
    try:
        return {InstrumentId(venue, row.id): _instrument(row) for row in rows}
    except (ParameterError, ValueError) as error:
        raise FeedError(f"{title} answered products with what cannot be: {error}") from error


def parse_server_time(title: str, body: bytes) -> int:
    """The venue's clock in UTC ns. Raises FeedError naming the venue."""
    try:
        return iso_ns(decode(title, _TIME, body, "time").iso)
    except ValueError as error:
        raise FeedError(f"{title} answered time with what cannot be: {error}") from error


def _instrument(row: _Product) -> Instrument:
    status = "TRADING" if row.status == "online" else row.status
    return Instrument(
        symbol=WireSymbol(row.id),
        tick_size=float(row.quote_increment),
        step_size=float(row.base_increment),
        price_decimals=decimals(row.quote_increment),
        min_notional=float(row.min_market_funds),
        status=next((halt for halt in _HALTS if getattr(row, halt)), status),
        base=row.base_currency,
        quote=row.quote_currency,
        kind="spot",
    )
