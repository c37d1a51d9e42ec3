"""A portfolio in words and tables: how it stands, what each symbol holds, every row for a file. No Streamlit."""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from alphastream.estimators import Floats
from alphastream.instruments import in_words
from alphastream.portfolio import exposure
from alphastream.portfolio.allocation import Allocation
from views.shared.exports import csv_bytes
from views.shared.instruments import labels
from views.shared.metrics import SIDES, UNKNOWN, Metric, money

WORD: Final = {"valid": "Positions", "zero_signal": "No signal", "degenerate": "Unsolved"}

HELP: Final = {
    "status": "Outcome of the newest closed bar. Without positions nothing is held after it, except what a turnover "
    "cap has not closed yet.",
    "gross": "Long and short positions added up, without their signs, in the quote currency.",
    "net": "Long less short. Near zero means little money at stake in one direction, not little risk.",
    "leverage": "Gross over the assets under management. It follows from the risk per bar you ask for: quiet bars "
    "make it large. Do not carry a leverage that your venue or your own limits do not allow.",
    "turnover": "Sum of the changes of all positions on the newest bar. Reversal signals on short bars turn the whole "
    "book over within a few bars: check what that costs.",
    "result": "What this would have made over the bars shown, after costs, in bps of the assets, not compounded: "
    "decided when bar t has closed, filled at the last trade of bar t + 1, held from there. In sample: the settings "
    "were chosen by somebody who has seen these bars. Fills at a last trade of any size are an assumption.",
    "bars": "Closed bars, and the share of them in which every symbol traded. A symbol that did not trade is missing "
    "there and has no target; if that happens often, choose longer bars.",
}


@dataclass(frozen=True, slots=True)
class PortfolioStatus:
    """What the newest row came to: a word or a count that fit a card, why, and how serious that is."""

    word: str
    reason: str
    kind: Literal["fine", "waiting", "trouble"]


def as_printed(allocation: Allocation, venue: str) -> Allocation:
    """An allocation for people: symbols of the venue are printed bare. Files are made of the other."""
    rows = allocation.rows
    waits = tuple((in_words(name, venue), step) for name, step in rows.calibrating)
    return replace(allocation, rows=replace(rows, assets=tuple(labels(rows.assets, venue).values()), calibrating=waits))


def portfolio_status(allocation: Allocation) -> PortfolioStatus:
    """Say what the newest row came to; signals that still calibrate are no signal, but for another reason."""
    status, waits = allocation.last.status, allocation.rows.calibrating
    waiting = ", ".join(f"{name}: {step.what} {step.have}/{step.needed}" for name, step in waits)
    have, needed = allocation.last.next_stream.rows, allocation.config.rows_needed
    if have < needed:
        return PortfolioStatus(f"{have}/{needed}", allocation.last.reason, "waiting")
    if status == "zero_signal" and waits:
        first = waits[0][1]
        return PortfolioStatus(f"{first.have}/{first.needed}", f"calibrating: {waiting}", "waiting")
    silent = ", ".join(np.array(allocation.rows.assets)[np.isnan(allocation.rows.prices[-1])])
    reason = allocation.last.reason
    reason += f"; {silent} did not trade in this bar" if silent and status != "valid" else ""
    reason += f"; no signal yet from {waiting}" if waits else ""
    return PortfolioStatus(WORD[status], reason, "fine" if status == "valid" else "trouble")


def figures(allocation: Allocation, gained: Floats) -> list[Metric]:
    """Cards of the newest row, in reading order; "–" while nothing is known.

    Parameters
    ----------
    gained : net return of each row on the assets, from ``allocation.net_returns``.
    """
    config, state = allocation.config, portfolio_status(allocation)
    flows = exposure(allocation.positions, config)
    gross, net, turnover = (
        float(flow[-1]) * config.position_scale for flow in (flows.gross, flows.net, flows.turnover)
    )
    unknown = state.kind == "waiting"
    traded = np.isfinite(allocation.rows.prices)
    live = np.flatnonzero(allocation.positions.status == "valid")
    result = float(gained.sum()) * 1e4 if live.size else math.nan
    cap = f"{flows.cap_used[-1]:.0%} of the cap" if config.max_turnover is not None else "no cap"
    cost = turnover * config.cost_per_unit

    def card(name: str, label: str, value: str, sub: str) -> Metric:
        return Metric(label, *((UNKNOWN, UNKNOWN) if unknown else (value, sub)), HELP[name])

    return [
        Metric(
            "Status",
            state.word,
            "calibrating" if unknown else allocation.last.status.replace("_", " "),
            HELP["status"],
        ),
        card("gross", "Gross", money(gross), "quote currency"),
        card("net", "Net", money(net, signed=True), f"{net / gross:+.0%} of gross" if gross else "flat"),
        card("leverage", "Leverage", f"{flows.leverage[-1]:.2f}×", f"of {money(config.aum)} AUM"),
        card("turnover", "Turnover, last bar", money(turnover), f"{cap}, costs {money(cost)}"),
        Metric(
            "Net result, bps",
            f"{result:+.2f}" if math.isfinite(result) else UNKNOWN,
            f"in sample, {money(result * config.aum / 1e4, signed=True)}" if math.isfinite(result) else UNKNOWN,
            HELP["result"],
        ),
        Metric(
            "Closed bars",
            f"{len(allocation.rows):,}",
            f"{traded.all(axis=1).mean():.0%} with all symbols",
            HELP["bars"],
        ),
    ]


def positions_frame(allocation: Allocation) -> pd.DataFrame:
    """One line a symbol on the newest closed bar; None where nothing is known, 0 only where nothing is held."""
    positions, config, rows = allocation.positions, allocation.config, allocation.rows
    cash = positions.cash_position * config.position_scale
    now, before = cash[-1], np.nan_to_num(positions.held[-2] * config.position_scale) if len(cash) > 1 else 0.0
    sides = [UNKNOWN if math.isnan(value) else SIDES[int(np.sign(value))] for value in now]
    return pd.DataFrame(
        {
            "symbol": rows.assets,
            "side": sides,
            "cash": now,
            "change": now - before,
            "quantity": now / rows.prices[-1],
            "risk": positions.risk_position[-1] * config.position_scale,
            "volatility": positions.volatility[-1] * 1e4,
            "signal": rows.signals[-1],
            "price": rows.prices[-1],
        }
    )


def allocation_frame(allocation: Allocation, gained: Floats) -> pd.DataFrame:
    """Every row for a file: prices, signals, positions in the quote currency, status; empty where undefined."""
    rows, positions, scale = allocation.rows, allocation.positions, allocation.config.position_scale
    frame: dict[str, object] = {
        "time": pd.to_datetime(rows.time_ns, utc=True),
        "status": positions.status,
        "net_return": gained,
    }
    for column, symbol in enumerate(rows.assets):
        frame |= {
            f"{symbol}.price": rows.prices[:, column],
            f"{symbol}.signal": rows.signals[:, column],
            f"{symbol}.cash": positions.cash_position[:, column] * scale,
            f"{symbol}.risk": positions.risk_position[:, column] * scale,
            f"{symbol}.volatility": positions.volatility[:, column],
        }
    return pd.DataFrame(frame)


def allocation_csv(allocation: Allocation, gained: Floats) -> bytes:
    """``allocation_frame`` as a file; times are bar ends, ISO 8601 in UTC."""
    return csv_bytes(allocation_frame(allocation, gained))
