"""What rules are evaluated on: the values of a measure at one moment, or why there are none.

Series and tests are those of closed bars; a bar that is still forming never decides. The age of a leg and the silence
of a feed are counted to now: without trades no bar closes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.alerts.measures import measure_of
from alphastream.alerts.rules import Rule
from alphastream.core.types import Floats, Ints
from alphastream.core.units import DAY, SECOND
from alphastream.errors import ParameterError
from alphastream.feeds.feed import Health
from alphastream.microstructure.leg import BOOK_COLUMNS, Columns, LegSpec
from alphastream.monitoring import WARM_UP
from alphastream.pairs import EVIDENCE_COLUMNS, PairAnalytics, PairSpec
from alphastream.registry import find

MAX_ROWS: Final = 1_000  # closed rows one evaluation catches up on at most
MAX_DAYS: Final = 1e9  # of evidence: more says nothing more


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What rules are evaluated on, at one moment.

    Parameters
    ----------
    answer_for : the newest answer for a pair, None before the first; asking keeps the pair computed.
    now_ns : the time the trades live in, UTC ns.
    feed, feed_now_ns : the feed that rules about the feed watch, and the time it lives in.
    symbols, follow : what is carried, and how to ask for more; ``follow`` raises AlphaStreamError where it cannot be.
    recorded : whether the trades are a recording that plays.
    flow_of : the closed bars of a leg with its flow and book, None while they cannot be computed.
    edges : the largest edge between venues, in per cent, at each look after a time, oldest first and at least the
        newest; of an asset, or of any where its name is empty.
    """

    answer_for: Callable[[PairSpec], PairAnalytics | None]
    now_ns: int
    feed: Health
    feed_now_ns: int
    symbols: tuple[str, ...]
    follow: Callable[[str], object]
    recorded: bool = False
    flow_of: Callable[[LegSpec], Columns | None] = lambda _: None
    edges: Callable[[str, int], Sequence[tuple[int, float]]] = lambda _asset, _since_ns: ()


@dataclass(frozen=True, slots=True)
class Observation:
    """Values of a measure, oldest first, each with the end of its bar (or the moment it was read), UTC ns.

    Where there is none, or the newest is NaN, ``missing`` says why.
    """

    values: tuple[tuple[int, float], ...]
    missing: str = ""


def read_pair(rule: Rule, answer: PairAnalytics | None, now_ns: int, seen_ns: int) -> Observation:
    """Every value since ``seen_ns`` that a closed bar decided; at least the newest, only that one where it is 0."""
    measure = measure_of(rule.measure)
    if measure.kind == "age":
        return _age(answer, measure.source, now_ns)
    if measure.kind == "absent":
        return Observation((), f"waits for {rule.home}, which has {rule.measure}: put that file back")
    if answer is None or not len(answer.closed["time_ns"]):
        return Observation((), "no bar has closed yet")
    ends = answer.closed["time_ns"]
    newest_ns = int(ends[-1])
    if measure.kind == "test":
        test = answer.cointegration
        return _observation(
            [(newest_ns, float(getattr(test, measure.source)))], test.refusal or "the test has no result"
        )
    if measure.kind == "own":
        return _observation(_unseen(ends, _own(rule, answer), seen_ns), "undefined on the last closed bar")
    column = answer.closed[measure.source]
    if measure.kind == "detector":
        column = np.minimum(column * (answer.spec.interval_ns / DAY), MAX_DAYS)
    return _observation(_unseen(ends, column, seen_ns), _why_undefined(answer, measure.source))


def _own(rule: Rule, answer: PairAnalytics) -> Floats:
    """What a registered class makes of the closed bars. Raises ParameterError; and whatever the class raises."""
    made = find("alerts", rule.measure).made(**rule.parameters)
    found = np.asarray(made.values(answer.closed), dtype=np.float64)
    rows = len(answer.closed["time_ns"])
    if found.shape != (rows,):
        raise ParameterError(f"{rule.measure}.values gave {found.shape} for {rows} bars: one number a bar is needed")
    return found


def leg_of(rule: Rule) -> LegSpec | None:
    """The leg whose flow a rule watches; None where it watches something else."""
    measure = measure_of(rule.measure)
    if measure.kind != "flow" or rule.spec is None:
        return None
    symbol = rule.spec.y if measure.source.startswith("y.") else rule.spec.x
    return LegSpec(symbol, rule.spec.interval_ns, rule.spec.window)


def read_flow(rule: Rule, closed: Columns | None, seen_ns: int) -> Observation:
    """What ``read_pair`` says, of the flow or the book of one leg; a bar of it closes with the next trade."""
    source = measure_of(rule.measure).source.partition(".")[2]
    if closed is None:
        return Observation((), "models are being compiled")
    if not len(closed["time_ns"]):
        return Observation((), "no bar has closed yet")
    why = "no book of this leg is known" if source in BOOK_COLUMNS else "not enough bars with trades yet"
    return _observation(_unseen(closed["time_ns"], closed[source], seen_ns), why)


def _unseen(ends: Ints, column: Floats, seen_ns: int) -> list[tuple[int, float]]:
    """Rows after the newest that was seen, at least the last; only that one where none was."""
    first = len(ends) - 1
    if 0 < seen_ns < int(ends[-1]):
        first = max(int(ends.searchsorted(seen_ns, side="right")), len(ends) - MAX_ROWS)
    return list(zip(ends[first:].tolist(), column[first:].tolist(), strict=True))


def read_feed(feed: Health, now_ns: int, begun_ns: int) -> Observation:
    """Seconds since the newest trade of any symbol; before the first one, since ``begun_ns``."""
    newest_ns = max(begun_ns, *feed.last_tick_ns.values(), 0)
    return Observation(((now_ns, max(0.0, (now_ns - newest_ns) / SECOND)),))


def read_edges(rule: Rule, context: RuleContext, seen_ns: int) -> Observation:
    """Every look since ``seen_ns``; at least the newest, only that one where it is 0."""
    rows = context.edges(rule.asset, seen_ns)
    if not rows:
        return Observation((), f"{rule.asset or 'no asset'} is not quoted at two venues now")
    return _observation(list(rows) if seen_ns else [rows[-1]], "no two venues quote it now")


def _age(answer: PairAnalytics | None, leg: str, now_ns: int) -> Observation:
    tick = None if answer is None else answer.last_y if leg == "y" else answer.last_x
    if tick is None:
        return Observation((), "the leg has not traded yet")
    return Observation(((now_ns, max(0.0, (now_ns - tick.time_ns) / SECOND)),))


def _observation(rows: list[tuple[int, float]], why: str) -> Observation:
    return Observation(tuple(rows), why if math.isnan(rows[-1][1]) else "")


def _why_undefined(answer: PairAnalytics, column: str) -> str:
    if column in EVIDENCE_COLUMNS:
        return f"needs {WARM_UP} bars in which both legs traded"
    progress = answer.calibrating
    if progress is not None:
        return f"calibrating: {progress.what} {progress.have}/{progress.needed}"
    return "undefined on the last closed bar"
