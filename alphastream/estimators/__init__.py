"""Estimators: folds over rows, and tests of whole series. What each number on a page comes from.

The folds are listed in ``ESTIMATORS``; each has the same ``run`` and ``progress``, described in ``fold``. What is
computed once over a whole series stands below them.
"""

from typing import Any

import numpy as np

from alphastream.core.compilation import loads_from_disk
from alphastream.core.types import Floats
from alphastream.estimators.fold import Estimator, Fold, State, preview_each, run_each, run_many
from alphastream.estimators.rolling.basket import (
    BasketFit,
    BasketHedge,
    BasketMethod,
    BasketRows,
    BasketValue,
    basket_weights,
)
from alphastream.estimators.rolling.correlation import CorrelationRows, RollingCorrelation
from alphastream.estimators.rolling.difference import Difference, DifferenceRows
from alphastream.estimators.rolling.discounted_regression import DiscountedRegression, DiscountedRows
from alphastream.estimators.rolling.frozen import FrozenHedge, FrozenRows
from alphastream.estimators.rolling.hedged import HedgedRows, HedgedValue
from alphastream.estimators.rolling.huber import RollingHuber
from alphastream.estimators.rolling.kalman import KalmanHedge, KalmanRows
from alphastream.estimators.rolling.moments import HedgeRows
from alphastream.estimators.rolling.ols import RollingOLS
from alphastream.estimators.rolling.residual_half_life import ResidualHalfLife
from alphastream.estimators.rolling.rolling_engle_granger import EngleGrangerRows, RollingEngleGranger
from alphastream.estimators.rolling.row_pace import RowPace, RowPaceRows
from alphastream.estimators.rolling.settled import Settled, SettledRows
from alphastream.estimators.rolling.signal import SignalRows, ThresholdSignal, positions_of
from alphastream.estimators.rolling.standardised import Standardised
from alphastream.estimators.rolling.tls import RollingTLS
from alphastream.estimators.rolling.zscore import ZScore, ZScoreRows
from alphastream.estimators.tests.adf import UnitRootResult, adf
from alphastream.estimators.tests.basket_wild import BasketWildResult, basket_wild, spread_wild
from alphastream.estimators.tests.basket_wild import warm_up as warm_up_baskets
from alphastream.estimators.tests.engle_granger import (
    BothDirections,
    EngleGrangerResult,
    engle_granger,
    engle_granger_both,
    residual_test,
)
from alphastream.estimators.tests.engle_granger import warm_up as warm_up_tests
from alphastream.estimators.tests.half_life import HalfLife, HalfLifeResult, HalfLifeRows, half_life
from alphastream.estimators.tests.hayashi_yoshida import HayashiYoshidaResult, hayashi_yoshida
from alphastream.estimators.tests.hurst import HurstResult, hurst
from alphastream.estimators.tests.johansen import JohansenResult, johansen
from alphastream.estimators.tests.kpss import KPSSResult, kpss
from alphastream.estimators.tests.ornstein_uhlenbeck import OrnsteinUhlenbeckResult, ornstein_uhlenbeck
from alphastream.estimators.tests.phillips_perron import phillips_perron
from alphastream.estimators.tests.rescaled import WildResult, engle_granger_wild
from alphastream.estimators.tests.rescaled import warm_up as warm_up_rescaled
from alphastream.estimators.tests.residual_half_life import corrected_half_life, residual_half_life
from alphastream.estimators.tests.variance_ratio import VarianceRatioResult, variance_ratio

__all__ = [
    "ESTIMATORS",
    "BasketFit",
    "BasketHedge",
    "BasketMethod",
    "BasketRows",
    "BasketValue",
    "BasketWildResult",
    "BothDirections",
    "CorrelationRows",
    "Difference",
    "DifferenceRows",
    "DiscountedRegression",
    "DiscountedRows",
    "EngleGrangerResult",
    "EngleGrangerRows",
    "Estimator",
    "Floats",
    "Fold",
    "FrozenHedge",
    "FrozenRows",
    "HalfLife",
    "HalfLifeResult",
    "HalfLifeRows",
    "HayashiYoshidaResult",
    "HedgeRows",
    "HedgedRows",
    "HedgedValue",
    "HurstResult",
    "JohansenResult",
    "KPSSResult",
    "KalmanHedge",
    "KalmanRows",
    "OrnsteinUhlenbeckResult",
    "ResidualHalfLife",
    "RollingCorrelation",
    "RollingEngleGranger",
    "RollingHuber",
    "RollingOLS",
    "RollingTLS",
    "RowPace",
    "RowPaceRows",
    "Settled",
    "SettledRows",
    "SignalRows",
    "Standardised",
    "State",
    "ThresholdSignal",
    "UnitRootResult",
    "VarianceRatioResult",
    "WildResult",
    "ZScore",
    "ZScoreRows",
    "adf",
    "basket_weights",
    "basket_wild",
    "corrected_half_life",
    "engle_granger",
    "engle_granger_both",
    "engle_granger_wild",
    "half_life",
    "hayashi_yoshida",
    "hurst",
    "is_compiled",
    "johansen",
    "kpss",
    "ornstein_uhlenbeck",
    "phillips_perron",
    "positions_of",
    "preview_each",
    "residual_half_life",
    "residual_test",
    "run_each",
    "run_many",
    "spread_wild",
    "variance_ratio",
    "warm_up",
]

ESTIMATORS: dict[str, type[Fold[Any]]] = {
    estimator.__name__: estimator
    for estimator in (
        RollingOLS,
        RollingTLS,
        RollingHuber,
        DiscountedRegression,
        FrozenHedge,
        BasketHedge,
        BasketValue,
        KalmanHedge,
        ZScore,
        RollingCorrelation,
        Difference,
        RowPace,
        HedgedValue,
        HalfLife,
        ResidualHalfLife,
        RollingEngleGranger,
        Settled,
        ThresholdSignal,
    )
}

_SMALLEST: tuple[Fold[Any], ...] = (
    RollingOLS(window=2),
    RollingTLS(window=2),
    RollingHuber(window=2),
    DiscountedRegression(window=2),
    FrozenHedge(train=3),
    BasketHedge(legs=3, train=10),
    BasketValue((1.0, -1.0, 1.0)),
    KalmanHedge(),
    ZScore(window=2),
    RollingCorrelation(window=2),
    Difference(),
    RowPace(),
    HedgedValue(),
    HalfLife(window=4),
    ResidualHalfLife(window=4),
    ThresholdSignal(entry=2.0, exit=0.0),
)


def warm_up(*names: str) -> None:
    """Compile kernels, or load them from numba's cache.

    Takes ten seconds and more the first time, during which numba holds the interpreter lock, and tenths of a second
    after. May run in any thread, also while others use estimators. `python -m alphastream` does it in a
    process of its own.

    Parameters
    ----------
    names : of estimators; every estimator and the tests where none is given.
    """
    row = np.ones(1)
    for estimator in _SMALLEST:
        if not names or type(estimator).__name__ in names:
            estimator._fold(None, *[row] * len(estimator.inputs))
    if not names:
        warm_up_tests()
        warm_up_rescaled()
        warm_up_baskets()


def is_compiled() -> bool:
    """Whether ``warm_up`` only loads: the machine code is on disk and made from the sources as they are now.

    Compiles nothing, and loads what it finds.
    """
    return loads_from_disk(warm_up)
