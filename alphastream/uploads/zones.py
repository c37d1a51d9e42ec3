"""Time zones as files spell them, and wall clocks turned to UTC.

An offset is an offset (+01:00, UTC+1, GMT-0400). Names of places (America/New_York) follow the rules of the place.
Abbreviations are what they say, all the year: EST is UTC-05:00 in summer too. Some mean several zones (CST is Chicago's
and Shanghai's); they are read only if the column says which, as CST beside CDT does.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError

Zone = int | ZoneInfo  # seconds east of UTC, or the rules of a place

_OFFSET: Final = re.compile(r"(?:UTC|GMT|UT)? ?([+-])(\d{1,2})(?::?(\d{2}))?(?::?00)?(?: ?[(\[].*)?", re.IGNORECASE)
_PLACE: Final = re.compile(r"[A-Za-z][A-Za-z_]+(?:/[A-Za-z][A-Za-z0-9_+-]*){1,2}")
_BY_HOURS: Final = {
    -10: "HST",
    -9: "AKST",
    -8: "AKDT PST",
    -7: "PDT MST",
    -6: "MDT",
    -5: "CDT EST",
    -4: "EDT",
    -3.5: "NST",
    -3: "ADT BRT ART",
    -2.5: "NDT",
    0: "Z UTC GMT UT UCT WET ZULU",
    1: "WEST CET MEZ",
    2: "CEST MESZ EET SAST",
    3: "EEST MSK TRT IDT",
    7: "ICT WIB",
    8: "HKT SGT AWST",
    9: "JST KST",
    9.5: "ACST",
    10: "AEST",
    10.5: "ACDT",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
}
_HOURS: Final = {name: hours for hours, names in _BY_HOURS.items() for name in names.split()}
# An abbreviation of several zones: another one that settles it where the column has it too, and the hours then.
_SEVERAL: Final[Mapping[str, tuple[str, float, str]]] = {
    "CST": ("CDT", -6, "Chicago's and Shanghai's time"),
    "IST": ("IDT", 2, "India's, Israel's and Ireland's time"),
    "BST": ("GMT", 1, "British summer time and Bangladesh's time"),
    "AST": ("ADT", -4, "Atlantic and Arabian time"),
}
_PLACES: Final = {
    "America/New_York": "ET EST5EDT EASTERN",
    "America/Chicago": "CT CST6CDT CENTRAL",
    "America/Denver": "MT MST7MDT MOUNTAIN",
    "America/Los_Angeles": "PT PST8PDT PACIFIC",
    "Asia/Tokyo": "JAPAN",
    "Asia/Hong_Kong": "HONGKONG",
    "Asia/Shanghai": "PRC",
    "Asia/Seoul": "ROK",
    "Asia/Singapore": "SINGAPORE",
}
_PLACE_OF: Final = {name: place for place, names in _PLACES.items() for name in names.split()}
_MOST_HOURS: Final = 14  # that a zone lies from UTC
_MILLISECONDS: Final = 900_000  # an offset of so much is counted in them
_AROUND: Final = 50  # rows on either side of an hour that exists twice, which show how times are repeated


class ZoneError(AlphaStreamError):
    """A zone that is not known, or that means several: ``zone`` as written, and what would do instead."""

    def __init__(self, zone: str, needed: str) -> None:
        super().__init__(f"{zone}: {needed}")
        self.zone = zone
        self.needed = needed


class ClockChangeError(AlphaStreamError):
    """A wall clock that a change of clocks left out or shows twice: ``row`` among those given."""

    def __init__(self, row: int, needed: str) -> None:
        super().__init__(f"row {row}: {needed}")
        self.row = row
        self.needed = needed


def zone_of(text: str, beside: Collection[str] = ()) -> Zone:
    """The zone a text names.

    Parameters
    ----------
    beside : all zones of the column, as written.

    Raises
    ------
    ZoneError
        Nobody knows this zone, or it means several.

    >>> zone_of("UTC+1"), zone_of("EST"), zone_of("US/Eastern").key, zone_of("CST", ["CST", "CDT"])
    (3600, -18000, 'US/Eastern', -21600)
    """
    name = _bare(text)
    if name in _SEVERAL:
        partner, hours, meanings = _SEVERAL[name]
        if partner not in map(_bare, beside):
            raise ZoneError(text, f"{name} means {meanings}: write the offset from UTC instead, such as +08:00")
        return int(hours * 3600)
    zone = _known(name)
    if zone is None:
        raise ZoneError(text, "this zone is not known: write the offset from UTC instead, such as +01:00")
    return zone


def zone_cell(text: str, beside: Collection[str] = ()) -> str:
    """A cell of a column of zones as ``zone_of`` knows it; offsets may be numbers of hours, seconds or milliseconds.

    Raises
    ------
    ZoneError
        It is no zone, or means several.

    >>> [zone_cell(text) for text in ("-14400", "5.5", "+0530", "19800000", "Asia/Tokyo")]
    ['-04:00', '+05:30', '+05:30', '+05:30', 'Asia/Tokyo']
    """
    if not text:
        raise ZoneError(text, "the zone of this time is needed: other rows say theirs")
    if not re.fullmatch(r"[+-]?\d+(\.\d*)?", text):
        zone_of(text, beside)
        return text
    number = abs(float(text))
    hours, minutes = divmod(number, 100)
    if number <= _MOST_HOURS:
        east = number * 3600
    elif re.fullmatch(r"[+-]?\d{4}", text) and hours <= _MOST_HOURS and minutes in (0, 30, 45):
        east = hours * 3600 + minutes * 60
    else:
        east = number / 1000 if number >= _MILLISECONDS else number
    if east % 900 or (east < 3600 and number > _MOST_HOURS) or east > _MOST_HOURS * 3600:
        raise ZoneError(text, "no offset from UTC in hours or seconds: write it as +01:00")
    sign = "-" if text.startswith("-") else "+"
    return f"{sign}{int(east) // 3600:02}:{int(east) // 60 % 60:02}"


def is_zone(text: str) -> bool:
    """Whether a cell of a column of zones is one."""
    try:
        zone_cell(text)
    except ZoneError:
        return False
    return True


def zone_in(name: str) -> str | None:
    """The zone that a column's name gives, where it is not UTC.

    >>> [zone_in(name) for name in ("Time (UTC+3)", "Date (America/New_York)", "time_utc", "Time (EST)", "Date/Time")]
    ['UTC+3', 'America/New_York', None, 'EST', None]
    """
    found = re.search(r"(?:UTC|GMT) ?[+-] ?\d{1,2}(?::?\d{2})?|\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+|\(([A-Z]{2,4})\)", name)
    if found is None:
        return None
    zone = found[0].strip("()").replace(" ", "")
    stated = zone.partition("/")[0] in _areas() or zone in _SEVERAL or _known(_bare(zone)) not in (None, 0)
    return zone if stated else None


@cache
def _areas() -> frozenset[str]:
    """First parts of names of places: what tells "America/Newyork", a question, from "Date/Time", no zone."""
    return frozenset(name.partition("/")[0] for name in available_timezones() if "/" in name)


def say_zone(text: str, zone: Zone) -> str | None:
    """What a person should know of how a zone was read; None where the text says it all."""
    if isinstance(zone, ZoneInfo):
        return f"times of {zone.key} turned into UTC, summer time included"
    if zone and _bare(text) in {*_HOURS, *_SEVERAL}:
        sign, (hours, seconds) = "-" if zone < 0 else "+", divmod(abs(zone), 3600)
        return f"{_bare(text)} read as UTC{sign}{hours:02}:{seconds // 60:02} throughout the year"
    return None


def to_utc(wall_ns: Ints, zone: Zone) -> Ints:
    """Wall clocks of a zone as UTC.

    Parameters
    ----------
    wall_ns : shape (T,), in the order of the file. An hour that exists twice is told apart by this order, if the rows
        run through it twice.

    Raises
    ------
    ClockChangeError
        A wall clock does not exist, or exists twice and the order does not say which one is meant.

    >>> wall = np.array(["2024-08-08T09:30", "2024-12-02T09:30"], "M8[ns]").astype(np.int64)
    >>> to_utc(wall, ZoneInfo("America/New_York")).astype("M8[ns]").astype("M8[m]").astype(str).tolist()
    ['2024-08-08T13:30', '2024-12-02T14:30']
    """
    if isinstance(zone, int):
        return wall_ns - zone * SECOND if zone else wall_ns
    if len(wall_ns) == 0:
        return wall_ns
    change_ns, offset_ns = _changes(zone, int(wall_ns.min()), int(wall_ns.max()))
    before, after = offset_ns[:-1], offset_ns[1:]
    starts = change_ns + np.maximum(before, after)  # from here on the new offset is the only one
    index = np.searchsorted(starts, wall_ns, side="right")
    utc_ns = wall_ns - offset_ns[index]
    unclear_from = np.append(change_ns + np.minimum(before, after), np.iinfo(np.int64).max)
    unclear = wall_ns >= unclear_from[index]
    if unclear.any():
        rows = np.flatnonzero(unclear)
        skipped = (after > before)[index[rows]]
        if skipped.any():
            row = int(rows[np.argmax(skipped)])
            raise ClockChangeError(
                row, f"this time does not exist in {zone.key} (clocks were set forward): write the times in UTC"
            )
        second = _second_time(wall_ns, rows, zone)
        utc_ns[rows] += np.where(second, (before - after)[index[rows]], 0)
    return utc_ns


def _second_time(wall_ns: Ints, rows: Ints, zone: ZoneInfo) -> NDArray[np.bool_]:
    """Whether rows of hours that exist twice are of the second time, by one step against the way the rows run."""
    second = np.zeros(len(rows), dtype=bool)
    ends = np.append(np.flatnonzero(np.diff(rows) != 1) + 1, len(rows))
    begin = 0
    for end in ends:
        first, last = int(rows[begin]), int(rows[end - 1])
        inside = wall_ns[first : last + 1]
        near = wall_ns[max(first - 1, 0) : last + 2]
        upwards = near[-1] > near[0] or (near[-1] == near[0] and np.count_nonzero(np.diff(inside) > 0) > 1)
        steps = np.diff(inside) if upwards else -np.diff(inside)
        around = (wall_ns[max(first - _AROUND, 0) : first], wall_ns[last + 1 : last + 1 + _AROUND])
        # One row a time: a time that is repeated is the second one as well.
        single = all(len(side) > 0 and (np.diff(side) != 0).all() for side in around)
        back = np.flatnonzero(steps <= 0 if single else steps < 0)
        if len(back) != 1:
            raise ClockChangeError(
                first,
                f"this time exists twice in {zone.key} (clocks were set back), and the order of the rows does not say "
                "which one is meant: write the times in UTC",
            )
        later = np.arange(len(inside)) > back[0]
        second[begin:end] = later if upwards else ~later
        begin = int(end)
    return second


def _changes(zone: ZoneInfo, first_ns: int, last_ns: int) -> tuple[Ints, Ints]:
    """Moments (UTC) at which the offset changes, shape (K,), and the offsets around them, shape (K + 1,)."""
    day, reach = 86_400, 3 * 86_400
    begin, end = first_ns // SECOND - reach, last_ns // SECOND + reach
    moments, offsets = [], [_offset(zone, begin)]
    for start in range(begin, end, day):
        stop = start + day
        if _offset(zone, stop) == offsets[-1]:
            continue
        low, high = start, stop
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == offsets[-1] else (low, middle)
        moments.append(high)
        offsets.append(_offset(zone, stop))
    return np.array(moments, dtype=np.int64) * SECOND, np.array(offsets, dtype=np.int64) * SECOND


def _offset(zone: ZoneInfo, second: int) -> int:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=second)
    return int((moment.astimezone(zone).utcoffset() or dt.timedelta()).total_seconds())


@cache
def _known(name: str) -> Zone | None:
    if name in _HOURS:
        return int(_HOURS[name] * 3600)
    offset = _OFFSET.fullmatch(name)
    if offset:
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        lawful = hours <= 14 and minutes < 60
        return (hours * 60 + minutes) * (-60 if offset[1] == "-" else 60) if lawful else None
    place = _PLACE_OF.get(name.upper()) or (name if _PLACE.fullmatch(name) else None)
    try:
        return None if place is None else ZoneInfo(place)
    except (KeyError, ValueError, OSError):  # no such place; a folder of places
        return None


def _bare(text: str) -> str:
    """A zone without brackets around it; abbreviations in capitals."""
    name = text.strip(" ()[],").replace("\N{MINUS SIGN}", "-")
    return name.upper() if name.upper() in {*_HOURS, *_SEVERAL} else name
