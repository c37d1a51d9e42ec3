"""An indicator that looks ahead is refused before it trades: ``python -m examples.peeking``.

The strength is read off the change to the *next* close, a mistake as easily made as a wrong sign of ``shift``. The
prices are synthetic: a walk from a seed.
"""

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.errors import LookAheadError
from alphastream.strategies import EquityShare
from alphastream.study import Study


def next_change(close: Floats, window: int = 2) -> Floats:
    """Where the price goes from here. Nobody knows that."""
    return np.append(np.sign(np.diff(close)), 0.0)


def last_change(close: Floats, window: int = 2) -> Floats:
    """Where the price came from."""
    return np.append(0.0, np.sign(np.diff(close)))


def walk(rows: int = 500) -> pd.DataFrame:
    """Closes of a walk without drift."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(7).normal(0.0, 0.01, rows)))
    return pd.DataFrame({"time": pd.date_range("2024-01-01", periods=rows, freq="h", tz="UTC"), "close": close})


def main() -> None:
    """Try both."""
    for function in (next_change, last_change):
        study = Study()
        data = study.add_data(walk(), symbol="WALK")
        study.add_strat(study.add_indicator(function, data["close"]), EquityShare(0.5))
        try:
            print(f"{function.__name__}: {study.run().summary().total_return:+.1%}")
        except LookAheadError as error:
            print(f"{function.__name__} is refused. {error}")


if __name__ == "__main__":
    main()
