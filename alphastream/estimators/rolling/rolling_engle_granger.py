"""Engle-Granger test over a sliding window: whether a pair is cointegrated, as it changes over time."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT
from alphastream.estimators.rolling.pair_window import LAST, PairBuffer
from alphastream.estimators.tests.lags import engle_granger_kernel
from alphastream.estimators.tests.mackinnon import Trend, tau_pvalue, trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, criterion_code, default_max_lags
from alphastream.estimators.tests.rescaled import rescaled_kernel, scale_half_life

HEAD = 4  # numbers of a state before the window: rows seen and the last test's three outputs


@dataclass(frozen=True, slots=True, eq=False)
class EngleGrangerRows:
    """Each field has shape (T,) and is NaN while the window fills; between two tests it keeps the last one's value.

    Parameters
    ----------
    statistic : ADF t-ratio of the residual of the window's regression of y on x.
    pvalue : MacKinnon's for two variables. Of one window: the lowest of many windows is not a p-value.
    lags : in the residual's regression.
    """

    statistic: Floats
    pvalue: Floats
    lags: Floats


@dataclass(frozen=True, slots=True)
class RollingEngleGranger(PairBuffer[EngleGrangerRows]):
    """``engle_granger`` of y on x over a sliding window.

    A row with NaN or inf in x or y does not enter the window. NaN there, and where a leg is constant over the
    window or the legs are perfectly collinear.

    Parameters
    ----------
    window : rows of a test, at least 30.
    lags : "aic", "bic", or a fixed number with 2·(lags + 1) ≤ window.
    trend : "n", "c" or "ct": what stands beside x in the first regression.
    every : rows from one test to the next.
    rescaled : test the legs without spikes over their local scale (``alphastream.estimators.tests.rescaled``), which
        keeps the p-value's size where volatility changes; with ``lags`` "aic" and ``trend`` "c" only.
    keeps_last : a row with NaN or inf shows the last test instead of NaN.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=300))
    >>> rows, state = RollingEngleGranger(window=200).run(x, 2 * x + rng.normal(size=300))
    >>> int(np.isnan(rows.pvalue).sum()), bool(rows.pvalue[-1] < 0.01)
    (199, True)
    """

    row_type: ClassVar[type[EngleGrangerRows]] = EngleGrangerRows
    minimum: ClassVar[int] = MINIMUM_ROWS
    head: ClassVar[int] = HEAD

    lags: Literal["aic", "bic"] | int = "aic"
    trend: Trend = "c"
    every: int = 1
    rescaled: bool = False

    def __post_init__(self) -> None:
        PairBuffer.__post_init__(self)
        require_integer("every", self.every, minimum=1)
        trend_terms(self.trend)
        if self.rescaled and (self.lags, self.trend) != ("aic", "c"):
            raise ParameterError(
                f"rescaled legs are tested with lags='aic' and trend='c', not {self.lags!r}, {self.trend!r}"
            )
        if isinstance(self.lags, str):
            criterion_code(self.lags)
            return
        require_integer("lags", self.lags, minimum=0)
        if 2 * (self.lags + 1) > self.window:
            raise ParameterError(
                f"lags is {self.lags}, too many for a window of {self.window}: "
                f"use at most {self.window // 2 - 1}, or a window of {2 * (self.lags + 1)} rows"
            )

    def _windows(self, legs: Floats, state: Floats) -> Floats:
        """Outputs of the rows after the first ``window`` columns of ``legs``; leaves the last test in ``state``."""
        seen = int(state[COUNT])
        fresh = legs.shape[1] - self.window
        outputs = np.empty((3, fresh))
        for row in range(fresh):
            since_full = seen + row + 1 - self.window
            if since_full >= 0 and since_full % self.every == 0:
                state[LAST:HEAD] = self._test(*legs[:, row + 1 : row + 1 + self.window])
            outputs[:, row] = state[LAST:HEAD]
        return outputs

    def _test(self, x: Floats, y: Floats) -> tuple[float, float, float]:
        terms = trend_terms(self.trend)
        if isinstance(self.lags, str):
            limit, criterion = default_max_lags(self.window, 0), criterion_code(self.lags)
        else:
            limit, criterion = self.lags, criterion_code(None)
        if self.rescaled:
            test = rescaled_kernel(y, x, limit, scale_half_life(self.window))
        else:
            test = engle_granger_kernel(y, x, terms, limit, criterion)
        lags = float(test.lags) if np.isfinite(test.statistic) else np.nan
        return test.statistic, tau_pvalue(test.statistic, terms, 2), lags
