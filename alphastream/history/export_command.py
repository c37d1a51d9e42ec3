"""``python -m alphastream.history export``: a range or the answer to a query as CSV, Parquet or Arrow."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

from alphastream.errors import ParameterError
from alphastream.history import reading
from alphastream.history.layout import DAY_NS, INT64_MAX, KINDS, Kind, Partition, first_ns_of, kind_of, moment
from alphastream.history.places import Place
from alphastream.history.screen import Screen
from alphastream.history.tables import SCHEMAS, named
from alphastream.history.tape import Tape

ENDINGS: Final = (".csv", ".parquet", ".arrow")


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes, but for the history's place."""
    parser.add_argument(
        "out",
        type=Path,
        help=f"file ending in {', '.join(ENDINGS)}; or a folder, which gets a file a day and instrument",
    )
    parser.add_argument("--sql", metavar="QUERY", help="write the answer to a query, such as 'FROM ticks LIMIT 10'")
    parser.add_argument("--kind", choices=KINDS, default="ticks", help="what to write where no query is given")
    parser.add_argument("--instrument", action="append", metavar="VENUE:SYMBOL", help="of this one; may be repeated")
    parser.add_argument("--start", metavar="TIME", help="from this time on, such as 2026-11-01 or 2026-11-01T12:00:00Z")
    parser.add_argument("--end", metavar="TIME", help="until before this time")
    parser.add_argument("--format", dest="ending", choices=[each[1:] for each in ENDINGS], default="parquet")


def run(
    place: Place,
    out: Path,
    sql: str | None = None,
    kind: str = "ticks",
    instrument: list[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    ending: str = "parquet",
) -> int:
    """Write what is asked for; files of a folder that are there already are not written again.

    Raises
    ------
    ParameterError : the query cannot be run, or the file's ending names no format.
    StorageError : a file cannot be read or written.
    """
    if out.suffix and out.suffix not in ENDINGS:
        raise ParameterError(f"{out}: name a file that ends in {', '.join(ENDINGS)}, or a folder")
    if sql is not None:
        if not out.suffix or instrument:
            raise ParameterError("the answer to a query goes to one file; name its instruments in the query")
        answer = Tape(place).sql(sql, start, end)
        sys.stdout.write(f"{out}: {_write(out, answer.schema, [answer]):,} rows\n")
        return 0
    known = kind_of(kind)
    held = reading.instruments(place, known)
    wanted = instrument or held
    for each in wanted:
        if each not in held:
            raise ParameterError(f"{place} has no {kind} of {each}: it has {', '.join(held[:8]) or 'none at all'}")
    within = moment(start, 0), moment(end, INT64_MAX)
    if out.suffix:
        screen = Screen(0)
        rows = (piece for each in wanted for piece in _pieces(place, known, each, within, screen))
        sys.stdout.write(f"{out}: {_write(out, _schema(known), rows):,} rows\n")
        return 0
    days = [Partition.of(known, each, day) for each in wanted for day in reading.days(place, known, each)]
    _folder(place, out, days, within, ending)
    return 0


def _folder(place: Place, out: Path, days: list[Partition], within: tuple[int, int], ending: str) -> None:
    """Write a file a day; its name says which part of the day it holds, where that is not all."""
    screen, rows, written, skipped = Screen(len(days)), 0, 0, 0
    for partition in days:
        first = first_ns_of(partition.day)
        low, high = max(within[0], first), min(within[1], first + DAY_NS)
        if low < high:
            name = "day" if (low, high) == (first, first + DAY_NS) else f"{low}-{high}"
            path = out / partition.folder / f"{name}.{ending}"
            if path.exists():
                skipped += 1
            else:
                pieces = _pieces(place, partition.kind, partition.instrument, (low, high))
                rows += _write(path, _schema(partition.kind), pieces)
                written += 1
        screen.step(partition.folder)
    sys.stdout.write(f"{out}: {rows:,} rows in {written:,} files; {skipped:,} files were there already\n")


def _pieces(
    place: Place, kind: Kind, instrument: str, within: tuple[int, int], screen: Screen | None = None
) -> Iterator[pa.Table]:
    for piece in reading.pieces(place, kind, instrument, *within):
        if screen is not None:
            screen.step(f"{instrument} {piece['time'][0]}")
        yield named(instrument, piece)


def _schema(kind: Kind) -> pa.Schema:
    return named("", SCHEMAS[kind].empty_table()).schema


def _write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write tables as one file, which is there when it is whole; the number of rows."""
    rows = 0
    with Place(path.parent).writing(path.name) as stream, _writer(path.suffix, stream, schema) as writer:
        for table in tables:
            writer.write_table(_flat(table) if path.suffix == ".csv" else table)
            rows += table.num_rows
    return rows


def _writer(ending: str, stream: BinaryIO, schema: pa.Schema) -> Any:
    if ending == ".csv":
        return pa_csv.CSVWriter(stream, _flat(schema.empty_table()).schema)
    if ending == ".arrow":
        return pa_ipc.new_file(stream, schema)
    return pq.ParquetWriter(stream, schema, compression="zstd")


def _flat(table: pa.Table) -> pa.Table:
    """Lists as text: a cell of CSV holds one value."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = [" ".join(map(repr, values)) for values in table[field.name].to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table
