"""The numbers above a leg's charts. No Streamlit."""

import math
from typing import Final

import numpy as np

from alphastream.microstructure import CAVEATS
from alphastream.microstructure.leg import DEPTH_COLUMNS
from alphastream.streaming.leg_flows import LegAnalytics
from views.component import Card, Tone
from views.shared.cards import make_card
from views.shared.head_cards import REFUSED
from views.shared.metrics import UNKNOWN, money

_HELP: Final = {
    "price": "Last trade.",
    "cvd": "What takers bought less what they sold over the bars shown, in base units and as a share of what traded. "
    "Aggressive buying is not buying alone: every trade has both sides.",
    "imbalance": "Bought less sold, over both, in the bars measured: 1 where takers only bought, -1 where they only "
    "sold.",
    "vpin": f"Mean one-sidedness of the newest buckets of equal volume, 0 to 1. {CAVEATS}",
    "impact": "Kyle's lambda: by how much the price moved for each base unit that takers bought net, by least squares "
    "over the bars measured, ± 1.96 Newey-West errors. Below it in basis points for a million of quote currency. It "
    "does not say which moved which. Too narrow where noise lasts over several bars.",
    "spread": "Best ask less best bid over their middle.",
    "depth": "What waits within 1, 5 and 10 basis points of the middle on both sides, quote currency. Where the kept "
    "levels do not reach so far it is at least that: ≥.",
    "book": "Quantity at the best bid less that at the best ask, over both.",
}


def leg_cards(answer: LegAnalytics, shown: int, price_decimals: int) -> list[Card]:
    """Cards of a leg, in reading order; those of a book are left out where there is none."""
    cards = [
        make_card("price", "Last price", _number(_newest(answer, "price"), price_decimals), title=_HELP["price"]),
        _delta(answer, shown),
        _imbalance(
            "imbalance", "Flow imbalance", _newest(answer, "flow_imbalance"), f"{answer.spec.window} bars", "needs {}"
        ),
        _vpin(answer),
        _impact(answer),
    ]
    if answer.has_book:
        reach = _newest(answer, "book_reach_bps")
        depths = [_depth(_newest(answer, name), whole=reach > within) for within, name in DEPTH_COLUMNS.items()]
        spread = _newest(answer, "quoted_spread_bps")
        cards += [
            make_card("spread", "Quoted spread", f"{_number(spread, 3)} bps", title=_HELP["spread"]),
            make_card(
                "depth", "Depth within 5 bps", depths[1], f"1: {depths[0]} · 10: {depths[2]}", "neutral", _HELP["depth"]
            ),
            _imbalance("book", "Book imbalance", _newest(answer, "book_imbalance"), "at the best prices", "no book"),
        ]
    return cards


def _newest(answer: LegAnalytics, column: str) -> float:
    """The newest value that is known: of the forming bar, or else of the last closed one."""
    for rows in (answer.forming, answer.closed):
        if len(rows[column]) and math.isfinite(rows[column][-1]):
            return float(rows[column][-1])
    return math.nan


def _number(value: float, decimals: int, *, signed: bool = False) -> str:
    return f"{value:{'+' if signed else ''},.{decimals}f}" if math.isfinite(value) else UNKNOWN


def _depth(value: float, *, whole: bool) -> str:
    return money(value) if whole or not math.isfinite(value) else f"≥ {money(value)}"


def _sided(value: float) -> Tone:
    if not math.isfinite(value):
        return "neutral"
    return "long" if value > 0.0 else "short" if value < 0.0 else "flat"


def _delta(answer: LegAnalytics, shown: int) -> Card:
    bought, sold = (float(np.nansum(answer.column(side)[-shown:])) for side in ("buy_volume", "sell_volume"))
    total = bought + sold
    share = f"{100.0 * (bought - sold) / total:+.0f} % of {total:,.4g}" if total else "nothing traded"
    value = f"{bought - sold:+,.4g}" if total else UNKNOWN
    return make_card("cvd", "Volume delta", value, share, _sided(bought - sold if total else math.nan), _HELP["cvd"])


def _imbalance(name: str, label: str, value: float, sub: str, missing: str) -> Card:
    why = sub if math.isfinite(value) else missing.format(sub)
    return make_card(name, label, _number(value, 2, signed=True), why, _sided(value), _HELP[name])


def _vpin(answer: LegAnalytics) -> Card:
    spec = answer.spec
    value = _newest(answer, "vpin")
    sub = f"{spec.buckets} buckets of {spec.bucket:g}"
    if not math.isfinite(value):
        sub = f"waits for {sub}" if spec.bucket else "waits for trades"
    return make_card("vpin", "VPIN", _number(value, 2), sub, "neutral", _HELP["vpin"])


def _impact(answer: LegAnalytics) -> Card:
    value, error, price = (_newest(answer, name) for name in ("price_impact", "price_impact_error", "price"))
    if not math.isfinite(value):
        needed = answer.spec.window + 1
        have = int(np.isfinite(answer.closed["price"]).sum())
        why = f"needs {needed} bars with trades, has {have}" if have < needed else "the flow does not vary"
        return make_card("impact", "Kyle's λ", UNKNOWN, why, "neutral", _HELP["impact"])
    bps = value / price * 1e4 / price * 1e6
    sub = f"{bps:.2g} bps for a million"
    if not math.isfinite(error):
        return make_card("impact", "Kyle's λ", f"{value:.3g}", f"{sub}, error {REFUSED}", "neutral", _HELP["impact"])
    return make_card("impact", "Kyle's λ", f"{value:.3g} ± {1.96 * error:.2g}", sub, "neutral", _HELP["impact"])
