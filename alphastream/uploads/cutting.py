"""A part of uploaded rows: those of some dates, and where a share of them ends."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from alphastream.core.types import Ints
from alphastream.uploads.upload import Upload


def rows_between(upload: Upload, start_ns: int | None, end_ns: int | None) -> Upload:
    """The rows whose time is within these; the same object where all are asked for.

    A symbol without such a row is left out.

    Parameters
    ----------
    start_ns, end_ns : UTC ns, both included; None for no limit.
    """
    if start_ns is None and end_ns is None:
        return upload
    frames = {}
    for symbol, frame in upload.frames.items():
        times = frame["time_ns"].to_numpy()
        first = 0 if start_ns is None else int(np.searchsorted(times, start_ns, side="left"))
        stop = len(times) if end_ns is None else int(np.searchsorted(times, end_ns, side="right"))
        if first < stop:
            frames[symbol] = frame.iloc[first:stop].reset_index(drop=True)
    return replace(upload, frames=frames)


def split_time(times: Iterable[Ints], share: float) -> int | None:
    """The time of the first row of what is tested on, where this share of all rows comes before; None without rows.

    Parameters
    ----------
    times : of the rows of each symbol, UTC ns, in any order.
    share : of the rows, between 0 and 1.

    Examples
    --------
    >>> split_time([np.arange(10), np.arange(10)], 0.7)
    7
    """
    together = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *times]))
    if not together.size:
        return None
    return int(together[min(round(together.size * share), together.size - 1)])
