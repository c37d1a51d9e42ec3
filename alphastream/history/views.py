"""The views of SQL over a history's files: which files they read, and what two files of a day hold once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa

from alphastream.history import reading
from alphastream.history.files import Summary
from alphastream.history.layout import INT64_MAX, Kind, day_of, partition_of
from alphastream.history.merging import KEYS, SAME_NS
from alphastream.history.places import Found, Place
from alphastream.history.sql import literal
from alphastream.history.tables import SCHEMAS

_TYPES: Final = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.list_(pa.float64()): "DOUBLE[]",
}
_PARTITIONS: Final = "hive_partitioning = true, hive_types = {'venue': 'VARCHAR', 'symbol': 'VARCHAR', 'date': 'DATE'}"

Part = tuple[Found, Summary]


def view(
    place: Place,
    kind: Kind,
    files: Sequence[Found],
    start_ns: int,
    end_ns: int,
    hot: tuple[str, int, int] | None = None,
) -> str:
    """Return a query for all rows of a kind with start_ns <= time < end_ns.

    Parameters
    ----------
    files : the files that count.
    hot : name of a table with rows that are in no file yet, and their first and last time: what somebody else has put
        into a file as well counts once.
    """
    columns = ", ".join(["venue", "symbol", *SCHEMAS[kind].names])
    within = _within(start_ns, end_ns)
    plain, later = _sorted_out(place, kind, files, start_ns, end_ns)
    parts = []
    if plain:
        parts.append(f"SELECT {columns} FROM {_scan(place, kind, plain)}{within}")
    for found, said, before in later:
        keys = _same(kind, KEYS[kind])
        overlap = _bounds("o.time", *_around(kind, said.first_ns, said.last_ns))
        parts.append(
            f"SELECT {columns} FROM {_scan(place, kind, [found])} AS r{within} AND NOT EXISTS "
            f"(SELECT 1 FROM {_scan(place, kind, before)} AS o WHERE {overlap} AND {keys})"
        )
    if hot is not None:
        name, first_ns, last_ns = hot
        query = f'SELECT {columns} FROM "{name}" AS r'
        if met := [each for each in files if _reaches(place, each, *_around(kind, first_ns, last_ns))]:
            keys = _same(kind, ("venue", "symbol", *KEYS[kind]))
            overlap = _bounds("o.time", *_around(kind, first_ns, last_ns))
            scan = _scan(place, kind, met)
            query += f" WHERE NOT EXISTS (SELECT 1 FROM {scan} AS o WHERE {overlap} AND {keys})"
        parts.append(query)
    return " UNION ALL ".join(parts) or _nothing(kind)


def files_of(place: Place, kind: Kind, start_ns: int, end_ns: int) -> list[Found]:
    """Return the files of a kind whose day can have rows of a time, by path."""
    start_ns, end_ns = max(start_ns, 0), min(end_ns, INT64_MAX)
    if end_ns <= start_ns:
        return []
    first, last = day_of(start_ns), day_of(end_ns - 1)
    names = f"date={first}", f"date={last}"
    found = place.find(kind, enters=lambda name: not name.startswith("date=") or names[0] <= name <= names[1])
    partitions = [partition_of(each.path) for each in found]
    return [
        each
        for each, partition in zip(found, partitions, strict=True)
        if partition is not None and first <= partition.day <= last
    ]


def _sorted_out(
    place: Place, kind: Kind, files: Iterable[Found], start_ns: int, end_ns: int
) -> tuple[list[Found], list[tuple[Found, Summary, list[Found]]]]:
    """Return files that are read as they are, and those that may repeat rows of files before them in their folder."""
    folders: dict[str, list[Found]] = defaultdict(list)
    for each in files:
        folders[each.path.rpartition("/")[0]].append(each)
    plain: list[Found] = []
    later = []
    for group in folders.values():
        if len(group) == 1:
            plain += group
            continue
        parts = [(each, reading.summary(place, each)) for each in group]
        parts = [part for part in parts if part[1].first_ns < end_ns and part[1].last_ns >= start_ns]
        for number, (each, said) in enumerate(parts):
            before = [one for one, other in parts[:number] if _meet(kind, said, other)]
            if before:
                later.append((each, said, before))
            else:
                plain.append(each)
    return plain, later


def _reaches(place: Place, file: Found, first_ns: int, end_ns: int) -> bool:
    said = reading.summary(place, file)
    return said.first_ns < end_ns and first_ns <= said.last_ns


def _meet(kind: Kind, one: Summary, other: Summary) -> bool:
    first_ns, end_ns = _around(kind, other.first_ns, other.last_ns)
    return one.epoch == other.epoch and one.first_ns < end_ns and one.last_ns >= first_ns


def _around(kind: Kind, first_ns: int, last_ns: int) -> tuple[int, int]:
    """Where rows of another file may lie that are the same as rows of these times, the end not included."""
    same_ns = SAME_NS[kind]
    return first_ns // same_ns * same_ns, (last_ns // same_ns + 1) * same_ns


def _same(kind: Kind, keys: Iterable[str]) -> str:
    """When rows r and o of two files are the same."""
    time = "{}.time" if SAME_NS[kind] == 1 else f"epoch_ns({{}}.time) // {SAME_NS[kind]}"
    conditions = [f"{time.format('o')} = {time.format('r')}", *(f"o.{key} = r.{key}" for key in keys)]
    return " AND ".join(conditions)


def _scan(place: Place, kind: Kind, files: Sequence[Found]) -> str:
    fields = ", ".join(
        f"{number}: {{name: {literal(field.name)}, type: {literal(_TYPES[field.type])}, default_value: NULL}}"
        for number, field in enumerate(SCHEMAS[kind])
    )
    paths = ", ".join(literal(place.url(each.path)) for each in files)
    return f"read_parquet([{paths}], schema = MAP {{{fields}}}, {_PARTITIONS})"


def _within(start_ns: int, end_ns: int) -> str:
    return f" WHERE {_bounds('time', start_ns, end_ns)}"


def _bounds(column: str, start_ns: int, end_ns: int) -> str:
    """An open end is left out: the largest number stands for infinity in DuckDB, and is no time."""
    bounds = [f"{column} >= make_timestamp_ns({start_ns})"] if start_ns > 0 else []
    bounds += [f"{column} < make_timestamp_ns({end_ns})"] if end_ns < INT64_MAX else []
    return " AND ".join(bounds) or "true"


def _nothing(kind: Kind) -> str:
    columns = {"venue": "VARCHAR", "symbol": "VARCHAR"} | {each.name: _TYPES[each.type] for each in SCHEMAS[kind]}
    return f"SELECT {', '.join(f'NULL::{text} AS {name}' for name, text in columns.items())} WHERE false"
