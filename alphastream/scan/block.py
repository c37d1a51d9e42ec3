"""Pairs whose legs have prices in the same rows: tested together, whole and by halves."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.scan.kernels import CROSSINGS, HALF_LIFE, HEDGE_RATIO, LAGS, REVERSE, SPREAD_STD, STATISTIC
from alphastream.scan.panel import Mask, Panel
from alphastream.scan.sample import Method, Sample

Found = dict[str, NDArray[Any]]

ENTRY = 2.0
"""Standard deviations from the mean at which ``expected_move_bps`` supposes a position is opened."""

FIELDS = (
    "y",
    "statistic",
    "pvalue",
    "pvalue_rescaled",
    "lags",
    "hedge_ratio",
    "statistic_yx",
    "pvalue_yx",
    "statistic_xy",
    "pvalue_xy",
    "pvalue_first_half",
    "pvalue_second_half",
    "hedge_ratio_stability",
    "half_life",
    "crossings",
    "spread_std",
    "expected_move_bps",
    "x",
    "rows",
)
"""Columns of what ``Block.test`` returns; y and x are columns of the panel."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """M of a panel's columns over the rows that all of them have.

    Parameters
    ----------
    panel : where they come from.
    members : (M,) their places in it, ascending.
    rows : how many there are.
    method : how pairs are tested.
    whole : the columns over all rows; None where those are too few for a test.
    rescaled : the same without spikes and over their local scale; None where ``method`` has no such test.
    halves : the same over each half of the rows; none where those are too few.
    better : take the better direction of a pair and double its p-value.
    """

    panel: Panel
    members: Ints
    rows: int
    method: Method
    whole: Sample | None
    rescaled: Sample | None
    halves: tuple[Sample, ...]
    better: bool

    @classmethod
    def of(cls, panel: Panel, mask: Mask, members: Ints, method: Method, better: bool) -> "Block":
        """Cut the rows of ``mask`` out of the panel and prepare them."""
        levels = panel.levels[np.ix_(members, mask)]
        rows, middle, min_observations = levels.shape[1], levels.shape[1] // 2, method.min_observations()
        whole = Sample.of(levels, method) if rows >= max(min_observations, method.least_rows) else None
        rescaled = None
        if whole is not None and method.terms == 1:
            rescaled = Sample.of(levels, replace(method, rescale=True))
        parts = (levels[:, :middle], levels[:, middle:]) if middle >= min_observations else ()
        halves = tuple(Sample.of(part, method) for part in parts)
        return cls(panel, members, rows, method, whole, rescaled, halves, better)

    def test(self, y: Ints, x: Ints) -> tuple[Floats, list[str]]:
        """Test pairs, given as columns of the panel: (P, fields) numbers as in ``FIELDS``, and P notes."""
        found: Found = {name: np.full(y.size, np.nan) for name in FIELDS}
        found |= {"y": y, "x": x, "rows": np.full(y.size, self.rows)}
        if self.whole is None:
            needed = max(self.method.min_observations(), self.method.least_rows)
            notes = [f"{self.rows} common rows, needs {needed}"] * y.size
        else:
            notes = self._fill(found, self.whole, np.searchsorted(self.members, y), np.searchsorted(self.members, x))
        return np.column_stack([found[name] for name in FIELDS]), notes

    def _fill(self, found: Found, whole: Sample, y: Ints, x: Ints) -> list[str]:
        results = whole.test(y, x, both=True)
        swap = np.zeros(y.size, dtype=np.bool_)
        if self.better:
            forward, reverse = results[:, STATISTIC], results[:, REVERSE + STATISTIC]
            swap = (reverse < forward) | (np.isnan(forward) & ~np.isnan(reverse))
            results[swap] = np.roll(results[swap], REVERSE, axis=1)
            y, x = np.where(swap, x, y), np.where(swap, y, x)
        refused = np.isnan(results[:, STATISTIC])
        found["y"], found["x"] = self.members[y], self.members[x]
        found["statistic"] = found["statistic_yx"] = results[:, STATISTIC]
        found["statistic_xy"] = results[:, REVERSE + STATISTIC]
        found["pvalue_yx"] = self.method.pvalues(results[:, STATISTIC])
        found["pvalue_xy"] = self.method.pvalues(results[:, REVERSE + STATISTIC])
        found["pvalue"] = self._paid(found["pvalue_yx"])
        found["lags"] = np.where(refused, np.nan, results[:, LAGS])
        found["hedge_ratio"] = np.where(refused, np.nan, results[:, HEDGE_RATIO])
        found["pvalue_rescaled"] = found["pvalue"]
        if self.rescaled is not None:
            again = self._best_pvalues(self.rescaled.test(y, x, both=self.better))
            found["pvalue_rescaled"] = np.where(refused, np.nan, again)
        self._fill_traits(found, whole, y, x)
        if self.halves:
            self._fill_halves(found, y, x, swap)
        names = self.panel.symbols
        return [
            whole.refusal(y[k], x[k], names[self.members[y[k]]], names[self.members[x[k]]]) if refused[k] else ""
            for k in range(y.size)
        ]

    def _fill_traits(self, found: Found, whole: Sample, y: Ints, x: Ints) -> None:
        ratio = found["hedge_ratio"]
        traits = whole.traits(y, x, ratio)
        found["half_life"], found["crossings"] = traits[:, HALF_LIFE], traits[:, CROSSINGS]
        found["spread_std"] = traits[:, SPREAD_STD]
        if self.panel.log:  # one of y's currency against ratio of x's
            gross = 1.0 + np.abs(ratio)
        else:  # one piece of y against ratio pieces of x
            mean = np.abs(whole.levels.mean(axis=1))
            gross = mean[y] + np.abs(ratio) * mean[x]
        found["expected_move_bps"] = 1e4 * ENTRY * traits[:, SPREAD_STD] / gross

    def _fill_halves(self, found: Found, y: Ints, x: Ints, swap: Mask) -> None:
        """Each half is tested as the whole is: with ``better`` it chooses its own direction and pays for it."""
        ratios = []
        for half, name in zip(self.halves, ("pvalue_first_half", "pvalue_second_half"), strict=True):
            results = half.test(y, x, both=self.better)
            ratios.append(results[:, HEDGE_RATIO])
            found[name] = self._best_pvalues(results)
        size = np.abs(ratios[0]) + np.abs(ratios[1])
        with np.errstate(invalid="ignore"):  # two ratios of 0 have no relative difference
            found["hedge_ratio_stability"] = 1.0 - np.abs(ratios[0] - ratios[1]) / size

    def _best_pvalues(self, results: Floats) -> Floats:
        """Of what ``Sample.test`` found: of y on x, or of the better direction, which is paid for."""
        best = results[:, STATISTIC]
        if self.better:
            best = np.fmin(best, results[:, REVERSE + STATISTIC])
        return self._paid(self.method.pvalues(best))

    def _paid(self, pvalues: Floats) -> Floats:
        return np.minimum(1.0, 2.0 * pvalues) if self.better else pvalues
