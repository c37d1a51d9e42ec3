"""Reading files of a history: only what a range of time touches, merged where several files hold one day."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphastream.core.units import MS
from alphastream.errors import DamagedFileError, StorageError
from alphastream.history.files import UNITS, Summary, summary_of
from alphastream.history.hot import HotSnapshot
from alphastream.history.layout import DAY_NS, INT64_MAX, Kind, Partition, day_of, first_ns_of, folder, symbol_in
from alphastream.history.merging import KEYS, merged
from alphastream.history.places import Found, Place
from alphastream.history.tables import SCHEMAS, counts_of, times_of

PIECE: Final = 2_000_000
"""Rows that are in memory at once, about, where rows are read piece by piece."""


def opened(place: Place, path: str) -> pq.ParquetFile:
    """Open a file of a place.

    Raises
    ------
    StorageError : it is not there.
    DamagedFileError : it is no Parquet file.
    """
    try:
        if place.is_local:
            return pq.ParquetFile(place.full(path), memory_map=True)
        return pq.ParquetFile(place.full(path), filesystem=place.arrow, pre_buffer=True)
    except FileNotFoundError as error:
        raise StorageError(f"{place.url(path)} is not there any more: read again") from error
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{place.url(path)} cannot be read: {error}") from error


def instruments(place: Place, kind: Kind, hot: HotSnapshot | None = None) -> list[str]:
    """Return what has rows of a kind, ``venue:symbol``, sorted."""
    cold = {
        f"{venue.removeprefix('venue=')}:{symbol_in(symbol)}"
        for venue in place.folders(kind)
        if venue.startswith("venue=")
        for symbol in place.folders(f"{kind}/{venue}")
        if symbol.startswith("symbol=")
    }
    return sorted(cold.union(hot.instruments(kind) if hot is not None else ()))


def days(place: Place, kind: Kind, instrument: str) -> list[date]:
    """Return the UTC days of which an instrument has a folder, sorted."""
    names = place.folders(folder(kind, instrument))
    return [date.fromisoformat(name.removeprefix("date=")) for name in names if name.startswith("date=")]


def files(place: Place, kind: Kind, instrument: str, day: date, hot: HotSnapshot | None = None) -> list[Found]:
    """Return the files of an instrument's day that count, by name."""
    found = place.find(Partition.of(kind, instrument, day).folder)
    return found if hot is None else hot.counting(found)


def read(
    place: Place,
    kind: Kind,
    instrument: str,
    start_ns: int = 0,
    end_ns: int = INT64_MAX,
    columns: Sequence[str] | None = None,
    hot: HotSnapshot | None = None,
) -> pa.Table:
    """Return all that ``pieces`` yields as one table."""
    parts = list(pieces(place, kind, instrument, start_ns, end_ns, columns, hot))
    return pa.concat_tables(parts) if parts else _empty(kind, columns)


def pieces(
    place: Place,
    kind: Kind,
    instrument: str,
    start_ns: int = 0,
    end_ns: int = INT64_MAX,
    columns: Sequence[str] | None = None,
    hot: HotSnapshot | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows with start_ns <= time < end_ns by time, then id, a UTC day or a part of one at a time.

    Parameters
    ----------
    columns : which, ``time`` among them; None for all.
    hot : what is in no file yet.

    Raises
    ------
    StorageError, DamagedFileError : a file cannot be read.
    """
    start_ns, end_ns = max(start_ns, 0), min(end_ns, INT64_MAX)
    if end_ns <= start_ns:
        return
    beside = hot.parts(kind, instrument, start_ns, end_ns) if hot is not None else ()
    first, last = day_of(start_ns), day_of(end_ns - 1)
    held = {day for day in days(place, kind, instrument) if first <= day <= last}
    for _, rows in beside:
        held.update(day_of(int(day) * DAY_NS) for day in np.unique(times_of(rows["time"]) // DAY_NS))
    for day in sorted(held):
        found = files(place, kind, instrument, day, hot)
        begin = max(start_ns, first_ns_of(day))
        end = min(end_ns, first_ns_of(day) + DAY_NS)
        for low, high in _split(place, found, begin, end):
            rows = _piece(place, kind, found, low, high, columns, beside)
            if rows.num_rows:
                yield rows


def _split(place: Place, found: list[Found], start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Cut a part of a day so that about ``PIECE`` rows lie in each piece."""
    rows = sum(summary(place, each).rows for each in found) if sum(each.size for each in found) > PIECE else 0
    count = max(1, round(rows * (end_ns - start_ns) / DAY_NS / PIECE))
    inner = ((start_ns + (end_ns - start_ns) * number // count) // MS * MS for number in range(1, count))  # see SAME_NS
    yield from pairwise([start_ns, *inner, end_ns])


def _piece(
    place: Place,
    kind: Kind,
    found: list[Found],
    start_ns: int,
    end_ns: int,
    columns: Sequence[str] | None,
    beside: Sequence[tuple[int, pa.Table]],
) -> pa.Table:
    wanted = columns
    if columns is not None and len(found) + len(beside) > 1:
        wanted = [*columns, *(key for key in KEYS[kind] if key not in columns)]
    parts = []
    for each in found:
        with opened(place, each.path) as file:
            said = summary_of(file, place.url(each.path))
            parts.append((said.epoch, _in_time(file, kind, place.url(each.path), start_ns, end_ns, wanted)))
    for epoch, rows in beside:
        parts.append((epoch, _cut(rows if wanted is None else rows.select(wanted), start_ns, end_ns)))
    if not any(rows.num_rows for _, rows in parts):
        return _empty(kind, columns)
    rows = merged(kind, parts)
    return rows if columns is None else rows.select(columns)


def _empty(kind: Kind, columns: Sequence[str] | None) -> pa.Table:
    empty = SCHEMAS[kind].empty_table()
    return empty if columns is None else empty.select(columns)


def _cut(rows: pa.Table, start_ns: int, end_ns: int) -> pa.Table:
    time = rows["time"]
    size = UNITS[time.type.unit]
    low, high = np.searchsorted(counts_of(time), [-(-start_ns // size), -(-end_ns // size)])
    return rows.slice(low, high - low)


def _in_time(
    file: pq.ParquetFile, kind: Kind, path: str, start_ns: int, end_ns: int, columns: Sequence[str] | None
) -> pa.Table:
    """Return the rows of a range; only row groups that can have some are read."""
    metadata = file.metadata
    at = file.schema_arrow.names.index("time")
    size = UNITS[file.schema_arrow.field("time").type.unit]
    groups = []
    for group in range(metadata.num_row_groups):
        said = metadata.row_group(group).column(at).statistics  # before any list: its place is that of its leaf
        if said is None or (said.min_raw * size < end_ns and said.max_raw * size >= start_ns):
            groups.append(group)
    try:
        rows = _cut(file.read_row_groups(groups, columns=columns), start_ns, end_ns)
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from error
    return rows.cast(pa.schema([SCHEMAS[kind].field(name) for name in rows.column_names]))


def span(place: Place, kind: Kind, instrument: str, hot: HotSnapshot | None = None) -> tuple[int, int] | None:
    """Return the first and the last time that is held, UTC ns; None where nothing is."""
    ends: list[int] = []
    held = days(place, kind, instrument)
    for in_turn in (held, held[::-1]):
        for day in in_turn:
            said = [summary(place, each) for each in files(place, kind, instrument, day, hot)]
            if said:
                ends += [min(each.first_ns for each in said), max(each.last_ns for each in said)]
                break
    ends += (hot.span(kind, instrument) if hot is not None else None) or ()
    return (min(ends), max(ends)) if ends else None


@lru_cache(maxsize=100_000)
def summary(place: Place, found: Found) -> Summary:
    """Return what a file says of itself; remembered for as long as its size and time of writing stay.

    Raises
    ------
    StorageError, DamagedFileError : it cannot be read.
    """
    with opened(place, found.path) as file:
        return summary_of(file, place.url(found.path))


def of_file(place: Place, kind: Kind, path: str, start_ns: int = 0, end_ns: int = INT64_MAX) -> pa.Table:
    """Return the rows of one file with start_ns <= time < end_ns, by time. Raises as ``opened``."""
    with opened(place, path) as file:
        return _in_time(file, kind, place.url(path), start_ns, end_ns, None)
