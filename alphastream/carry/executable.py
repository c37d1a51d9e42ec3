"""The z-score at the prices one would get, and what a round trip at them has to earn first."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from alphastream.books import BookView, fill
from alphastream.carry.position import hedged_units
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.graph import Price
from alphastream.pairs import PairAnalytics

BOOK_STALE_NS: Final = 10 * SECOND
"""A book of a leg that is worth trading changes several times a second: unchanged for so long, it has stopped."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The model of a spread at its newest closed bar.

    Parameters
    ----------
    y, x : prices there.
    spread, mean, std : of the spread there, in the units of ``price``.
    """

    y: float
    x: float
    hedge_ratio: float
    spread: float
    mean: float
    std: float
    price: Price

    def zscore(self, y: float, x: float) -> float:
        """z-score of other prices under the same line, mean and deviation; NaN where one of them is not known."""
        return (self.spread_at(y, x) - self.mean) / self.std if self.std > 0.0 else math.nan

    def spread_at(self, y: float, x: float) -> float:
        """Spread of other prices under the same line."""
        if self.price == "log":
            return self.spread + math.log(y / self.y) - self.hedge_ratio * math.log(x / self.x)
        return self.spread + (y - self.y) - self.hedge_ratio * (x - self.x)


@dataclass(frozen=True, slots=True)
class Entry:
    """Opening a position in one direction at the books as they are, and closing it there again.

    Amounts in quote units; bps are of the notional of leg y.

    Parameters
    ----------
    direction : 1 buys the spread (y from its asks, x to its bids), -1 sells it.
    y, x : average prices of the opening.
    zscore : at these prices.
    fees : of all four fills.
    spread_cost : twice half of both bid-ask spreads: from mid to the best level and back.
    impact_cost : what the levels beyond the best cost, on both ways.
    round_trip_z : deviations that the spread has to move from where the mids have it until all that is paid.
    edge : what is left if the spread goes from here to the exit and closing costs what it would cost now.
    notional : of leg y.
    """

    direction: Literal[1, -1]
    y: float
    x: float
    zscore: float
    fees: float
    spread_cost: float
    impact_cost: float
    round_trip_z: float
    edge: float
    notional: float

    @property
    def cost(self) -> float:
        """Fees, spread and impact of a round trip."""
        return self.fees + self.spread_cost + self.impact_cost

    def bps(self, amount: float) -> float:
        """An amount in bps of the notional of leg y."""
        return amount / self.notional * 1e4


@dataclass(frozen=True, slots=True)
class Executable:
    """Both directions at the same books; ``None`` and a reason where one cannot be had.

    Parameters
    ----------
    last_zscore : at the last trades.
    why : sentences on what is missing; "" where nothing is.
    """

    last_zscore: float
    long: Entry | None
    short: Entry | None
    why: str = ""

    @property
    def rich(self) -> Entry | None:
        """The direction that sells the leg that is dear at the last trades."""
        return self.short if self.last_zscore > 0.0 else self.long


def fit_of(answer: PairAnalytics) -> Fit | None:
    """Return the model of the newest closed bar; None while it is not defined."""
    closed = answer.closed
    if not len(closed["time_ns"]):
        return None
    names = ("y", "x", "hedge_ratio", "spread", "spread_mean", "spread_std")
    y, x, ratio, spread, mean, std = (float(closed[name][-1]) for name in names)
    known = all(map(math.isfinite, (y, x, ratio, spread, mean, std)))
    return Fit(y, x, ratio, spread, mean, std, answer.spec.price) if known and std > 0.0 else None


def executable(
    fit: Fit,
    last: tuple[float, float],
    books: tuple[BookView | None, BookView | None],
    names: tuple[str, str],
    *,
    notional: float,
    fee_bps: float,
    exit_z: float,
    now_ns: int,
) -> Executable:
    """Return what a position of a size would get in the books of both legs.

    Parameters
    ----------
    last : newest trades of y and x.
    books : of y and x as they are now.
    names : of y and x, for sentences.
    notional : of leg y, in quote units; leg x follows by the hedge ratio.
    fee_bps : of each fill.
    exit_z : |z| at which the position is closed.

    Raises
    ------
    ParameterError : ``notional`` is not above 0.
    """
    if not (math.isfinite(notional) and notional > 0.0):
        raise ParameterError(f"a size of {notional!r}: give the notional of leg y, above 0")
    last_zscore = fit.zscore(*last)
    faults = [_fault(book, name, now_ns) for book, name in zip(books, names, strict=True)]
    of_y, of_x = books
    if of_y is None or of_x is None or any(faults):
        return Executable(last_zscore, None, None, " ".join(filter(None, faults)))
    units = hedged_units(notional, _mid(of_y), _mid(of_x), fit.hedge_ratio, fit.price)
    trades = [_both_ways(book, each, name) for book, each, name in zip((of_y, of_x), units, names, strict=True)]
    if thin := [trade for trade in trades if isinstance(trade, str)]:
        return Executable(last_zscore, None, None, " ".join(thin))
    y, x = (trade for trade in trades if not isinstance(trade, str))
    long, short = (_entry(fit, y, x, direction, notional, fee_bps, exit_z) for direction in (1, -1))
    return Executable(last_zscore, long, short)


@dataclass(frozen=True, slots=True)
class _Leg:
    """A leg's units when the spread is bought, and the prices of trading them in each direction."""

    units: float
    mid: float
    bid: float
    ask: float
    sold_at: float
    bought_at: float


def _fault(book: BookView | None, name: str, now_ns: int) -> str:
    """Why a book is of no use now; "" where it is."""
    if book is None:
        return f"No book of {name} is kept."
    if not book.in_sequence:
        return f"The book of {name} is not in sequence: {book.reason.rstrip('.')}."
    if now_ns - book.receive_ns > BOOK_STALE_NS:
        return f"The book of {name} has not changed for {(now_ns - book.receive_ns) / 1e9:.0f} s."
    if not (len(book.bid_price) and len(book.ask_price)):
        return f"The book of {name} has an empty side."
    return ""


def _mid(book: BookView) -> float:
    return 0.5 * float(book.bid_price[0] + book.ask_price[0])


def _both_ways(book: BookView, units: float, name: str) -> _Leg | str:
    """What units of a leg get on either side, or why they cannot be had."""
    size = abs(units)
    sold = fill(book.bid_price, book.bid_quantity, size)
    bought = fill(book.ask_price, book.ask_quantity, size)
    for got, side in ((sold, "bids"), (bought, "offers")):
        if got.filled < size * (1.0 - 1e-12):
            return f"The book of {name} is too thin: its {side} hold {got.filled:.6g} of {size:.6g}."
    best = float(book.bid_price[0]), float(book.ask_price[0])
    if not size:
        return _Leg(0.0, _mid(book), *best, *best)
    return _Leg(units, _mid(book), *best, sold.average, bought.average)


def _entry(
    fit: Fit, y: _Leg, x: _Leg, direction: Literal[1, -1], notional: float, fee_bps: float, exit_z: float
) -> Entry:
    fees = spread_cost = impact_cost = closing = 0.0
    prices = []
    for leg in (y, x):
        units, size = direction * leg.units, abs(leg.units)
        prices.append(leg.bought_at if units > 0.0 else leg.sold_at)
        fees += size * (leg.bought_at + leg.sold_at) * fee_bps * 1e-4
        spread_cost += size * (leg.ask - leg.bid)
        impact_cost += size * ((leg.bought_at - leg.ask) + (leg.bid - leg.sold_at))
        closing += size * ((leg.mid - leg.sold_at) if units > 0.0 else (leg.bought_at - leg.mid))
    value = notional if fit.price == "log" else abs(y.units)  # in quote units, of one unit of the spread
    entered = fit.spread_at(*prices)
    to_exit = direction * (fit.mean - entered) - exit_z * fit.std
    edge = to_exit * value - closing - fees
    round_trip_z = (fees + spread_cost + impact_cost) / value / fit.std
    zscore = (entered - fit.mean) / fit.std
    return Entry(direction, prices[0], prices[1], zscore, fees, spread_cost, impact_cost, round_trip_z, edge, notional)
