"""A second, slower look at the few pairs of a scan that would be acted upon."""

from typing import Final

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError
from alphastream.estimators.tests.rescaled import engle_granger_wild
from alphastream.scan.discoveries import LEVEL
from alphastream.scan.panel import Panel

FIRST: Final = 20  # pairs that are always looked at
MOST: Final = 200
REPLICATIONS: Final = 1_999
VETO: Final = 0.001  # at most one replication as far left: a survivor among hundreds of pairs is far smaller than 5 %


def confirm(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Add the p-values of a wild bootstrap, and which pairs survive all there is to survive.

    Parameters
    ----------
    frame : a scan with ``y``, ``x``, ``pvalue_rescaled``, ``qvalue_bh`` and ``persists``.
    panel : what it was made of.

    Returns
    -------
    The frame with ``pvalue_wild``, known for the 20 pairs with the lowest ``pvalue_rescaled`` and for every pair that
    survives Benjamini-Hochberg and persists (200 at most), and ``confirmed``: a pair that does both and whose bootstrap
    p-value is at most 0.001. Its smallest is 0.0005, which can veto a pair and cannot rank it.
    """
    pvalues = frame["pvalue_rescaled"].to_numpy(np.float64)
    candidate = ((frame["qvalue_bh"] < LEVEL) & frame["persists"]).to_numpy()
    ranked = np.argsort(pvalues, kind="stable")[: np.isfinite(pvalues).sum()]  # NaN stands last
    asked = ranked[candidate[ranked] | (np.arange(ranked.size) < FIRST)][:MOST]
    wild = np.full(len(frame), np.nan)
    places = {symbol: place for place, symbol in enumerate(panel.symbols)}
    for row in asked:
        y, x = (places[str(frame[leg].iat[row])] for leg in ("y", "x"))
        wild[row] = _wild_pvalue(panel.levels[y], panel.levels[x])
    return frame.assign(pvalue_wild=wild, confirmed=candidate & (wild <= VETO))


def _wild_pvalue(y: Floats, x: Floats) -> float:
    """Of y on x over the rows that both have; NaN where there is nothing to test."""
    both = np.isfinite(y) & np.isfinite(x)
    try:
        return engle_granger_wild(y[both], x[both], REPLICATIONS).pvalue
    except AlphaStreamError:  # where a bounce hides the spread the quick test has an answer and this one refuses it
        return np.nan
