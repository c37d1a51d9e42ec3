"""Positions from prices and signals, row by row: risk is spread over assets by how they move together.

>>> import numpy as np
>>> from alphastream.portfolio import PositionConfig, PositionStream
>>> rng = np.random.default_rng(7)
>>> prices = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (120, 2)), axis=0))
>>> signals = rng.normal(size=(120, 2))
>>> config = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6)
>>> stream = PositionStream.from_warmup(prices[:-1], signals[:-1], config, assets=["BTCUSDT", "ETHUSDT"])
>>> result = stream.step({"BTCUSDT": 101.0, "ETHUSDT": 99.5}, {"BTCUSDT": 0.8, "ETHUSDT": -0.3})
>>> stream = result.next_stream  # the old stream stays usable: a checkpoint is a variable
>>> result.status, round(result.cash_position["BTCUSDT"], 2), round(result.cash_position["ETHUSDT"], 2)
('valid', 19.28, -10.71)
"""

import numpy as np

from alphastream.core.compilation import loads_from_disk
from alphastream.portfolio.config import PositionConfig, SlidingWindow
from alphastream.portfolio.diagnostics import (
    ICStatistics,
    SolveDiagnostics,
    TiltAndTiming,
    ic_statistics,
    returns_over_costs,
    returns_over_lags,
    returns_over_smoothing,
    solve_diagnostics,
    tilt_and_timing,
)
from alphastream.portfolio.evaluation import (
    Exposure,
    Spectrum,
    exposure,
    information_coefficient,
    returns,
    sharpe_over_shrinkage,
    sharpe_ratio,
    spectrum,
)
from alphastream.portfolio.state import Status, StreamFileError
from alphastream.portfolio.stream import Positions, PositionStream, StepResult, optimise

__all__ = [
    "Exposure",
    "ICStatistics",
    "PositionConfig",
    "PositionStream",
    "Positions",
    "SlidingWindow",
    "SolveDiagnostics",
    "Spectrum",
    "Status",
    "StepResult",
    "StreamFileError",
    "TiltAndTiming",
    "exposure",
    "ic_statistics",
    "information_coefficient",
    "is_compiled",
    "optimise",
    "returns",
    "returns_over_costs",
    "returns_over_lags",
    "returns_over_smoothing",
    "sharpe_over_shrinkage",
    "sharpe_ratio",
    "solve_diagnostics",
    "spectrum",
    "tilt_and_timing",
    "warm_up",
]


def warm_up() -> None:
    """Compile the row, or load it from numba's cache: half a minute the first time, tenths of a second after.

    Both forms of covariance are in the same machine code. May run in any thread, as ``estimators.warm_up``.
    """
    row = np.ones((1, 2))
    stream = PositionStream.begin(("a", "b"), PositionConfig(vola=1, corr=1, clip=1.0, shrink=0.5, aum=1.0))
    stream.run(row, row)[1].step(row, row).next_stream.matrix()


def is_compiled() -> bool:
    """Whether ``warm_up`` only loads: the machine code is on disk and made from the sources as they are now.

    Compiles nothing, and loads what it finds.
    """
    return loads_from_disk(warm_up)
