"""REST of Binance's futures about mark prices and funding."""

from collections.abc import Callable, Mapping

from ...funding import INTERVALS_NS
from ...protocol import PlayedMarket
from .messages import Json
from .queries import HOUR_MS, integer, limit_of, listed_symbol

MS_NS = 1_000_000


def _premium_index(query: Mapping[str, str], market: PlayedMarket) -> object:
    tape = market.playback.tape.positions
    if "symbol" in query:
        symbol = listed_symbol(query, market)
        return _premium_row(symbol, market) if symbol in tape else []
    return [_premium_row(symbol, market) for symbol in tape]


def _premium_row(symbol: str, market: PlayedMarket) -> Json:
    mark = market.funding.now(symbol, market.playback.now_ns())
    return {
        "symbol": symbol,
        "markPrice": mark.mark,
        "indexPrice": mark.index,
        "estimatedSettlePrice": mark.index,
        "lastFundingRate": mark.funding_rate,
        "interestRate": "0.00010000",
        "nextFundingTime": mark.next_funding_ns // MS_NS,
        "time": mark.time_ns // MS_NS,
    }


def _funding_rate(query: Mapping[str, str], market: PlayedMarket) -> list[Json]:
    symbol, limit = listed_symbol(query, market), limit_of(query, 100, 1_000)
    if symbol not in market.playback.tape.positions:
        return []
    now_ms = market.playback.now_ns() // MS_NS
    start_ms, end_ms = integer(query, "startTime"), integer(query, "endTime")
    until_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    span_ms = limit * market.funding.interval_ns(symbol) // MS_NS
    from_ms = until_ms - span_ms if start_ms is None else start_ms
    paid = market.funding.payments(symbol, from_ms * MS_NS, min(until_ms, from_ms + span_ms) * MS_NS)
    rows: list[Json] = [
        {"symbol": symbol, "fundingTime": time_ns // MS_NS, "fundingRate": rate, "markPrice": mark}
        for time_ns, rate, mark in paid
    ]
    return rows[-limit:] if start_ms is None else rows[:limit]


def _funding_info(query: Mapping[str, str], market: PlayedMarket) -> list[Json]:
    adjusted: Json = {"adjustedFundingRateCap": "0.02000000", "adjustedFundingRateFloor": "-0.02000000"}
    return [
        {"symbol": symbol, **adjusted, "fundingIntervalHours": INTERVALS_NS[listing.base] // MS_NS // HOUR_MS}
        for symbol, listing in market.listings.items()
        if listing.base in INTERVALS_NS
    ]


FUNDING: dict[str, Callable[[Mapping[str, str], PlayedMarket], object]] = {
    "premiumIndex": _premium_index,
    "fundingRate": _funding_rate,
    "fundingInfo": _funding_info,
}
"""What futures answer beside what spot does, by the last part of the path."""
