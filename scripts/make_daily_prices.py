"""Make a bundled set of daily prices: a table of closes in, one Parquet file out.

Usage: python -m scripts.make_daily_prices OUTPUT.parquet CLOSES.csv[.gz]

The table has a column ``Date`` and a column of closes for each symbol. It is written as it stands: a number that is
missing, or no price, or a day that does not come after the one before ends the script.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv


def read_closes(path: Path) -> pa.Table:
    """The table, checked."""
    table = csv.read_csv(path)
    if table.column_names[0] != "Date" or not pa.types.is_date(table.schema.field("Date").type):
        raise SystemExit(f"{path}: the first column is {table.column_names[0]!r}, needed is Date with days in it")
    days = table["Date"].cast(pa.int32()).to_numpy()
    if not (np.diff(days) > 0).all():
        raise SystemExit(f"{path}: days have to rise, each of them once")
    for name in table.column_names[1:]:
        closes = table[name]
        if not pa.types.is_floating(closes.type) or closes.null_count or not pc.all(pc.greater(closes, 0)).as_py():
            raise SystemExit(f"{path}: {name} has a close that is missing or not above 0")
    return table


def main() -> None:
    """Read the closes, write the file, print what it holds."""
    parser = argparse.ArgumentParser(description="Daily closes of many symbols to one Parquet file.")
    parser.add_argument("output", type=Path)
    parser.add_argument("closes", type=Path)
    arguments = parser.parse_args()
    table = read_closes(arguments.closes)
    pq.write_table(table, arguments.output, compression="zstd", compression_level=19)
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {table.num_columns - 1} symbols, {table.num_rows} days, {size} bytes")


if __name__ == "__main__":
    main()
