"""Several files of one day as one table: sorted again, and what two of them hold once."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphastream.core.units import MS
from alphastream.history.layout import Kind
from alphastream.history.tables import SCHEMAS, times_of

KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "ticks": ("id",),
    "bars": ("seconds",),
    "quotes": ("receive",),
    "books": ("receive",),
    "marks": ("receive",),
    "funding": (),
    "signals": ("instrument_a", "instrument_b"),
}
"""What, beside the time and the epoch, makes rows of two files the same row."""

SAME_NS: Final[dict[Kind, int]] = {**dict.fromkeys(KEYS, 1), "ticks": MS}
"""Times are equal that fall into one of these: Binance's spot market sends milliseconds of a trade and publishes its
microseconds."""


def merged(kind: Kind, parts: Sequence[tuple[int, pa.Table]]) -> pa.Table:
    """Return the rows of several files of a day as one table, sorted by time, then id.

    Rows of two files with the same time, ``KEYS`` and epoch are one: that of the first file counts. What one file
    holds twice was written so, and stays.

    Parameters
    ----------
    parts : epoch and sorted rows of each file, in the order of the files' names.
    """
    parts = [part for part in parts if part[1].num_rows]
    if not parts:
        return SCHEMAS[kind].empty_table()
    if len(parts) == 1:
        return parts[0][1]
    table = pa.concat_tables([rows for _, rows in parts])
    times, same_ns = [times_of(rows["time"]) for _, rows in parts], SAME_NS[kind]
    if all(one[-1] // same_ns < other[0] // same_ns for one, other in itertools.pairwise(times)):
        return table
    sizes = [rows.num_rows for _, rows in parts]
    files = np.repeat(np.arange(len(parts)), sizes)
    epochs = np.repeat([epoch for epoch, _ in parts], sizes)
    time_ns = np.concatenate(times)
    keys = [time_ns // same_ns, *(_comparable(table[name]) for name in KEYS[kind]), epochs]
    order = np.lexsort((files, *reversed(keys)))
    begins = np.zeros(len(order), np.bool_)
    begins[0] = True
    for key in keys:
        begins[1:] |= key[order][1:] != key[order][:-1]
    starts = np.flatnonzero(begins)
    holder = np.repeat(files[order][starts], np.diff(starts, append=len(order)))
    rows = order[files[order] == holder]
    if same_ns > 1:
        rows = rows[np.lexsort((*(key[rows] for key in reversed(keys)), time_ns[rows]))]
    return table.take(rows)


def _comparable(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_timestamp(column.type):
        return times_of(column)
    if pa.types.is_string(column.type):
        return np.unique(np.array(column.to_pylist(), dtype=str), return_inverse=True)[1]
    values: npt.NDArray[Any] = column.to_numpy()
    return values
