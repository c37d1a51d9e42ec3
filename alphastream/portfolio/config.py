"""The parameters of the position optimiser."""

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError

Config = TypeVar("Config", "PositionConfig", "SlidingWindow")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindow:
    """Covariance by a factor model of the last rows, in place of exponential weights and shrinkage.

    Parameters
    ----------
    window : rows, at least 1; positions begin at row ``window``.
    n_factors : factors kept, at least 1; never more than there are rows or assets.
    max_components : None, or a lower bound on the factors kept, 1 … n_factors.
    """

    window: int
    n_factors: int
    max_components: int | None = None

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=1)
        require_integer("n_factors", self.n_factors, minimum=1)
        if self.max_components is not None:
            require_integer("max_components", self.max_components, minimum=1)
            if self.max_components > self.n_factors:
                raise ParameterError(
                    f"max_components is {self.max_components}, n_factors {self.n_factors}: it can only lower n_factors"
                )

    def replace(self, **changes: Any) -> "SlidingWindow":
        """Copy with some fields changed."""
        return _replaced(self, changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionConfig:
    """What the optimiser needs to know beside prices and signals.

    Parameters
    ----------
    vola : rows, at least 1: centre of mass + 1 of the weights in both volatilities.
    corr : rows, at least ``vola``: centre of mass of the weights in the correlations, and the rows they need.
    clip : deviations at which an adjusted return is cut off, > 0.
    shrink : weight of the estimated correlations, 0 … 1; the rest goes to the identity. Not used by a sliding window.
    aum : assets under management, currency, > 0.
    denom_tol : a signal no larger than this in the metric of the matrix has no position, > 0.
    position_scale : currency in one unit of a cash position, > 0.
    min_corr_denom : variances of adjusted returns up to here have no correlation, > 0.
    max_nan_fraction : share of missing prices up to which an asset is accepted in a history, within (0, 1).
    cost_per_unit : paid for one unit of currency traded, ≥ 0; the figures of ``analytics`` deduct it.
    max_turnover : most that the cash positions of a row may change in sum, > 0; None: no cap.
    covariance : None for exponential weights, or a SlidingWindow.

    Raises
    ------
    ParameterError
        A value outside its range.

    Examples
    --------
    >>> config = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6)
    >>> config.replace(shrink=0.8).shrink
    0.8
    """

    vola: int
    corr: int
    clip: float
    shrink: float
    aum: float
    denom_tol: float = 1e-12
    position_scale: float = 1e6
    min_corr_denom: float = 1e-14
    max_nan_fraction: float = 0.9
    cost_per_unit: float = 0.0
    max_turnover: float | None = None
    covariance: SlidingWindow | None = None

    def __post_init__(self) -> None:
        require_integer("vola", self.vola, minimum=1)
        require_integer("corr", self.corr, minimum=1)
        if self.corr < self.vola:
            raise ParameterError(f"corr is {self.corr}, vola {self.vola}: corr needs to be at least vola")
        for name in ("clip", "aum", "denom_tol", "position_scale", "min_corr_denom"):
            require_number(name, getattr(self, name), above=0.0)
        require_number("shrink", self.shrink, minimum=0.0)
        if self.shrink > 1.0:
            raise ParameterError(f"shrink is {self.shrink!r}, needs a number from 0 to 1")
        require_number("max_nan_fraction", self.max_nan_fraction, above=0.0)
        if self.max_nan_fraction >= 1.0:
            raise ParameterError(f"max_nan_fraction is {self.max_nan_fraction!r}, needs a number within (0, 1)")
        require_number("cost_per_unit", self.cost_per_unit, minimum=0.0)
        if self.max_turnover is not None:
            require_number("max_turnover", self.max_turnover, above=0.0)
        if self.covariance is not None and not isinstance(self.covariance, SlidingWindow):
            raise ParameterError(f"covariance is {self.covariance!r}, needs None or SlidingWindow(window=, n_factors=)")

    @property
    def rows_needed(self) -> int:
        """Rows up to and with the first that can have positions."""
        # the first row has no return, and the first return no deviation to be adjusted by
        return self.corr + 2 if self.covariance is None else self.covariance.window

    def replace(self, **changes: Any) -> "PositionConfig":
        """Copy with some fields changed."""
        return _replaced(self, changes)

    def parameters(self, assets: int) -> Floats:
        """Return what the compiled row reads, in the order ``kernels`` names."""
        window, factors = 0, 0
        if self.covariance is not None:
            window, factors = self.covariance.window, self.covariance.n_factors
            factors = min(factors, self.covariance.max_components or factors)
        cap = np.inf if self.max_turnover is None else self.max_turnover
        values = [self.vola, self.corr, self.clip, self.shrink, self.denom_tol, self.min_corr_denom, cap]
        return np.array([*values, window, factors, assets], dtype=np.float64)


def _replaced(config: Config, changes: dict[str, Any]) -> Config:
    known = [field.name for field in dataclasses.fields(config)]
    unknown = sorted(changes.keys() - set(known))
    if unknown:
        raise ParameterError(f"{type(config).__name__} has no {', '.join(unknown)}: it has {', '.join(known)}")
    return dataclasses.replace(config, **changes)
