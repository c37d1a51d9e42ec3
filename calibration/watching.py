"""What the evidence that alerts go by says of a day of rows: alarms where there is nothing, and how soon otherwise."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphastream.bars import PairRows
from alphastream.cointegration import TEST_ROWS, cointegration
from alphastream.core.types import Floats
from alphastream.monitoring import RelationMonitor
from alphastream.pairs import source_columns
from calibration.markets import Market
from calibration.table import draws
from calibration.verdicts import LEVEL, SPEC, Answers

SECONDS_OF_DAY: Final = 86_400
MINUTES_OF_DAY: Final = 1_440
WATCHES: Final = ("evidence, 1 s bars", "alert, 1 s bars", "evidence, 1 min bars", "alert, 1 min bars")
LOOK_EVERY, LOOKED_DAYS = 20, 10  # rows from one look at the card to the next
SHOWN: Final = 20.0  # evidence since the start that at most one pair of walks in twenty ever reaches


def alarms(rows: PairRows) -> Answers:
    """Whether evidence and alert ever came in a day of bars: of a second, and of a minute in its first 1,440."""
    found: dict[str, bool | None] = {}
    for bar, bars in (("1 s", SECONDS_OF_DAY), ("1 min", MINUTES_OF_DAY)):
        evidence, alert = delays(rows.take(slice(bars)), bars)
        found |= {f"evidence, {bar} bars": math.isfinite(evidence), f"alert, {bar} bars": math.isfinite(alert)}
    return found


def delays(rows: PairRows, bars_of_day: int) -> tuple[float, float]:
    """Rows until the evidence since the start says so, and until the alert; infinite where they never do."""
    columns = source_columns(rows, SPEC.price)
    found, _ = RelationMonitor(alarm_rows=20.0 * bars_of_day).run(columns["x_both"], columns["y_both"])
    return _first(found.evidence >= SHOWN), _first(found.relation > 0.0)


def _first(flags: NDArray[np.bool_]) -> float:
    return float(np.argmax(flags)) + 1.0 if flags.any() else math.inf


def median_delays(name: str, market: Market, half_life: float, runs: int, bars: int) -> Floats:
    """Median rows until the evidence and until the alerts of 1 s and of 1 min bars, (3,)."""
    found = []
    for rows in draws(name, market, half_life, runs, bars):
        evidence, slow = delays(rows, SECONDS_OF_DAY)
        found.append((evidence, slow, delays(rows, MINUTES_OF_DAY)[1]))
    return np.asarray(np.median(np.array(found), axis=0))


def looks(days: int = LOOKED_DAYS) -> tuple[float, float]:
    """Shares of looks at the card, and of days, at which it calls Gaussian walks cointegrated; bars of 1 s."""
    found, ever = [], 0
    for rows in draws("Gaussian", Market(), math.inf, days, SECONDS_OF_DAY):
        ends = range(TEST_ROWS, len(rows) + 1, LOOK_EVERY)
        said = [cointegration(rows.take(slice(end - TEST_ROWS, end)), SPEC.price).pvalue < LEVEL for end in ends]
        found += said
        ever += any(said)
    return float(np.mean(found)), ever / days
