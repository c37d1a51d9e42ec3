"""Columns over one stretch of rows, ready to be tested pair by pair."""

import math
from dataclasses import dataclass

import numpy as np

from alphastream.core.types import Floats, Ints
from alphastream.estimators.tests.lags import ResidualTest, engle_granger_kernel, remove_trend
from alphastream.estimators.tests.mackinnon import tau_pvalues
from alphastream.estimators.tests.observations import MINIMUM_ROWS, criterion_code, default_max_lags, is_constant
from alphastream.estimators.tests.rescaled import (
    faded_test,
    lasting_share_of_spread,
    rescaled_legs,
    scale_half_life,
    without_spikes,
)
from alphastream.scan.kernels import HEDGE_RATIO, LAGS, REVERSE, STATISTIC, engle_granger_pairs, spread_traits


@dataclass(frozen=True, slots=True)
class Method:
    """How each pair is tested.

    Parameters
    ----------
    terms : deterministic terms, 0, 1 or 2.
    max_lags : the longest lag tried; None for ⌈12·(T/100)^¼⌉ of the rows at hand.
    criterion : 0 takes ``max_lags`` itself, 1 is AIC, 2 BIC.
    least_rows : rows of a pair below which it is not tested.
    rescale : test the legs without spikes and over their local scale; with one deterministic term only.
    """

    terms: int
    max_lags: int | None
    criterion: int
    least_rows: int = MINIMUM_ROWS
    rescale: bool = False

    def lags(self, rows: int) -> int:
        """The longest lag in a sample of ``rows``."""
        return default_max_lags(rows, 0) if self.max_lags is None else self.max_lags

    def min_observations(self) -> int:
        """Rows of a half below which it is not tested: 30, or two for each coefficient."""
        return max(MINIMUM_ROWS, 2 * ((self.max_lags or 0) + 1))

    def scale_half_life(self, rows: int) -> float:
        """Of the local scale in a sample of ``rows``; 0 where the legs are tested as they are."""
        return scale_half_life(rows) if self.rescale else 0.0

    def direct(self, y: Floats, x: Floats) -> ResidualTest:
        """One pair of legs without spikes, and without shortcuts; the ratio is that of the legs as they were tested."""
        lags = self.lags(y.size)
        if not self.rescale:
            return engle_granger_kernel(y, x, self.terms, lags, self.criterion)
        y, x, varies = rescaled_legs(y, x, self.scale_half_life(y.size))
        if not varies:
            return ResidualTest(math.nan, 0, 0, math.nan, math.nan, math.nan)
        if self.criterion != criterion_code("aic"):
            return engle_granger_kernel(y, x, self.terms, lags, self.criterion)
        return faded_test(y, x, lags, lasting_share_of_spread(y, x))

    def pvalues(self, statistics: Floats) -> Floats:
        """MacKinnon's p-values for two variables, (P,); NaN for NaN."""
        pvalues: Floats = tau_pvalues(np.ascontiguousarray(statistics), self.terms, 2)
        return pvalues


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """M columns without gaps over T rows.

    Parameters
    ----------
    levels : (M, T) as given, without spikes where the method takes them out.
    columns : (M, T) without deterministic terms, divided by ``scale``.
    scale : (M,) powers of two near the largest value of each column, so that dividing rounds nothing.
    squares : (M,) sums of squares of ``columns``.
    peaks : (M,) largest absolute values of ``levels``, divided by ``scale`` too.
    method : how pairs are tested.
    """

    levels: Floats
    columns: Floats
    scale: Floats
    squares: Floats
    peaks: Floats
    method: Method

    @classmethod
    def of(cls, levels: Floats, method: Method) -> "Sample":
        """Remove the deterministic terms of each column, once for all of its pairs."""
        levels = np.array(levels, order="C")  # the kernels are compiled for nothing else
        if method.rescale:
            for level in levels:
                level[:] = without_spikes(level)
        columns = np.empty_like(levels)
        for column, level in zip(columns, levels, strict=True):
            column[:] = remove_trend(level, method.terms)[0]
        scale = np.ldexp(1.0, np.frexp(np.abs(columns).max(axis=1))[1])
        columns /= scale[:, np.newaxis]
        squares = np.einsum("ij,ij->i", columns, columns)
        return cls(levels, columns, scale, squares, np.abs(levels).max(axis=1) / scale, method)

    def test(self, y: Ints, x: Ints, both: bool) -> Floats:
        """Statistic, lags and hedge ratio of y on x, then with ``both`` of x on y: (P, 3) or (P, 6).

        NaN statistics where there is nothing to test; ``refusal`` says why.
        """
        results = np.empty((y.size, REVERSE * (1 + both)))
        lags = self.method.lags(self.levels.shape[1])
        engle_granger_pairs(
            self.columns,
            self.squares,
            self.peaks,
            y,
            x,
            lags,
            self.method.criterion,
            both,
            self.method.scale_half_life(self.levels.shape[1]),
            results,
        )
        for way, (leg, hedge) in enumerate([(y, x), (x, y)][: 1 + both]):
            result = results[:, REVERSE * way : REVERSE * (way + 1)]
            result[:, HEDGE_RATIO] *= self.scale[leg] / self.scale[hedge]
            for pair in np.flatnonzero(np.isnan(result[:, STATISTIC])):
                direct = self.method.direct(self.levels[leg[pair]], self.levels[hedge[pair]])
                result[pair, [STATISTIC, LAGS]] = direct.statistic, direct.lags
                if not self.method.rescale:
                    result[pair, HEDGE_RATIO] = direct.hedge_ratio
        return results

    def traits(self, y: Ints, x: Ints, hedge_ratio: Floats) -> Floats:
        """Half-life, crossings and standard deviation of each spread, (P, 3); NaN where the ratio is."""
        found = np.empty((y.size, 3))
        spread_traits(self.columns, y, x, hedge_ratio * self.scale[x] / self.scale[y], found)
        found[:, 2] *= self.scale[y]
        return found

    def refusal(self, y: int, x: int, y_name: str, x_name: str) -> str:
        """Why y on x has no statistic."""
        for column, name in ((y, y_name), (x, x_name)):
            if is_constant(self.levels[column]):
                return f"{name} is constant"
        lags = self.method.lags(self.levels.shape[1])
        direct = engle_granger_kernel(self.levels[y], self.levels[x], self.method.terms, lags, self.method.criterion)
        if np.isnan(direct.hedge_ratio):
            return f"{x_name} is a straight line"
        if direct.n_obs == 0:
            return f"perfectly collinear: {y_name} is {direct.hedge_ratio:g}·{x_name} and deterministic terms"
        return "the residual is a formula, not a noisy spread"
