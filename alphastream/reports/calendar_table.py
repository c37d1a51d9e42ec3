"""Returns by the calendar: months where a run has them, else days or hours, else a sentence."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from alphastream.performance import period_returns
from alphastream.performance.periods import Period
from alphastream.reports.metrics import duration
from alphastream.reports.run import Run

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
UNITS: Final[tuple[tuple[str, Period, int], ...]] = (("month", "M", 60 * DAY_NS), ("day", "D", 2 * DAY_NS))
"""Name, period, and how long a run has to be for it; shorter ones have hours."""
SHORTEST_NS: Final = 2 * HOUR_NS


@dataclass(frozen=True, slots=True, eq=False)
class CalendarTable:
    """Returns of a run by calendar periods, UTC, in percent of the equity before each.

    Parameters
    ----------
    unit : "month", "day" or "hour"; "" where the run is too short for any.
    frame : of months a line a year, January to December and the whole year, NaN without a row; else a line a period
        with its return and that of the run up to its end. Empty where there is no unit.
    says : what it is, in a sentence or two.
    """

    unit: str
    frame: pd.DataFrame
    says: str

    @property
    def title(self) -> str:
        """Heading above it."""
        return {"month": "Monthly returns", "day": "Daily returns", "hour": "Hourly returns"}.get(
            self.unit, "Returns by the calendar"
        )

    @property
    def shaded(self) -> list[str]:
        """Columns of the map of heat."""
        return list(MONTHS) if self.unit == "month" else ["return, %"] if self.unit else []


def calendar_table(run: Run) -> CalendarTable:
    """The longest calendar periods of which a run has at least about two."""
    lasted = int(run.time_ns[-1] - run.time_ns[0])
    total = float(run.equity[-1]) / run.capital - 1.0
    if lasted < SHORTEST_NS:
        says = f"The run lasts {duration(lasted)}, too short to be cut into hours, days or months: {total:+.3%} in all."
        return CalendarTable("", pd.DataFrame(), says)
    unit, period = next(((name, period) for name, period, least in UNITS if lasted >= least), ("hour", "h"))
    of = f"Return of each UTC {unit} in percent of the equity before it"
    multiplied = f"multiplied, 1 + return gives the run's {total:+.3%}"
    if unit == "month":
        says = f"{of}; the months of a line multiply to its year. The first and the last month may not be whole."
        return CalendarTable(unit, months_frame(run), says)
    says = f"The run lasts {duration(lasted)}, not long enough for months. {of}; {multiplied}."
    return CalendarTable(unit, _periods_frame(run, period), says)


def months_frame(run: Run) -> pd.DataFrame:
    """Return of each month in percent, a line a year; the months of a line multiply to its year, NaN without a row."""
    months = period_returns(run.time_ns, run.equity, "M", run.capital)
    years = period_returns(run.time_ns, run.equity, "Y", run.capital)
    number = months.period.astype(np.int64)
    table = np.full((len(years), 12), np.nan)
    places = {int(year): place for place, year in enumerate(years.period.astype(np.int64))}
    for month, value in zip(number.tolist(), months.returns.tolist(), strict=True):
        table[places[month // 12], month % 12] = value * 100.0
    frame = pd.DataFrame(table, columns=list(MONTHS))
    frame.insert(0, "year", years.period.astype(str))
    frame["whole year"] = years.returns * 100.0
    return frame


def _periods_frame(run: Run, period: Period) -> pd.DataFrame:
    found = period_returns(run.time_ns, run.equity, period, run.capital)
    written = found.period.astype("datetime64[D]").astype(str)
    if period == "h":
        written = np.char.add(np.char.replace(found.period.astype(str), "T", " "), ":00")
    ends = np.asarray(run.equity)[found.last_row] / run.capital - 1.0
    return pd.DataFrame(
        {
            "day" if period == "D" else "hour from": written,
            "return, %": found.returns * 100.0,
            "so far, %": ends * 100.0,
        }
    )


def strongest(frame: pd.DataFrame) -> float:
    """Size of the largest number that is known, 0 without any: there a map of heat has its full colour."""
    known = np.abs(frame.to_numpy(dtype=np.float64))
    known = known[np.isfinite(known)]
    return float(known.max()) if known.size else 0.0


def strength(value: float, shade: float) -> float:
    """How strong a colour is behind a number, 0 to 0.45; text stays readable on it."""
    return 0.45 * min(abs(value) / shade, 1.0) if shade > 0.0 and math.isfinite(value) else 0.0
