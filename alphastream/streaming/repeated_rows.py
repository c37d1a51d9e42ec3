"""What may not be said of rows of a recording that repeats itself.

A series that is played twice moves like itself: its deviations come back to the bar, and its legs have the correlation
they had. Tests, evidence and half-lives over more than one lap would find the repetition, so they are refused. Over
rows of a single lap, which are those of the recording as it was, they stand.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.bars import PairRows
from alphastream.cointegration import Cointegration, newest_tested
from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.pairs import EVIDENCE_COLUMNS, PairAnalytics, rows_needed
from alphastream.streaming.leg_flows import LegAnalytics
from alphastream.tape.repetition import Repetition, within_one_lap

Mask = NDArray[np.bool_]


def refusal_of(repetition: Repetition) -> str:
    """Why nothing is tested, in words."""
    return f"{repetition.period_ns / SECOND:.0f} s were recorded and repeat within these rows: a test would find that"


def is_of_one_lap(rows: PairRows, repetition: Repetition) -> bool:
    """Whether the rows that a test looks at belong to one lap."""
    tested = newest_tested(rows.y_trades, rows.x_trades)
    ends = rows.end_ns[tested]
    return not len(ends) or bool(within_one_lap(repetition, ends, len(ends))[-1])


def rests_on_repetition(answer: PairAnalytics, rows: int | None = None) -> bool:
    """Whether the newest rows are of more than one lap: as many as are given, or as the z-score is made of."""
    repetition, ends = answer.head.repetition, answer.closed["time_ns"]
    look_back = rows_needed(answer.spec) if rows is None else rows
    return repetition is not None and len(ends) > 0 and not within_one_lap(repetition, ends, look_back)[-1]


def without_inference(answer: PairAnalytics) -> PairAnalytics:
    """The answer with everything undefined that repetition would have made."""
    repetition = answer.head.repetition
    if repetition is None or not len(answer.closed["time_ns"]):
        return answer
    faked = _faked(answer, repetition)
    closed = {
        name: np.where(faked[name], np.nan, values) if name in faked else values
        for name, values in answer.closed.items()
    }
    forming = {
        name: np.full(len(values), np.nan) if name in faked and faked[name][-1] else values
        for name, values in answer.forming.items()
    }
    return replace(answer, closed=closed, forming=forming)


def without_laps(answer: PairAnalytics) -> PairAnalytics:
    """The answer without the rows that a recording's earlier laps were put in front of it for, and without the z-scores
    that look back at them: what is summed up over its rows then happened once."""
    repetition, ends = answer.head.repetition, answer.closed["time_ns"]
    if repetition is None or not len(ends):
        return answer
    look_back = sum(step.needed for step in answer.calibration)
    alone = within_one_lap(repetition, ends, look_back) == 1
    closed = {**answer.closed, "settled_zscore": np.where(alone, answer.closed["settled_zscore"], np.nan)}
    own = ends > answer.head.until_ns
    return replace(answer, closed={name: values[own] for name, values in closed.items()})


def without_repeated_errors(answer: LegAnalytics, repetition: Repetition | None) -> LegAnalytics:
    """The answer without the standard errors of price impacts that look back beyond their lap: a bar that is played
    twice tells nothing new, and the error would be too small. The price impact itself is that of the recording."""
    ends = answer.column("time_ns")
    if repetition is None or not len(ends):
        return answer
    repeats = within_one_lap(repetition, ends, answer.spec.window + 1) == 0
    count = len(answer.closed["time_ns"])
    closed, forming = (
        {**rows, "price_impact_error": np.where(faked, np.nan, rows["price_impact_error"])}
        for rows, faked in ((answer.closed, repeats[:count]), (answer.forming, repeats[count:]))
    )
    return replace(answer, closed=closed, forming=forming)


def _faked(answer: PairAnalytics, repetition: Repetition) -> Mapping[str, Mask]:
    """Of each column of inference, the rows that look back beyond their lap."""
    spec, closed = answer.spec, answer.closed
    ends: Ints = closed["time_ns"]
    both = (closed["y_trades"] != 0) & (closed["x_trades"] != 0)
    of_test = _spread_over(both, within_one_lap(repetition, ends[both], spec.tested_rows) == 0)
    seen = np.cumsum(both)
    trimmed = np.nan_to_num(closed["evidence_rows"]) > seen  # it counts rows that are not kept any more
    since_start = (within_one_lap(repetition, ends, len(ends)) == 0) | trimmed
    by_column: dict[str, Any] = {"pvalue": of_test, "half_life": of_test}
    by_column["correlation"] = within_one_lap(repetition, ends, spec.window + 1) == 0
    return by_column | dict.fromkeys(EVIDENCE_COLUMNS, since_start)


def _spread_over(both: Mask, values: Mask) -> Mask:
    """A value of the rows in which both legs traded, kept until the next such row; False before the first."""
    held = np.concatenate(([False], values))
    found: Mask = held[np.cumsum(both)]
    return found


def refused(rows: int, repetition: Repetition) -> Cointegration:
    """The verdict that there is none."""
    return Cointegration(rows, refusal=refusal_of(repetition))
