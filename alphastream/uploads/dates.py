"""Dates of many habits, whole columns at a time: spellings, the order of day, month and year, and zones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.uploads.cells import CellError
from alphastream.uploads.epochs import MONTHS_NOTE, NEEDED

Order = Literal["DMY", "MDY", "YMD"]
Days = NDArray[Any]  # datetime64[D]

_DATE: Final = (
    r"^(?P<first>\d{1,4})[-/._](?P<second>\d{1,2})[-/._](?P<third>\d{1,4})"
    r"(?:[T ,]+(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<sec>\d{1,2})(?:[.,:](?P<fraction>\d{1,12}))?)?)?"
    r"[ -]?(?P<half>[AaPp][Mm]\b)?)? ?(?P<zone>Z|z|[+-]\d{2}:?\d{2}|[+-]\d{1,2}|[A-Za-z][A-Za-z0-9_+/-]+)?$"
)
DATE_CELL: Final = re.compile(_DATE)
_MONTHS: Final = {
    1: "jan janv ene gen januar janeiro enero gennaio janvier january styczen stycznia sty ocak oca янв января",
    2: "feb fev fév févr febr february februar fevereiro febrero febbraio luty lutego lut şub şubat фев февраля",
    3: "mar mär mrz mars march märz março marzo marca mart мар марта",
    4: "apr abr avr april abril aprile avril kwi kwietnia nis nisan апр апреля",
    5: "may mai mag maj maio mayo maggio maja may\u0131s мая май",
    6: "jun juin giu june juni junho junio giugno cze czerwca haz haziran июн июня",
    7: "jul juil lug july juli julho julio luglio juillet lip lipca tem temmuz июл июля",
    8: "aug ago août aoû august agosto sie sierpnia ağu ağustos авг августа",
    9: "sep sept set september setembro septiembre settembre septembre wrz września eyl eylül сен сентября",
    10: "oct okt out ott october oktober outubro octubre ottobre octobre paź października eki ekim окт октября",
    11: "nov november novembro noviembre novembre lis listopada kas\u0131m ноя ноября",
    12: "dec dez dic déc december dezember dezembro diciembre dicembre gru grudnia ara aral\u0131k дек декабря",
}
_MONTH_NUMBERS: Final = {word: number for number, words in _MONTHS.items() for word in words.split()}
_WORD: Final = r"(\pL{3,})\.?"
_DAY: Final = r"^(\d+[-/.][\pL\d]+[-/.]\d+)"
_END: Final = r"($|[ T,:])"
_WEEKDAYS: Final = (
    "mon|tues?|wed|thu|thur|thurs|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|"
    "sa|so|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|"
    "lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|lun|mar|mer|jeu|ven|sam|dim|mié|jue|vie|sáb|dom|gio|"
    "segunda|terça|quarta|quinta|sexta|segunda-feira|terça-feira|quarta-feira|quinta-feira|sexta-feira"
)
# What is taken from a cell, in this order, until it is year-month-day, a clock and a zone.
_SPELLINGS: Final = (
    (r"[\x{00A0}\x{202F}\x{2009}]", " "),
    (r"^['\"]+|['\"]+$", ""),
    (r" *\([^()]*\)$", ""),  # ... GMT+0100 (CET)
    (r" ?\[[A-Za-z_]+/[A-Za-z_/]+\]$", ""),  # ...+02:00[Europe/Paris]
    (r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]* +", ""),
    (rf"(?i)^(?:{_WEEKDAYS})[.,]* +(\d{{1,2}}[ .-]+(?:de )?\pL)", r"\1"),
    (r"(\d{1,2}:\d{2}(?::\d{2})?)(?:\.(\d+))? ?([AaPp])\.? ?[Mm]\.?", r"\1 \3M"),
    (r"(?:오전|上午|午前) *(\d{1,2}:\d{2}(?::\d{2})?)", r"\1 AM"),
    (r"(?:오후|下午|午後) *(\d{1,2}:\d{2}(?::\d{2})?)", r"\1 PM"),
    (r"(\d{1,2})[時时시] *(\d{1,2})[分분](?: *(\d{1,2})[秒초])?", r"\1:\2"),
    (r"^(\d{4}) ?[-./年년] *(\d{1,2}) ?[-./月월] *(\d{1,2})(?: ?[日일])?\.?", r"\1-\2-\3"),
    (r"^(\d{4}-\d{1,2}-\d{1,2})[D;_]", r"\1 "),
    (r"^(\d{4})(\d{2})(\d{2}),* *[ T;:_-]+(\d)", r"\1-\2-\3 \4"),
    (
        r"^((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d),+(\d{1,2}:|(?:[01]\d|2[0-3])[0-5]\d)",
        r"\1-\2-\3 \4",
    ),  # 10000000,5 is a number
    (r"^(\d{4})(\d{2})(\d{2})(\d{6}(?:\d{6}|\.\d+))$", r"\1-\2-\3 \4"),
    (rf"^{_WORD} +(\d{{1,2}}) +(\d{{1,2}}:\d{{2}}(?::\d{{2}})?) +(?:([A-Z]{{3,4}}) +)?(\d{{4}})$", r"\5-\1-\2 \3 \4"),
    (rf"^{_WORD}[ -]+(\d{{1,2}})(?:st|nd|rd|th)?,?[ -]+(\d{{4}}){_END}", r"\3-\1-\2\4"),
    (rf"^(\d{{1,2}})(?:st|nd|rd|th)?[-./ ]*(?:de )?{_WORD},?[-./ ]*(?:de )?(\d{{4}}){_END}", r"\3-\2-\1\4"),
    (rf"^(\d{{1,2}})[-./ ]{_WORD}[-./ ](\d{{2}}){_END}", r"\1_\2_\3\4"),  # 07-Aug-24: the order is open
    (rf"{_DAY} (\d{{1,2}})\.(\d{{2}})\.(\d{{2}})$", r"\1 \2:\3:\4"),
    (rf"{_DAY} (\d{{1,2}})\.(\d{{2}})$", r"\1 \2:\3"),
    (rf"^(\d{{4}})[-./ ]{_WORD}[-./ ](\d{{1,2}}){_END}", r"\1-\2-\3\4"),
    (r"^(\d+-[\pL\d]+-\d+):(\d{1,2}:)", r"\1 \2"),
    (rf"{_DAY} (\d{{2}})(\d{{2}})(\d{{2}})(\d{{3}}|\d{{6}}|\d{{9}})$", r"\1 \2:\3:\4.\5"),
    (rf"{_DAY} (\d{{1,2}})(\d{{2}})(\d{{2}})(\.\d+)?( ?[A-Z+-].*)?$", r"\1 \2:\3:\4\5\6"),
    (rf"{_DAY} (\d{{1,2}})(\d{{2}})$", r"\1 \2:\3"),
    (r" ?(?:GMT|UTC) ?([+-]\d)", r" \1"),
    (r" ([+-])(\d)((?::?\d{2})?)$", r" \g<1>0\2\3"),
)
_MONTHS_ALONE: Final = (
    (r"^(\d{4})[-/.](\d{1,2})$", r"\1-\2-1"),
    (r"^(\d{1,2})[-/.](\d{4})$", r"\2-\1-1"),
    (rf"^{_WORD}[-./ ']*(\d{{4}})$", r"\2-\1-1"),
    (rf"^{_WORD}[-./ ']+([0-2]\d)$", r"20\2-\1-1"),
    (rf"^{_WORD}[-./ ']+([3-9]\d)$", r"19\2-\1-1"),
    (r"(?i)^(\d{4})[- ]?Q1$", r"\1-1-1"),
    (r"(?i)^(\d{4})[- ]?Q2$", r"\1-4-1"),
    (r"(?i)^(\d{4})[- ]?Q3$", r"\1-7-1"),
    (r"(?i)^(\d{4})[- ]?Q4$", r"\1-10-1"),
)
# Fewest and most days between dates (of days, weeks, months, quarters, years), and whether near a month's edge.
_EVEN: Final = ((1, 5, False), (6, 8, False), (26, 36, True), (86, 95, True), (360, 370, True))
Evenness = Literal["days", "months"]
_SHORT_YEAR: Final = r"^\pL{3,}\.?[-./ ]+[0-3]\d$"  # of Jan-24: a year, or a day
_SHORTER: Final = 4  # so many times as long the other reading's stretch of time must be
_FEW: Final = 3  # dates; fewer are even and run one way by chance
_TELLING: Final = 6  # dates; so many even ones tell more than the custom


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates as they are written, shape (T,) each.

    Parameters
    ----------
    written_ns : the wall clock.
    halved : whether AM or PM is written.
    zones : as written, "" for none.
    dates_only : whether no cell has a time of day.
    notes : what was decided.
    """

    written_ns: Ints
    halved: NDArray[np.bool_]
    zones: tuple[str, ...]
    dates_only: bool
    notes: tuple[str, ...]


def spelled(cells: Any) -> tuple[Any, bool]:
    """Cells as ``_DATE`` has them, and whether they are months without days.

    >>> spelled(pa.array(["Thu, 08 Aug 2024 13:30:00 GMT", "20240808  133000"]))[0].to_pylist()
    ['2024-8-08 13:30:00 GMT', '2024-08-08 13:30:00']
    """
    cells = pc.utf8_trim_whitespace(cells)
    if not _all_dates(cells):
        for seen, plain in _SPELLINGS:
            cells = pc.replace_substring_regex(cells, seen, plain.replace(r"\g<1>", r"\1"))
        cells = _numbered_months(cells)
    if _all_dates(cells):
        return cells, False
    months = cells
    for seen, plain in _MONTHS_ALONE:
        months = pc.replace_substring_regex(months, seen, plain)
    months = _numbered_months(months)
    alone = bool(pc.all(pc.match_substring_regex(months, r"^\d{4}-\d{1,2}-1$")).as_py())
    return (months, True) if alone else (cells, False)


def dates_of(cells: Any, order: Order | None = None, intraday: bool = False) -> Dates:
    """Read dates.

    Parameters
    ----------
    cells : Arrow chunked array of strings, shape (T,), in the order of the file; repetitions may be left out.
    order : of day, month and year; None to judge it by the whole column.
    intraday : whether times of day differ, which these cells need not say.

    Raises
    ------
    CellError
        The first cell that is no date, or whose day and month cannot be told apart.
    """
    plain, months_only = spelled(cells)
    parts = [pc.extract_regex(chunk, _DATE) for chunk in plain.chunks]
    _refuse_first_null(parts, cells)
    first, second, third = (_part(parts, name) for name in ("first", "second", "third"))
    dotted = bool(pc.all(pc.match_substring_regex(plain, r"^\d{1,2}\.\d{1,2}\.")).as_py())
    worded = _is_worded(plain)
    hour, minute, sec = (_part(parts, name) for name in ("hour", "minute", "sec"))
    intraday |= len(np.unique(hour * 60 + minute)) > 1
    year, month, day, notes = _ordered((first, second, third), dotted, worded, intraday, cells, order)
    if months_only:
        if pc.any(pc.match_substring_regex(cells, _SHORT_YEAR)).as_py():
            _refuse_days_as_years(year, month, cells)
        notes = (*notes, MONTHS_NOTE)
    days, lawful = _calendar(year, month, day)
    half = np.asarray(pc.utf8_lower(pa.chunked_array([pc.struct_field(part, "half") for part in parts])).to_numpy())
    hour = np.where(half == "pm", hour % 12 + 12, np.where(half == "am", hour % 12, hour))
    lawful &= (year >= 1678) & (year <= 2261) & (minute < 60) & (sec < 60)
    lawful &= (hour < 24) | ((hour == 24) & (minute == 0) & (sec == 0))
    if not lawful.all():
        row = int(np.argmin(lawful))
        raise CellError(row, cells[row].as_py(), f"no such day or time of day; {NEEDED}")
    written_ns = (
        days.astype("M8[ns]").astype(np.int64) + ((hour * 60 + minute) * 60 + sec) * SECOND + _billionths(parts)
    )
    zones = tuple(zone for part in parts for zone in pc.struct_field(part, "zone").to_pylist())
    clocks = pc.any(pc.match_substring_regex(plain, r"[T ,]+\d{1,2}(:| ?[AaPp][Mm]|$)")).as_py()
    return Dates(written_ns, half != "", zones, not clocks, notes)


def _all_dates(cells: Any) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells.slice(0, 100), _DATE)).as_py()) and bool(
        pc.all(pc.match_substring_regex(cells, _DATE)).as_py()
    )


def _numbered_months(cells: Any) -> Any:
    """2015-Aug-24 as 2015-8-24, 07_Aug_24 as 07_8_24; a word that is no month stays."""
    word = r"^\d{1,4}[-_](?P<month>\pL{3,})[-_]\d"
    found = pc.extract_regex(pc.utf8_lower(cells), word)
    words = (
        pa.chunked_array([pc.struct_field(chunk, "month") for chunk in found.chunks])
        if isinstance(found, pa.ChunkedArray)
        else pc.struct_field(found, "month")
    )
    for name in pc.unique(words).to_pylist():
        number = None if name is None else _MONTH_NUMBERS.get(name) or _MONTH_NUMBERS.get(name[:3])
        if number is not None:
            seen = rf"(?i)^(\d{{1,4}})([-_]){re.escape(name)}([-_])"
            cells = pc.replace_substring_regex(cells, seen, rf"\1\2{number}\3")
    return cells


def _calendar(year: Ints, month: Ints, day: Ints) -> tuple[Days, NDArray[np.bool_]]:
    """Days, and which of them exist."""
    month_start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("M8[M]")
    days = month_start.astype("M8[D]") + (day - 1)
    return days, (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("M8[M]") == month_start)


def _refuse_days_as_years(year: Ints, month: Ints, cells: Any) -> None:
    """Jan-24 is January of 2024 where months or quarters run on, and the 24th of January where days do."""
    steps = np.diff(np.unique(year * 12 + month))
    if not len(steps) or (steps > 3).any():
        raise CellError(0, cells[0].as_py(), f"a month, or a day without its year: these rows do not tell; {NEEDED}")


def _ordered(
    numbers: tuple[Ints, Ints, Ints], dotted: bool, worded: bool, intraday: bool, cells: Any, order: Order | None
) -> tuple[Ints, Ints, Ints, tuple[str, ...]]:
    """Year, month and day of three numbers, by evidence in the whole column; ``worded``, the second is the month."""
    first, second, third = numbers
    long_first = first > 99
    if long_first.all():
        return first, second, third, ()
    if long_first.any():
        row = int(np.argmax(long_first != long_first[0]))
        raise CellError(row, cells[row].as_py(), "in some dates the year comes first, in some last: write all alike")
    readings = _readings(first, second, third, worded)
    if order is not None and order in readings:
        return *readings[order], (f"dates read as {_in_words(order)}, as chosen",)
    lawful = {name: reading for name, reading in readings.items() if _calendar(*reading)[1].all()}
    if not lawful:
        _refuse_unlawful(first, second, cells)
    if len(lawful) < 2:
        name = next(iter(lawful or readings))
        return *readings[name], (f"dates read as {_in_words(name)}",)
    name, why = _by_spacing(
        {name: _calendar(*reading)[0] for name, reading in lawful.items()}, dotted, worded, intraday, cells
    )
    return *readings[name], (f"dates read as {_in_words(name)}: {why}",)


def _is_worded(plain: Any) -> bool:
    """Whether months are written as words behind the day or a short year, so that the second number is the month."""
    return bool(pc.any(pc.match_substring_regex(plain, r"^\d{1,2}_")).as_py())


def _readings(first: Ints, second: Ints, third: Ints, worded: bool) -> dict[Order, tuple[Ints, Ints, Ints]]:
    """Year, month and day in each order of three numbers that do not begin with the year in full."""
    readings: dict[Order, tuple[Ints, Ints, Ints]] = {
        "MDY": (_four_digits(third), first, second),
        "DMY": (_four_digits(third), second, first),
    }
    if not (third > 99).any():
        readings["YMD"] = (_four_digits(first), second, third)
    if worded:
        del readings["MDY"]
    return readings


def orders_of(cells: Sequence[str]) -> dict[Order, str]:
    """Orders of day, month and year in which some dates can be read, and the first date in each, as ISO 8601.

    Empty where the year stands first in full, and where cells are no such dates.

    >>> orders_of(["01/02/2024", "05/02/2024"])
    {'MDY': '2024-01-02', 'DMY': '2024-02-01'}
    >>> orders_of(["24/08/2015"]), orders_of(["2015-08-24"])
    ({'DMY': '2015-08-24'}, {})
    """
    plain, months_only = spelled(pa.chunked_array([[cell for cell in cells if cell.strip()]], pa.string()))
    if months_only or not len(plain) or not _all_dates(plain):
        return {}
    parts = [pc.extract_regex(chunk, _DATE) for chunk in plain.chunks]
    first, second, third = (_part(parts, name) for name in ("first", "second", "third"))
    if (first > 99).any():
        return {}
    readings = _readings(first, second, third, _is_worded(plain))
    found = {name: _calendar(*reading) for name, reading in readings.items()}
    return {name: str(days[0]) for name, (days, lawful) in found.items() if lawful.all()}


def _four_digits(year: Ints) -> Ints:
    """Years of two digits as spreadsheets read them: up to 29 they are of this century."""
    return np.where(year < 30, year + 2000, np.where(year < 100, year + 1900, year))


def _refuse_unlawful(first: Ints, second: Ints, cells: Any) -> None:
    day_first, month_first = first > 12, second > 12
    if day_first.any() and month_first.any():
        row = max(int(np.argmax(day_first)), int(np.argmax(month_first)))
        raise CellError(row, cells[row].as_py(), "other dates have day and month the other way round: write 2015-08-24")


def _by_spacing(
    readings: dict[Order, Days], dotted: bool, worded: bool, intraday: bool, cells: Any
) -> tuple[Order, str]:
    """The one reading whose dates are evenly spaced, run one way, or lie close together.

    Raises
    ------
    CellError
        Several readings are as good: the first date in each of them, and what to do.
    """
    dates = {name: np.unique(days) for name, days in readings.items()}
    if len({days.tobytes() for days in readings.values()}) == 1:
        return next(iter(readings)), "all orders give the same days"
    weekends = {name: bool((~np.is_busday(days)).any()) for name, days in dates.items()}
    kinds = {name: _evenness(days, intraday) for name, days in dates.items()}
    daily = [name for name, kind in kinds.items() if kind == "days"]
    monthly = [name for name, kind in kinds.items() if kind == "months" and not (daily and _off_edge(dates[name]))]
    even = daily + monthly
    few = min(map(len, dates.values())) < _FEW
    if len(daily) > 1 and not monthly and not few:
        even = [name for name in daily if not weekends[name]] or daily
    # Few rows do not tell 24-Aug-07 to 24-Aug-09 from one day in three years: the custom, day first, says otherwise.
    against_custom = (
        worded and min(map(len, dates.values())) < _TELLING and "DMY" in readings and even not in ([], ["DMY"])
    )
    if len(even) == 1 and not against_custom and not (few and weekends[even[0]]):
        return even[0], "only so the dates are evenly spaced"
    if not even:
        one_way = [name for name, days in readings.items() if _runs_one_way(days)]
        if len(one_way) == 1 and len(dates[one_way[0]]) >= _FEW:
            return one_way[0], "the only order in which they run one way"
        spans = sorted((int((days[-1] - days[0]).astype(np.int64)), name) for name, days in dates.items())
        if len(dates[spans[0][1]]) >= _FEW and spans[0][0] * _SHORTER <= spans[1][0]:
            return spans[0][1], "only so the dates lie close together"
    if (dotted or worded) and "DMY" in readings and not against_custom:
        return "DMY", f"as dates with {'points' if dotted else 'months in words'} are written"
    seen = " or ".join(f"{days[0]} ({_in_words(name)})" for name, days in readings.items())
    raise CellError(
        0,
        cells[0].as_py(),
        f"{seen}: the rows do not tell which; write dates as 2024-08-24, add rows of other days, or choose the order",
    )


def _evenness(days: Days, intraday: bool) -> Evenness | None:
    """Whether sorted dates are evenly spaced: by days or weeks, or, where no times of day are, by months or years.

    Weekends and holidays are allowed for; months, quarters and years are stamped near their beginning or their end.
    """
    gaps = np.diff(days).astype(np.int64)
    for least, most, near_edge in _EVEN:
        if len(gaps) and ((gaps >= least) & (gaps <= most)).all():
            if not near_edge:
                return "days"
            at_edge = not intraday and bool(((days + 3).astype("M8[M]") != (days - 3).astype("M8[M]")).all())
            return "months" if at_edge else None
    return None


def _off_edge(days: Days) -> bool:
    """Whether dates a month apart are no months: on weekends, but neither all first nor all last days."""
    edges = (days.astype("M8[M]") != (days - 1).astype("M8[M]"), days.astype("M8[M]") != (days + 1).astype("M8[M]"))
    return bool((~np.is_busday(days)).any()) and not any(edge.all() for edge in edges)


def _runs_one_way(days: Days) -> bool:
    steps = np.diff(days).astype(np.int64)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _in_words(order: Order) -> str:
    words = {"D": "day", "M": "month", "Y": "year"}
    return ", ".join(words[letter] for letter in order)


def _billionths(parts: list[Any]) -> Ints:
    fraction = pa.chunked_array([pc.utf8_rpad(pc.struct_field(part, "fraction"), 9, "0") for part in parts])
    return np.asarray(pc.cast(pc.utf8_slice_codeunits(fraction, 0, 9), pa.int64()))


def _part(parts: list[Any], name: str) -> Ints:
    text = pa.chunked_array([pc.struct_field(part, name) for part in parts])
    return np.asarray(pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64()))


def _refuse_first_null(parts: list[Any], cells: Any) -> None:
    start = 0
    for part in parts:
        if part.null_count:
            row = start + int(np.flatnonzero(np.asarray(pc.is_null(part)))[0])
            raise CellError(row, cells[row].as_py(), NEEDED)
        start += len(part)
