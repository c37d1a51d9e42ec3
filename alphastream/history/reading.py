"""Reading files of a history: only what a range of time touches, merged where several files hold one day."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphastream.errors import DamagedFileError, StorageError
from alphastream.history.files import UNITS, Summary, summary_of
from alphastream.history.layout import INT64_MAX, Kind, Partition, day_of, folder, symbol_in
from alphastream.history.merging import merged
from alphastream.history.places import Found, Place
from alphastream.history.tables import SCHEMAS, times_of


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


def instruments(place: Place, kind: Kind) -> list[str]:
    """Return what has files of a kind, ``venue:symbol``, sorted."""
    return sorted(
        f"{venue.removeprefix('venue=')}:{symbol_in(symbol)}"
        for venue in place.folders(kind)
        if venue.startswith("venue=")
        for symbol in place.folders(f"{kind}/{venue}")
        if symbol.startswith("symbol=")
    )


def days(place: Place, kind: Kind, instrument: str) -> list[date]:
    """Return the UTC days of which an instrument has a folder, sorted."""
    names = place.folders(folder(kind, instrument))
    return [date.fromisoformat(name.removeprefix("date=")) for name in names if name.startswith("date=")]


def files(place: Place, kind: Kind, instrument: str, day: date) -> list[Found]:
    """Return the files of an instrument's day, by name."""
    return place.find(Partition.of(kind, instrument, day).folder)


def read(place: Place, kind: Kind, instrument: str, start_ns: int = 0, end_ns: int = INT64_MAX) -> pa.Table:
    """Return the rows with start_ns <= time < end_ns by time, then id, of all days at once."""
    parts = [part for _, part in by_day(place, kind, instrument, start_ns, end_ns)]
    return pa.concat_tables(parts) if parts else SCHEMAS[kind].empty_table()


def by_day(
    place: Place, kind: Kind, instrument: str, start_ns: int = 0, end_ns: int = INT64_MAX
) -> Iterator[tuple[date, pa.Table]]:
    """Yield the rows with start_ns <= time < end_ns by time, then id, a UTC day at a time; days without rows are not.

    Raises
    ------
    StorageError, DamagedFileError : a file cannot be read.
    """
    if end_ns <= start_ns:
        return
    first, last = day_of(max(start_ns, 0)), day_of(min(end_ns, INT64_MAX) - 1)
    for day in days(place, kind, instrument):
        if first <= day <= last:
            rows = _day(place, kind, files(place, kind, instrument, day), start_ns, end_ns)
            if rows.num_rows:
                yield day, rows


def _day(place: Place, kind: Kind, found: list[Found], start_ns: int, end_ns: int) -> pa.Table:
    parts = []
    for each in found:
        with opened(place, each.path) as file:
            said = summary_of(file, place.url(each.path))
            parts.append((said.epoch, _in_time(file, kind, place.url(each.path), start_ns, end_ns)))
    return merged(kind, parts)


def _in_time(file: pq.ParquetFile, kind: Kind, path: str, start_ns: int, end_ns: int) -> pa.Table:
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
        rows = file.read_row_groups(groups)
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from error
    low, high = np.searchsorted(times_of(rows["time"]), [start_ns, end_ns])
    return rows.slice(low, high - low).cast(SCHEMAS[kind])


def span(place: Place, kind: Kind, instrument: str) -> tuple[int, int] | None:
    """Return the first and the last time that is held, UTC ns; None where nothing is."""
    ends: list[int] = []
    held = days(place, kind, instrument)
    for in_turn in (held, held[::-1]):
        for day in in_turn:
            said = [summary(place, each) for each in files(place, kind, instrument, day)]
            if said:
                ends += [min(each.first_ns for each in said), max(each.last_ns for each in said)]
                break
    return (min(ends), max(ends)) if ends else None


def summary(place: Place, found: Found) -> Summary:
    """Return what a file says of itself.

    Raises
    ------
    StorageError, DamagedFileError : it cannot be read.
    """
    with opened(place, found.path) as file:
        return summary_of(file, place.url(found.path))
