"""How many of a scan's hits are worth the name: false discovery rates, persistence, and what chance would give."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

LEVEL = 0.05
"""Below this a p-value counts as a hit, and a q-value as a discovery."""

FEW = 20
"""Hits of the first half below which their share in the second says nothing, unless it is far from chance."""


def qvalues(pvalues: ArrayLike, dependent: bool = False) -> Floats:
    """Smallest false discovery rate at which each test is still rejected.

    Parameters
    ----------
    pvalues : (P,) in [0, 1]; NaN where there was no test, which counts as none and stays NaN.
    dependent : False for Benjamini-Hochberg, which holds for independent or positively dependent tests; True for
        Benjamini-Yekutieli, which holds for any dependence between them and is larger by Σ 1/i. Both hold as far as
        each p-value by itself does.

    Sources: Benjamini and Hochberg (1995), J. Royal Statistical Society B 57; Benjamini and Yekutieli (2001), Annals
    of Statistics 29, theorem 1.3.

    Examples
    --------
    >>> qvalues([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    values = np.asarray(pvalues, dtype=np.float64)
    tested = np.isfinite(values)
    found = values[tested]
    if values.ndim != 1 or ((found < 0.0) | (found > 1.0)).any():
        raise ParameterError(f"pvalues has shape {values.shape}, needs (P,) numbers between 0 and 1 or NaN")
    ranks = np.arange(1, found.size + 1)
    factor = float((1.0 / ranks).sum()) if dependent else 1.0
    order = np.argsort(found, kind="stable")
    steps = found[order] * found.size / ranks * factor
    q = np.full(values.size, np.nan)
    q[np.flatnonzero(tested)[order]] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return q


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What a table of a scan says as a whole, at the 5 % level.

    Parameters
    ----------
    pairs, tested : in the table, and those of them that could be tested.
    hits : pairs with p < 5 %.
    expected_hits : as many would pass if no pair were cointegrated. Pairs share legs, so that the actual number
        scatters around it far more than a binomial would.
    survive_bh, survive_by : pairs with a q-value under 5 %, Benjamini-Hochberg and -Yekutieli.
    first_half_hits : pairs with p < 5 % in the first half of the rows, of those tested in both.
    persisting : how many of these pass in the second half as well.
    expected_persisting : as many would if the first half said nothing about the second: the share of all pairs that
        pass in the second half, times ``first_half_hits``.
    confirmed : pairs that survive Benjamini-Hochberg, pass in both halves, and that a bootstrap rejects as well.
    """

    pairs: int
    tested: int
    hits: int
    expected_hits: float
    survive_bh: int
    survive_by: int
    first_half_hits: int
    persisting: int
    expected_persisting: float
    confirmed: int = 0

    @property
    def verdict(self) -> str:
        """``persisting`` against chance: "as many as", "more than" or "fewer than".

        The first within two standard errors and one pair of ``expected_persisting``.
        """
        share = self.expected_persisting / self.first_half_hits if self.first_half_hits else 0.0
        error = math.sqrt(self.expected_persisting * (1.0 - share))
        if abs(self.persisting - self.expected_persisting) <= 2.0 * error + 1.0:
            return "as many as"
        return "more than" if self.persisting > self.expected_persisting else "fewer than"

    @property
    def sentence(self) -> str:
        """The summary in plain words."""
        if not self.tested:
            return f"None of {self.pairs:,} pairs could be tested."
        parts = [
            f"{_count(self.hits)} of {self.tested:,} pairs {'passes' if self.hits == 1 else 'pass'} at {LEVEL:.0%}, "
            f"where chance alone gives about {self.expected_hits:,.0f}",
            f"after Benjamini-Hochberg {_count(self.survive_bh)} {'remain' if self.survive_bh > 1 else 'remains'}, "
            f"after Benjamini-Yekutieli {_count(self.survive_by)}",
        ]
        if self.first_half_hits and self.verdict == "as many as" and self.first_half_hits < FEW:
            parts.append(
                f"of the first half's {self.first_half_hits:,} {'hit' if self.first_half_hits == 1 else 'hits'} "
                f"{_count(self.persisting)} {'passes' if self.persisting <= 1 else 'pass'} in the second, "
                f"where chance would give {self.expected_persisting:.2g}: too few to tell"
            )
        elif self.first_half_hits:
            parts.append(
                f"of the first half's {self.first_half_hits:,} {'hit' if self.first_half_hits == 1 else 'hits'} "
                f"{self.persisting / self.first_half_hits:.1%} pass in the second, "
                f"{self.verdict} chance would give ({self.expected_persisting / self.first_half_hits:.1%})"
            )
        text = "; ".join(parts)
        return text[0].upper() + text[1:] + "."


def _count(number: int) -> str:
    return f"{number:,}" if number else "none"


def summarise(table: pd.DataFrame) -> ScanSummary:
    """Count what a whole table of ``scan_pairs`` holds; a filtered one would count only what was left in.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from alphastream.scan import scan_pairs
    >>> walks = np.cumsum(np.random.default_rng(4).normal(size=(300, 12)), axis=0)
    >>> summary = summarise(scan_pairs(pd.DataFrame(walks).add_prefix("WALK"), log=False))
    >>> summary.tested, summary.survive_by
    (66, 0)
    """
    first, second = table["pvalue_first_half"], table["pvalue_second_half"]
    in_both = first.notna() & second.notna()
    first_hits = in_both & (first < LEVEL)
    passing = float((second[in_both] < LEVEL).mean()) if in_both.any() else 0.0
    tested = int(table["pvalue"].notna().sum())
    return ScanSummary(
        pairs=len(table),
        tested=tested,
        hits=int((table["pvalue"] < LEVEL).sum()),
        expected_hits=LEVEL * tested,
        survive_bh=int((table["qvalue_bh"] < LEVEL).sum()),
        survive_by=int((table["qvalue_by"] < LEVEL).sum()),
        first_half_hits=int(first_hits.sum()),
        persisting=int((first_hits & table["persists"]).sum()),
        expected_persisting=passing * int(first_hits.sum()),
        confirmed=int(table["confirmed"].sum()),
    )
