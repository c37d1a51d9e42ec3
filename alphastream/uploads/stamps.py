"""What the time of a bar says: its start, its end, or the trading date of a day.

Bars of a day are stamped in many ways: with the plain date, with midnight of a market (05:00 or 04:00 UTC for New
York, 15:00 UTC of the day before for Tokyo), with the open or the close of its session, with the last moment of the
day. They are of one day all the same, so bars of a day or longer start at 00:00 UTC of their trading date here.

Where a date is written, it is the trading date. Epochs and times in UTC are dated by evidence: bars of a market that
rests at weekends fall on no Saturday and no Sunday. Where there is no evidence, the date in UTC stays, and a note says
so. Shorter bars keep their instant, unless their times are ends.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from alphastream.core.types import Ints
from alphastream.core.units import DAY, HOUR, MS, SECOND
from alphastream.uploads.notes import Notes
from alphastream.uploads.times import Times

MINUTE: Final = 60 * SECOND
LEAST_DAY: Final = 20 * HOUR  # a day of 23 hours, or from a late close to an early one
WEEKS: Final = 2 * DAY  # longer spacings are of weeks or months
MONTHS: Final = 27 * DAY
RARE: Final = 0.02  # so many bars may have another clock or fall on a weekend: a short day, a Saturday session
OFTEN: Final = 0.1  # Sundays are a fifth of the bars of a market that seems to trade from Sunday to Thursday
_EVIDENT: Final = 2  # free weekends
_JUST_BEFORE: Final = (1, 1_000, MS, SECOND)
# Midnights of markets east of London, from Berlin to Sydney and Auckland; Mumbai is half an hour off. Auckland's 12:00
# is missing, for Riyadh, which trades from Sunday to Thursday, closes then.
_MIDNIGHTS: Final = frozenset({11 * HOUR, *(hour * HOUR for hour in range(13, 24)), 18 * HOUR + HOUR // 2})
_NEW_YORK_TURNS: Final = frozenset({17 * HOUR, 18 * HOUR})  # a day of currencies begins there, or one of futures
_SUMMER_TIME: Final = ("Europe/London", "Europe/Berlin", "Europe/Athens", "Australia/Sydney", "Pacific/Auckland")
_LATE: Final = 10 * HOUR  # an earlier time in UTC is a midnight of the Americas, or the open of a session


def starts(times: Times, codes: Ints | None, end: bool, notes: Notes) -> Ints:
    """Starts of bars, shape (T,): int64 nanoseconds, UTC; for bars of a day or longer midnight of the trading date.

    Parameters
    ----------
    times : what was read, in the order of the file.
    codes : number of the symbol of each row, shape (T,); None where the column belongs to one symbol, or to all.
    end : whether the header says that these are ends of bars.
    notes : what was decided is said here.
    """
    if times.dates_only:
        return times.time_ns
    known: dict[bytes, _Stamps] = {}  # the symbols of a panel mostly have the same days
    found = []
    for rows in _by_symbol(codes, len(times.time_ns)):
        time_ns = times.time_ns[rows]
        key = time_ns.tobytes()
        if key not in known:
            known[key] = _judge(time_ns, times.written_ns[rows], end)
        found.append((rows, known[key]))
    sure = [stamps for stamps in known.values() if stamps.shift is not None]
    start_ns = times.time_ns.copy()
    for rows, stamps in found:
        start_ns[rows] = _start(_like_others(stamps, sure), notes)
    return start_ns


def _by_symbol(codes: Ints | None, count: int) -> list[Ints]:
    if codes is None:
        return [np.arange(count)]
    order = np.argsort(codes, kind="stable")
    return [rows for rows in np.split(order, np.cumsum(np.bincount(codes))[:-1]) if len(rows)]


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Times of one symbol and what they seem to be.

    Parameters
    ----------
    time_ns, written_ns : (T,), the instants, and the wall clock that was written as if it were in UTC.
    usual_ns : median spacing; 0 where there is only one time.
    before_ns : how long before a whole minute all of them are, as 1 ms is for 23:59:59.999; else 0.
    end : whether they are ends of bars.
    low, high : the usual times of day, from ``low`` to ``high``, which is past 24:00 where they cross midnight; None
        for bars shorter than a day.
    shift : days from the date that is stamped to the trading date; None where nothing shows it.
    """

    time_ns: Ints
    written_ns: Ints
    usual_ns: int = 0
    before_ns: int = 0
    end: bool = False
    low: int | None = None
    high: int = 0
    shift: int | None = None

    def days(self) -> Ints:
        """Days since 1970 on which the usual times of day begin, (T,), for bars of a day or longer."""
        assert self.low is not None
        closes = self.end or (self.low >= 12 * HOUR and self.shift != 1)
        # A short day closes early, and the newest bar may have the time at which it was asked for.
        cut = self.low - (DAY + self.low - self.high) // 2 if closes else self.low - HOUR
        return (self.written_ns - cut) // DAY


def _judge(time_ns: Ints, written_ns: Ints, end: bool) -> _Stamps:
    moments, first = np.unique(written_ns, return_index=True)
    if len(moments) < 2:
        return _Stamps(time_ns, written_ns, end=end)
    steps = np.diff(moments)
    usual_ns = int(np.sort(steps)[(len(steps) - 1) // 2])
    before_ns = next((ns for ns in _JUST_BEFORE if not np.any((moments + ns) % MINUTE)), 0)
    if end and not before_ns:
        written_ns, moments = written_ns - 1, moments - 1  # the last moment of a bar belongs to its day
    stamps = _Stamps(time_ns, written_ns, usual_ns, before_ns, end or before_ns > 0)
    if np.count_nonzero(steps < LEAST_DAY) > _few(len(steps)):
        return stamps
    usual = _usual_clock(moments % DAY, usual_ns < WEEKS)
    if usual is None:
        return stamps
    low, high = usual
    dated = replace(stamps, low=low, high=high)
    days = replace(dated, written_ns=moments).days()
    zoned = bool(np.any(time_ns[first] != written_ns[first] + (end and not before_ns)))
    return replace(dated, shift=_shift(dated, days, time_ns[first], zoned))


def _usual_clock(clock: Ints, daily: bool) -> tuple[int, int] | None:
    """From where to where the times of day lie, (T,) nanoseconds since midnight; None where they lie everywhere."""
    values, counts = np.unique(clock, return_counts=True)
    usual = values[counts > _few(len(clock))]
    if np.isin(clock, usual).mean() < 1 - OFTEN:
        if not daily:
            return None
        usual = values  # the time of the last trade of each day
    gaps = np.diff(np.r_[usual, usual[0] + DAY])
    widest = int(np.argmax(gaps))
    if gaps[widest] < 12 * HOUR:
        return None
    low = int(usual[(widest + 1) % len(usual)])
    return low, low + DAY - int(gaps[widest])


def _shift(stamps: _Stamps, days: Ints, instants: Ints, zoned: bool) -> int | None:
    """Days from the date that is stamped to the trading date.

    Parameters
    ----------
    days : stamped dates of the bars, days since 1970, each once.
    instants : their times in UTC.
    zoned : whether the clock is another than that of UTC.
    """
    low, high = stamps.low, stamps.high
    assert low is not None
    long = stamps.usual_ns >= WEEKS
    if stamps.end:
        return -1 if low < 12 * HOUR and not long and _prefer(days, -1) else 0
    if high == 0:
        return -1 if not long and _prefer(days, -1) and _rests(days) >= _EVIDENT else 0
    if high >= DAY:
        return 1  # where some start at midnight, that is the date, and those an hour earlier are of the same
    if stamps.usual_ns >= MONTHS:
        return 1 if _first_of_months(days + 1) and not _first_of_months(days) else 0
    if _prefer(days, 1) and _turns(low, high, zoned):
        return 1
    if zoned or low < _LATE or _prefer(days, 0):
        return 0
    return 1 if high > low and _is_summer_midnight(instants) else None


def _prefer(days: Ints, shift: int) -> bool:
    """Whether moved dates leave weekends free that their neighbours would not."""
    other = 0 if shift else 1
    return _weekends(days + shift) <= RARE and _weekends(days + other) >= OFTEN


def _rests(days: Ints) -> int:
    """How often a market rested for two days or more: few bars leave one weekend free by chance."""
    return int(np.count_nonzero(np.diff(np.sort(days)) > 2))


def _weekends(days: Ints) -> float:
    """Share of days that are Saturdays or Sundays; 1970-01-01 was a Thursday."""
    return float(np.mean((days + 3) % 7 >= 5))


def _first_of_months(days: Ints) -> bool:
    dates = days.astype("M8[D]")
    return bool(np.mean(dates == dates.astype("M8[M]")) >= 1 - OFTEN)


def _turns(low: int, high: int, zoned: bool) -> bool:
    """Whether a market's day may begin at these times of day: elsewhere bars from Sunday on are of Sundays."""
    if zoned:
        return low == high and low in _NEW_YORK_TURNS
    if low == high:
        return low in _MIDNIGHTS
    return high - low == HOUR and low % HOUR == 0 and low >= 11 * HOUR


def _is_summer_midnight(instants: Ints) -> bool:
    """Whether all of them are midnights of a zone that had summer time for some of them."""
    times = pd.DatetimeIndex(instants, tz="UTC")
    return any((times.tz_convert(zone) == times.tz_convert(zone).normalize()).all() for zone in _SUMMER_TIME)


def _few(count: int) -> int:
    return max(int(count >= 10), int(count * RARE))


def _like_others(stamps: _Stamps, sure: list[_Stamps]) -> _Stamps:
    """A symbol of few bars is dated as those of the same file with the same clock, where they agree."""
    if stamps.shift is not None or (stamps.usual_ns and stamps.low is None) or not sure:
        return stamps
    clock = stamps.written_ns % DAY
    alike = [
        other
        for other in sure
        if other.low is not None
        and other.end == stamps.end
        and bool(np.all((clock - other.low) % DAY <= other.high - other.low))
    ]
    if len({other.shift for other in alike}) != 1:
        return stamps
    other = alike[0]
    usual_ns = stamps.usual_ns or other.usual_ns
    return replace(stamps, usual_ns=usual_ns, low=other.low, high=other.high, shift=other.shift)


def _start(stamps: _Stamps, notes: Notes) -> Ints:
    """Starts of the bars of one symbol, (T,)."""
    if stamps.low is None:
        if not stamps.end or not stamps.usual_ns:
            return stamps.time_ns
        notes.say(f"times are the ends of bars: each starts {pd.Timedelta(stamps.usual_ns)} earlier")
        return stamps.time_ns + stamps.before_ns - stamps.usual_ns
    days = stamps.days() + (stamps.shift or 0)
    if stamps.end and stamps.usual_ns >= WEEKS:
        days = _firsts(days, stamps.usual_ns)
    start_ns = days * DAY
    if np.any(start_ns != stamps.time_ns):
        notes.say(_sentence(stamps))
    return start_ns


def _firsts(days: Ints, usual_ns: int) -> Ints:
    """First days of bars of weeks or months, given their last."""
    after = (days + 1).astype("M8[D]")
    if usual_ns >= MONTHS and _first_of_months(days + 1):
        months = round(usual_ns / (30.44 * DAY))
        return (after.astype("M8[M]") - months).astype("M8[D]").astype(np.int64)
    return days + 1 - round(usual_ns / DAY)


def _sentence(stamps: _Stamps) -> str:
    assert stamps.low is not None
    low, high = _clock(stamps.low), _clock(stamps.high % DAY)
    length = "daily bars" if stamps.usual_ns < WEEKS else "bars"
    which = f"{length} stamped {low}" + (f" to {high}" if high != low else "")
    if stamps.end and stamps.usual_ns >= WEEKS:
        return f"{which} end there: dated by their first day"
    if stamps.shift is None:
        why = "nothing in the file shows whether their market dates them a day later"
        return f"{which} are dated by the day they are stamped with: {why}"
    if stamps.shift:
        later = "the day after" if stamps.shift > 0 else "the day before"
        return f"{which} are dated by {later}, as bars that leave weekends free"
    return f"{which} are dated by the day they are stamped with"


def _clock(clock_ns: int) -> str:
    seconds, rest = divmod(clock_ns, SECOND)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    if not rest and not seconds % 60:
        return text
    return text + f":{seconds % 60:02}" + (f".{rest:09}".rstrip("0") if rest else "")
