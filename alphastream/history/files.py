"""Files of a history: written whole or not at all, each able to prove that it is what was written."""

import itertools
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alphastream.core.types import Ints
from alphastream.errors import DamagedFileError, ParameterError, StorageError
from alphastream.history.layout import DAY_NS, Kind, Partition, day_of, kind_of
from alphastream.history.places import Place
from alphastream.history.tables import SCHEMAS, Columns, table_of, times_of

ROW_GROUP: Final = 2**16
"""Rows that are read together: a time range is looked up among row groups by their least and largest time."""

_KEY: Final = b"alphastream"
_FORMAT: Final = 1
_LEVEL: Final = 3  # of zstd
UNITS: Final = {"ms": 1_000_000, "us": 1_000, "ns": 1}
"""Units that times are kept in, coarsest first, in nanoseconds."""


class Summary(NamedTuple):
    """What a file says of itself.

    Parameters
    ----------
    first_ns, last_ns : the least and the largest time.
    first_id, last_id : the least and the largest id of ticks, 0 for what has no ids.
    epoch : how often the venue had begun to count ids anew; equal ids of two epochs are two trades.
    checksum : CRC-32 of the columns, one after the other, in the order of their rows, row group by row group.
    """

    kind: Kind
    instrument: str
    rows: int
    first_ns: int
    last_ns: int
    first_id: int
    last_id: int
    epoch: int
    checksum: int


class StoredFile(NamedTuple):
    """A file of a history: its path below the root, its bytes, and what it says of itself."""

    path: str
    size: int
    summary: Summary


class FileWriter:
    """Writes one file part by part. It appears under its name, whole and durable, when the ``with`` block ends.

    Parameters
    ----------
    name : without ending; a file of that name is replaced.
    epoch : see ``Summary``.

    Times are kept in the coarsest of ms, µs and ns that says all those of the first part exactly.

    Attributes
    ----------
    stored : what was written, after the block; None where no row was.
    """

    def __init__(self, place: Place, partition: Partition, name: str, *, epoch: int = 0) -> None:
        self.stored: StoredFile | None = None
        self._partition, self._epoch, self._path = partition, epoch, partition.file(name)
        self._place, self._resources = place, ExitStack()
        self._stream: Any = None
        self._writer: Any = None
        self._parts: list[Summary] = []
        self._schema: pa.Schema | None = None

    def __enter__(self) -> Self:
        return self

    def add(self, rows: pa.Table) -> None:
        """Write rows of the partition's day, sorted by time, none of them earlier than those before.

        Raises
        ------
        StorageError : the place cannot be written.
        ParameterError : times are finer than those of the first part.
        """
        if rows.num_rows == 0:
            return
        if self._schema is None:
            self._schema = _stored_schema(self._partition.kind, rows)
        try:
            rows = rows.cast(self._schema)
        except (pa.ArrowException, ValueError) as error:
            raise ParameterError(f"{self._path}: these rows do not fit those before: {error}") from error
        try:
            if self._writer is None:
                self._stream = self._resources.enter_context(self._place.writing(self._path))
                options = _encoding(self._partition.kind)
                self._writer = self._resources.enter_context(pq.ParquetWriter(self._stream, self._schema, **options))
            for start in range(0, rows.num_rows, ROW_GROUP):
                part = rows.slice(start, ROW_GROUP)
                checksum = self._parts[-1].checksum if self._parts else 0
                self._parts.append(_summary(self._partition, part, self._epoch, checksum))
                self._writer.write_table(part, row_group_size=ROW_GROUP)
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"{self._place.url(self._path)} cannot be written: {error}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self._parts:
            self._resources.__exit__(kind, error, trace)
            return
        summary = _together(self._parts)
        try:
            with self._resources:
                self._writer.add_key_value_metadata({_KEY: json.dumps({"format": _FORMAT, **summary._asdict()})})
                self._writer.close()
                size = self._stream.tell()
        except (OSError, pa.ArrowException) as failed:
            raise StorageError(f"{self._place.url(self._path)} cannot be written: {failed}") from failed
        self.stored = StoredFile(self._path, size, summary)


def write(
    place: Place,
    kind: str,
    instrument: str,
    rows: Columns | pa.Table,
    name: str | None = None,
    *,
    epoch: int = 0,
    bar_ns: int = 0,
) -> list[StoredFile]:
    """Write rows, one file a UTC day, each sorted by time, then id; a file of that name is replaced.

    Parameters
    ----------
    instrument : ``venue:symbol`` or ``venue@host:symbol``.
    rows : the kind's columns, or a table with the columns of ``SCHEMAS[kind]``; in any order.
    name : without ending. Left out, it is made of the rows, so that the same rows written twice are one file.
    epoch : see ``Summary``.
    bar_ns : how long a bar lasts, where bars are given as ``Bars``.

    Raises
    ------
    StorageError : the place cannot be written.
    ParameterError : the rows are not of that kind.
    """
    known = kind_of(kind)
    table = in_order(known, rows if isinstance(rows, pa.Table) else table_of(known, rows, bar_ns))
    written = []
    for day, part in _by_day(table):
        partition = Partition.of(known, instrument, day)
        with FileWriter(place, partition, name or _name(partition, part, epoch), epoch=epoch) as file:
            file.add(part)
        if file.stored is not None:
            written.append(file.stored)
    return written


def in_order(kind: Kind, table: pa.Table) -> pa.Table:
    """Return a table with exactly the kind's columns, sorted by time, then id; rows that tie stay as they were.

    Raises
    ------
    ParameterError : a column is missing or of another type, or a value or a time is.
    """
    schema = SCHEMAS[kind]
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise ParameterError(f"{kind} need the columns {', '.join(schema.names)}: {', '.join(missing)} is missing")
    try:
        table = table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise ParameterError(f"these rows cannot be kept as {kind}: {error}") from error
    time_ns = times_of(table["time"])
    if len(time_ns) and time_ns.min() < 0:
        raise ParameterError(f"a time of {int(time_ns.min())} ns: a history holds times since 1970")
    if "id" not in schema.names:
        ordered = bool((time_ns[1:] >= time_ns[:-1]).all())
        return table if ordered else table.take(np.argsort(time_ns, kind="stable"))
    ids = table["id"].to_numpy()
    steps = np.diff(time_ns)
    ordered = bool(((steps > 0) | ((steps == 0) & (ids[1:] >= ids[:-1]))).all())
    return table if ordered else table.take(np.lexsort((ids, time_ns)))


def summary_of(file: pq.ParquetFile, path: str) -> Summary:
    """Return what a file says of itself.

    Raises
    ------
    DamagedFileError : it is no file of a history, or of a newer program.
    """
    text = (file.metadata.metadata or {}).get(_KEY)
    if text is None:
        raise DamagedFileError(f"{path} was not written by this program: its footer says nothing of a history")
    try:
        said: dict[str, Any] = json.loads(text)
        if said.pop("format") != _FORMAT:
            raise DamagedFileError(f"{path} is of another format: use the newer program that wrote it")
        return Summary(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{path}: its footer is not what was written: {error}") from error


def prove(file: pq.ParquetFile, path: str) -> Summary:
    """Read a whole file and compare it with what it says of itself, one row group in memory at a time.

    Raises
    ------
    DamagedFileError : it is not what was written.
    """
    said = summary_of(file, path)
    partition = Partition.of(said.kind, said.instrument, day_of(said.first_ns))
    parts: list[Summary] = []
    last_ns = said.first_ns
    try:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            time_ns = times_of(rows["time"])
            if (np.diff(time_ns, prepend=np.int64(last_ns)) < 0).any():
                raise DamagedFileError(f"{path}: rows are not sorted by time in row group {group}")
            last_ns = int(time_ns[-1])
            parts.append(_summary(partition, rows, said.epoch, parts[-1].checksum if parts else 0))
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from error
    found = _together(parts)
    for field, is_now, was in zip(Summary._fields, found, said, strict=True):
        if is_now != was:
            raise DamagedFileError(f"{path}: {field} is {is_now}, was written as {was}: take it from a copy")
    if day_of(found.last_ns) != partition.day:
        raise DamagedFileError(f"{path}: holds rows of {day_of(found.last_ns)}, later than {partition.day}")
    return said


def _by_day(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    days = times_of(table["time"]) // DAY_NS
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
    for start, end in itertools.pairwise(edges):
        if start < end:
            yield day_of(int(days[start]) * DAY_NS), table.slice(start, end - start)


def _name(partition: Partition, rows: pa.Table, epoch: int) -> str:
    said = _summary(partition, rows, epoch, 0)
    return f"{said.first_ns}-{said.last_ns}-{said.checksum:08x}"


def _summary(partition: Partition, rows: pa.Table, epoch: int, checksum: int) -> Summary:
    """Sum up sorted rows; their checksum goes on from another."""
    time_ns = times_of(rows["time"])
    ids = rows["id"].to_numpy() if partition.kind == "ticks" else np.zeros(1, np.int64)
    for column in rows.columns:
        for raw in _bytes(column):
            checksum = zlib.crc32(raw, checksum)
    times, numbers = (int(time_ns[0]), int(time_ns[-1])), (int(ids.min()), int(ids.max()))
    return Summary(partition.kind, partition.instrument, rows.num_rows, *times, *numbers, epoch, checksum)


def _bytes(column: pa.ChunkedArray) -> Iterator[Any]:
    kind = column.type
    if pa.types.is_list(kind):
        yield pc.list_value_length(column).to_numpy()
        column = pc.list_flatten(column)
    if pa.types.is_string(kind):
        yield json.dumps(column.to_pylist()).encode()
    elif pa.types.is_timestamp(kind):
        yield times_of(column)
    else:
        yield np.ascontiguousarray(column.to_numpy())


def _together(parts: list[Summary]) -> Summary:
    """Sum up what follows each other."""
    first, last = parts[0], parts[-1]
    return last._replace(
        rows=sum(part.rows for part in parts),
        first_ns=first.first_ns,
        first_id=min(part.first_id for part in parts),
        last_id=max(part.last_id for part in parts),
    )


def _stored_schema(kind: Kind, rows: pa.Table) -> pa.Schema:
    """The kind's columns as they lie in a file: numbered, by which readers know them, and times in the unit they need.

    A venue's times in milliseconds take half a byte a tick in that unit, and one and a half as nanoseconds.
    """
    stored = []
    for number, field in enumerate(SCHEMAS[kind]):
        if pa.types.is_timestamp(field.type):
            field = field.with_type(pa.timestamp(_unit(times_of(rows[field.name]))))
        stored.append(field.with_metadata({"PARQUET:field_id": str(number)}))
    return pa.schema(stored)


def _unit(times_ns: Ints) -> str:
    return next(unit for unit, size in UNITS.items() if not (times_ns % size).any())


def _encoding(kind: Kind) -> dict[str, Any]:
    """Options of the Parquet writer.

    Whole numbers and times are kept as differences; prices and quantities repeat, so they go through a dictionary.
    """
    whole = [field.name for field in SCHEMAS[kind] if pa.types.is_timestamp(field.type) or field.type == pa.int64()]
    leaves = [f"{each.name}.list.element" if pa.types.is_list(each.type) else each.name for each in SCHEMAS[kind]]
    return {
        "compression": "zstd",
        "compression_level": _LEVEL,
        "use_dictionary": [name for name in leaves if name not in whole and name != "buyer_is_maker"],
        "column_encoding": dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
        "write_statistics": ["time", *(["id"] if kind == "ticks" else [])],
        "store_schema": False,
    }
