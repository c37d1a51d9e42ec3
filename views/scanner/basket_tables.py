"""Baskets of a scan in tables. No Streamlit."""

import math
from collections.abc import Mapping

import pandas as pd

from alphastream.core.pvalues import pvalue_text
from alphastream.scan.baskets import CHOICE_REPLICATIONS
from views.shared.exports import csv_bytes


def basket_frame(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A table of ``scan_baskets`` as people read it: legs and weights in words, no infinite half-lives.

    Parameters
    ----------
    names : how symbols are printed.
    """
    return table.assign(
        legs=[" + ".join(names[symbol] for symbol in symbols) for symbols in table["symbols"]],
        weights=[", ".join(f"{weight:.4g}" for weight in weights) for weights in table["weights"]],
        qvalue_bh=[*map(pvalue_text, table["qvalue_bh"])],
        pvalue=[*map(pvalue_text, table["pvalue"], table["pvalue_floor"])],
        pvalue_chosen_on=[pvalue_text(p, 1.0 / (CHOICE_REPLICATIONS + 1)) for p in table["pvalue_chosen_on"]],
        half_life=table["half_life"].replace(math.inf, math.nan),
    )


def basket_csv(table: pd.DataFrame) -> bytes:
    """Every column of a scan, ranked as on the page; symbols and weights with spaces between them, weights in full."""
    frame = table.assign(
        symbols=[" ".join(symbols) for symbols in table["symbols"]],
        weights=[" ".join(repr(weight) for weight in weights) for weights in table["weights"]],
    )
    return csv_bytes(frame)
