"""Zones of times: offsets, names of places and abbreviations, and the zone that a column's name gives."""

import re
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.uploads.cells import CellError

_UTC: Final = ("", "Z", "UTC", "GMT", "UCT", "ZULU")
# Hours east of UTC; EST beside EDT and the like settles summer time by itself.
_ABBREVIATIONS: Final = {
    name: hours
    for hours, names in {
        -8: "PST",
        -7: "PDT MST",
        -6: "MDT",
        -5: "EST CDT",
        -4: "EDT",
        -3: "BRT ART",
        0: "WET",
        1: "CET MEZ WEST",
        2: "CEST MESZ EET",
        3: "EEST MSK TRT",
        8: "HKT SGT AWST",
        9: "JST KST",
        10: "AEST",
        11: "AEDT",
        12: "NZST",
        13: "NZDT",
    }.items()
    for name in names.split()
}
_PLACES: Final = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "PT": "America/Los_Angeles",
    "MT": "America/Denver",
}


def in_utc(written_ns: Ints, zones: Any, cells: Any) -> tuple[Ints, NDArray[np.bool_]]:
    """UTC times of wall clocks, and which rows give a zone."""
    encoded = zones.combine_chunks().dictionary_encode() if isinstance(zones, pa.ChunkedArray) else zones
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices)
    time_ns = written_ns.copy()
    for code, name in enumerate(names):
        rows = codes == code
        hours = _hours_east(name, names)
        if hours is not None:
            time_ns[rows] -= np.int64(round(hours * 3600)) * SECOND
        elif name.upper() not in _UTC:
            time_ns[rows] = _of_place(name, written_ns[rows], np.flatnonzero(rows), cells)
    return time_ns, np.asarray([name != "" for name in names], dtype=np.bool_)[codes]


def zone_in(name: str) -> str | None:
    """The zone that a column's name gives, where it is not UTC.

    >>> [zone_in(name) for name in ("Time (UTC+3)", "Date (America/New_York)", "time_utc", "Time (EST)", "Date/Time")]
    ['UTC+3', 'America/New_York', None, 'EST', None]
    """
    found = re.search(r"(?:UTC|GMT) ?[+-] ?\d{1,2}(?::?\d{2})?|\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+|\(([A-Z]{2,4})\)", name)
    if found is None:
        return None
    zone = found[0].strip("()").replace(" ", "")
    stated = zone.partition("/")[0] in _areas() or _hours_east(zone, []) is not None or zone in _PLACES
    return zone if stated else None


@cache
def _areas() -> frozenset[str]:
    """First parts of names of places: what tells "America/New_York" from "Date/Time"."""
    return frozenset(name.partition("/")[0] for name in available_timezones() if "/" in name)


def in_zone(written_ns: Ints, zone: str) -> Ints:
    """UTC of wall clocks in one zone, shape (T,).

    Raises
    ------
    CellError
        A time that the zone has twice or not at all.
    """
    hours = _hours_east(zone, [])
    if hours is not None:
        return written_ns - np.int64(round(hours * 3600)) * SECOND
    return _of_place(
        zone, written_ns, np.arange(len(written_ns)), pa.array(written_ns.view("M8[ns]")).cast(pa.string())
    )


def _hours_east(name: str, names: list[str]) -> float | None:
    signed = re.fullmatch(r"(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})?", name)
    if signed:
        return float(signed[1] + "1") * (int(signed[2]) + int(signed[3] or 0) / 60)
    if name == "CST" and "CDT" in names:
        return -6.0
    return _ABBREVIATIONS.get(name.upper())


def _of_place(name: str, written_ns: Ints, rows: Ints, cells: Any) -> Ints:
    """UTC of the wall clocks of a place; an hour that comes twice is told apart by the rows' own order."""
    zone = _PLACES.get(name.upper(), name)
    walls = pd.DatetimeIndex(written_ns.view("M8[ns]"))
    try:
        marked = walls.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    except (KeyError, ValueError, OSError):
        raise CellError(
            int(rows[0]),
            cells[int(rows[0])].as_py(),
            f"the zone {name!r} is not known, or means several: write America/New_York, +09:00 or UTC",
        ) from None
    doubtful = np.asarray(marked.isna())
    if doubtful.any():
        newest_first = len(written_ns) > 1 and written_ns[0] > written_ns[-1]
        try:
            ordered = walls[::-1] if newest_first else walls
            told = ordered.tz_localize(zone, ambiguous="infer", nonexistent="raise")
        except ValueError as error:
            row = int(rows[np.argmax(doubtful)])
            raise CellError(
                row, cells[row].as_py(), f"a time that {zone} has twice or not at all: write UTC"
            ) from error
        marked = told[::-1] if newest_first else told
    return np.asarray(marked.as_unit("ns").asi8, dtype=np.int64)
