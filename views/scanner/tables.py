"""The table of a scan as people read it. No Streamlit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
import pandas as pd

from alphastream.core.pvalues import pvalue_text
from alphastream.core.types import Floats, Ints
from alphastream.core.units import SECOND
from views.shared.cards import span_text

Kind = Literal["text", "p", "number", "count", "flag"]
P_FLOORS: Final = {"pvalue_wild": "pvalue_wild_floor"}
DIGITS: Final = 3  # that a column shows of its usual size
KEPT: Final = frozenset({"y", "x", "qvalue_bh", "pvalue_rescaled"})  # shown whatever they hold

COLUMNS: Final[Mapping[str, tuple[str, Kind, str]]] = {
    "y": ("y", "text", "Dependent leg."),
    "x": ("x", "text", "Hedge leg."),
    "qvalue_bh": ("q (BH)", "p", "Expected share of false discoveries down to this pair (Benjamini-Hochberg)."),
    "qvalue_by": (
        "q (BY)",
        "p",
        "The same for tests that depend on each other in any way (Benjamini-Yekutieli), as far as each p-value holds.",
    ),
    "pvalue_rescaled": (
        "p",
        "p",
        "Engle-Granger of this pair alone, over its local volatility. Among many pairs some are small by chance.",
    ),
    "pvalue_wild": (
        "p, bootstrap",
        "p",
        "Of a wild bootstrap: for the first pairs and all that survive. ≤: the smallest that so many draws can show.",
    ),
    "pvalue": ("p, MacKinnon", "p", "Of the legs as they are. Presumes a steady volatility."),
    "confirmed": ("confirmed", "flag", "q (BH) and both halves at 5 %, the bootstrap at the level of its place."),
    "pvalue_first_half": ("p, first half", "p", "MacKinnon's p on the first half of the rows."),
    "pvalue_second_half": ("p, second half", "p", "And on the second half."),
    "persists": ("persists", "flag", "Both halves pass at 5 %."),
    "half_life": (
        "half-life (bars)",
        "number",
        "The pair's bars until half of a deviation is gone, freed of its bias.",
    ),
    "half_life_low": ("from", "number", "Lower end of the half-life's 95 % interval, in bars."),
    "half_life_high": ("to", "number", "Upper end; empty where it may as well not return."),
    "half_life_time": (
        "half-life",
        "text",
        "The same as time, at the pace of the bars in which both legs have prices.",
    ),
    "hedge_ratio": ("hedge ratio", "number", "Of y on x, over all rows."),
    "hedge_ratio_stability": ("stability", "number", "1 where both halves have one hedge ratio, 0 where signs differ."),
    "correlation": ("correlation", "number", "Of returns."),
    "crossings": ("crossings", "count", "How often the spread crossed its mean."),
    "expected_move_bps": (
        "move (bps)",
        "number",
        "From two standard deviations to the mean, in sample. Of the notional of both legs.",
    ),
    "cost_bps": (
        "cost (bps)",
        "number",
        "Opening and closing both legs, of the notional of both: each is filled twice.",
    ),
    "edge_bps": ("edge (bps)", "number", "Move less cost. In sample: not a forecast."),
    "lags": ("lags", "count", "Lagged differences in the test."),
    "note": ("note", "text", "Why a pair was refused."),
}


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """A scan in the form in which it is shown.

    Parameters
    ----------
    frame : one row a pair, the columns that differ from pair to pair.
    formats : of its numbers, by column.
    same : what is said of the columns that hold one value, which are left out.
    """

    frame: pd.DataFrame
    formats: Mapping[str, str]
    same: tuple[str, ...]

    def at(self, rows: Ints) -> pd.DataFrame:
        """These rows of the frame; the same object for all of them."""
        return self.frame if len(rows) == len(self.frame) else self.frame.iloc[rows]


def pair_table(table: pd.DataFrame, panel: pd.DataFrame, names: Mapping[str, str]) -> PairTable:
    """A scan with p-values in words, symbols as they are printed, and no column that says one thing of all pairs.

    Parameters
    ----------
    table : of ``scan_pairs``.
    panel : that was scanned, times of the rows as its index.
    names : how symbols are printed.
    """
    full = table.assign(half_life_time=half_life_times(table, panel), y=table["y"].map(names), x=table["x"].map(names))
    shown: dict[str, pd.Series] = {}
    formats: dict[str, str] = {}
    same: list[str] = []
    for name, (heading, kind, _) in COLUMNS.items():
        values = full[name]
        if name not in KEPT and len(full) > 1 and values.nunique(dropna=False) == 1:
            same += _said(heading, kind, values.iloc[0])
            continue
        if kind == "p":
            floors = full[P_FLOORS[name]] if name in P_FLOORS else np.zeros(len(full))
            values = pd.Series([*map(pvalue_text, values, floors)], index=full.index, dtype=object)
        elif kind == "number":
            values = values.astype("float64").replace([math.inf, -math.inf], math.nan)  # else "Infinity" in words
            formats[name] = f"%.{decimals(np.asarray(values, dtype=np.float64))}f"
        elif kind == "count":
            formats[name] = "%d"
        shown[name] = values
    return PairTable(pd.DataFrame(shown), formats, tuple(same))


def decimals(values: Floats) -> int:
    """Places behind the point that show three digits of the usual size of a column, at most six."""
    known = np.abs(values[np.isfinite(values)])
    size = float(np.median(known)) if known.size else 0.0
    if size <= 0.0:
        return 0 if not known.any() else 2
    return int(np.clip(DIGITS - 1 - math.floor(math.log10(size)), 0, 6))


def half_life_times(table: pd.DataFrame, panel: pd.DataFrame) -> list[str]:
    """Half-lives as time: a pair's bars are those in which both legs have a price, however far apart they are."""
    known, times = panel.notna().to_numpy(), cast(pd.DatetimeIndex, panel.index).as_unit("ns").asi8
    place = {str(name): at for at, name in enumerate(panel.columns)}
    found = []
    for y, x, bars in zip(table["y"], table["x"], table["half_life"], strict=True):
        both = np.flatnonzero(known[:, place[str(y)]] & known[:, place[str(x)]])
        row_s = (times[both[-1]] - times[both[0]]) / (both.size - 1) / SECOND if both.size > 1 else math.nan
        found.append(span_text(bars * row_s) if not math.isnan(bars * row_s) else "")
    return found


def _said(heading: str, kind: Kind, value: object) -> list[str]:
    """One value of all pairs in words; nothing where there is none."""
    if kind == "flag":
        return (
            [heading if value else f"not {heading}"]
            if heading != "persists"
            else (["both halves pass"] if value else ["not both halves pass"])
        )
    if value is None or value is pd.NA or value == "" or (isinstance(value, float) and math.isnan(value)):
        return []
    if kind == "p":
        return [f"{heading} {pvalue_text(cast(float, value))}"]
    return [f"{heading} {value:.4g}" if isinstance(value, float) else f"{heading} {value}"]
