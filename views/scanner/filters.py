"""Which pairs of a scan are shown. What is not shown was tested all the same. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from alphastream.core.types import Ints

ALL, SAME, DIFFERENT = "All", "Same group", "Different groups"
WITHIN: Final = (ALL, SAME, DIFFERENT)


@dataclass(frozen=True, slots=True)
class PairFilter:
    """What a pair must have to be shown; None and "" ask for nothing.

    Parameters
    ----------
    half_from, half_to : half-life in bars, both included.
    edge_from : edge after cost, bps.
    ratio_positive : the hedge ratio is above 0: the legs are traded against each other.
    both_halves : both halves pass at 5 %.
    confirmed : survives all there is to survive.
    symbol : part of the name of a leg.
    group : ``SAME``, ``DIFFERENT``, or a group that both legs are in.
    """

    half_from: float | None = None
    half_to: float | None = None
    edge_from: float | None = None
    ratio_positive: bool = False
    both_halves: bool = False
    confirmed: bool = False
    symbol: str = ""
    group: str = ALL

    @property
    def asks(self) -> int:
        """How many of them are set."""
        return sum(getattr(self, field.name) != field.default for field in fields(self))

    def rows(self, table: pd.DataFrame, groups: Mapping[str, str]) -> Ints:
        """Places of the pairs that have it, in the order of the table.

        Parameters
        ----------
        table : of ``scan_pairs``; y and x as they are printed.
        groups : of the symbols, as they are printed.
        """
        kept = np.ones(len(table), dtype=np.bool_)
        for column, low, high in (
            ("half_life", self.half_from, self.half_to),
            ("edge_bps", self.edge_from, None),
        ):
            values = table[column].to_numpy(np.float64)
            if low is not None:
                kept &= values >= low  # what is not known is not shown
            if high is not None:
                kept &= values <= high
        if self.ratio_positive:
            kept &= table["hedge_ratio"].to_numpy(np.float64) > 0.0
        if self.both_halves:
            kept &= table["persists"].to_numpy(np.bool_)
        if self.confirmed:
            kept &= table["confirmed"].to_numpy(np.bool_)
        if self.symbol.strip():
            part = self.symbol.strip().upper()
            names = {name: part in str(name).upper() for name in {*table["y"], *table["x"]}}
            kept &= (table["y"].map(names) | table["x"].map(names)).to_numpy(np.bool_)
        if self.group != ALL:
            y, x = (table[leg].map(groups).to_numpy(object) for leg in ("y", "x"))
            known = np.array([a is not np.nan and b is not np.nan for a, b in zip(y, x, strict=True)], dtype=np.bool_)
            together = known & (y == x)
            if self.group == SAME:
                kept &= together
            elif self.group == DIFFERENT:
                kept &= known & ~together
            else:
                kept &= together & (y == self.group)
        return np.flatnonzero(kept)


def shown_words(shown: int, pairs: int) -> str:
    """How many pairs are shown, and that the others count all the same."""
    if shown == pairs:
        return f"All {pairs:,} pairs shown."
    return (
        f"{shown:,} of {pairs:,} pairs shown. q-values are those of all {pairs:,}: what is filtered out was tested "
        "too, and picking pairs by what the test found makes none of them surer."
    )
