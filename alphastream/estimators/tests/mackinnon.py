"""Response surfaces of MacKinnon: p-values and critical values of unit-root and cointegration tests.

A Dickey-Fuller t-ratio is not t-distributed under its null, and it is further left still when the series is a
residual whose hedge ratio was estimated on the same rows. ``variables`` says which case holds: 1 for a series that
was given (plain ADF), 2 for the residual of one series on another (Engle-Granger).

Sources: p-values from MacKinnon (1994), "Approximate asymptotic distribution functions for unit-root and
cointegration tests", J. of Business & Economic Statistics 12, tables 3 and 4. Critical values from MacKinnon (2010),
"Critical values for cointegration tests", Queen's University working paper 1227, tables 2 to 4. That paper leaves
out two variables without a constant; that surface is the simulation of arch 8.0
(arch/unitroot/critical_values/engle_granger.py).
"""

import math
from typing import Literal

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import ParameterError

Trend = Literal["n", "c", "ct"]
"""Deterministic terms: none, a constant, a constant and a linear trend."""

TREND_TERMS: dict[str, int] = {"n": 0, "c": 1, "ct": 2}
"""Number of deterministic terms of each trend; kernels take this number."""

LEVELS = ("1%", "5%", "10%")

# Axes of all tables: deterministic terms (n, c, ct), variables (1, 2), then what the comment says.
_SWITCH = np.array([[-1.04, -1.53], [-1.61, -2.62], [-2.89, -3.19]])  # left polynomial at or below, right above
_LOWEST = np.array([[-19.04, -19.62], [-18.83, -18.86], [-16.18, -21.15]])  # p is 0 below
_HIGHEST = np.array([[math.inf, 1.51], [2.74, 0.92], [0.70, 0.63]])  # p is 1 above
_LEFT_TAIL = np.array(  # coefficients of 1, τ, τ²
    [
        [[0.6344, 1.2378, 3.2496e-2], [1.9129, 1.3857, 3.5322e-2]],
        [[2.1659, 1.4412, 3.8269e-2], [2.9200, 1.5012, 3.9796e-2]],
        [[3.2512, 1.6047, 4.9588e-2], [3.6646, 1.5419, 3.6448e-2]],
    ]
)
_RIGHT_TAIL = np.array(  # coefficients of 1, τ, τ², τ³
    [
        [[0.4797, 9.3557e-1, -0.6999e-1, 3.3066e-2], [1.5578, 8.5580e-1, -2.0830e-1, -3.3549e-2]],
        [[1.7339, 9.3202e-1, -1.2745e-1, -1.0368e-2], [2.1945, 6.4695e-1, -2.9198e-1, -4.2377e-2]],
        [[2.5261, 6.1654e-1, -3.7956e-1, -6.0285e-2], [2.8500, 5.2720e-1, -3.6622e-1, -5.1695e-2]],
    ]
)
_CRITICAL = (  # level (1, 5, 10 %), then coefficients of 1, 1/T, 1/T², 1/T³
    (
        ((-2.56574, -2.2358, -3.627, 0), (-1.94100, -0.2686, -3.365, 31.223), (-1.61682, 0.2656, -2.714, 25.364)),
        (
            (-3.34191, -10.52922, -1.37381, -125.05815),
            (-2.75983, -6.93331, 21.37212, -195.03504),
            (-2.45704, -5.64593, 30.26726, -240.92321),
        ),
    ),
    (
        ((-3.43035, -6.5393, -16.786, -79.433), (-2.86154, -2.8903, -4.234, -40.040), (-2.56677, -1.5384, -2.809, 0)),
        ((-3.89644, -10.9519, -33.527, 0), (-3.33613, -6.1101, -6.823, 0), (-3.04445, -4.2412, -2.720, 0)),
    ),
    (
        (
            (-3.95877, -9.0531, -28.428, -134.155),
            (-3.41049, -4.3904, -9.036, -45.374),
            (-3.12705, -2.5856, -3.925, -22.380),
        ),
        ((-4.32762, -15.4387, -35.679, 0), (-3.78057, -9.5106, -12.074, 0), (-3.49631, -7.0815, -7.538, 21.892)),
    ),
)


@kernel
def tau_pvalue(statistic: float, terms: int, variables: int) -> float:
    """Probability of a t-ratio this far left under the null (MacKinnon 1994); NaN for NaN.

    Parameters
    ----------
    terms : deterministic terms, 0, 1 or 2.
    variables : 1 for a given series, 2 for a residual whose ratio was estimated on the same rows.
    """
    column = variables - 1
    if math.isnan(statistic):
        return math.nan
    if statistic > _HIGHEST[terms, column]:
        return 1.0
    if statistic < _LOWEST[terms, column]:
        return 0.0
    coefficients = _RIGHT_TAIL[terms, column]
    if statistic <= _SWITCH[terms, column]:
        coefficients = _LEFT_TAIL[terms, column]
    z = 0.0
    for i in range(coefficients.size - 1, -1, -1):
        z = z * statistic + coefficients[i]
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@kernel
def tau_pvalues(statistics: Floats, terms: int, variables: int) -> Floats:
    """``tau_pvalue`` of each of (P,) statistics, without the interpreter lock."""
    pvalues = np.empty_like(statistics)
    for i in range(statistics.size):
        pvalues[i] = tau_pvalue(statistics[i], terms, variables)
    return pvalues


def critical_values(trend: Trend, variables: int, n_obs: float) -> dict[str, float]:
    """Critical values at 1, 5 and 10 % in a sample of ``n_obs`` rows (MacKinnon 2010); ``inf`` is allowed.

    Examples
    --------
    >>> {level: round(value, 3) for level, value in critical_values("c", 2, float("inf")).items()}
    {'1%': -3.896, '5%': -3.336, '10%': -3.044}
    """
    inverse = 1.0 / n_obs
    surfaces = _CRITICAL[trend_terms(trend)][variables - 1]
    return {
        level: a + inverse * (b + inverse * (c + inverse * d))
        for level, (a, b, c, d) in zip(LEVELS, surfaces, strict=True)
    }


def trend_terms(trend: str) -> int:
    """Number of deterministic terms of a trend; refuses a name it does not know."""
    if trend not in TREND_TERMS:
        raise ParameterError(f"trend is {trend!r}: use 'n' (none), 'c' (constant) or 'ct' (constant and linear trend)")
    return TREND_TERMS[trend]
