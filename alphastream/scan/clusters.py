"""Which symbols move together: correlations of returns, and the tree that groups them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.scan.panel import Panel, read_panel


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """A tree of symbols.

    Parameters
    ----------
    symbols : N names, in the order of the columns.
    order : the same names as the leaves of the tree stand side by side.
    linkage : (N − 1, 4) as ``scipy.cluster.hierarchy`` has it: two nodes, their distance, the leaves below.
    """

    symbols: list[str]
    order: list[str]
    linkage: Floats


def correlation_matrix(prices: pd.DataFrame, *, log: bool = True) -> pd.DataFrame:
    """Correlations of one-row returns.

    Parameters
    ----------
    prices : T rows, one column a symbol; NaN where there is no price. A pair uses the rows in which both have a
        return, that is a price in this row and in the one before.
    log : log returns; otherwise differences of prices.

    Returns
    -------
    (N, N) frame, NaN where a symbol never moves or two of them share fewer than two returns.

    Raises
    ------
    ParameterError
        As ``scan_pairs`` does.
    """
    panel = read_panel(prices, log)
    return pd.DataFrame(correlations(panel), panel.symbols, panel.symbols)


def correlations(panel: Panel) -> Floats:
    """``correlation_matrix`` of prices that were checked before, (N, N)."""
    change = np.diff(panel.levels, axis=1)
    if np.isfinite(change).all():
        with np.errstate(invalid="ignore", divide="ignore"):  # a constant column: 0/0 is NaN, as documented
            return np.asarray(np.corrcoef(change), dtype=np.float64)
    return pd.DataFrame(change.T).corr(min_periods=2).to_numpy()


def clusters(prices: pd.DataFrame, *, log: bool = True) -> Clusters:
    """Average-linkage tree of the symbols by correlation distance √((1 − ρ)/2), which is 0 for ρ = 1 and 1 for ρ = −1.

    Parameters
    ----------
    prices, log : as for ``correlation_matrix``.

    Raises
    ------
    ParameterError
        As ``correlation_matrix`` does, and where a correlation is undefined: the message names the symbol.

    Source: Mantegna (1999), "Hierarchical structure in financial markets", European Physical Journal B 11.
    """
    # Importing scipy's clustering costs as much as a small scan: only who wants a tree pays.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    correlation = correlation_matrix(prices, log=log)
    missing = correlation.isna().sum()
    if missing.any():
        raise ParameterError(
            f"{missing.idxmax()} has no correlation with {missing.max()} symbols: it never moves, or shares fewer than "
            "two returns with them; leave it out of the tree"
        )
    distance = np.sqrt(np.clip(0.5 * (1.0 - correlation.to_numpy()), 0.0, 1.0))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    symbols = [str(name) for name in correlation.columns]
    return Clusters(symbols, [symbols[leaf] for leaf in leaves_list(tree)], tree)
