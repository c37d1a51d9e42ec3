"""How much of a Sharpe ratio is left once it is known how many were tried."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance.metrics import ROUNDING, ReturnMoments, moments, sharpe_spread

EULER = 0.5772156649015329
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class DeflatedSharpe:
    """The best Sharpe ratio of several, against the best that chance would give. All ratios are of a row.

    Parameters
    ----------
    sharpe : of the returns.
    expected_maximum : what the best of the trials would have if none had skill.
    probability : that the true ratio is above ``expected_maximum``, 0 to 1; NaN where it is undefined.
    trials : how many were tried, or as how many independent ones they count.
    rows : returns behind ``sharpe``.
    """

    sharpe: float
    expected_maximum: float
    probability: float
    trials: float
    rows: int


def probabilistic_sharpe(sharpe: float, benchmark: float, rows: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probability that the true Sharpe ratio is above a benchmark; both of a row, not annualised.

    Φ((SR − SR₀)·√(T − 1)/√(1 − γ₃·SR + (γ₄ − 1)/4·SR²)); NaN with fewer than two rows.

    Source: D. H. Bailey, M. López de Prado, "The Sharpe ratio efficient frontier", 2012, equation 11.

    Examples
    --------
    >>> round(probabilistic_sharpe(0.458, 0.0, 24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    spread = sharpe_spread(sharpe, skew, kurtosis)
    if rows < 2 or not spread > 0.0 or math.isnan(benchmark):
        return math.nan
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt((rows - 1) / spread))


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """The best Sharpe ratio to expect of trials without skill, √V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))).

    Parameters
    ----------
    trials : N, at least 1, need not be whole. One trial is expected to have 0, and fewer than about 1.2 count as one:
        there the approximation would fall below 0.
    variance : V, of the trials' Sharpe ratios.

    Source: D. H. Bailey, M. López de Prado, "The deflated Sharpe ratio", 2014, equation 1.
    """
    if not 1.0 <= trials < math.inf or not 0.0 <= variance < math.inf:
        raise ParameterError(f"{trials} trials of variance {variance}: needs at least 1 trial and a variance from 0 on")
    if trials == 1.0:
        return 0.0
    quantiles = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * max((1.0 - EULER) * quantiles[0] + EULER * quantiles[1], 0.0)


def deflated_sharpe(
    returns: ArrayLike | ReturnMoments,
    trial_sharpes: ArrayLike | None = None,
    *,
    trials: float | None = None,
    variance: float | None = None,
) -> DeflatedSharpe:
    """Probability that the chosen strategy has more skill than the luckiest of those tried without any.

    Parameters
    ----------
    returns : (T,) returns of the chosen strategy, or their ``ReturnMoments``.
    trial_sharpes : Sharpe ratio of a row of every trial, the chosen one among them; NaN, where a trial never traded,
        is left out. Their number and variance are used as they are: the more trials move together, the less their
        ratios differ, so that the variance already holds their correlation.
    trials, variance : in place of ``trial_sharpes``, how many were tried and the variance of their ratios. Without a
        variance it is 1/(T − 1), what chance gives to each: right for independent trials, and for a number from
        ``effective_trials``.

    The expected maximum is one number and the error of the ratio is added to it, so that this is a strict test: of 100
    independent strategies without skill, the best has a probability above 0.95 in about one case of 1,000; of 100 that
    move together closely (correlation 0.95), in one of 20.

    Source: D. H. Bailey, M. López de Prado, "The deflated Sharpe ratio", 2014, equation 2.

    Examples
    --------
    Their example: 2.5 a year from 1,250 days, the best of 100 trials with a variance of ½ a year.

    >>> chosen = ReturnMoments(rows=1250, mean=2.5, std=250**0.5, skew=-3.0, kurtosis=10.0)
    >>> round(deflated_sharpe(chosen, trials=100, variance=0.5 / 250).probability, 4)
    0.9004
    """
    chosen = returns if isinstance(returns, ReturnMoments) else moments(returns)
    if trial_sharpes is not None:
        if trials is not None or variance is not None:
            raise ParameterError("trial_sharpes say how many were tried and how they vary: leave out trials, variance")
        known = np.asarray(trial_sharpes, dtype=np.float64).ravel()
        known = known[np.isfinite(known)]
        trials, variance = max(known.size, 1), float(np.var(known, ddof=1)) if known.size > 1 else 0.0
    elif trials is None:
        raise ParameterError("nothing says how many were tried: pass trial_sharpes, or trials (1 for a single one)")
    if variance is None and trials > 1:
        variance = 1.0 / (chosen.rows - 1) if chosen.rows > 1 else math.nan
    unknown = variance is not None and math.isnan(variance)
    expected = math.nan if unknown else expected_maximum_sharpe(float(trials), variance or 0.0)
    sharpe = chosen.sharpe
    probability = math.nan
    if not math.isnan(sharpe):
        probability = probabilistic_sharpe(sharpe, expected, chosen.rows, chosen.skew, chosen.kurtosis)
    return DeflatedSharpe(sharpe, expected, probability, float(trials), chosen.rows)


def effective_trials(returns: ArrayLike) -> float:
    """As how many independent trials correlated ones count: exp of the entropy of the shares of the eigenvalues of
    their correlation matrix. N if none is correlated, 1 if all move as one.

    Parameters
    ----------
    returns : (T, N) returns of each trial; one without variation (it never traded) counts for none.

    Returns
    -------
    Between 1 and N; NaN without a trial that varies. From T rows, N independent trials seem about N·exp(−N/2T).

    Use it with the variance that chance gives to each trial (the default of ``deflated_sharpe``). The variance between
    the trials is small for the same reason that this number is, and would count the correlation twice. Measured on 100
    trials with a correlation of 0.8, whose best is expected 1.12 standard errors above 0: this number (4.1) with the
    variance of chance says 1.07, with the variance between the trials 0.47; all 100 with that variance say 1.13.

    Source: O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007, definition 1.
    """
    table = np.asarray(returns, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ParameterError(f"returns of trials have shape {table.shape}, need (T, N) without NaN, a column for each")
    standard = _standardised(table)
    if standard.size == 0:
        return math.nan
    # The two products have the same eigenvalues, apart from zeros.
    smaller = standard.T @ standard if standard.shape[1] <= standard.shape[0] else standard @ standard.T
    eigenvalues = np.clip(np.linalg.eigvalsh(smaller), 0.0, None)
    shares = eigenvalues[eigenvalues > 0.0] / eigenvalues.sum()
    return max(float(np.exp(-(shares * np.log(shares)).sum())), 1.0)


def _standardised(table: Floats) -> Floats:
    """Columns of mean 0 and length 1, without those that do not vary."""
    if len(table) < 2:
        return np.empty((0, 0))
    away = table - table.mean(axis=0)
    length = np.sqrt((away * away).sum(axis=0))
    varies = length > ROUNDING * np.sqrt(len(table)) * np.abs(table).max(axis=0, initial=0.0)
    return away[:, varies] / length[varies]  # type: ignore[no-any-return]
