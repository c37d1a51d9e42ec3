"""The numbers that a rule can watch."""

from dataclasses import dataclass
from typing import Final, Literal

from alphastream.registry import Registered, extends


@dataclass(frozen=True, slots=True)
class Measure:
    """A number a rule can watch.

    Parameters
    ----------
    label : as a sentence says it, with {y} and {x} for the legs.
    kind : ``column`` of the closed bars, ``detector``: a column in rows, told in days; ``test`` on the newest closed
        bars, ``age`` of a leg, ``flow``: a column of one leg's flow or book, ``feed``,
        ``arbitrage``: between venues. These two are of no pair. ``own``: a class that somebody registered,
        ``absent``: one that is not there now.
    source : the column, the field of ``Cointegration``, or the leg; of ``flow`` both: ``y.vpin``.
    unit : behind the number; empty where it has none.
    """

    label: str
    kind: Literal["column", "detector", "test", "age", "flow", "feed", "arbitrage", "own", "absent"]
    source: str = ""
    unit: str = ""


_OF_A_LEG: Final = {
    "flow_imbalance": Measure("flow imbalance of {leg}", "flow", "flow_imbalance"),
    "signed_volume": Measure("signed volume of {leg} in a bar", "flow", "signed_volume"),
    "vpin": Measure("VPIN of {leg}", "flow", "vpin"),
    "price_impact": Measure("price impact (Kyle's lambda) of {leg}", "flow", "price_impact"),
    "quoted_spread": Measure("quoted spread of {leg}", "flow", "quoted_spread_bps", "bps"),
    "book_imbalance": Measure("book imbalance of {leg}", "flow", "book_imbalance"),
    "depth": Measure("depth of {leg} within 5 bps", "flow", "depth_5bps"),
}

MEASURES: Final[dict[str, Measure]] = {
    "zscore": Measure("z-score", "column", "settled_zscore"),
    "evidence": Measure("evidence that deviations come back", "detector", "detector", "days"),
    "ended": Measure("evidence that the relation ended", "detector", "ended", "days"),
    "evidence_p": Measure("p-value since the start, valid while watched", "column", "evidence_p"),
    "spread": Measure("spread", "column", "spread"),
    "hedge_ratio": Measure("hedge ratio", "column", "hedge_ratio"),
    "correlation": Measure("correlation of returns", "column", "correlation"),
    "half_life": Measure("half-life", "test", "half_life_bars", "bars"),
    "pvalue": Measure("cointegration p-value", "test", "pvalue"),
    "half_life_window": Measure("half-life over the window", "column", "half_life", "bars"),
    "pvalue_window": Measure("cointegration p-value over the window", "column", "pvalue"),
    "position": Measure("signal", "column", "position"),
    "intercept": Measure("intercept", "column", "intercept"),
    "forecast_error": Measure("forecast error", "column", "forecast_error"),
    "spread_mean": Measure("mean of the spread", "column", "spread_mean"),
    "spread_std": Measure("standard deviation of the spread", "column", "spread_std"),
    "price_y": Measure("price of {y}", "column", "y"),
    "price_x": Measure("price of {x}", "column", "x"),
    "volume_y": Measure("volume of {y} in a bar", "column", "y_volume"),
    "volume_x": Measure("volume of {x} in a bar", "column", "x_volume"),
    "age_y": Measure("time since the last trade of {y}", "age", "y", "s"),
    "age_x": Measure("time since the last trade of {x}", "age", "x", "s"),
    **{
        f"{name}_{leg}": Measure(each.label.replace("leg", leg), each.kind, f"{leg}.{each.source}", each.unit)
        for leg in ("y", "x")
        for name, each in _OF_A_LEG.items()
    },
    "feed": Measure("time since any trade", "feed", "", "s"),
    "arbitrage": Measure("arbitrage edge after costs", "arbitrage", "", "%"),
}
SHARED: Final = frozenset(name for name, measure in MEASURES.items() if measure.kind == "detector")
"""Measures whose rules share one error budget: a level of n days is met by chance on one day in n at most."""


def measure_of(name: str) -> Measure:
    """A measure by its name, also one whose file is not loaded now."""
    return MEASURES.get(name) or Measure(name, "absent")


def _of_others(entry: Registered) -> Measure:
    """What is known of a class that was registered: its name, and its unit where it says one."""
    label = entry.name.replace("{", "{{").replace("}", "}}")
    return Measure(label, "own", entry.name, str(getattr(entry.made, "unit", "")))


extends("alerts", MEASURES, _of_others)
