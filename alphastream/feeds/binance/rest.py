"""Answers of the REST interface: trades, symbols with their rules, the clock, and refusals."""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from alphastream.core.units import MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.binance.trades import PROBLEMS, Trade
from alphastream.feeds.codec import Instrument, RetryAdvice, WireSymbol
from alphastream.instruments import InstrumentId

_T = TypeVar("_T")


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
    return _decode(title, _TRADES, body, "aggTrades")


def parse_exchange_info(venue: str, title: str, body: bytes) -> dict[str, Instrument]:
    """The rules of what an exchangeInfo answer of a venue lists, by full name. Raises FeedError naming the venue."""
    rows = _decode(title, _INFO, body, "exchangeInfo").symbols
    try:
        return {InstrumentId(venue, row.symbol): _instrument(row) for row in rows}
    except ParameterError as error:
        raise FeedError(f"{title} answered exchangeInfo with a name that cannot be: {error}") from error
    except ValueError as error:
        raise FeedError(f"{title} answered exchangeInfo with a step that is no number: {error}") from error


def parse_server_time(title: str, body: bytes) -> int:
    """The venue's clock in UTC ns. Raises FeedError naming the venue."""
    return _decode(title, _TIME, body, "time").server_time * MS


def advise(title: str, status: int, headers: Mapping[str, str]) -> RetryAdvice:
    """Turn an HTTP refusal into what to do, in words a person understands.

    Parameters
    ----------
    title : the venue, for the sentence.
    status : HTTP status of the answer.
    headers : its headers; ``Retry-After`` counts, in any case, when it is a number of seconds.

    Examples
    --------
    >>> advise("Binance spot", 429, {"Retry-After": "7"}).wait_s
    7.0
    """
    if status == 451:
        return RetryAdvice(
            "stop", 0.0, f"{title} refuses this computer's location (HTTP 451): trying again from here will not help"
        )
    if status == 418:
        wait_s = _retry_after_s(headers, 120.0)
        return RetryAdvice(
            "banned", wait_s, f"{title} banned this address for {_span(wait_s)} after too many requests (HTTP 418)"
        )
    if status == 429:
        wait_s = _retry_after_s(headers, 60.0)
        return RetryAdvice("wait", wait_s, f"{title} asks to wait {_span(wait_s)}: too many requests (HTTP 429)")
    if status == 403:
        wait_s = _retry_after_s(headers, 300.0)
        return RetryAdvice("banned", wait_s, f"{title}'s firewall turned this address away (HTTP 403)")
    return RetryAdvice("retry", 0.0, f"{title} answered with HTTP {status}")


def _decode(title: str, decoder: "msgspec.json.Decoder[_T]", body: bytes, what: str) -> _T:
    try:
        return decoder.decode(body)
    except PROBLEMS as error:
        seen = body[:120].decode("utf-8", "replace")
        raise FeedError(f"{title} answered {what} with {seen!r}: {error}") from error


def _retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        wait_s = float(text)
    except ValueError:
        return default_s
    return min(wait_s, 3 * 86_400.0) if wait_s > 0 else default_s  # a ban lasts three days at most


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.0f} h"


def _instrument(row: _Symbol) -> Instrument:
    rules = {rule.filter_type: rule for rule in row.filters}
    price, lot = rules.get("PRICE_FILTER"), rules.get("LOT_SIZE")
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL")
    tick_size = price.tick_size if price else "0"
    return Instrument(
        symbol=WireSymbol(row.symbol),
        tick_size=float(tick_size),
        step_size=float(lot.step_size) if lot else 0.0,
        price_decimals=len(tick_size.partition(".")[2].rstrip("0")),
        min_notional=(notional.min_notional or notional.notional) if notional else 0.0,
        status=row.status,
        has_sessions=row.contract_type == "TRADIFI_PERPETUAL",
    )
