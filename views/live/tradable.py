"""What the pair could be traded at, and what holding it costs, as cards and a table. No Streamlit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from alphastream.books import MarketView
from alphastream.carry import (
    Entry,
    Executable,
    LegCarry,
    PairCarry,
    executable,
    fit_of,
    hedged_units,
    leg_carry,
    liquidation_distance,
    liquidation_price,
    pair_carry,
)
from alphastream.core.units import SECOND
from alphastream.feeds.codec import Instrument
from alphastream.instruments import InstrumentId, in_words
from alphastream.pairs import PairAnalytics, PairSpec
from views.component import Card, Tone
from views.shared.cards import make_card, newest_closed
from views.shared.instruments import labels
from views.shared.metrics import UNKNOWN

NO_MARKET: Final = "no books or mark prices here"
MARK_AGE_NS: Final = 60 * SECOND
"""A mark price comes at least every ten seconds: of one that is older the connection is gone."""
_HELP: Final = {
    "executable": "z-score at the prices that the chosen size would get now: the dear leg sold to its bids, the other "
    "bought from its offers, through the depth of both books. Mean, deviation and ratio are those of the newest closed "
    "bar, as for the z of the last trades beside it.",
    "edge": "What is left if the spread goes from these prices to the exit, and closing costs what it would cost now: "
    "after all four fees, both spreads and what the depth beyond the best levels costs. In bps of the notional of y. "
    "Not a forecast: the mean and the ratio move too, and the books will be others.",
    "carry": "Funding that the pair would receive, or (negative) pay, in a day at the rates expected now, for the "
    "chosen size and the direction that is held, or else that the z-score speaks for. Rates change with each payment.",
}


@dataclass(frozen=True, slots=True)
class Size:
    """What is asked about.

    Parameters
    ----------
    notional : of leg y, in quote units.
    fee_bps : of each fill.
    """

    notional: float = 1_000.0
    fee_bps: float = 5.0


def tradable_cards(
    answer: PairAnalytics | None,
    spec: PairSpec,
    market: MarketView | None,
    instruments: Mapping[str, Instrument],
    now_ns: int,
    size: Size,
    venue: str = "",
) -> list[Card]:
    """The executable z-score, the edge after all costs, and the carry; each says what it lacks.

    Parameters
    ----------
    now_ns : for the ages of books.
    venue : whose symbols are printed bare.
    """
    if market is None:
        return [
            make_card("executable", "Executable z", UNKNOWN, NO_MARKET, title=_HELP["executable"]),
            make_card("net-edge", "Edge after costs", UNKNOWN, NO_MARKET, title=_HELP["edge"]),
            make_card("carry", "Carry a day", UNKNOWN, NO_MARKET, title=_HELP["carry"]),
        ]
    found = prices_of(answer, spec, market, now_ns, size)
    held = carry_of(answer, spec, market, instruments, now_ns, size)
    return [_executable(found, venue), _edge(found, size, venue), _carry(held, now_ns, venue)]


def prices_of(
    answer: PairAnalytics | None, spec: PairSpec, market: MarketView, now_ns: int, size: Size
) -> Executable | str:
    """What the books would give, or why that cannot be asked yet."""
    fit = fit_of(answer) if answer is not None else None
    if fit is None or answer is None:
        return "no z-score yet"
    if answer.last_y is None or answer.last_x is None:
        return "no trade of a leg yet"
    return executable(
        fit,
        (answer.last_y.price, answer.last_x.price),
        (market.book(spec.y), market.book(spec.x)),
        (spec.y, spec.x),
        notional=size.notional,
        fee_bps=size.fee_bps,
        exit_z=spec.exit,
        now_ns=now_ns,
    )


def carry_of(
    answer: PairAnalytics | None,
    spec: PairSpec,
    market: MarketView,
    instruments: Mapping[str, Instrument],
    now_ns: int,
    size: Size,
) -> PairCarry | str:
    """The carry of the position that is held or would be opened; or why it cannot be known.

    Parameters
    ----------
    now_ns : for the ages of mark prices.
    """
    fit = fit_of(answer) if answer is not None else None
    if fit is None or answer is None:
        return "no hedge ratio yet"
    marks = {name: market.mark(name) for name in (spec.y, spec.x)}
    for name, mark in marks.items():
        if mark is not None and now_ns - mark.receive_ns > MARK_AGE_NS:
            return f"no mark price of {name} for {(now_ns - mark.receive_ns) / 1e9:,.0f} s"
    direction = newest_closed(answer, "position")
    if not direction or math.isnan(direction):
        direction = -1.0 if newest_closed(answer, "zscore") > 0.0 else 1.0
    last_y = fit.y if answer.last_y is None else answer.last_y.price
    last_x = fit.x if answer.last_x is None else answer.last_x.price
    units = hedged_units(direction * size.notional, last_y, last_x, fit.hedge_ratio, spec.price)
    legs = [
        leg_carry(InstrumentId.parse(name, "file"), each, last, instruments.get(name), marks[name])
        for name, each, last in zip((spec.y, spec.x), units, (last_y, last_x), strict=True)
    ]
    return pair_carry(legs[0], legs[1])


def _executable(found: Executable | str, venue: str) -> Card:
    if isinstance(found, str) or (entry := found.rich) is None:
        return make_card("executable", "Executable z", UNKNOWN, *_lacks(found, venue, "executable"))
    sells = entry.direction < 0
    sub = f"{'sell y, buy x' if sells else 'buy y, sell x'}; last trades {found.last_zscore:+.2f}"
    tone: Tone = "short" if sells and entry.zscore > 0.0 else "long" if not sells and entry.zscore < 0.0 else "neutral"
    return make_card("executable", "Executable z", f"{entry.zscore:+.2f}", sub, tone, _HELP["executable"])


def _edge(found: Executable | str, size: Size, venue: str) -> Card:
    if isinstance(found, str) or (entry := found.rich) is None:
        return make_card("net-edge", "Edge after costs", UNKNOWN, *_lacks(found, venue, "edge"))
    sub = f"pays at {entry.round_trip_z:.2f} σ, {entry.bps(entry.cost):.1f} bps"
    more = (
        f"A round trip of {size.notional:,.0f} in y costs {entry.cost:,.2f}: {_parts(entry)}. The spread must move by "
        f"{entry.round_trip_z:.2f} of its deviations until that is paid."
    )
    tone: Tone = "ok" if entry.edge > 0.0 else "warn"
    value = f"{entry.bps(entry.edge):+.1f} bps"
    return make_card("net-edge", "Edge after costs", value, sub, tone, f"{more} {_HELP['edge']}")


def _parts(entry: Entry) -> str:
    return f"fees {entry.fees:,.2f}, spreads {entry.spread_cost:,.2f}, depth {entry.impact_cost:,.2f}"


def _lacks(found: Executable | str, venue: str, key: str) -> tuple[str, Tone, str]:
    """Line below, tone and title of a card without a value."""
    if isinstance(found, str):
        return found, "neutral", _HELP[key]
    why = in_words(found.why, venue)
    short = next((words for part, words in _SHORT.items() if part in why), "no price")
    return short, "warn", f"{why} {_HELP[key]}"


_SHORT: Final = {
    "No book": "no book of a leg",
    "not in sequence": "a book is out of sequence",
    "has not changed": "a book is old",
    "too thin": "a book is too thin",
    "empty side": "a book has an empty side",
}


def _carry(held: PairCarry | str, now_ns: int, venue: str) -> Card:
    name, label = "carry", "Carry a day"
    if isinstance(held, str):
        return make_card(name, label, UNKNOWN, in_words(held, venue), title=_HELP["carry"])
    legs = held.y, held.x
    if all(leg.funded == "none" for leg in legs):
        return make_card(name, label, "0", "neither leg pays funding", title=_HELP["carry"])
    title = f"{in_words(held.why, venue)} {_HELP['carry']}".strip()
    if math.isnan(held.a_day):
        return make_card(name, label, UNKNOWN, "funding is not known", "warn", title)
    following = min((leg.next_ns for leg in legs if leg.next_ns > now_ns), default=0)
    payment = math.fsum(leg.payment for leg in legs if leg.next_ns == following and following)
    sub = f"next {payment:+,.2f} in {_span(following - now_ns)}" if following else "next payment not known"
    title = f"{side_of(held)}: {held.a_day:+,.2f} in quote units on {held.gross:,.0f} of both legs. {title}"
    return make_card(name, label, f"{held.share_a_day:+.4%}", sub, "ok" if held.a_day >= 0.0 else "warn", title)


def side_of(held: PairCarry) -> str:
    """Which way the pair is held, in words."""
    return "Long the spread" if held.y.units > 0.0 else "Short the spread"


def _span(time_ns: int) -> str:
    minutes = round(time_ns / 6e10)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def carry_frame(
    held: PairCarry, answer: PairAnalytics, leverage: float, maintenance: float, venue: str = ""
) -> pd.DataFrame:
    """Both legs: prices, funding, and where each is liquidated if it is opened now with a margin of its own.

    Parameters
    ----------
    leverage, maintenance : see ``liquidation_price``.
    """
    names = labels((answer.spec.y, answer.spec.x), venue)
    return pd.DataFrame(
        [_row(leg, names.get(leg.instrument, leg.instrument), leverage, maintenance) for leg in (held.y, held.x)]
    )


def _row(leg: LegCarry, name: str, leverage: float, maintenance: float) -> dict[str, object]:
    closed_at = distance = math.nan
    if leg.funded != "none" and leg.price > 0.0 and leg.units:
        side: Literal[1, -1] = 1 if leg.units > 0.0 else -1
        closed_at = liquidation_price(leg.price, side, leverage, maintenance)
        distance = liquidation_distance(leg.price, leg.price, side, leverage, maintenance)
    return {
        "leg": name,
        "units": leg.units,
        "price": leg.price,
        "basis_bps": leg.basis * 1e4,
        "rate_bps": leg.rate * 1e4,
        "every_h": leg.interval_ns / 3.6e12 if leg.interval_ns else math.nan,
        "next": pd.to_datetime(leg.next_ns, utc=True) if leg.next_ns else pd.NaT,
        "payment": leg.payment,
        "a_day": leg.a_day,
        "liquidation": closed_at or math.nan,
        "distance": distance,
    }
