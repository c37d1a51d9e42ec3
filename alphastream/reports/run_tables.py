"""Tables of a report: the summary, months, drawdowns, tails, profit by symbol, costs, orders and fills."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from alphastream.performance import (
    Performance,
    Tails,
    moments,
    split_by_symbol,
    traded_notional,
    worst_drawdowns,
)
from alphastream.reports.basis import Basis
from alphastream.reports.metrics import UNKNOWN, duration, money, utc
from alphastream.reports.run import Run
from alphastream.reports.run_words import is_annual
from alphastream.reports.trade_tables import kind_of
from alphastream.trading import SpreadOrder
from alphastream.trading.broker.orders import LegOrder

TOTAL: Final = "all together"


def summary_rows(run: Run, performance: Performance, basis: Basis) -> list[tuple[str, str, str]]:
    """Name, value and what it is of each figure; "–" and the reason where it is not defined."""
    ratios, annual = performance.ratios, is_annual(performance)
    held, fall, trips = performance.exposure, performance.drawdown, performance.round_trip_statistics
    if performance.ruined_ns is not None:
        why = "not defined: the account came to its end"
    elif not ratios.moments.std > 0.0:
        why = "not defined: returns do not vary"
    else:
        why = "" if annual else "not defined over less than a week: nothing is annualised"
    steady = performance.ruined_ns is None and ratios.moments.std > 0.0
    unit = math.sqrt(ratios.rows_per_year) if annual and steady else 1.0
    row = "a year" if annual else "of a bar"

    def ratio(value: float, words: str) -> tuple[str, str]:
        """A ratio of a year, or of a bar where nothing is annualised."""
        if not steady:
            return UNKNOWN, why
        shown = value if annual else value / math.sqrt(ratios.rows_per_year)
        return (
            (f"{shown:+.{2 if annual else 4}f}", f"{words}, {row}")
            if math.isfinite(shown)
            else (UNKNOWN, "not defined")
        )

    def yearly(value: float, text: str, words: str) -> tuple[str, str]:
        return (text, words) if math.isfinite(value) and annual else (UNKNOWN, why or "not defined without a drawdown")

    error = ratios.sharpe_error if annual else ratios.sharpe_error / math.sqrt(ratios.rows_per_year)
    leverage = held.leverage[np.isfinite(held.leverage)]
    best, worst = _ends(basis)
    none = "no round trip was closed"
    no_loss = none if not trips.closed else "not defined without a losing round trip"
    lines: list[tuple[str, tuple[str, str]]] = [
        ("Total return", (f"{performance.total_return:+.3%}", f"of {money(performance.capital)}, after all costs")),
        ("Annual growth (CAGR)", yearly(ratios.annual_growth, f"{ratios.annual_growth:+.2%}", "compounded")),
        (
            "Volatility",
            (f"{ratios.moments.std * unit:.3%}", f"sample deviation of the returns of a bar, {row}")
            if steady
            else (UNKNOWN, why),
        ),
        ("Sharpe ratio (Lo)", ratio(ratios.sharpe, f"over the autocorrelation of bars, factor {ratios.factor:.2f}")),
        ("Its standard error", (f"{error:.{2 if annual else 4}f}", row) if steady else (UNKNOWN, why)),
        ("Sharpe ratio (plain)", ratio(ratios.plain_sharpe, "as if bars were independent")),
        ("Sortino ratio", ratio(ratios.sortino, "mean over the downside deviation, target 0")),
        ("Max drawdown", (f"{fall.depth:.3%}", f"longest time under water {duration(fall.under_water_ns)}")),
        ("Calmar ratio", yearly(ratios.calmar, f"{ratios.calmar:.2f}", "annual growth over the max drawdown")),
        (
            "Hit rate",
            (f"{trips.hit_rate:.1%}", f"of {trips.closed:,} closed round trips") if trips.closed else (UNKNOWN, none),
        ),
        (
            "Profit factor",
            (f"{trips.profit_factor:.2f}", "wins over losses")
            if math.isfinite(trips.profit_factor)
            else (UNKNOWN, no_loss),
        ),
        (
            "Turnover",
            (
                money(performance.turnover.traded),
                f"{performance.turnover.ratio:,.1f}× the mean equity"
                + (f", {performance.turnover.per_year:,.0f}× a year" if annual else ""),
            ),
        ),
        ("Time in the market", (f"{held.in_market:.1%}", "share of bars with a position")),
        (
            "Leverage, mean and most",
            (f"{leverage.mean():.2f}×, {leverage.max():.2f}×", "gross exposure over equity")
            if leverage.size
            else (UNKNOWN, "nothing was left"),
        ),
        (f"Best {basis.word}", best),
        (f"Worst {basis.word}", worst),
    ]
    return [(name, *texts) for name, texts in lines]


def _ends(basis: Basis) -> tuple[tuple[str, str], tuple[str, str]]:
    if not len(basis):
        return (UNKNOWN, "no period"), (UNKNOWN, "no period")
    at = int(basis.returns.argmax()), int(basis.returns.argmin())
    best, worst = ((f"{basis.returns[row]:+.3%}", f"ended {utc(int(basis.time_ns[row])):%Y-%m-%d %H:%M}") for row in at)
    return best, worst


def drawdowns_frame(run: Run) -> pd.DataFrame:
    """The deepest drawdowns, deepest first."""
    found = worst_drawdowns(run.time_ns, run.equity)
    return pd.DataFrame(
        {
            "number": list(range(1, len(found) + 1)),
            "depth, %": [each.depth * 100.0 for each in found],
            "peak": [None if each.peak_ns is None else utc(each.peak_ns) for each in found],
            "trough": [None if each.trough_ns is None else utc(each.trough_ns) for each in found],
            "recovered": [
                "not by the end" if each.recovered_ns is None else f"{utc(each.recovered_ns):%Y-%m-%d %H:%M:%S}"
                for each in found
            ],
            "length": [duration(each.under_water_ns) for each in found],
        }
    )


def moments_rows(basis: Basis) -> list[tuple[str, str, str]]:
    """Mean, deviation, skew and kurtosis of the returns, and what they are; "–" where undefined."""
    found = moments(basis.returns)
    if not found.std > 0.0:
        return [("Returns", f"{found.rows:,}", "they do not vary")]
    nothing = int((basis.returns == 0.0).sum())
    chance = 1.96 * math.sqrt(6.0 / found.rows)
    return [
        ("Returns", f"{found.rows:,}", f"of a {basis.word}; {nothing:,} of them are 0, as without a position"),
        ("Mean", f"{found.mean:+.4%}", ""),
        ("Deviation", f"{found.std:.4%}", "of the sample"),
        (
            "Skew",
            f"{found.skew:+.2f}",
            f"0 where both sides are alike; ±{chance:.2f} comes by chance from {found.rows:,} normal returns",
        ),
        ("Kurtosis", f"{found.kurtosis:.1f}", "3 of a normal law; more means that large moves are more frequent"),
    ]


def tails_rows(found: Tails) -> list[tuple[str, str, str, str]]:
    """How many returns are far out on each side, beside a normal law."""
    return [
        (f"beyond {tail.deviations:g} deviations", f"{tail.below:,}", f"{tail.above:,}", f"{tail.expected:,.2f}")
        for tail in found.far
    ]


def losses_rows(found: Tails) -> list[tuple[str, str, str]]:
    """Value at risk and shortfall of one period."""
    return [
        (f"{level:.0%}", f"{found.value_at_risk[level]:.4%}", f"{found.shortfall[level]:.4%}")
        for level in found.value_at_risk
        if math.isfinite(found.shortfall[level])
    ]


def symbols_frame(run: Run, performance: Performance) -> pd.DataFrame:
    """Profit and costs of each symbol and of all together, to the cent: each column sums exactly to its last line.

    The whole of ``net`` is equity − capital. Where an account lost more than it had, a line says what it did not pay.
    """
    marks = dict(zip(run.symbols, np.asarray(run.marks)[-1].tolist(), strict=True))
    parts = split_by_symbol(run.symbols, run.fills, run.funding, marks)
    names = [*run.symbols]
    columns: dict[str, list[float]] = {
        name: [getattr(part, name) for part in parts.values()]
        for name in ("gross", "fees", "spread", "impact", "funding", "net")
    }
    unpaid = performance.profit - performance.split.net
    if performance.ruined_ns is not None and round(abs(unpaid), 2) > 0.0:
        names.append("more than the account had")
        for name, values in columns.items():
            values.append(unpaid if name == "net" else 0.0)
    wholes = {name: getattr(performance.split, name) for name in columns} | {"net": performance.profit}
    frame = pd.DataFrame({"symbol": [*names, TOTAL]})
    for name, values in columns.items():
        frame[name] = [*_to_the_cent(values, wholes[name]), round(wholes[name], 2)]
    return frame


def _to_the_cent(parts: Sequence[float], whole: float) -> list[float]:
    """Parts in cents whose sum is the whole in cents: those with the largest rest are rounded up."""
    cents = [math.floor(part * 100.0) for part in parts]
    missing = round(whole * 100.0) - sum(cents)
    rest = sorted(range(len(parts)), key=lambda place: cents[place] - parts[place] * 100.0)
    for turn in range(abs(missing)):
        cents[rest[turn % len(rest)]] += 1 if missing > 0 else -1
    return [each / 100.0 for each in cents]


def costs_rows(run: Run, performance: Performance) -> list[tuple[str, str, str, str]]:
    """Each kind of cost: amount, share of the gross profit, bps of what was traded."""
    split, traded = performance.split, traded_notional(run.fills)
    kinds = [
        ("fees", split.fees),
        ("spread", split.spread),
        ("impact", split.impact),
        ("funding paid", 0.0 - split.funding),
    ]
    kinds.append(("all costs", math.fsum(amount for _, amount in kinds)))
    return [
        (
            name,
            f"{amount:,.2f}",
            f"{amount / split.gross:.1%}" if split.gross > 0.0 else "no gross profit",
            f"{amount / traded * 1e4:.3f}" if traded else UNKNOWN,
        )
        for name, amount in kinds
    ]


def orders_frame(orders: Sequence[SpreadOrder]) -> pd.DataFrame:
    """A line an order: what each leg asked for and got."""
    return pd.DataFrame(
        {
            "order": [order.id for order in orders],
            "decided": [utc(order.decided_ns) for order in orders],
            "state": [order.state for order in orders],
            "legs": ["; ".join(map(_leg, order.legs)) for order in orders],
            "reason": [order.reason for order in orders],
        }
    )


def _leg(leg: LegOrder) -> str:
    """For example ``ETHUSDT +0 of +2, stop limit, reduces only, stop 2,700, limit 2,710``; nothing of market orders."""
    words, kind = f"{leg.symbol} {leg.filled:+.6g} of {leg.quantity:+.6g}", kind_of(leg)
    if kind == "market":
        return words
    if kind in ("stop", "limit"):  # its only price says it
        kind = ""
    prices = [f"{name} {price:,.8g}" for name, price in (("stop", leg.stop), ("limit", leg.limit)) if price is not None]
    return ", ".join(each for each in (words, kind, *prices) if each)


def fills_frame(run: Run, most: int) -> pd.DataFrame:
    """The first fills of a run with what each cost."""
    fills = run.fills[:most]
    names = ("symbol", "quantity", "price", "trade_price", "fee", "spread_cost", "impact_cost", "order", "round_trip")
    frame = pd.DataFrame({name: [getattr(fill, name) for fill in fills] for name in names})
    frame.insert(0, "time", [utc(fill.time_ns) for fill in fills])
    frame["quantity"] = [f"{fill.quantity:+.6g}" for fill in fills]
    for name in ("price", "trade_price"):
        frame[name] = [f"{getattr(fill, name):,.8g}" for fill in fills]
    return frame
