"""Edges, episodes and legs as tables; no Streamlit."""

import math
from collections.abc import Sequence

import pandas as pd

from alphastream.arbitrage import LeadLag, Signal, signals_frame
from alphastream.core.units import MS, SECOND
from runtime.arbitrage.service import AssetView
from views.shared.exports import csv_bytes


def edges_frame(assets: Sequence[AssetView]) -> pd.DataFrame:
    """One row an asset and direction, the largest edge that is sure first.

    ``net`` is as the stamps say, ``error`` how much less it may be by the error of the clocks, ``sure`` what is left;
    all in per cent of the value bought. ``value`` is what pays for certain, None where nothing does.
    """
    rows = [
        {
            "asset": asset.asset,
            "buy": edge.buy,
            "sell": edge.sell,
            "net": edge.net * 100.0,
            "error": (edge.net - edge.worst) * 100.0,
            "sure": edge.worst * 100.0,
            "gross": edge.gross * 100.0,
            "value": edge.value if 0.0 < edge.value < float("inf") else None,
            "open_s": None if edge.since_ns is None else (asset.time_ns - edge.since_ns) / SECOND,
        }
        for asset in assets
        for edge in asset.edges
    ]
    columns = ["asset", "buy", "sell", "net", "error", "sure", "gross", "value", "open_s"]
    return pd.DataFrame(rows, columns=columns).sort_values("sure", ascending=False, kind="stable", ignore_index=True)


def legs_frame(assets: Sequence[AssetView]) -> pd.DataFrame:
    """One row an instrument: what it is assumed to cost, and how well its times are known."""
    rows = [
        {
            "asset": asset.asset,
            "instrument": each.leg.instrument,
            "fee": each.leg.taker_bps,
            "funding": each.leg.funding_bps,
            "prices": "its quotes" if each.leg.prices == "quotes" else "trades ± half spread",
            "error": each.leg.alignment.error_ns / MS,
            "state": each.trouble or "quotes hold",
        }
        for asset in assets
        for each in asset.legs
    ]
    return pd.DataFrame(rows, columns=["asset", "instrument", "fee", "funding", "prices", "error", "state"])


def signals_csv(signals: Sequence[Signal]) -> bytes:
    """``signals_frame`` as a file."""
    return csv_bytes(signals_frame(signals))


def lead_words(lead: LeadLag, first: str, second: str) -> str:
    """Who leads, in a sentence with its confidence set."""
    bounds = math.floor(lead.low_ns / MS), math.ceil(lead.high_ns / MS)
    low, high = (f"{bound:+,}".replace("-", "−") for bound in bounds)
    cut = " or beyond" if lead.is_cut_low or lead.is_cut_high else ""
    sure = "95 %, with the error of the clocks"
    lag = f"its moves come between {low} and {high} ms{cut} after those of {first} ({sure})."
    if lead.leader is None:
        return f"No lead can be told of {second}: {lag}"
    return f"{second} {'follows' if lead.leader == 'first' else 'leads'}: {lag}"
