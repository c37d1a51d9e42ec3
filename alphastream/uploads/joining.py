"""Pieces of one symbol from several files as one leg: a piece continues another or repeats it, and must agree with it.

Bars of two lengths, bars or trades of one time that differ, and two venues' trades are no pieces of one series: files
that hold them are named, and nothing is joined.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import DAY, SECOND
from alphastream.errors import AlphaStreamError
from alphastream.uploads.columns import Kind
from alphastream.uploads.legs import Leg, join, take
from alphastream.uploads.notes import SHARED_BARS, SHARED_TICKS, Notes

Mask = NDArray[np.bool_]

_EQUAL: Final = 1e-9  # relative: what two programs make of one number
_LONGER: Final = 1.5  # times: gaps between bars of one length differ less, months included
_SPARSE: Final = 0.02  # share of steps of the shorter length that bars of it have, however many are missing
_BETWEEN: Final = 0.7  # of a bar's length: a bar that begins sooner after another lies on another grid
_FEW_STEPS: Final = 2  # so many steps of daily bars may be weekends alone
_WEEKEND: Final = 4 * DAY
_ADVICE: Final = "Give each file its symbol, or upload one"


class JoinError(AlphaStreamError):
    """Two files of one symbol are no pieces of one series.

    Parameters
    ----------
    message : what was seen, and what to do.
    files : the two.
    """

    def __init__(self, message: str, files: tuple[str, str]) -> None:
        super().__init__(message)
        self.files = files


@dataclass(slots=True)
class Piece:
    """What one file holds of a symbol.

    Parameters
    ----------
    file : its name.
    leg : in order and without repetitions, as ``tidy`` leaves it.
    kept : which rows are joined, shape (T,).
    """

    file: str
    leg: Leg
    kept: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.kept = np.ones(len(self.leg["time_ns"]), dtype=np.bool_)

    @property
    def time_ns(self) -> Ints:
        """When, shape (T,)."""
        return self.leg["time_ns"]


def joined(pieces: Sequence[Piece], kind: Kind, notes: Notes) -> Leg:
    """The pieces of one symbol as one leg, what several of them hold once. The pieces are used up.

    Raises
    ------
    JoinError
        Two of them cannot be of one series.
    """
    if len(pieces) == 1:
        return pieces[0].leg
    pieces = sorted(pieces, key=lambda piece: int(piece.time_ns[0]))
    numbered = kind == "ticks" and all("id" in piece.leg for piece in pieces)
    shortest = 0
    if kind == "bars":
        _refuse_lengths(pieces)
        shortest = min((int(np.diff(piece.time_ns).min()) for piece in pieces if len(piece.kept) > 1), default=0)
    if numbered:
        _repeat_ids(pieces, notes)
        _refuse_interleaved(pieces)
    else:
        repeat = _repeat_bars if kind == "bars" else _repeat_ticks
        for at, first in enumerate(pieces):
            for second in pieces[at + 1 :]:
                if second.time_ns[0] > first.time_ns[-1]:
                    break
                repeat(first, second, notes)
    owner = np.repeat(np.arange(len(pieces)), [np.count_nonzero(piece.kept) for piece in pieces])
    leg = join([take(piece.leg, piece.kept) for piece in pieces], notes)
    if numbered or (np.diff(leg["time_ns"]) < 0).any():
        rows = np.lexsort((leg["id"], leg["time_ns"])) if numbered else np.argsort(leg["time_ns"], kind="stable")
        leg, owner = take(leg, rows), owner[rows]
    if kind == "bars":
        _refuse_grids([piece.file for piece in pieces], shortest, leg["time_ns"], owner)
    return leg


def _refuse_lengths(pieces: Sequence[Piece]) -> None:
    """Refuse bars of a minute beside bars of an hour; gaps make no other length."""
    steps = [(piece, np.diff(piece.time_ns)) for piece in pieces if len(piece.kept) > 1]
    usual = sorted(((float(np.median(some)), piece, some) for piece, some in steps), key=lambda entry: entry[0])
    for length, piece, some in usual[1:]:
        shortest = usual[0][0]
        alike = np.count_nonzero(some <= _LONGER * shortest)
        weekends = shortest >= DAY and length <= _WEEKEND and len(some) <= _FEW_STEPS
        if length < _LONGER * shortest or alike > _SPARSE * len(some) or weekends:
            continue
        raise JoinError(
            f"bars of {_span(shortest)} in {usual[0][1].file}, and of {_span(length)} in {piece.file}: which ones are "
            "meant? Upload files of one length",
            (usual[0][1].file, piece.file),
        )


def _refuse_grids(files: Sequence[str], shortest: int, time_ns: Ints, owner: Ints) -> None:
    """Refuse bars that begin between the bars of another file: other hours, another source."""
    between = np.flatnonzero((np.diff(time_ns) < _BETWEEN * shortest) & (owner[1:] != owner[:-1]))
    if len(between):
        at = int(between[0])
        first, second = files[owner[at]], files[owner[at + 1]]
        raise JoinError(
            f"a bar of {second} starts {_time(time_ns[at + 1])}, between two bars of {first}: bars of other hours, or "
            f"of another source? {_ADVICE}",
            (first, second),
        )


def _repeat_bars(first: Piece, second: Piece, notes: Notes) -> None:
    """Keep bars that both have once."""
    begin, end = _overlap(first, second)
    _, own, other = np.intersect1d(first.time_ns[begin], second.time_ns[end], assume_unique=True, return_indices=True)
    own, other = own + begin.start, other + end.start
    differs = np.flatnonzero(_differs(first.leg, own, second.leg, other))
    finished = len(differs) == 1 and _finished(first, int(own[differs[0]]), second, int(other[differs[0]]), notes)
    if len(differs) and not finished:
        at = differs[0]
        count = f"{len(differs):,} bars are" if len(differs) > 1 else "a bar is"
        raise _differing(first, int(own[at]), second, int(other[at]), count, "close")
    if finished:
        own, other = np.delete(own, differs), np.delete(other, differs)
    notes.count(SHARED_BARS, np.count_nonzero(second.kept[other]))
    second.kept[other] = False


def _finished(first: Piece, own: int, second: Piece, other: int, notes: Notes) -> bool:
    """Whether one of two bars is the newest one of its file, and the other file, which goes on, has finished it."""
    for early, row, late, later_row in ((first, own, second, other), (second, other, first, own)):
        newest = row == len(early.kept) - 1 and later_row < len(late.kept) - 1
        if newest and _completes(early.leg, row, late.leg, later_row):
            notes.say(f"the newest bar of {early.file} was unfinished: that of {late.file} is kept")
            early.kept[row] = False
            return True
    return False


def _completes(leg: Leg, row: int, later: Leg, later_row: int) -> bool:
    """Whether a bar holds all that an unfinished one held."""
    one = {name: float(leg[name][row]) for name in ("open", "high", "low", "volume")}
    other = {name: float(later[name][later_row]) for name in one}
    wider = other["high"] >= one["high"] and other["low"] <= one["low"]
    return one["open"] == other["open"] and wider and not other["volume"] < one["volume"]


def _repeat_ids(pieces: Sequence[Piece], notes: Notes) -> None:
    """Keep trades that several have once, by their ids."""
    spans = [(int(piece.leg["id"].min()), int(piece.leg["id"].max())) for piece in pieces]
    for one, other in combinations(range(len(pieces)), 2):
        lowest, highest = max(spans[one][0], spans[other][0]), min(spans[one][1], spans[other][1])
        if lowest > highest:
            continue
        both = (pieces[one], pieces[other])
        some = [np.flatnonzero((piece.leg["id"] >= lowest) & (piece.leg["id"] <= highest)) for piece in both]
        one_ids, other_ids = (piece.leg["id"][rows] for piece, rows in zip(both, some, strict=True))
        _, at, later_at = np.intersect1d(one_ids, other_ids, assume_unique=True, return_indices=True)
        own, later = some[0][at], some[1][later_at]
        differs = _differs(both[0].leg, own, both[1].leg, later)
        if differs.any():
            row = int(np.argmax(differs))
            count = (
                f"{np.count_nonzero(differs):,} trades of one id are" if differs.sum() > 1 else "a trade of one id is"
            )
            raise _differing(both[0], int(own[row]), both[1], int(later[row]), count, "price")
        notes.count(SHARED_TICKS, np.count_nonzero(both[1].kept[later]))
        both[1].kept[later] = False


def _refuse_interleaved(pieces: Sequence[Piece]) -> None:
    """Refuse trades whose ids run by file, not by time: two venues, or two symbols, that count on their own."""
    ids = np.concatenate([piece.leg["id"][piece.kept] for piece in pieces])
    time_ns = np.concatenate([piece.time_ns[piece.kept] for piece in pieces])
    owner = np.repeat(np.arange(len(pieces)), [np.count_nonzero(piece.kept) for piece in pieces])
    order = np.argsort(ids, kind="stable")
    back = (np.diff(time_ns[order]) < -SECOND) & (np.diff(owner[order]) != 0)
    if not back.any() or any(map(_turns_back, pieces)):
        return
    at = int(np.argmax(back))
    first, second = pieces[owner[order[at]]].file, pieces[owner[order[at + 1]]].file
    raise JoinError(
        f"the ids of trades do not run with their times from {first} to {second} (id {ids[order[at + 1]]} is of "
        f"{_time(time_ns[order[at + 1]])}, and {ids[order[at]]} of {_time(time_ns[order[at]])}): two venues, or two "
        f"instruments? {_ADVICE}",
        (first, second),
    )


def _turns_back(piece: Piece) -> bool:
    """Whether the ids of one file do not run with its times, so that they prove nothing."""
    return bool((np.diff(piece.time_ns[np.argsort(piece.leg["id"], kind="stable")]) < -SECOND).any())


def _repeat_ticks(first: Piece, second: Piece, notes: Notes) -> None:
    """Keep trades that both have once, for want of ids by all their columns.

    Between the ends of the common time both must have the same trades. At its ends one file may begin or stop amid
    the trades of one moment.
    """
    begin, end = _overlap(first, second)
    names = [name for name in first.leg if name in second.leg]
    edges = {int(max(first.time_ns[0], second.time_ns[0])), int(min(first.time_ns[-1], second.time_ns[-1]))}
    own, other = _inner(first.leg, begin, names, edges), _inner(second.leg, end, names, edges)
    count = min(len(own), len(other))
    differs = np.flatnonzero(_differs(first.leg, own[:count], second.leg, other[:count]))
    if len(differs) or len(own) != len(other):
        at = int(differs[0]) if len(differs) else count
        raise _differing_ticks(
            first,
            second,
            min(int(piece.time_ns[rows[at]]) for piece, rows in ((first, own), (second, other)) if at < len(rows)),
        )
    dropped = np.zeros(len(second.kept), dtype=np.bool_)
    dropped[other] = True
    for edge in edges:
        rows, later_rows = np.flatnonzero(first.time_ns == edge), np.flatnonzero(second.time_ns == edge)
        some, more = _counted(first.leg, rows, names), _counted(second.leg, later_rows, names)
        if more <= some:
            dropped[later_rows] = True
        elif some <= more:
            first.kept[rows] = False
        elif len(edges) > 1:  # where they share a single moment, its trades may be parted between them
            raise _differing_ticks(first, second, edge)
    notes.count(SHARED_TICKS, np.count_nonzero(dropped & second.kept))
    second.kept[dropped] = False


def _inner(leg: Leg, rows: slice, names: Sequence[str], edges: set[int]) -> Ints:
    """Rows between the edges, ordered by all that they hold."""
    some = np.arange(rows.start, rows.stop)[~np.isin(leg["time_ns"][rows], list(edges))]
    order = np.lexsort([leg[name][some] for name in names if name != "time_ns"] + [leg["time_ns"][some]])
    return some[order]


def _counted(leg: Leg, rows: Ints, names: Sequence[str]) -> Counter[tuple[float, ...]]:
    """How often each row is there."""
    return Counter(zip(*(np.nan_to_num(leg[name][rows]).tolist() for name in names), strict=True))


def _overlap(first: Piece, second: Piece) -> tuple[slice, slice]:
    """The rows of the time that two pieces share."""
    begin = max(first.time_ns[0], second.time_ns[0])
    end = min(first.time_ns[-1], second.time_ns[-1])
    one, other = (
        slice(
            int(np.searchsorted(piece.time_ns, begin)),
            int(np.searchsorted(piece.time_ns, end, side="right")),
        )
        for piece in (first, second)
    )
    return one, other


def _differs(first: Leg, own: Ints, second: Leg, other: Ints) -> Mask:
    """Which pairs of rows differ in a column that both legs have; an amount that nobody knows differs from none."""
    differs = np.zeros(len(own), dtype=np.bool_)
    for name in first:
        if name not in second:
            continue
        one, two = first[name][own], second[name][other]
        if one.dtype.kind != "f":
            differs |= one != two
            continue
        unequal = ~np.isclose(one, two, rtol=_EQUAL, atol=0, equal_nan=True)
        differs |= unequal & ~(np.isnan(one) | np.isnan(two)) if name in ("volume", "quantity") else unequal
    return differs


def _differing(first: Piece, row: int, second: Piece, other: int, what: str, price: str) -> JoinError:
    one, two = (f"{piece.leg[price][at]:.10g}" for piece, at in ((first, row), (second, other)))
    return JoinError(
        f"{what} not the same in {first.file} and {second.file}: first at {_time(first.time_ns[row])}, with {price} "
        f"{one} and {two}. Of different instruments, or of different sources? {_ADVICE}",
        (first.file, second.file),
    )


def _differing_ticks(first: Piece, second: Piece, time_ns: int) -> JoinError:
    return JoinError(
        f"{first.file} and {second.file} have other trades in the time that both have, first at {_time(time_ns)}: of "
        f"different instruments, or of different sources? {_ADVICE}",
        (first.file, second.file),
    )


def _span(length_ns: float) -> str:
    """A length of bars in words."""
    seconds = length_ns / SECOND
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = round(seconds / size, 2)
            return f"{count:g} {unit}{'s' if count != 1 else ''}"
    return f"{seconds:g} s"


def _time(time_ns: int | np.integer[Any]) -> str:
    return str(pd.Timestamp(int(time_ns), tz="UTC").strftime("%Y-%m-%d %H:%M:%S"))
