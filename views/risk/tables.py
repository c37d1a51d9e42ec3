"""Risk as tables and figures in words. No Streamlit."""

import math
from typing import Final

import pandas as pd

from alphastream.instruments import bare
from alphastream.risk import RiskReport, TailRisk
from views.shared.metrics import Metric, money

GROUPS: Final = {
    "account": "Account",
    "pair": "Pair",
    "venue": "Venue",
    "instrument": "Instrument",
    "asset": "Asset",
}


def metrics(report: RiskReport, horizon: str) -> list[Metric]:
    """The figures above the tables.

    Parameters
    ----------
    horizon : for how long what is held is kept, in words.
    """
    total, level = report.total, f"{100.0 * report.historical.level:g}"
    worst = max((each.drawdown for each in report.accounts), default=math.nan)
    use = max((each.margin_use for each in report.accounts if math.isfinite(each.margin_use)), default=math.nan)
    return [
        Metric("Gross exposure", money(total.gross), f"net {money(total.net, signed=True)}"),
        Metric(
            "Open profit",
            money(total.pnl, signed=True),
            "before fees",
            "Since the prices paid, without fees and funding.",
        ),
        Metric(
            "With the market",
            money(report.factor, signed=True),
            "notional × beta",
            "Beta of each instrument to the mean move of all that are held: what is won where all rise by 100 %.",
        ),
        _tail(f"Value at risk {level} %", report.historical, horizon, "past moves as they were"),
        _tail(f"Value at risk {level} %, scaled", report.scaled, horizon, "past moves scaled to today's volatility"),
        Metric(
            "Worst drawdown",
            money(worst),
            "of one account",
            "Since the highest equity that this app has seen, at least the capital it began with.",
        ),
        Metric("Margin in use", f"{use:.1%}" if math.isfinite(use) else money(use), "of one account, at most"),
    ]


def _tail(label: str, risk: TailRisk, horizon: str, how: str) -> Metric:
    if risk.refusal:
        return Metric(label, money(math.nan), risk.refusal, f"From {how}, kept for {horizon}.")
    help_ = (
        f"Loss exceeded in {1.0 - risk.level:.3g} of {risk.scenarios:,} past moves of {horizon}; from {how}. The mean "
        "of the worse ones is the shortfall. No law of returns is assumed; a move that never came is not in it."
    )
    return Metric(label, money(risk.value_at_risk), f"shortfall {money(risk.expected_shortfall)}", help_)


def exposure_frame(report: RiskReport, group: str, venue: str) -> pd.DataFrame:
    """What is held of each account, pair, venue, instrument or asset."""
    rows = [
        {
            GROUPS[group].lower(): (bare(each.name, venue) if group == "instrument" else each.name) or "none",
            "net": each.net,
            "gross": each.gross,
            "open profit": each.pnl,
        }
        for each in report.exposures[group]
    ]
    return pd.DataFrame(rows, columns=[GROUPS[group].lower(), "net", "gross", "open profit"])


def holdings_frame(report: RiskReport) -> pd.DataFrame:
    """Every holding with its full name, as a file keeps it."""
    rows = [
        {
            "account": each.account,
            "symbol": each.instrument,
            "quantity": each.units,
            "price": each.price,
            "pair": each.pair,
        }
        for each in report.holdings
    ]
    return pd.DataFrame(rows, columns=["account", "symbol", "quantity", "price", "pair"])


def accounts_frame(report: RiskReport) -> pd.DataFrame:
    """Each account: equity, drawdown, margin."""
    rows = [
        {
            "account": each.name,
            "equity": each.equity,
            "profit": each.equity - each.began_with,
            "drawdown": each.drawdown,
            "closed at equity": each.maintenance,
            "margin in use": each.margin_use,
        }
        for each in report.accounts
    ]
    return pd.DataFrame(rows, columns=["account", "equity", "profit", "drawdown", "closed at equity", "margin in use"])


def breaks_frame(report: RiskReport) -> pd.DataFrame:
    """Correlation of the legs of each pair lately and before."""
    rows = []
    for pair, each in report.breaks.items():
        verdict = each.refusal or ("broken" if each.has_broken else "as before")
        rows.append(
            {
                "pair": pair,
                "lately": each.recent,
                "before": each.before,
                "standard error": each.error,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows, columns=["pair", "lately", "before", "standard error", "verdict"])


def what_if_frame(now: RiskReport, then: RiskReport) -> pd.DataFrame:
    """The same figures of what is held, and of what would be."""

    def figures(report: RiskReport) -> dict[str, float]:
        return {
            "net exposure": report.total.net,
            "gross exposure": report.total.gross,
            "with the market": report.factor,
            "value at risk": report.historical.value_at_risk,
            "expected shortfall": report.historical.expected_shortfall,
            "value at risk, scaled": report.scaled.value_at_risk,
            "expected shortfall, scaled": report.scaled.expected_shortfall,
        }

    frame = pd.DataFrame({"now": figures(now), "then": figures(then)})
    frame["change"] = frame["then"] - frame["now"]
    return frame.rename_axis("figure").reset_index()
