"""Answers of Bybit's REST interface. An error comes with HTTP 200: its retCode says so."""

from collections.abc import Mapping
from typing import Final, Generic, Literal, TypeVar

import msgspec

from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.answers import advise as advise_in_general
from alphastream.feeds.answers import decimals, decode, retry_after_s, span
from alphastream.feeds.bybit.trades import Trade
from alphastream.feeds.codec import Instrument, RetryAdvice, WireSymbol
from alphastream.instruments import InstrumentId

BAN_S: Final = 600.0  # of an address that asked too often
_Result = TypeVar("_Result")
_Row = TypeVar("_Row")


class Answer(msgspec.Struct, Generic[_Result], rename="camel"):
    """What surrounds every answer; ``ret_code`` is 0 for success."""

    ret_code: int
    result: _Result
    ret_msg: str = ""


class Rows(msgspec.Struct, Generic[_Row], rename="camel"):
    """A list, and where it would go on."""

    list: list[_Row]
    next_page_cursor: str = ""


class _Past(msgspec.Struct, rename="camel"):
    """A trade of REST: what ``Trade`` is of the stream."""

    exec_id: str
    symbol: str
    price: float
    size: float
    side: Literal["Buy", "Sell"]
    time: int
    seq: int
    is_block_trade: bool = False


class _Price(msgspec.Struct, frozen=True, rename="camel"):
    tick_size: str = "0"


class _Lot(msgspec.Struct, frozen=True, rename="camel"):
    qty_step: str = ""
    base_precision: str = ""  # the step of a spot pair
    min_notional_value: str = ""
    min_order_amt: str = ""  # the smallest order of a spot pair


class Listed(msgspec.Struct, rename="camel"):
    """A row of instruments-info. ``funding_interval`` is in minutes."""

    symbol: str
    status: str
    base_coin: str = ""
    quote_coin: str = ""
    contract_type: str = ""
    price_filter: _Price = _Price()
    lot_size_filter: _Lot = _Lot()
    funding_interval: int = 0


class _Time(msgspec.Struct, rename="camel"):
    time_nano: int


class _Refusal(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""


_PAST: Final = msgspec.json.Decoder(Answer[Rows[_Past]], strict=False)
LISTED: Final = msgspec.json.Decoder(Answer[Rows[Listed]], strict=False)
_TIME: Final = msgspec.json.Decoder(Answer[_Time], strict=False)


def result(title: str, decoder: "msgspec.json.Decoder[Answer[_Result]]", body: bytes, what: str) -> _Result:
    """Return what an answer holds; FeedError where it is none, or says no."""
    try:
        answer = decode(title, decoder, body, what)
    except FeedError:
        refusal = _refusal(body)
        if refusal is None:
            raise
        raise FeedError(f"{title} refused {what}: {refusal}") from None
    if answer.ret_code != 0:
        raise FeedError(f"{title} refused {what}: code {answer.ret_code}, {answer.ret_msg or 'without a word'}")
    return answer.result


def parse_trades(title: str, body: bytes) -> list[Trade]:
    """Return the trades of an answer as those of the stream, oldest first. Raises FeedError."""
    return [
        Trade(row.time, row.symbol, row.side, row.size, row.price, row.exec_id, row.seq, row.is_block_trade)
        for row in reversed(result(title, _PAST, body, "recent-trade").list)
    ]


def parse_server_time(title: str, body: bytes) -> int:
    """Return the clock in UTC ns. Raises FeedError."""
    return result(title, _TIME, body, "time").time_nano


def parse_listing(venue: str, title: str, body: bytes) -> dict[str, Instrument]:
    """Return the rules by full name. Raises FeedError, also where the list goes on beyond the answer."""
    listed = result(title, LISTED, body, "instruments-info")
    if listed.next_page_cursor:
        raise FeedError(
            f"{title} answered instruments-info with {len(listed.list)} instruments and has more: what is not among "
            "them would be refused wrongly"
        )
    try:
        return {InstrumentId(venue, row.symbol): _instrument(row) for row in listed.list}
    except ParameterError as error:
        raise FeedError(f"{title} answered instruments-info with a name that cannot be: {error}") from error
    except ValueError as error:
        raise FeedError(f"{title} answered instruments-info with a step that is no number: {error}") from error


def advise(title: str, status: int, headers: Mapping[str, str]) -> RetryAdvice:
    """Say what a refusal asks for: 403 is for who asked too often, or comes from where Bybit serves nobody.

    Examples
    --------
    >>> advise("Bybit spot", 403, {}).wait_s
    600.0
    """
    if status != 403:
        return advise_in_general(title, status, headers)
    wait_s = retry_after_s(headers, BAN_S)
    return RetryAdvice(
        "banned",
        wait_s,
        f"{title} turned this address away for {span(wait_s)} (HTTP 403): it asked too often, or is where Bybit serves "
        "nobody, as in the United States",
    )


def _instrument(row: Listed) -> Instrument:
    lot, tick_size = row.lot_size_filter, row.price_filter.tick_size
    kind: Literal["spot", "perpetual", "future"] = "spot"
    if row.contract_type:
        kind = "perpetual" if row.contract_type.endswith("Perpetual") else "future"
    return Instrument(
        symbol=WireSymbol(row.symbol),
        tick_size=float(tick_size),
        step_size=float(lot.qty_step or lot.base_precision or 0),
        price_decimals=decimals(tick_size),
        min_notional=float(lot.min_notional_value or lot.min_order_amt or 0),
        status="TRADING" if row.status == "Trading" else row.status,
        base=row.base_coin,
        quote=row.quote_coin,
        kind=kind,
    )


def _refusal(body: bytes) -> str | None:
    """Return what an answer without a result says; None where it says nothing."""
    try:
        answer = msgspec.json.decode(body, type=_Refusal)
    except (ValueError, RecursionError):
        return None
    return f"code {answer.ret_code}, {answer.ret_msg}" if answer.ret_code != 0 else None
