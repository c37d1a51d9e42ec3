"""Round trips: from the first fill that opens a position to the fill that leaves nothing of it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphastream.errors import ParameterError
from alphastream.performance.costs import CostSplit, left_open, split_costs
from alphastream.performance.inputs import Fill, Payment


@dataclass(frozen=True, slots=True)
class RoundTripLeg:
    """What a round trip did in one symbol.

    Parameters
    ----------
    quantity : units that opened, buying positive; what was added later counts too.
    entry_price, exit_price : means of the prices paid, weighted by quantity; NaN where nothing was closed yet.
    left : units that are still held.
    """

    quantity: float
    entry_price: float
    exit_price: float
    left: float


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A position from its first fill to its last.

    Parameters
    ----------
    number : as on its fills.
    opened_ns : time of the first fill.
    closed_ns : time of the last fill; None while a leg is open, and then its worth is at the last marks.
    direction : 1 if the leading symbol was bought to open, −1 if it was sold, 0 if it did not trade.
    legs : by symbol, in the order in which they were first filled.
    split : profit and its parts.
    entry_notional : |quantity| · trade_price of the fills that opened.
    leg_gap_ns : time between the first fills of the first and of the last leg, while only part of the spread was held;
        None with one leg.
    """

    number: int
    opened_ns: int
    closed_ns: int | None
    direction: int
    legs: Mapping[str, RoundTripLeg]
    split: CostSplit
    entry_notional: float
    leg_gap_ns: int | None

    @property
    def net(self) -> float:
        """Profit after all costs and funding."""
        return self.split.net

    @property
    def holding_ns(self) -> int | None:
        """Time from the first fill to the last; None while a leg is open."""
        return None if self.closed_ns is None else self.closed_ns - self.opened_ns

    @property
    def return_on_notional(self) -> float:
        """Net profit over the entry notional."""
        return self.net / self.entry_notional


@dataclass(frozen=True, slots=True)
class RoundTripStatistics:
    """What closed round trips have in common; NaN (None for times) where there is none to tell.

    Parameters
    ----------
    closed, still_open : how many.
    hit_rate : share of the closed with a net profit above 0.
    mean_win, median_win, mean_loss, median_loss : net profit of those above and below 0; losses negative.
    profit_factor : sum of wins over the sum of losses; NaN without a loss.
    mean_holding_ns, longest_holding_ns : from first to last fill.
    longest_losing_streak : most losses in a row, in the order in which the round trips closed.
    """

    closed: int
    still_open: int
    hit_rate: float
    mean_win: float
    median_win: float
    mean_loss: float
    median_loss: float
    profit_factor: float
    mean_holding_ns: float
    longest_holding_ns: int | None
    longest_losing_streak: int


def round_trips(
    fills: Iterable[Fill],
    funding: Iterable[Payment],
    marks_at_end: Mapping[str, float],
    lead: str | None = None,
) -> tuple[RoundTrip, ...]:
    """Group fills and funding by their ``round_trip``, in the order in which round trips were opened.

    Parameters
    ----------
    fills : in the order in which they happened.
    marks_at_end : last price of each symbol; needed of those with an open position.
    lead : symbol whose opening side is the direction of a round trip, y of a pair. None: the first that was filled,
        where each symbol has its own round trips.
    """
    by_round_trip: dict[int, list[Fill]] = {}
    for fill in fills:
        by_round_trip.setdefault(fill.round_trip, []).append(fill)
    paid: dict[int, list[Payment]] = {}
    for payment in funding:
        if payment.round_trip not in by_round_trip:
            raise ParameterError(
                f"funding of round trip {payment.round_trip}, which has no fill: pass the fills of the whole run"
            )
        paid.setdefault(payment.round_trip, []).append(payment)
    return tuple(
        _round_trip(number, its, paid.get(number, ()), marks_at_end, lead) for number, its in by_round_trip.items()
    )


def round_trip_statistics(round_trips: Iterable[RoundTrip]) -> RoundTripStatistics:
    """Count, hit rate, wins, losses and times of round trips."""
    round_trips = tuple(round_trips)
    closed = sorted(
        (round_trip for round_trip in round_trips if round_trip.closed_ns is not None),
        key=lambda round_trip: round_trip.closed_ns or 0,
    )
    net = np.array([round_trip.net for round_trip in closed])
    held = [round_trip.holding_ns for round_trip in closed if round_trip.holding_ns is not None]
    wins, losses = net[net > 0.0], net[net < 0.0]
    return RoundTripStatistics(
        closed=len(closed),
        still_open=len(round_trips) - len(closed),
        hit_rate=wins.size / net.size if net.size else math.nan,
        mean_win=float(wins.mean()) if wins.size else math.nan,
        median_win=float(np.median(wins)) if wins.size else math.nan,
        mean_loss=float(losses.mean()) if losses.size else math.nan,
        median_loss=float(np.median(losses)) if losses.size else math.nan,
        profit_factor=float(wins.sum() / -losses.sum()) if losses.size else math.nan,
        mean_holding_ns=float(np.mean(held)) if held else math.nan,
        longest_holding_ns=max(held, default=None),
        longest_losing_streak=_longest_run(net < 0.0),
    )


def _round_trip(
    number: int, fills: Sequence[Fill], paid: Iterable[Payment], marks: Mapping[str, float], lead: str | None
) -> RoundTrip:
    by_symbol: dict[str, list[Fill]] = {}
    for fill in fills:
        by_symbol.setdefault(fill.symbol, []).append(fill)
    left = left_open(fills)
    legs = {symbol: _leg(its, left.get(symbol, 0.0)) for symbol, its in by_symbol.items()}
    leading = legs.get(fills[0].symbol if lead is None else lead)
    firsts = [its[0].time_ns for its in by_symbol.values()]
    return RoundTrip(
        number=number,
        opened_ns=min(firsts),
        closed_ns=None if left else max(fill.time_ns for fill in fills),
        direction=0 if leading is None else int(math.copysign(1, leading.quantity)),
        legs=legs,
        split=split_costs(fills, paid, marks),
        entry_notional=math.fsum(
            abs(fill.quantity) * fill.trade_price for fill in fills if fill.quantity * legs[fill.symbol].quantity > 0.0
        ),
        leg_gap_ns=max(firsts) - min(firsts) if len(firsts) > 1 else None,
    )


def _leg(fills: Sequence[Fill], left: float) -> RoundTripLeg:
    sign = math.copysign(1.0, fills[0].quantity)
    entry, exit_ = ([fill for fill in fills if fill.quantity * side > 0.0] for side in (sign, -sign))
    return RoundTripLeg(math.fsum(fill.quantity for fill in entry), _mean_price(entry), _mean_price(exit_), left)


def _mean_price(fills: Sequence[Fill]) -> float:
    units = math.fsum(fill.quantity for fill in fills)
    return math.fsum(fill.quantity * fill.price for fill in fills) / units if fills else math.nan


def _longest_run(lost: NDArray[np.bool_]) -> int:
    """Most neighbours that are true."""
    breaks = np.flatnonzero(np.concatenate([[True], ~lost, [True]]))
    return int(np.diff(breaks).max()) - 1
