"""Second opinions on a pair: the tests an econometrician reads beside the one number on the page.

All of them look at one window of closed rows and at one ratio, fixed over that window. A test whose usual critical
values do not hold for the residual of a ratio estimated on the same rows is judged by those that do, or says that it
is no test. Engle-Granger's p is that of ``engle_granger_wild``, which keeps its size where volatility changes and
prices bounce; the other tests of cointegration do not, and say how often 500 rows of walks pass for a pair (300
simulations of each condition of ``calibration``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from alphastream.core.pvalues import pvalue_text
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.estimators import (
    EngleGrangerResult,
    Floats,
    UnitRootResult,
    WildResult,
    adf,
    engle_granger,
    engle_granger_wild,
    hurst,
    johansen,
    kpss,
    phillips_perron,
    residual_half_life,
    variance_ratio,
)
from alphastream.estimators.tests.lag_search import bounce_lags, lasting_share
from alphastream.estimators.tests.mackinnon import critical_values, tau_pvalue
from alphastream.estimators.tests.observations import MINIMUM_ROWS, default_max_lags, require, varying_series
from alphastream.estimators.tests.rescaled import SCALE_HALF_LIFE, HiddenByBounceError, local_scale, without_spikes

SIGNIFICANT: Final = 0.05
VARIANCE_RATIO_LAG: Final = 5  # the lag at which it rejects 4 % of independent walks of 100 and of 500 rows

# Shin (1994), "A residual-based test of the null of cointegration against the alternative of no cointegration",
# Econometric Theory 10, table 1: one regressor and a constant, at 5 %.
_SHIN_CRITICAL: Final = 0.314


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of a pair, or the sentence that says why it cannot be had.

    Parameters
    ----------
    test : its name.
    subject : what was tested.
    null : what a large p-value fails to reject; None for a description that tests nothing.
    statistic : the test's, or the number described; None where refused. Unit-root tests reject to the left of
        ``critical``, the variance ratio test on both sides, the others to the right.
    pvalue : None where only critical values are known.
    pvalue_floor : the smallest p-value that a bootstrap of so many replications gives; 0 for other tests.
    critical : at 5 %; None where the p-value is a bootstrap's.
    interval : 95 % confidence interval of ``statistic``.
    lags : of the regression, of the long-run variance, or rows of the longer change.
    n_obs : rows that entered.
    verdict : what it means, in plain words; empty where refused.
    refusal : what was seen and what is needed, or None.
    """

    test: str
    subject: str
    null: str | None
    statistic: float | None = None
    pvalue: float | None = None
    pvalue_floor: float = 0.0
    critical: float | None = None
    interval: tuple[float, float] | None = None
    lags: int | None = None
    n_obs: int | None = None
    verdict: str = ""
    refusal: str | None = None


def diagnose(y: Floats, x: Floats) -> tuple[Finding, ...]:
    """Every test of a pair on one window.

    Parameters
    ----------
    y, x : (T,) prices or log prices of the dependent and of the hedge leg, aligned, oldest first.

    Returns
    -------
    Findings in reading order, always the same ones. Too few rows, NaN, a constant leg or collinear legs refuse those
    findings that cannot be had; nothing is raised for them.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=500))
    >>> spread = np.convolve(rng.normal(size=519), 0.9 ** np.arange(20), "valid")
    >>> findings = diagnose(5 + 2 * x + spread, x)
    >>> findings[2].test, findings[2].subject, findings[2].verdict.partition(" MacKinnon")[0]
    ('Engle-Granger', 'y on x', 'Cointegrated: a fixed ratio of 1.986 leaves a residual that returns.')
    >>> diagnose(x[:12], x[:12])[2].refusal
    'diagnosis needs 30 observations, has 12: wait for more rows or shorten the window'
    """
    try:
        pair = _Pair(*_legs(y, x))
    except AlphaStreamError as error:
        return tuple(replace(asked, refusal=str(error)) for asked, _ in _CHECKS)
    return tuple(_answer(asked, check, pair) for asked, check in _CHECKS)


@dataclass(frozen=True)
class _Pair:
    """The legs, and what several checks need of them: computed once."""

    y: Floats
    x: Floats

    @cached_property
    def y_on_x(self) -> WildResult:
        return engle_granger_wild(self.y, self.x)

    @cached_property
    def fit(self) -> EngleGrangerResult:
        return engle_granger(self.y, self.x)

    @cached_property
    def residual(self) -> Floats:
        return self.y - self.fit.intercept - self.fit.hedge_ratio * self.x

    @property
    def is_shown(self) -> bool:
        """Whether the test that keeps its size finds cointegration; one that is hidden is not shown."""
        try:
            return self.y_on_x.pvalue < SIGNIFICANT
        except HiddenByBounceError:
            return False


_Check = Callable[[Finding, _Pair], Finding]


def _answer(asked: Finding, check: _Check, pair: _Pair) -> Finding:
    try:
        return check(asked, pair)
    except AlphaStreamError as error:
        return replace(asked, refusal=str(error))


def _legs(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    y, x = (varying_series(name, leg, "diagnosis", MINIMUM_ROWS) for name, leg in (("y", y), ("x", x)))
    if y.size != x.size:
        raise ParameterError(f"y has {y.size} rows and x has {x.size}: align the legs first")
    return y, x


def _measured(asked: Finding, result: UnitRootResult, verdict: str) -> Finding:
    return replace(
        asked,
        statistic=result.statistic,
        pvalue=result.pvalue,
        critical=result.critical_values["5%"],
        lags=result.lags,
        n_obs=result.n_obs,
        verdict=verdict,
    )


def _adf_y(asked: Finding, pair: _Pair) -> Finding:
    return _leg(asked, steady_adf(pair.y))


def _adf_x(asked: Finding, pair: _Pair) -> Finding:
    return _leg(asked, steady_adf(pair.x))


def steady_adf(leg: Floats) -> UnitRootResult:
    """ADF of the sums of a leg's changes, without spikes and over their local scale, with the lags a bounce takes.

    As they are 17 % of walks are called stationary where volatility falls to a quarter, 13 % with one bad tick.
    """
    change = np.diff(without_spikes(leg))
    if change.any():
        change /= local_scale(change, SCALE_HALF_LIFE)
    steady = np.concatenate(([0.0], np.cumsum(change)))
    result = adf(steady)
    least = bounce_lags(lasting_share(steady, change), default_max_lags(leg.size, 1))
    return adf(steady, max_lags=least, autolag=None) if least > result.lags else result


def _leg(asked: Finding, result: UnitRootResult) -> Finding:
    if result.pvalue < SIGNIFICANT:
        return _measured(asked, result, "Looks stationary by itself: the tests below presume a leg that wanders.")
    return _measured(asked, result, "Wanders, as the tests below presume.")


def _y_on_x(asked: Finding, pair: _Pair) -> Finding:
    return _direction(asked, pair.y_on_x)


def _x_on_y(asked: Finding, pair: _Pair) -> Finding:
    _ = pair.fit  # collinear legs are refused in the words of the pair
    return _direction(asked, engle_granger_wild(pair.x, pair.y))


def _direction(asked: Finding, result: WildResult) -> Finding:
    ratio = f"a fixed ratio of {result.hedge_ratio:.4g}"
    if result.pvalue < SIGNIFICANT:
        verdict = f"Cointegrated: {ratio} leaves a residual that returns."
    else:
        verdict = f"Not shown: with {ratio} the residual may as well wander."
    return replace(
        asked,
        statistic=result.statistic,
        pvalue=result.pvalue,
        pvalue_floor=1.0 / (result.replications + 1),
        lags=result.lags,
        n_obs=result.n_obs,
        verdict=f"{verdict} MacKinnon's p, which presumes a steady volatility: {pvalue_text(result.plain.pvalue)}.",
    )


def _trace(asked: Finding, pair: _Pair) -> Finding:
    return _rank(
        asked, pair, "trace", False, "10 % of driftless Gaussian walks, 54 % where volatility falls to a quarter"
    )


def _restricted_trace(asked: Finding, pair: _Pair) -> Finding:
    return _rank(
        asked, pair, "trace", True, "5 % of driftless Gaussian walks, 45 % of those with a drift of 0.1 sd a row"
    )


def _max_eigen(asked: Finding, pair: _Pair) -> Finding:
    return _rank(asked, pair, "max_eigen", False, "6 % of Gaussian walks, 40 % where volatility falls to a quarter")


def _rank(asked: Finding, pair: _Pair, by: Literal["trace", "max_eigen"], restricted: bool, rate: str) -> Finding:
    """Johansen's count; ``rate`` says how often 500 rows of independent walks come to one combination."""
    levels = np.column_stack((pair.y, pair.x))
    result = johansen(levels, lags=vector_lags(pair.y, pair.x), restricted=restricted)
    rank = result.rank("95%", by=by)
    if rank == 0:
        verdict = "No stationary combination shown."
    elif rank == 2:
        verdict = "Two stationary combinations: each leg looks stationary by itself, and cointegration says nothing."
    elif pair.is_shown:
        verdict = f"One stationary combination, as Engle-Granger finds. Alone it proves less: {rate} get here."
    else:
        verdict = f"One stationary combination, which Engle-Granger does not find: go by that. {rate} get here."
    statistics, critical = (
        (result.trace, result.trace_critical_values)
        if by == "trace"
        else (result.max_eigen, result.max_eigen_critical_values)
    )
    return replace(
        asked,
        statistic=float(statistics[0]),
        critical=float(critical[0, 1]),
        lags=result.lags,
        n_obs=result.n_obs,
        verdict=verdict,
    )


def vector_lags(y: Floats, x: Floats) -> int:
    """Lagged differences of the two legs that minimise Akaike's criterion, all lags judged on the same rows.

    With one fixed lag Johansen's tests take bid-ask bounce for cointegration.

    Parameters
    ----------
    y, x : (T,), T at least 30; up to ⌈12·(T/100)^¼⌉ lags are tried, fewer where that leaves too few rows.
    """
    levels = np.column_stack((y - y.mean(), x - x.mean())) / (np.ptp(y), np.ptp(x))
    changes = np.diff(levels, axis=0)
    max_lags = min(default_max_lags(y.size, 1), (y.size - 9) // 6)  # two rows a coefficient on the common rows
    rows = len(changes) - max_lags
    lagged = [changes[max_lags - lag : len(changes) - lag] for lag in range(1, max_lags + 1)]
    columns = [np.ones((rows, 1)), levels[max_lags:-1], *lagged, changes[max_lags:]]
    factor = np.asarray(np.linalg.qr(np.hstack(columns), mode="r"))  # holds what every number of lags leaves
    criterion = []
    for lags in range(max_lags + 1):
        residual = factor[3 + 2 * lags :, -2:]
        criterion.append(np.linalg.slogdet(residual.T @ residual)[1] + 8.0 * lags / rows)
    return int(np.argmin(criterion))


def _phillips_ouliaris(asked: Finding, pair: _Pair) -> Finding:
    residual = pair.residual
    result = phillips_perron(residual, "n")
    pvalue = tau_pvalue(result.statistic, 1, 2)  # a constant and two variables, as for Engle-Granger
    change = np.diff(residual)
    reversal = float(change[1:] @ change[:-1] / (change @ change))
    if pvalue >= SIGNIFICANT:
        verdict = "Not shown: the residual may as well wander."
    elif reversal < -2.0 / math.sqrt(change.size):
        verdict = (
            f"Rejects, which proves little: changes of the residual reverse (autocorrelation {reversal:.2f}). Under "
            "bid-ask bounce, which does that too, most walks can get here: go by Engle-Granger."
        )
    elif pair.is_shown:
        verdict = "Cointegrated, as Engle-Granger finds: the residual returns."
    else:
        verdict = (
            "Rejects where Engle-Granger does not: go by that. "
            "23 % of walks get here where volatility falls to a quarter."
        )
    critical = critical_values("c", 2, residual.size - 1)
    return _measured(asked, replace(result, pvalue=pvalue, critical_values=critical), verdict)


def _shin(asked: Finding, pair: _Pair) -> Finding:
    """KPSS on the residual of a regression with leads and lags of Δx, which make x as good as given beforehand."""
    y, x, _ = pair.y, pair.x, pair.fit  # which refuses collinear legs
    reach = int(y.size**0.25)
    require("Shin's test", MINIMUM_ROWS + 2 * reach + 1, y.size)
    rows = np.arange(reach + 1, y.size - reach)
    change = np.diff(x)
    around = [change[rows - 1 + shift] for shift in range(-reach, reach + 1)]
    regressors = np.column_stack((np.ones(rows.size), x[rows] - x.mean(), *around))
    size = np.linalg.norm(regressors, axis=0)
    regressors /= np.where(size > 0.0, size, 1.0)  # where x hardly moves, a shifted change can be all zeros
    target = (y[rows] - y.mean()) / np.ptp(y)
    residual = target - regressors @ np.linalg.lstsq(regressors, target)[0]
    if np.abs(residual).max() <= 1e-9:
        raise ParameterError("y is a formula of x and of its neighbouring rows: it leaves no residual to test")
    result = kpss(residual)
    return replace(
        asked,
        statistic=result.statistic,
        critical=_SHIN_CRITICAL,
        lags=result.lags,
        n_obs=result.n_obs,
        verdict="Rejects: the residual wanders, or returns too slowly to tell within this window."
        if result.statistic > _SHIN_CRITICAL
        else "Nothing speaks against a stationary residual, which is weaker than evidence for one.",
    )


def _variance_ratio(asked: Finding, pair: _Pair) -> Finding:
    result = variance_ratio(pair.residual, VARIANCE_RATIO_LAG)
    if result.pvalue >= SIGNIFICANT:
        verdict = f"Ratio {result.ratio:.2f}: changes of the residual look like those of a random walk."
    elif result.ratio < 1.0:
        verdict = f"Ratio {result.ratio:.2f}: changes are taken back, by reversion or by bid-ask bounce."
    else:
        verdict = f"Ratio {result.ratio:.2f}: changes go on in their direction."
    return replace(
        asked,
        statistic=result.statistic,
        pvalue=result.pvalue,
        critical=1.96,
        lags=result.lag,
        n_obs=result.n_obs,
        verdict=verdict,
    )


def _hurst(asked: Finding, pair: _Pair) -> Finding:
    result = hurst(pair.residual)
    return replace(
        asked,
        statistic=result.exponent,
        lags=result.lags[-1],
        n_obs=result.n_obs,
        verdict="A description, no test: 500 rows of walks give 0.38 to 0.54 where they are Gaussian, and 0.10 to 0.42 "
        "where prices bounce between bid and ask, though nothing returns.",
    )


def _half_life(asked: Finding, pair: _Pair) -> Finding:
    result = residual_half_life(without_spikes(pair.y), without_spikes(pair.x))
    if pair.is_shown:
        verdict = f"Half of a deviation goes in {result.half_life:.3g} rows ({result.low:.3g} to {result.high:.3g})."
        verdict = verdict.replace("inf", "∞")
    else:
        verdict = "Means nothing here: nothing shows that deviations go. Residuals of walks have one too."
    return replace(
        asked, statistic=result.half_life, interval=(result.low, result.high), n_obs=result.n_obs, verdict=verdict
    )


def _correlation(asked: Finding, pair: _Pair) -> Finding:
    return replace(
        asked,
        statistic=_correlation_of_changes(pair.y, pair.x),
        n_obs=pair.y.size - 1,
        verdict="Says nothing about cointegration, and too little where a leg trades rarely.",
    )


def _correlation_of_changes(y: Floats, x: Floats) -> float:
    y_change = varying_series("the change of y from row to row", np.diff(y), "correlation of changes", 2)
    x_change = varying_series("the change of x from row to row", np.diff(x), "correlation of changes", 2)
    return float(np.corrcoef(y_change / np.ptp(y_change), x_change / np.ptp(x_change))[0, 1])


_UNIT_ROOT = "the series wanders like a random walk"
_NO_COINTEGRATION = "no fixed ratio leaves a stationary residual"
_RESIDUAL = "residual of y on x"

_CHECKS: Final[tuple[tuple[Finding, _Check], ...]] = (
    (Finding("Augmented Dickey-Fuller", "y", _UNIT_ROOT), _adf_y),
    (Finding("Augmented Dickey-Fuller", "x", _UNIT_ROOT), _adf_x),
    (Finding("Engle-Granger", "y on x", _NO_COINTEGRATION), _y_on_x),
    (Finding("Engle-Granger", "x on y", _NO_COINTEGRATION), _x_on_y),
    (Finding("Johansen trace, free constant", "y and x", "no stationary combination"), _trace),
    (Finding("Johansen trace, restricted constant", "y and x", "no stationary combination"), _restricted_trace),
    (Finding("Johansen max-eigen", "y and x", "no stationary combination"), _max_eigen),
    (Finding("Phillips-Perron (Phillips-Ouliaris)", _RESIDUAL, _NO_COINTEGRATION), _phillips_ouliaris),
    (Finding("KPSS (Shin)", "residual of y on x, its leads and lags", "the residual is stationary"), _shin),
    (Finding("Variance ratio", _RESIDUAL, "changes of the residual are uncorrelated"), _variance_ratio),
    (Finding("Half-life", _RESIDUAL, None), _half_life),
    (Finding("Hurst exponent", _RESIDUAL, None), _hurst),
    (Finding("Correlation", "changes of y and of x", None), _correlation),
)
