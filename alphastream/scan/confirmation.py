"""A second, slower look at the few pairs of a scan that would be acted upon."""

import math
from typing import Final

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError
from alphastream.estimators.tests.rescaled import REPLICATIONS as FEWEST
from alphastream.estimators.tests.rescaled import engle_granger_wild
from alphastream.scan.discoveries import LEVEL
from alphastream.scan.panel import Panel

FIRST: Final = 20  # pairs that are always looked at
MOST: Final = 200
REPLICATIONS: Final = 19_999  # of a survivor, at most: a tenth of a second for 500 rows


def confirm(frame: pd.DataFrame, panel: Panel, directions: int) -> pd.DataFrame:
    """Add the p-values of a wild bootstrap, and which pairs survive all there is to survive.

    Parameters
    ----------
    frame : a scan with ``y``, ``x``, ``pvalue_rescaled``, ``qvalue_bh`` and ``persists``.
    panel : what it was made of.
    directions : of each pair that were looked at, the better of which is in the frame: p-values are multiplied by it.

    Returns
    -------
    The frame with ``pvalue_wild`` and ``pvalue_wild_floor``, the smallest that so many replications can give: known for
    the 20 pairs with the lowest ``pvalue_rescaled`` and for every pair that survives Benjamini-Hochberg and persists
    (200 at most). And ``confirmed``: a pair that does both and whose bootstrap p-value Benjamini-Hochberg would let
    pass at its place. With K survivors among m pairs that is 5 %·K/m, or the
    smallest that so many replications can show where that is larger.
    """
    pvalues = frame["pvalue_rescaled"].to_numpy(np.float64)
    survives = (frame["qvalue_bh"] < LEVEL).to_numpy()
    candidate = survives & frame["persists"].to_numpy()
    ranked = np.argsort(pvalues, kind="stable")[: np.isfinite(pvalues).sum()]  # NaN stands last
    asked = ranked[candidate[ranked] | (np.arange(ranked.size) < FIRST)][:MOST]
    level = LEVEL * survives.sum() / max(ranked.size, 1)
    replications = (
        min(math.ceil(2.0 * directions / level), REPLICATIONS) if level > 0.0 else 0
    )  # two: one may lie as far left
    wild, floor = np.full((2, len(frame)), np.nan)
    places = {symbol: place for place, symbol in enumerate(panel.symbols)}
    for row in asked:
        y, x = (panel.levels[places[str(frame[leg].iat[row])]] for leg in ("y", "x"))
        drawn = max(replications, FEWEST) if candidate[row] else FEWEST
        wild[row] = min(1.0, directions * _wild_pvalue(y, x, drawn))
        floor[row] = min(1.0, directions / (drawn + 1.0))
    confirmed = candidate & (wild <= max(level, directions / (replications + 1.0)))
    return frame.assign(pvalue_wild=wild, pvalue_wild_floor=floor, confirmed=confirmed)


def _wild_pvalue(y: Floats, x: Floats, replications: int) -> float:
    """Of y on x over the rows that both have; NaN where there is nothing to test."""
    both = np.isfinite(y) & np.isfinite(x)
    try:
        return engle_granger_wild(y[both], x[both], replications).pvalue
    except AlphaStreamError:  # where a bounce hides the spread the quick test has an answer and this one refuses it
        return np.nan
