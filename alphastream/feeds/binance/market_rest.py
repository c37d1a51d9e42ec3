"""Answers of the REST interface about books and funding."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from alphastream.core.units import HOUR, MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.answers import decode
from alphastream.feeds.binance.market_frames import Number, Price, Quantity, Time, number
from alphastream.feeds.market import BookUpdate, FundingPayment, MarkPrice
from alphastream.feeds.names import Names
from alphastream.instruments import InstrumentId

Levels = tuple[tuple[Price, Quantity], ...]


class _Depth(msgspec.Struct, rename="camel"):
    last_update_id: Number
    bids: Levels
    asks: Levels
    event_time: Time = msgspec.field(default=0, name="E")
    time: Time = msgspec.field(default=0, name="T")


class _Paid(msgspec.Struct, rename="camel"):
    funding_time: Time
    funding_rate: float
    mark_price: str = ""


class _Premium(msgspec.Struct, rename="camel"):
    """A row of premiumIndex: ``lastFundingRate`` is what the next payment would be now."""

    symbol: str
    mark_price: Price
    time: Time
    index_price: str = ""
    last_funding_rate: str = ""
    next_funding_time: Time = 0


class _Adjusted(msgspec.Struct, rename="camel"):
    """A row of fundingInfo."""

    symbol: str
    funding_interval_hours: Annotated[int, Meta(ge=1, le=24 * 7)]


_DEPTH: Final = msgspec.json.Decoder(_Depth, strict=False)
_PAID: Final = msgspec.json.Decoder(list[_Paid], strict=False)
_PREMIUM: Final = msgspec.json.Decoder(_Premium | list[_Premium], strict=False)
_ADJUSTED: Final = msgspec.json.Decoder(list[_Adjusted], strict=False)


def parse_depth(title: str, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
    """Return the book of a depth answer; spot says no time, so that of the arrival stands for it. Raises FeedError."""
    depth = decode(title, _DEPTH, body, "depth")
    time_ns = (depth.time or depth.event_time) * MS or receive_ns
    return BookUpdate(instrument, True, depth.bids, depth.asks, time_ns, receive_ns, last=depth.last_update_id)


def parse_funding_rates(title: str, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
    """Return the payments of a fundingRate answer, oldest first. Raises FeedError."""
    rows = decode(title, _PAID, body, "fundingRate")
    with _numbers(title, "fundingRate"):
        payments = [
            FundingPayment(instrument, row.funding_time * MS, row.funding_rate, mark=number(row.mark_price))
            for row in rows
        ]
    return sorted(payments, key=lambda payment: payment.time_ns)


def parse_premium_index(title: str, names: Names, body: bytes, receive_ns: int) -> list[MarkPrice]:
    """Return the mark prices of a premiumIndex answer, of one symbol or of all. Raises FeedError."""
    told = decode(title, _PREMIUM, body, "premiumIndex")
    with _numbers(title, "premiumIndex"):
        return [
            MarkPrice(
                names[row.symbol],
                row.mark_price,
                row.time * MS,
                receive_ns,
                index=number(row.index_price),
                funding_rate=number(row.last_funding_rate) if row.next_funding_time else float("nan"),
                next_funding_ns=row.next_funding_time * MS,
            )
            for row in (told if isinstance(told, list) else [told])
        ]


def parse_funding_info(title: str, names: Names, body: bytes) -> dict[InstrumentId, int]:
    """Return the ns between payments of what a fundingInfo answer names: those adjusted. Raises FeedError."""
    rows = decode(title, _ADJUSTED, body, "fundingInfo")
    with _numbers(title, "fundingInfo"):
        return {names[row.symbol]: row.funding_interval_hours * HOUR for row in rows}


@contextmanager
def _numbers(title: str, what: str) -> Iterator[None]:
    """Turn a number or a name that cannot be into a FeedError."""
    try:
        yield
    except (ValueError, ParameterError) as error:
        raise FeedError(f"{title} answered {what} with what cannot be: {error}") from error
