"""Make the bundled tape: recorded aggTrade frames in, one Parquet file out.

Usage: python -m scripts.make_tape --source "Binance USDS-M Futures" OUTPUT.parquet FRAMES.gz [FRAMES.gz ...]

Each line of an input is ``<receive time in ns> <combined-stream aggTrade frame>``. Rows are ordered by arrival.
The texts of price and quantity are kept beside the numbers: a venue's decimals cannot be guessed from a float.
"""

import argparse
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

MS = 1_000_000  # nanoseconds in a millisecond

SCHEMA = pa.schema(
    [
        ("symbol", pa.dictionary(pa.int8(), pa.string())),
        ("id", pa.int64()),
        ("price", pa.float64()),
        ("quantity", pa.float64()),
        ("first_id", pa.int64()),
        ("last_id", pa.int64()),
        ("time_ns", pa.int64()),
        ("event_ns", pa.int64()),
        ("receive_ns", pa.int64()),
        ("buyer_is_maker", pa.bool_()),
        ("price_text", pa.string()),
        ("quantity_text", pa.string()),
    ]
)


class AggTrade(msgspec.Struct):
    """The venue's keys, prices still text."""

    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's own key
    T: int
    E: int
    m: bool


class Frame(msgspec.Struct):
    """A combined-stream frame around one trade."""

    data: AggTrade


class Row(NamedTuple):
    """One row of the tape, in the order of SCHEMA."""

    symbol: str
    id: int
    price: float
    quantity: float
    first_id: int
    last_id: int
    time_ns: int
    event_ns: int
    receive_ns: int
    buyer_is_maker: bool
    price_text: str
    quantity_text: str


def read_frames(path: Path) -> Iterator[Row]:
    """Yield the trades of one recording; a broken line stops the script with its number."""
    decoder = msgspec.json.Decoder(Frame)
    with gzip.open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            receive_text, _, frame = line.partition(b" ")
            try:
                trade = decoder.decode(frame).data
                receive_ns = int(receive_text)
            except ValueError as error:
                raise SystemExit(f"{path}, line {number}: {error}") from error
            yield Row(
                symbol=trade.s,
                id=trade.a,
                price=float(trade.p),
                quantity=float(trade.q),
                first_id=trade.f,
                last_id=trade.l,
                time_ns=trade.T * MS,
                event_ns=trade.E * MS,
                receive_ns=receive_ns,
                buyer_is_maker=trade.m,
                price_text=trade.p,
                quantity_text=trade.q,
            )


def make_table(rows: list[Row]) -> pa.Table:
    """Order rows by arrival (ties by symbol, then id) and check that ids are contiguous per symbol."""
    rows = sorted(rows, key=lambda row: (row.receive_ns, row.symbol, row.id))
    last: dict[str, int] = {}
    for row in rows:
        if row.id != last.get(row.symbol, row.id - 1) + 1:
            raise SystemExit(f"{row.symbol}: id {row.id} follows {last[row.symbol]}; a tape needs contiguous ids")
        last[row.symbol] = row.id
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def main() -> None:
    """Read the recordings, write the tape, print what it holds."""
    parser = argparse.ArgumentParser(description="Recorded aggTrade frames to one Parquet tape.")
    parser.add_argument("--source", required=True, help="where the trades come from, as a page should say it")
    parser.add_argument("--venue", default="binance-usdm", help="where its symbols are listed (default: %(default)s)")
    parser.add_argument("output", type=Path)
    parser.add_argument("frames", type=Path, nargs="+")
    arguments = parser.parse_args()
    rows = [row for path in arguments.frames for row in read_frames(path)]
    table = make_table(rows).replace_schema_metadata({"source": arguments.source, "venue": arguments.venue})
    rising = [field.name for field in SCHEMA if field.type == pa.int64()]
    pq.write_table(
        table,
        arguments.output,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in SCHEMA.names if name not in rising and name != "buyer_is_maker"],
        column_encoding=dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
    )
    print(f"{arguments.output}: {table.num_rows} trades, {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
