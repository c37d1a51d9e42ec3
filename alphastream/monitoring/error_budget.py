"""One error budget for many tests: in a stream of p-values, and over many pairs that are watched at once."""

from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final

from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError

_SUM_OF_GAMMAS: Final = 12.646  # of log(max(t, 2))/(t·exp(√log t)) over t = 1, 2, …, rounded up


def _gamma(t: int) -> float:
    """How much of a budget the t-th test after it was given may spend; the sum over all t is 1."""
    return log(max(t, 2)) / (t * exp(sqrt(log(t)))) / _SUM_OF_GAMMAS


@dataclass(frozen=True, slots=True)
class OnlineFDR:
    """LORD++: of the discoveries in a stream of tests, at most a share ``alpha`` is false on average, at any time.

    Each test is judged when it comes, at a level that depends on the discoveries before it and on nothing later.
    The level falls while nothing is found, and every discovery brings a new budget. The p-values of what is not there
    must be valid given the discoveries so far, as those of separate stretches of data are. For tests that depend on
    one another use ``evidence_needed``, which takes evidence instead of p-values.

    Parameters
    ----------
    alpha : expected share of false discoveries, in (0, 1).
    tests : tests judged so far.
    discoveries : which of them were discoveries, counted from 1, ascending.

    References
    ----------
    Ramdas, Yang, Wainwright and Jordan (2017), Online control of the false discovery rate with decaying memory,
    NeurIPS: LORD++ in section 4, guarantee in theorem 2, here with half of alpha to begin with. The sequence of
    levels is that of Javanmard and Montanari (2018), Annals of Statistics 46.

    Examples
    --------
    >>> stream, found = OnlineFDR(alpha=0.05), []
    >>> for pvalue in (0.4, 1e-5, 0.002, 0.3):
    ...     is_discovery, stream = stream.judge(pvalue)
    ...     found.append(is_discovery)
    >>> found, stream.discoveries
    ([False, True, False, False], (2,))
    """

    alpha: float = 0.05
    tests: int = 0
    discoveries: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _require_share(self.alpha)
        require_integer("tests", self.tests, minimum=0)

    @property
    def level(self) -> float:
        """A p-value at this or below is a discovery in the next test."""
        t, begin = self.tests + 1, self.alpha / 2.0
        budgets = (self.alpha - begin, *[self.alpha] * len(self.discoveries))  # the first discovery brings the rest
        later = sum(budget * _gamma(t - at) for budget, at in zip(budgets, self.discoveries, strict=False))
        return begin * _gamma(t) + later

    def judge(self, pvalue: float) -> tuple[bool, "OnlineFDR"]:
        """Whether the next test is a discovery, and the stream after it.

        Raises
        ------
        ParameterError
            The p-value is not in [0, 1].
        """
        if not 0.0 <= pvalue <= 1.0:
            raise ParameterError(f"pvalue is {pvalue!r}, needs to be in [0, 1]")
        tests, is_discovery = self.tests + 1, pvalue <= self.level
        found = (*self.discoveries, tests) if is_discovery else self.discoveries
        return is_discovery, replace(self, tests=tests, discoveries=found)


def evidence_needed(alpha: float, watched: int, shown: int) -> float:
    """Evidence that each of several watched hypotheses needs, so that they share one budget (e-LOND).

    Evidence is an e-value: 1 on average at most where there is nothing, whenever one stops. It need not be independent
    from one to another. Where there is nothing at all, the probability that any of them reaches the level is at most
    alpha; where some are shown already, the expected share of false ones is.

    Parameters
    ----------
    alpha : the budget, in (0, 1).
    watched : hypotheses that share it, at least 1, each with an equal part.
    shown : how many of the others have reached their level.

    Returns
    -------
    The level: watched/(alpha·(shown + 1)).

    References
    ----------
    Xu and Ramdas (2024), Online multiple testing with e-values, AISTATS: e-LOND, theorem 1, with equal weights.

    Examples
    --------
    >>> evidence_needed(0.05, watched=10, shown=0), evidence_needed(0.05, watched=10, shown=4)
    (200.0, 40.0)
    """
    _require_share(alpha)
    require_integer("watched", watched, minimum=1)
    require_integer("shown", shown, minimum=0)
    return watched / (min(shown, watched - 1) + 1) / alpha


def _require_share(alpha: float) -> None:
    require_number("alpha", alpha, above=0.0)
    if not alpha < 1.0:
        raise ParameterError(f"alpha is {alpha!r}, needs to be < 1")
