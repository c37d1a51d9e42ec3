"""The kernels of the library in groups, in the order of compilation: first what a page of a pair shows first."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from alphastream import estimators
from alphastream.estimators.tests import basket_wild, engle_granger, rescaled


@dataclass(frozen=True, slots=True)
class KernelGroup:
    """Kernels that are compiled together.

    Parameters
    ----------
    room : the package they belong to.
    load : loads their machine code, compiling what is not on disk.
    seconds : of one core, about, that compiling them takes.
    """

    room: str
    load: Callable[[], object]
    seconds: float


def _warm_up(room: str) -> None:
    """Import a room and compile its kernels; the first z-score does not wait for the import of what comes later."""
    importlib.import_module(f"alphastream.{room}").warm_up()


def _warm_up_tests() -> None:
    engle_granger.warm_up()
    rescaled.warm_up()


TESTS: Final = "EngleGranger"
BASKET_TESTS: Final = "basket_wild"
POSITIONS: Final = "PositionStream"
SCAN: Final = "scan_pairs"
MONITOR: Final = "RelationMonitor"
BACKTEST: Final = "run_pair"
ARBITRAGE: Final = "ArbitrageMonitor"
WINDOWS: Final = "TimeWindow"
MICROSTRUCTURE: Final = "KyleLambda"
FRAMES: Final = "TradeFrames"

_SECONDS: Final = {
    "RollingOLS": 2.0,
    "ZScore": 1.0,
    "ThresholdSignal": 0.6,
    "Difference": 0.3,
    "RowPace": 0.3,
    "RollingCorrelation": 0.1,
    "HedgedValue": 0.3,
    "ResidualHalfLife": 1.0,
    "HalfLife": 0.3,
    "RollingTLS": 0.1,
    "DiscountedRegression": 1.2,
    "FrozenHedge": 1.0,
    "KalmanHedge": 1.5,
    "BasketHedge": 9.0,
    "BasketValue": 0.5,
}

GROUPS: Final[Mapping[str, KernelGroup]] = {
    **{name: KernelGroup("estimators", partial(estimators.warm_up, name), took) for name, took in _SECONDS.items()},
    TESTS: KernelGroup("estimators", _warm_up_tests, 14.0),
    "RollingHuber": KernelGroup("estimators", partial(estimators.warm_up, "RollingHuber"), 3.0),
    BASKET_TESTS: KernelGroup("estimators", basket_wild.warm_up, 10.0),
    MONITOR: KernelGroup("monitoring", partial(_warm_up, "monitoring"), 2.0),
    WINDOWS: KernelGroup("windows", partial(_warm_up, "windows"), 4.0),
    MICROSTRUCTURE: KernelGroup("microstructure", partial(_warm_up, "microstructure"), 4.0),
    POSITIONS: KernelGroup("portfolio", partial(_warm_up, "portfolio"), 25.0),
    SCAN: KernelGroup("scan", partial(_warm_up, "scan"), 5.0),
    ARBITRAGE: KernelGroup("arbitrage", partial(_warm_up, "arbitrage"), 6.0),
    BACKTEST: KernelGroup("backtest", partial(_warm_up, "backtest"), 6.0),
    FRAMES: KernelGroup("feeds", partial(_warm_up, "feeds.binance.bursts"), 4.0),
}

_BUILT_ON: Final = {"Standardised": "KalmanHedge", "Settled": "DiscountedRegression", "RollingEngleGranger": TESTS}


def group_of(estimator: Any) -> str:
    """The group that compiles what an estimator calls."""
    name = type(estimator).__name__
    return _BUILT_ON.get(name, name)
