"""Round trips as a table, the same of a backtest, of a paper run and in a report."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pandas as pd

from alphastream.performance import RoundTrip
from alphastream.performance.round_trips import RoundTripLeg
from alphastream.reports.metrics import SIDES, UNKNOWN, utc
from alphastream.trading import Fill, LegOrder, SpreadOrder

COLUMNS: Final = (
    "number",
    "opened",
    "closed",
    "side",
    "held_s",
    "legs",
    "gross",
    "costs",
    "net",
    "net_bps",
    "leg_gap_s",
    "reason",
)


def round_trips_frame(
    round_trips: Iterable[RoundTrip],
    symbols: Sequence[str],
    reasons: Mapping[int, str],
    names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One line a round trip, in the order given; amounts in the quote currency, NaN where nothing was closed yet.

    Parameters
    ----------
    symbols : order of the legs in their column.
    reasons : of the last fill, by number of the round trip; from ``exit_reasons``.
    names : how symbols are printed; None: as they are.
    """
    names = names or {symbol: symbol for symbol in symbols}
    return pd.DataFrame([_line(each, names, reasons) for each in round_trips], columns=list(COLUMNS))


def exit_reasons(orders: Iterable[SpreadOrder], fills: Iterable[Fill]) -> dict[int, str]:
    """Why each round trip had its last fill."""
    reasons = {order.id: order.reason for order in orders}
    return {fill.round_trip: reasons.get(fill.order, "") for fill in fills}


def kind_of(leg: LegOrder) -> str:
    """For example ``stop limit, reduces only``."""
    kind = "limit" if leg.kind == "market" and leg.limit is not None else leg.kind.replace("_", " ")
    return kind + ", reduces only" * leg.reduce_only


def _line(round_trip: RoundTrip, names: Mapping[str, str], reasons: Mapping[int, str]) -> dict[str, object]:
    split, closed_ns = round_trip.split, round_trip.closed_ns
    return {
        "number": round_trip.number,
        "opened": utc(round_trip.opened_ns),
        "closed": pd.NaT if closed_ns is None else utc(closed_ns),
        "side": SIDES[round_trip.direction] if round_trip.direction else UNKNOWN,
        "held_s": math.nan if round_trip.holding_ns is None else round_trip.holding_ns / 1e9,
        "legs": ", ".join(
            _leg(name, round_trip.legs[symbol]) for symbol, name in names.items() if symbol in round_trip.legs
        ),
        "gross": split.gross,
        "costs": split.costs - split.funding,
        "net": split.net,
        "net_bps": round_trip.return_on_notional * 1e4 if round_trip.entry_notional else math.nan,
        "leg_gap_s": math.nan if round_trip.leg_gap_ns is None else round_trip.leg_gap_ns / 1e9,
        "reason": "still open" if closed_ns is None else reasons.get(round_trip.number, ""),
    }


def _leg(name: str, leg: RoundTripLeg) -> str:
    out = f"{leg.exit_price:,.6g}" if math.isfinite(leg.exit_price) else UNKNOWN
    return f"{name} {leg.quantity:+.4g}: {leg.entry_price:,.6g} → {out}"
