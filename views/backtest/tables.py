"""A backtest in tables: trades, and rows for files. No Streamlit."""

import math
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd

from alphastream.backtest import LegPnl, RunResult
from alphastream.graph import Series
from alphastream.performance import Performance
from alphastream.reports.metrics import utc
from alphastream.reports.trade_tables import exit_reasons, round_trips_frame
from alphastream.trading import SpreadOrder
from views.shared.exports import csv_bytes
from views.shared.instruments import labels
from views.shared.order_terms import NO_TERMS, TERMS, terms_of


def trades_frame(run: RunResult, performance: Performance, venue: str = "") -> pd.DataFrame:
    """One line a round trip, oldest first; amounts in the quote currency, NaN where nothing was closed yet.

    Parameters
    ----------
    venue : whose symbols are printed bare.
    """
    return round_trips_frame(
        performance.round_trips, run.symbols, exit_reasons(run.orders, run.fills), labels(run.symbols, venue)
    )


def legs_frame(found: LegPnl, venue: str = "") -> pd.DataFrame:
    """What each leg earned, a line each, and a last line with the sum; amounts in the quote currency.

    Parameters
    ----------
    venue : whose symbols are printed bare.
    """
    columns = {
        "gross": found.gross,
        "fees": found.fees,
        "spread": found.spread_costs,
        "impact": found.impact_costs,
        "funding": found.funding,
        "net": found.net,
    }
    frame = pd.DataFrame({"leg": list(labels(found.symbols, venue).values()), **columns})
    sums = {name: math.fsum(values.tolist()) for name, values in columns.items()} | {"net": found.total}
    return pd.concat([frame, pd.DataFrame([{"leg": "all", **sums}])], ignore_index=True)


def trades_csv(run: RunResult, performance: Performance) -> bytes:
    """Round trips with the parts of their profit and a column for each leg's quantity and prices."""
    frame = trades_frame(run, performance).drop(columns="legs")
    for name in ("fees", "spread", "impact", "funding"):
        frame[name] = [getattr(round_trip.split, name) for round_trip in performance.round_trips]
    for symbol in run.symbols:
        for name in ("quantity", "entry_price", "exit_price", "left"):
            legs = [round_trip.legs.get(symbol) for round_trip in performance.round_trips]
            frame[f"{symbol}.{name}"] = [math.nan if leg is None else getattr(leg, name) for leg in legs]
    return csv_bytes(frame)


def equity_csv(run: RunResult, labels: Mapping[str, str]) -> bytes:
    """Every row: equity, cash, marks, positions, and what was recorded.

    Parameters
    ----------
    labels : column name of a recorded series; those that are missing keep their short one.
    """
    frame: dict[str, object] = {"time": pd.to_datetime(run.time_ns, utc=True), "equity": run.equity, "cash": run.cash}
    for column, symbol in enumerate(run.symbols):
        frame |= {f"{symbol}.price": run.marks[:, column], f"{symbol}.position": run.positions[:, column]}
    frame |= {labels.get(name, name): values for name, values in run.observed.items()}
    return csv_bytes(pd.DataFrame(frame))


def series_labels(run: RunResult, series: Mapping[str, Series]) -> dict[str, str]:
    """Column names of what was recorded: the short name, and the node that it comes from."""
    one = len({each.source for each in series.values()}) <= 1
    return {
        name: f"{name}: {series[name].label if one else series[name].name}" for name in run.observed if name in series
    }


ORDER_COLUMNS: Final = (
    "order",
    "decided",
    "reason",
    "state",
    "symbol",
    *TERMS,
    "time",
    "quantity",
    "trade_price",
    "price",
    "fee",
    "spread_cost",
    "impact_cost",
    "round_trip",
    "unfilled",
)


def fills_csv(run: RunResult) -> bytes:
    """A line for each fill and for each leg of an order that was not filled, oldest order first; always a header."""
    return csv_bytes(pd.DataFrame(list(_order_lines(run)), columns=list(ORDER_COLUMNS)))


def _order_lines(run: RunResult) -> Iterator[dict[str, object]]:
    orders = {order.id: order for order in run.orders}
    for fill in run.fills:
        order = orders.get(fill.order)
        yield {
            **_order_line(fill.order, order, fill.symbol),
            "time": utc(fill.time_ns),
            "quantity": fill.quantity,
            "trade_price": fill.trade_price,
            "price": fill.price,
            "fee": fill.fee,
            "spread_cost": fill.spread_cost,
            "impact_cost": fill.impact_cost,
            "round_trip": fill.round_trip,
        }
    for order in run.orders:
        for leg in order.legs:
            if leg.state != "filled":
                yield {**_order_line(order.id, order, leg.symbol), "unfilled": leg.rest}


def _order_line(number: int, order: SpreadOrder | None, symbol: str) -> dict[str, object]:
    if order is None:
        return {"order": number, "decided": pd.NaT, "reason": "", "state": "", "symbol": symbol, **NO_TERMS}
    leg = next((leg for leg in order.legs if leg.symbol == symbol), None)
    return {
        "order": number,
        "decided": utc(order.decided_ns),
        "reason": order.reason,
        "state": order.state,
        "symbol": symbol,
        **(NO_TERMS if leg is None else terms_of(order, leg)),
    }
