"""Write down what basanos says to a set of histories: ``python -m tests.portfolio.record_reference``.

Needs basanos of benchmarks/requirements.txt and polars 2.1; makes tests/data/basanos_positions.npz in a minute.
Weights are asked of its stream, warmed up anew before every row: its steps take the first return of an asset as ±clip,
which its warm-up does not. A sliding window is asked of its batch: its stream is wrong where a
residual is at the floor.
"""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from alphastream.core.types import Floats
from tests.portfolio.histories import history

PATH = Path(__file__).parent.parent / "data" / "basanos_positions.npz"
ROWS = 120
STATUS = ("", "warmup", "zero_signal", "degenerate", "valid")  # "": it refused the rows before
GUIDE = {"vola": 16, "corr": 32, "clip": 3.5, "shrink": 0.5, "aum": 1e6}
SHORT = {"vola": 6, "corr": 12, "clip": 2.0, "shrink": 0.8, "aum": 1e6}
WINDOW = {"window": 40, "n_factors": 2}

# kind, assets, seed, parameters, sliding window
CASES: list[tuple[str, int, int, dict[str, Any], dict[str, int] | None]] = [
    ("clean", 2, 1, GUIDE, None),
    ("clean", 5, 2, SHORT | {"shrink": 1.0}, None),
    ("clean", 5, 3, GUIDE | {"max_turnover": 60.0}, None),
    ("clean", 20, 4, GUIDE, None),
    ("nulls", 2, 5, SHORT, None),
    ("nulls", 5, 6, GUIDE, None),
    ("dropout", 5, 7, SHORT | {"vola": 2}, None),
    ("late start", 2, 8, GUIDE | {"corr": 16}, None),
    ("joining", 5, 9, SHORT, None),
    ("joining", 20, 10, SHORT, None),
    ("all missing", 2, 11, SHORT, None),
    ("flat stretch", 2, 12, SHORT, None),
    ("clean", 2, 13, SHORT, WINDOW | {"n_factors": 1}),
    ("clean", 5, 14, GUIDE, WINDOW),
    ("nulls", 5, 15, SHORT, WINDOW),
    ("joining", 20, 16, GUIDE, WINDOW | {"n_factors": 4}),
]


def rows_of(kind: str, assets: int, seed: int) -> tuple[Floats, Floats]:
    """Prices of four decimals and signals of three, (T, N)."""
    prices, signals = history("clean" if kind == "joining" else kind, assets, ROWS, seed)
    if kind == "joining":
        for asset in range(1, assets, 2):
            prices[: 5 + 60 * asset // assets, asset] = np.nan
    return np.round(prices, 4), np.round(signals, 3)


def frame(table: Floats) -> Any:
    """The table with a missing value for NaN."""
    import polars  # type: ignore[import-not-found,unused-ignore]

    columns = {
        str(i): polars.Series([None if np.isnan(value) else value for value in column.tolist()], dtype=polars.Float64)
        for i, column in enumerate(table.T)
    }
    return polars.DataFrame({"date": polars.Series(range(len(table)), dtype=polars.Int64), **columns})


def batch(prices: Floats, signals: Floats, config: Any) -> tuple[Floats, list[str]]:
    """Its cash positions, (T, N), and statuses, of one run over everything."""
    from basanos.math import BasanosEngine  # type: ignore[import-not-found,unused-ignore]

    engine = BasanosEngine(frame(prices), frame(signals), config)
    return engine.cash_position.select(engine.assets).to_numpy(), engine.position_status["status"].to_list()


def stream(prices: Floats, signals: Floats, config: Any) -> tuple[Floats, list[str]]:
    """Its cash positions, (T, N), and statuses, of a step after each part of the history."""
    from basanos.math import BasanosStream

    cash, status = np.full(prices.shape, np.nan), []
    for t in range(len(prices)):
        seen = np.isfinite(prices[:t]).any(axis=0)
        try:
            before = BasanosStream.from_warmup(frame(prices[:t, seen]), frame(signals[:t, seen]), config)
            result = before.step(prices[t, seen], signals[t, seen])
        except (ValueError, IndexError):  # no rows, monotonic ones, or a pair with too few in common
            status.append("")
            continue
        cash[t, seen] = result.cash_position
        status.append(str(result.status))
    return cash, status


def main() -> None:
    from basanos.math import BasanosConfig
    from basanos.math._config import SlidingWindowConfig  # type: ignore[import-not-found,unused-ignore]

    logging.disable()
    warnings.simplefilter("ignore")  # of matrices that it solves all the same
    arrays: dict[str, Any] = {"cases": np.array(json.dumps([[kind, *rest] for kind, *rest in CASES]))}
    for at, (kind, assets, seed, parameters, window) in enumerate(CASES):
        prices, signals = rows_of(kind, assets, seed)
        more = {} if window is None else {"covariance_config": SlidingWindowConfig(**window)}
        config = BasanosConfig(**parameters, max_nan_fraction=0.99, **more)
        capped = "max_turnover" in parameters
        cash, status = (batch if window or capped else stream)(prices, signals, config)
        valid = np.array(status) == "valid"
        arrays[f"prices{at}"], arrays[f"signals{at}"] = prices, signals
        arrays[f"cash{at}"] = np.where(valid[:, np.newaxis], cash, np.nan)
        arrays[f"status{at}"] = np.array([STATUS.index(word) for word in status], dtype=np.uint8)
    np.savez_compressed(PATH, **arrays)


if __name__ == "__main__":
    main()
