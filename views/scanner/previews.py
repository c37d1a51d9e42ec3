"""The chosen pair of a scan over the rows that were scanned. No Streamlit."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from alphastream.core.types import Floats, Ints
from views.shared.spread_charts import spread_figure


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A pair at the ratio that the scan found, over the rows in which both legs have a price.

    Parameters
    ----------
    time_ns, spread : (T,).
    mean, std : of the spread over all rows: in sample.
    half_ns : where the second half begins.
    ratios : of y on x: over all rows, the first half, the second half.
    """

    time_ns: Ints
    spread: Floats
    mean: float
    std: float
    half_ns: int
    ratios: tuple[float, float, float]

    @property
    def zscore(self) -> float:
        """Of the newest row."""
        return float((self.spread[-1] - self.mean) / self.std) if self.std > 0.0 else float("nan")


def preview(panel: pd.DataFrame, y: str, x: str, ratio: float, log: bool) -> Preview | None:
    """Spread of a pair of a scan; None where both legs never have a price together, or there is no ratio.

    Parameters
    ----------
    panel : that was scanned.
    ratio : of y on x over all rows, as the scan has it.
    """
    prices = panel[[y, x]].dropna()
    if len(prices) < 4 or not np.isfinite(ratio):
        return None
    levels = prices.to_numpy(np.float64)
    levels = np.log(levels) if log else levels
    of_y, of_x = levels.T
    spread = of_y - ratio * of_x
    middle = len(prices) // 2
    time_ns = cast(pd.DatetimeIndex, prices.index).as_unit("ns").asi8
    halves = (slope(of_y[:middle], of_x[:middle]), slope(of_y[middle:], of_x[middle:]))
    mean = float(spread.mean())
    return Preview(time_ns, spread - mean, 0.0, float(spread.std(ddof=1)), int(time_ns[middle]), (ratio, *halves))


def slope(y: Floats, x: Floats) -> float:
    """Of y on x by least squares; NaN where x does not move."""
    moved = x - x.mean()
    square = float(moved @ moved)
    return float(moved @ y / square) if square > 0.0 else float("nan")


def preview_figure(found: Preview, *, dark: bool = False) -> go.Figure:
    """Spread with bands and z, the halves marked."""
    marks = [(found.half_ns, "first half", "second half")]
    return spread_figure(found.time_ns, found.spread, found.mean, found.std, marks, dark=dark)
