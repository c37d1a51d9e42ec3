"""Bars of what was recorded, as if they had been uploaded. No Streamlit."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from alphastream.bars import Bars
from alphastream.core.units import DAY, HOUR
from alphastream.graph import interval_name
from alphastream.history import Tape
from alphastream.history.layout import day_of
from alphastream.instruments import split, venue_of
from alphastream.uploads import Upload

CHUNK_DAYS: Final = 4
"""Days that are read between two looks at whether anybody still wants them."""
_LONG: Final = 20  # bars without a trade that are told of
_NAMED: Final = 3  # missing stretches that are named, the longest ones
COLUMNS: Final = ("open", "high", "low", "close", "volume")


def read_bars(
    tape: Tape,
    instruments: Sequence[str],
    start_ns: int,
    end_ns: int,
    interval_ns: int,
    progress: Callable[[float, str], None],
) -> Upload | None:
    """Read bars of instruments, a few days at a time; None where nothing was recorded of any of them.

    Parameters
    ----------
    interval_ns : length of a bar; it divides a day.
    progress : told the share that is done and what is read next; what it raises ends the reading.

    Raises
    ------
    StorageError : a file cannot be read.
    ParameterError : only bars are held of an instrument, and they make none of this length.
    """
    frames: dict[str, pd.DataFrame] = {}
    for number, name in enumerate(instruments):
        held = _held(tape, name)
        if held is None:
            continue
        begin_ns, until_ns = max(held[0], start_ns), min(held[1] + 1, end_ns)
        parts: list[Bars] = []
        while begin_ns < until_ns:
            done = (begin_ns - max(held[0], start_ns)) / max(until_ns - max(held[0], start_ns), 1)
            progress((number + done) / len(instruments), f"{name}, {day_of(begin_ns)}")
            next_ns = min(begin_ns // DAY * DAY + CHUNK_DAYS * DAY, until_ns)
            parts.append(tape.bars(name, interval_ns, begin_ns, next_ns))
            begin_ns = next_ns
        frame = _frame(parts)
        if len(frame):
            frames[name] = frame
    if not frames:
        return None
    venue = venue_of(frames)
    venue = "" if "@" in venue else venue  # the ids of another host are whole names to pages
    notes = (f"bars of {interval_name(interval_ns)}, made of the trades that were recorded",)
    return Upload((title(frames, interval_ns),), "bars", frames, notes, interval_ns, venue, has_length=True)


def _held(tape: Tape, name: str) -> tuple[int, int] | None:
    """From when to when something is held of an instrument, ticks or else bars."""
    for kind in ("ticks", "bars"):
        if name in tape.instruments(kind):
            return tape.span(name, kind)
    return None


def _frame(parts: Sequence[Bars]) -> pd.DataFrame:
    columns = {"time_ns": "start_ns", **{name: name for name in COLUMNS}}
    return pd.DataFrame(
        {
            name: np.concatenate([getattr(part, field) for part in parts] or [np.empty(0)])
            for name, field in columns.items()
        }
    ).astype({"time_ns": "int64"})


def title(frames: dict[str, pd.DataFrame], interval_ns: int) -> str:
    """For example ``recorded 2026-11-01 to 2026-11-28, binance-usdm``."""
    first = min(int(frame["time_ns"].iloc[0]) for frame in frames.values())
    last = max(int(frame["time_ns"].iloc[-1]) for frame in frames.values()) + interval_ns - 1
    days = str(day_of(first)) if day_of(first) == day_of(last) else f"{day_of(first)} to {day_of(last)}"
    return f"recorded {days}, {', '.join(sorted({split(name)[0] for name in frames}))}"


def missing(upload: Upload, asked: Sequence[str], names: dict[str, str]) -> list[str]:
    """Say of which instruments nothing was recorded, and in which long stretches there was no trade.

    A stretch is long that lasts an hour and twenty bars.

    Parameters
    ----------
    asked : instruments that were asked for.
    names : how they are printed.
    """
    assert upload.interval_ns is not None
    said = [f"{names[name]}: nothing was recorded in this time" for name in asked if name not in upload.frames]
    first = min(int(frame["time_ns"].iloc[0]) for frame in upload.frames.values())
    last = max(int(frame["time_ns"].iloc[-1]) for frame in upload.frames.values())
    least = max(HOUR, _LONG * upload.interval_ns)
    for name, frame in upload.frames.items():
        times = frame["time_ns"].to_numpy()
        begins = np.concatenate([[first], times + upload.interval_ns])
        ends = np.concatenate([times, [last]])
        holes = np.flatnonzero(ends - begins >= least)
        longest = np.sort(holes[np.argsort(begins[holes] - ends[holes], kind="stable")[:_NAMED]])
        stretches = ", ".join(f"{_moment(begins[at])} to {_moment(ends[at])}" for at in longest)
        more = f" and {len(holes) - _NAMED:,} more" if len(holes) > _NAMED else ""
        if stretches:
            said.append(f"{names[name]}: no trade from {stretches}{more}")
    return said


def _moment(time_ns: int) -> str:
    return pd.Timestamp(int(time_ns), unit="ns").strftime("%Y-%m-%d %H:%M")
