"""Columns of one symbol put in order: sorted by time, without repetitions, every dropped row counted.

A leg is a dict of equally long arrays: ``time_ns``, ``price``, ``quantity`` and perhaps ``id`` and
``buyer_is_maker`` for ticks; ``time_ns`` (start of the bar), ``open``, ``high``, ``low``, ``close`` and ``volume`` for
bars.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.errors import AlphaStreamError
from alphastream.uploads.columns import Kind
from alphastream.uploads.notes import CHANGED_BARS, REPEATED_BARS, REPEATED_IDS, TWIN_TICKS, UNSORTED, Notes

Leg = dict[str, NDArray[Any]]

_SELDOM: Final = 0.01  # share of bars that may be given twice with other prices
_FEW_BARS: Final = 10  # fewer bars do not tell a corrected newest bar from a second instrument
_BLOCK: Final = 2**18  # rows
_COMMON: Final = 0.1  # share of all steps between bars
_NEAR: Final = float(np.log(1.2))


class RepeatedIdError(AlphaStreamError):
    """Two different trades have one id.

    Parameters
    ----------
    id : the id.
    first, second : rows of the leg.
    """

    def __init__(self, id: int, first: int, second: int) -> None:  # noqa: A002 (the field's name)
        super().__init__(f"two different trades have the id {id}: a repeated id must repeat the whole row")
        self.id = id
        self.first = first
        self.second = second


class SeveralValuesError(AlphaStreamError):
    """Too many bars share their start with another bar of other prices.

    Parameters
    ----------
    first, second : rows of the leg, pairs that share a start; shape (P,) each.
    bars : how many bars there are in all.
    closes : of the first pair.
    """

    def __init__(self, first: Ints, second: Ints, bars: int, closes: tuple[float, float]) -> None:
        super().__init__(f"{len(first):,} of {bars:,} bars have the time of another bar, and other prices")
        self.first = first
        self.second = second
        self.closes = closes


def tidy(leg: Leg, kind: Kind, notes: Notes) -> Leg:
    """Sort a leg and drop what is repeated. The leg is used up: its columns are replaced one by one.

    Ticks with ids are sorted by time and id, and a repeated id is dropped; two different trades with one id raise
    RepeatedIdError. Ticks without ids are all kept, equal ones too, because two trades may be equal. Of bars with one
    start the last one in the file is kept, where that happens seldom and hardly alters a price (a newest bar that was
    still open); otherwise SeveralValuesError is raised.
    """
    if kind == "bars":
        return _tidy_bars(leg, notes)
    return _tidy_numbered(leg, notes) if "id" in leg else _tidy_unnumbered(leg, notes)


def join(legs: Sequence[Leg], notes: Notes) -> Leg:
    """Pieces of one symbol, one after the other, with the columns that all of them have. The pieces are used up."""
    if len(legs) == 1:
        return legs[0]
    shared = [name for name in legs[0] if all(name in leg for leg in legs)]
    lost = sorted({name for leg in legs for name in leg} - set(shared))
    if lost:
        notes.say(f"not every file has {' and '.join(lost)}: left out where files are joined")
    return {name: np.concatenate([leg.pop(name) for leg in legs]) for name in shared}


def interval_of(legs: Sequence[Leg]) -> int | None:
    """Spacing of bars in nanoseconds, the longest of all legs; None where no leg has two bars."""
    return max((spacing for leg in legs if (spacing := spacing_of(leg["time_ns"])) is not None), default=None)


def spacing_of(time_ns: Ints) -> int | None:
    """Nanoseconds between the starts of bars, sorted, shape (B,): the commonest step; None for fewer than two bars.

    Where bars without trades are missing the median step is longer than a bar. Where no step is common, as with bars
    of equal volume, the median is taken.
    """
    if len(time_ns) < 2:
        return None
    steps, counts = np.unique(np.diff(time_ns), return_counts=True)
    commonest = int(np.argmax(counts))
    if counts[commonest] >= _COMMON * counts.sum():
        return int(steps[commonest])
    return int(steps[np.searchsorted(np.cumsum(counts), counts.sum() / 2)])


def take(leg: Leg, rows: NDArray[Any]) -> Leg:
    """Some rows of a leg in place: one column at a time is there twice, not all of them."""
    shared: dict[int, NDArray[Any]] = {}
    for name, values in leg.items():
        if id(values) not in shared:
            shared = {id(values): values[rows]}
        leg[name] = shared[id(values)]
    return leg


def _say_order(time_ns: NDArray[np.int64], notes: Notes) -> bool:
    """Whether rows must be sorted; says so."""
    back = time_ns[1:] < time_ns[:-1]
    if not back.any():
        return False
    if (time_ns[1:] <= time_ns[:-1]).all():
        notes.say("rows were newest first: sorted")
    else:
        notes.count(UNSORTED, np.count_nonzero(back))
    return True


def _tidy_numbered(leg: Leg, notes: Notes) -> Leg:
    ids, time_ns = leg["id"], leg["time_ns"]
    unsorted = _say_order(time_ns, notes)
    if not unsorted and (ids[1:] > ids[:-1]).all():
        return leg
    rows = np.argsort(ids, kind="stable")
    again = np.flatnonzero(ids[rows][1:] == ids[rows][:-1]) + 1
    if len(again):
        _refuse_different(leg, rows[again - 1], rows[again])
        notes.count(REPEATED_IDS, len(again))
        rows = np.delete(rows, again)
    return take(leg, rows[np.argsort(time_ns[rows], kind="stable")])


def _refuse_different(leg: Leg, before: NDArray[Any], after: NDArray[Any]) -> None:
    for values in leg.values():
        differs = values[before] != values[after]
        if values.dtype.kind == "f":
            differs &= ~(np.isnan(values[before]) & np.isnan(values[after]))
        if differs.any():
            at = int(np.argmax(differs))
            raise RepeatedIdError(int(leg["id"][after[at]]), int(before[at]), int(after[at]))


def _tidy_unnumbered(leg: Leg, notes: Notes) -> Leg:
    time_ns = leg["time_ns"]
    if _say_order(time_ns, notes):
        newest_first = (time_ns[1:] <= time_ns[:-1]).all()
        rows = np.arange(len(time_ns))[::-1] if newest_first else np.argsort(time_ns, kind="stable")
        leg = take(leg, rows)
    notes.count(TWIN_TICKS, _twins(leg))
    return leg


def _twins(leg: Leg) -> int:
    """Rows that equal an earlier one in every column; looks only at rows that share their time."""
    time_ns = leg["time_ns"]
    count = begin = 0
    while begin < len(time_ns):  # a block at a time, so that the keys of a long file are not all sorted at once
        end = min(begin + _BLOCK, len(time_ns))
        end = int(np.searchsorted(time_ns, time_ns[end - 1], side="right"))
        count += _twins_of({name: values[begin:end] for name, values in leg.items()})
        begin = end
    return count


def _twins_of(leg: Leg) -> int:
    time_ns = leg["time_ns"]
    same = time_ns[1:] == time_ns[:-1]
    rows = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    if len(rows) == 0:
        return 0
    keys = [np.nan_to_num(values[rows]) if values.dtype.kind == "f" else values[rows] for values in leg.values()]
    order = np.lexsort(keys)
    equal = np.ones(len(rows) - 1, dtype=np.bool_)
    for key in keys:
        equal &= key[order][1:] == key[order][:-1]
    return int(np.count_nonzero(equal))


def _tidy_bars(leg: Leg, notes: Notes) -> Leg:
    order = None
    if _say_order(leg["time_ns"], notes):
        order = np.argsort(leg["time_ns"], kind="stable")
        leg = take(leg, order)
    again = np.flatnonzero(leg["time_ns"][1:] == leg["time_ns"][:-1])
    if len(again) == 0:
        return leg
    differs, repriced = _differences(leg, again)
    bars = len(leg["time_ns"]) - len(again)
    if not _is_correction(leg, again[repriced], bars):
        first, second = again[repriced], again[repriced] + 1
        closes = (float(leg["close"][first[0]]), float(leg["close"][second[0]]))
        if order is not None:
            first, second = order[first], order[second]
        raise SeveralValuesError(first, second, len(leg["time_ns"]), closes)
    notes.count(REPEATED_BARS, np.count_nonzero(~differs))
    notes.count(CHANGED_BARS, np.count_nonzero(differs))
    return take(leg, np.delete(np.arange(len(leg["time_ns"])), again))


def _differences(leg: Leg, again: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which bars differ from the next row at all, and which in a price."""
    differs = np.zeros(len(again), dtype=np.bool_)
    repriced = np.zeros(len(again), dtype=np.bool_)
    for name, values in leg.items():
        unequal = ~np.isclose(values[again], values[again + 1], rtol=0, atol=0, equal_nan=True)
        differs |= unequal
        if name != "volume":
            repriced |= unequal
    return differs, repriced


def _is_correction(leg: Leg, repriced: Ints, bars: int) -> bool:
    """Whether other prices for one start are few, or the newest bar's alone, and near the first ones."""
    if len(repriced) == 0:
        return True
    close = leg["close"]
    newest = len(repriced) == 1 and bars >= _FEW_BARS and leg["time_ns"][repriced[0]] == leg["time_ns"][-1]
    near = np.abs(np.log(close[repriced + 1] / close[repriced])) < _NEAR
    return bool((newest or len(repriced) <= _SELDOM * bars) and near.all())
