"""A paper run in words and tables: cards, waiting legs, fills, trades, differences, rows for files. No Streamlit."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from alphastream.backtest import OrderDifference
from alphastream.backtest.parity import Parity
from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.performance import RoundTrip, round_trips
from alphastream.reports.metrics import utc
from alphastream.reports.trade_tables import exit_reasons, round_trips_frame
from alphastream.strategies import PositionOptimiser
from alphastream.trading import SpreadOrder
from runtime.paper.service import PaperView
from views.shared.escaping import in_markdown
from views.shared.exports import csv_bytes
from views.shared.instruments import labels
from views.shared.metrics import SIDES, UNKNOWN, Metric, money
from views.shared.order_terms import TERMS, state_of_leg, terms_of, waits_for

MAX_FILLS: Final = 50
STATES: Final = {
    "starting": "loading the tape",
    "waiting": "waiting",
    "running": "running",
    "closing": "closing positions",
    "stopped": "stopped",
}

HELP: Final = {
    "equity": "Cash and positions at the last trades in bars that have closed. Simulated: no order leaves this server.",
    "closed": "Net profit of round trips that are over: fees, half spread, impact and funding are paid.",
    "open": "Net result of what is held, at last prices: costs so far are included, the cost of closing is not.",
    "costs": "Fees, half spreads and impact of all fills. Funding is not included: it may be a gain.",
    "trades": "Round trips that are over, and the share of them with a net profit.",
    "position": "Units held, with the last price they are marked at. A target is reached at trades after its bar: "
    "until then a leg may be missing.",
}


def name_of(view: PaperView, venue: str) -> str:
    """For example ``z-score ETHUSDT/BTCUSDT, since 2026-11-21 17:03``."""
    return f"{in_words(view.definition.strategy.name, venue)}, since {moment(view.begin_ns, '%Y-%m-%d %H:%M:%S')} UTC"


def round_trips_of(view: PaperView) -> tuple[RoundTrip, ...] | None:
    """Round trips, open ones at last prices; None where a price is not known."""
    marks = dict(zip(view.symbols, view.marks, strict=True))
    of_pair = not isinstance(view.definition.strategy, PositionOptimiser)
    try:
        return round_trips(view.fills, view.funding, marks, view.symbols[0] if of_pair else None)
    except AlphaStreamError:
        return None


def figures(view: PaperView, venue: str = "") -> list[Metric]:
    """Cards of a run, in reading order; symbols of the venue are printed bare, here and below."""
    capital, round_trips = view.definition.capital, round_trips_of(view) or ()
    profit = view.equity - capital
    closed = [round_trip for round_trip in round_trips if round_trip.closed_ns is not None]
    still = [round_trip for round_trip in round_trips if round_trip.closed_ns is None]
    costs = math.fsum(fill.fee + fill.spread_cost + fill.impact_cost for fill in view.fills)
    traded = math.fsum(abs(fill.quantity) * fill.trade_price for fill in view.fills)
    won = sum(round_trip.net > 0.0 for round_trip in closed)
    known = math.isfinite(profit)
    return [
        Metric(
            "Equity",
            f"{view.equity:,.2f}" if known else UNKNOWN,
            f"{profit:+,.2f}, {profit / capital:+.3%}" if known else "no price yet",
            HELP["equity"],
        ),
        Metric(
            "Closed trades, net",
            f"{math.fsum(round_trip.net for round_trip in closed):+,.2f}" if closed else UNKNOWN,
            f"{len(closed):,} trade{'s'[: len(closed) != 1]}" if closed else "none yet",
            HELP["closed"],
        ),
        Metric(
            "Open trade, net",
            f"{math.fsum(round_trip.net for round_trip in still):+,.2f}" if still else UNKNOWN,
            _since(still, view) if still else "nothing held",
            HELP["open"],
        ),
        Metric(
            "Costs paid",
            money(costs),
            f"{costs / traded * 1e4:.2f} bps of {money(traded)} traded" if traded else "nothing traded",
            HELP["costs"],
        ),
        Metric(
            "Trades",
            f"{len(closed):,}",
            f"{won / len(closed):.0%} with a profit" if closed else _count(len(view.orders), "order"),
            HELP["trades"],
        ),
        *_positions(view, venue),
    ]


def _since(still: Sequence[RoundTrip], view: PaperView) -> str:
    return f"for {duration(view.until_ns - min(round_trip.opened_ns for round_trip in still))}"


def _positions(view: PaperView, venue: str) -> Iterator[Metric]:
    names = labels(view.symbols, venue)
    for symbol, units, mark in zip(view.symbols, view.positions, view.marks, strict=True):
        at = f"at {mark:,.8g}" if math.isfinite(mark) else "no price yet"
        worth = f", {money(units * mark, signed=True)}" if units and math.isfinite(mark) else ""
        yield Metric(names[symbol], f"{units:+,.5g}" if units else "0", at + worth, HELP["position"])


def margin(view: PaperView, venue: str = "") -> str:
    """What the equity has to carry, and the prices at which everything would be closed, in a sentence."""
    limit = view.definition.rules.margin.max_leverage
    if not any(view.positions):
        return f"Nothing is held. An order may bring the gross notional to {limit:g} times the equity."
    gross = sum(abs(units * mark) for units, mark in zip(view.positions, view.marks, strict=True) if units)
    if not math.isfinite(gross):
        return "No price of what is held yet: the margin is not known."
    carried = f"{gross / view.equity:,.2f} times the equity" if view.equity > 0.0 else "more than the equity carries"
    words = f"Gross notional {carried}, the limit of orders is {limit:g}; maintenance margin {view.maintenance:,.2f}. "
    names = labels(view.symbols, venue)
    ways = [
        f"{names[symbol]} at {price:,.6g} ({price / mark - 1.0:+.1%})"
        for symbol, mark, price in zip(view.symbols, view.marks, view.liquidation_prices, strict=True)
        if price is not None
    ]
    if not ways:
        return words + "No leg could bring a liquidation about alone."
    return f"{words}Liquidation, each leg alone: {' or '.join(ways)}."


def direction(view: PaperView) -> str:
    """What is held, in a word: of a pair its side, of many symbols how many."""
    if isinstance(view.definition.strategy, PositionOptimiser):
        held = sum(units != 0.0 for units in view.positions)
        return f"{held} of {len(view.symbols)} held" if held else SIDES[0]
    return SIDES[int(np.sign(view.positions[0]))] if view.positions[0] or not any(view.positions) else "one leg"


def waiting(view: PaperView, venue: str = "") -> list[str]:
    """Orders with a leg that waits, in sentences of Markdown."""
    sentences, names = [], labels(view.symbols, venue)
    for order in view.open_orders:
        filled = [names[leg.symbol] for leg in order.legs if leg.filled]
        still = [leg for leg in order.legs if leg.state == "open"]
        waits = [f"{in_markdown(names[leg.symbol])} from {moment(leg.eligible_ns)} UTC on" for leg in still]
        wanted = " and ".join(dict.fromkeys(in_markdown(waits_for(leg)) for leg in still))
        until = "" if order.good_till_ns is None else f", until {moment(order.good_till_ns)} UTC"
        alone = f"**{' and '.join(map(in_markdown, filled))} is filled alone**, " if filled else ""
        verb = "wait" if len(waits) > 1 else "waits"
        which = (
            f"Order {order.id}, {in_markdown(in_words(order.reason, venue))}" if order.reason else f"Order {order.id}"
        )
        sentences.append(f"{which}: {alone}{', '.join(waits)} {verb} for {wanted}{until}.")
    return sentences


def runs_frame(views: Sequence[PaperView], venue: str) -> pd.DataFrame:
    """One line a run, the newest first."""
    return pd.DataFrame(
        {
            "run": [in_words(view.definition.strategy.name, venue) for view in views],
            "trades": ["live" if view.trades == "live" else "recorded" for view in views],
            "state": [STATES[view.status] + ", not on disk" * bool(view.unsaved) for view in views],
            "since": [utc(view.begin_ns) for view in views],
            "until": [utc(view.until_ns) for view in views],
            "equity": [view.equity for view in views],
            "profit": [view.equity - view.definition.capital for view in views],
            "held": [direction(view) for view in views],
            "fills": [len(view.fills) for view in views],
            "why": [in_words(view.why, venue) for view in views],
        }
    )


def orders_frame(view: PaperView) -> pd.DataFrame:
    """One line a leg of every order, the newest first."""
    lines = [_leg_line(order, place) for order in reversed(view.orders) for place in range(len(order.legs))]
    columns = ["order", "decided", "reason", "state", "symbol", *TERMS, "asked", "filled", "leg"]
    columns += ["waits_since", "filled_at"]
    return pd.DataFrame(lines, columns=columns)


def _leg_line(order: SpreadOrder, place: int) -> dict[str, object]:
    leg = order.legs[place]
    return {
        "order": order.id,
        "decided": utc(order.decided_ns),
        "reason": order.reason,
        "state": order.state,
        "symbol": leg.symbol,
        **terms_of(order, leg),
        "asked": leg.quantity,
        "filled": leg.filled,
        "leg": state_of_leg(leg),
        "waits_since": utc(leg.eligible_ns) if leg.state == "open" else pd.NaT,
        "filled_at": pd.NaT if leg.filled_ns is None else utc(leg.filled_ns),
    }


def fills_frame(view: PaperView, most: int | None = None) -> pd.DataFrame:
    """Fills, the newest first."""
    fills = view.fills[::-1][:most]
    reasons = {order.id: order.reason for order in view.orders}
    return pd.DataFrame(
        {
            "time": pd.to_datetime(np.array([fill.time_ns for fill in fills], dtype=np.int64), utc=True),
            "symbol": [fill.symbol for fill in fills],
            "quantity": [fill.quantity for fill in fills],
            "price": [fill.price for fill in fills],
            "trade_price": [fill.trade_price for fill in fills],
            "fee": [fill.fee for fill in fills],
            "spread_cost": [fill.spread_cost for fill in fills],
            "impact_cost": [fill.impact_cost for fill in fills],
            "order": [fill.order for fill in fills],
            "round_trip": [fill.round_trip for fill in fills],
            "reason": [reasons.get(fill.order, "") for fill in fills],
        }
    )


def trades_frame(view: PaperView, venue: str = "") -> pd.DataFrame:
    """Round trips, the newest first; what is open is counted at last prices."""
    newest_first = reversed(round_trips_of(view) or ())
    frame = round_trips_frame(
        newest_first, view.symbols, exit_reasons(view.orders, view.fills), labels(view.symbols, venue)
    )
    return frame.drop(columns="net_bps")


def differences_frame(differences: Sequence[OrderDifference], venue: str = "") -> pd.DataFrame:
    """When, what, why, and the effect on equity, oldest first."""
    return pd.DataFrame(
        {
            "time": [utc(each.time_ns) for each in differences],
            "what": [each.what for each in differences],
            "why": [in_words(each.why, venue) for each in differences],
            "order": [in_words(_asked(each), venue) for each in differences],
            "effect": [each.effect for each in differences],
        }
    )


def _asked(each: OrderDifference) -> str:
    order = each.paper or each.history
    return "" if order is None else f"{order.reason}: " + ", ".join(f"{x.symbol} {x.quantity:+.4g}" for x in order.legs)


def verdict(comparison: Parity) -> str:
    """What the comparison came to, in a sentence."""
    if not comparison.differences:
        many = comparison.same_orders, comparison.same_fills
        if not any(many):
            return "No difference: neither has traded yet."
        return f"No difference: {_count(many[0], 'order')} and {_count(many[1], 'fill')} are the same."
    count = _count(len(comparison.differences), "difference")
    rest = comparison.gap - comparison.explained
    whole = "" if abs(rest) < 0.005 else f" {rest:+,.2f} come from roundings and open orders."
    return (
        f"{count}: together {comparison.explained:+,.2f} of the {comparison.gap:+,.2f} between the two at the end. "
        f"{_count(comparison.same_orders, 'order')} and {_count(comparison.same_fills, 'fill')} are the same.{whole}"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s'[: number != 1]}"


def beside_csv(comparison: Parity) -> bytes:
    """Equity of both at every row, with last prices."""
    history = comparison.history
    frame: dict[str, object] = {
        "time": pd.to_datetime(history.time_ns, utc=True),
        "paper": comparison.paper,
        "backtest": history.equity,
    }
    frame |= {f"{symbol}.price": history.marks[:, column] for column, symbol in enumerate(history.symbols)}
    return csv_bytes(pd.DataFrame(frame))


def duration(length_ns: float) -> str:
    """A length of time in few characters."""
    seconds = length_ns / 1e9
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def moment(time_ns: int, form: str = "%H:%M:%S.%f") -> str:
    """A time in UTC, to the millisecond where it has a fraction."""
    text = pd.Timestamp(time_ns, unit="ns").strftime(form)
    return text[:-3] if form.endswith("%f") else text
