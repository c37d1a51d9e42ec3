"""What a history lacks between its first and its last row: days, and ids that the venue gave to trades."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from alphastream.feeds import FEEDS
from alphastream.history.incoming import ids_of
from alphastream.history.layout import Kind, parts
from alphastream.history.places import Place
from alphastream.history.reading import days, files
from alphastream.tape.id_ranges import IdRuns

_SHOWN: Final = 5  # of many holes


class Holes(NamedTuple):
    """What is missing of an instrument, first and last of each run, both included.

    Parameters
    ----------
    days : UTC days without a row.
    ids : of ticks; empty for what has no ids, or at a venue whose ids have lawful holes.
    """

    days: list[tuple[date, date]]
    ids: list[tuple[int, int]]

    def __str__(self) -> str:
        """Say it in words; "" where nothing is missing."""
        missing = sum(last - first + 1 for first, last in self.ids)
        said = []
        if self.days:
            count = sum((last - first).days + 1 for first, last in self.days)
            said.append(
                f"{_counted(count, 'day')} missing: {_shown((f'{first}', f'{last}') for first, last in self.days)}"
            )
        if self.ids:
            said.append(
                f"{_counted(missing, 'id')} missing: {_shown((f'{first}', f'{last}') for first, last in self.ids)}"
            )
        return "; ".join(said)


def holes_of(place: Place, kind: Kind, instrument: str) -> Holes:
    """Return what an instrument lacks.

    Files of ticks without holes tell their ids in their footers; of others the ids are read.

    Raises
    ------
    StorageError, DamagedFileError : a file cannot be read.
    """
    held = [day for day in days(place, kind, instrument) if files(place, kind, instrument, day)]
    codec = FEEDS.get(parts(instrument)[0].partition("@")[0])
    if kind != "ticks" or codec is None or codec.completeness != "contiguous":
        return Holes(missing_days(held), [])
    runs = (pair for day in held for each in files(place, kind, instrument, day) for pair in ids_of(place, each))
    return Holes(missing_days(held), IdRuns.joined(runs).gaps())


def missing_days(held: Iterable[date]) -> list[tuple[date, date]]:
    """Return the days between the first and the last that are not among them, as first and last of each run.

    Examples
    --------
    >>> [tuple(map(str, run)) for run in missing_days([date(2024, 8, 8), date(2024, 8, 9), date(2024, 8, 12)])]
    [('2024-08-10', '2024-08-11')]
    """
    one = timedelta(days=1)
    ordered = sorted(set(held))
    return [(before + one, after - one) for before, after in pairwise(ordered) if after - before > one]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _shown(runs: Iterable[tuple[str, str]]) -> str:
    texts = [first if first == last else f"{first} to {last}" for first, last in runs]
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
