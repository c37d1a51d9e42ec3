"""What a run may be held beside, made of its own prices: a leg bought and held, all legs in equal parts, cash."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from alphastream.performance import held_equally
from alphastream.reports.run import Run

CASH: Final = "Cash"
EQUALLY: Final = "All legs in equal parts"

MEANING: Final = (
    "A pair is long one leg and short the other, so no market is its natural yardstick, and the heights of these lines "
    "say little: the benchmark is invested in full, the pair seldom is. What says something is beta and correlation: "
    "near 0, the profit did not come from the legs going up or down. Alpha is then about all of the return."
)
"""What a benchmark means for a strategy that is long and short at once."""
CASH_MEANING: Final = (
    "Cash earns nothing here and does not move: there is no beta and no correlation, the tracking error is the "
    "volatility of the run, and the information ratio its plain Sharpe ratio."
)


@dataclass(frozen=True, slots=True, eq=False)
class HeldBenchmark:
    """A benchmark that can be chosen.

    Parameters
    ----------
    name : as it is chosen and printed.
    levels : what 1 became, by the ends of the rows; its name is the benchmark's.
    meaning : what the comparison says and does not say.
    """

    name: str
    levels: "pd.Series[float]"
    meaning: str


def benchmark_names(run: Run, names: dict[str, str] | None = None) -> list[str]:
    """Benchmarks of a run, the usual one first.

    Parameters
    ----------
    names : how symbols are printed; None: as they are.
    """
    shown = [(names or {}).get(symbol, symbol) for symbol in run.symbols]
    several = [EQUALLY] if len(shown) > 1 else []
    return [*several, *(f"{name} held" for name in shown), CASH]


def held_benchmark(run: Run, name: str, names: dict[str, str] | None = None) -> HeldBenchmark:
    """One of ``benchmark_names``; the usual one where the name is none of them."""
    offered = benchmark_names(run, names)
    chosen = name if name in offered else offered[0]
    marks = np.asarray(run.marks, dtype=np.float64)
    if chosen == CASH:
        levels = np.ones(len(run))
    elif chosen == EQUALLY:
        levels = held_equally(marks)
    else:
        first = 1 if EQUALLY in offered else 0
        levels = held_equally(marks[:, [offered.index(chosen) - first]])
    index = pd.to_datetime(np.asarray(run.time_ns), utc=True)
    return HeldBenchmark(
        chosen, pd.Series(levels, index=index, name=chosen), CASH_MEANING if chosen == CASH else MEANING
    )
