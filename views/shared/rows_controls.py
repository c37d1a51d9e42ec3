"""Which rows of the data a page uses: their first and last date, and how many of them to train on.

What is chosen stands in the address as ``start``, ``end`` and ``split``, the same on every page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import streamlit as st

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.history.layout import moment
from alphastream.uploads import Upload
from alphastream.uploads.cutting import rows_between, split_time
from views.shared.pair_view import END, START
from views.shared.uploads import session_cached

SPLIT = "split"  # in the address
ALL, DATES = "All", "Dates"
YEARS: Final = 12  # calendar years that are offered, the newest ones
NEWEST: Final = {
    "Last 5 years": timedelta(days=1826),
    "Last 3 years": timedelta(days=1096),
    "Last year": timedelta(days=365),
    "Last 6 months": timedelta(days=183),
    "Last 3 months": timedelta(days=91),
    "Last month": timedelta(days=30),
    "Last week": timedelta(days=7),
    "Last day": timedelta(days=1),
    "Last hour": timedelta(hours=1),
}
EVER: Final = tuple(datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1970, 2200))
HELP: Final = {
    "rows": "Which rows of the data are used, counted back from the newest of them. Dates: from and to as they stand.",
    START: "No row before this time is used. Empty: from the first row.",
    END: "No row from this time on is used. Empty: to the last row.",
    SPLIT: "Share of the rows, the oldest ones, on which things are fitted and chosen; the others judge them. Empty: "
    "no split.",
}


@dataclass(frozen=True, slots=True)
class RowChoice:
    """Rows that were asked for.

    Parameters
    ----------
    start_ns, end_ns : both included; None for no limit.
    train : share of the rows to train on; None for no split.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    train: float | None = None

    @property
    def everything(self) -> bool:
        """Whether no row is left out."""
        return self.start_ns is None and self.end_ns is None

    @property
    def ends(self) -> tuple[int | None, int | None]:
        """From and to, the latter not included, as views have them."""
        return self.start_ns, None if self.end_ns is None else self.end_ns + 1

    def split_ns(self, times: Iterable[Ints], interval_ns: int) -> int | None:
        """Where training ends: bars that end by then are trained on, the others test; None without a split.

        Parameters
        ----------
        times : of the rows of each symbol, UTC ns.
        interval_ns : of the bars that are made of them, which the split does not cut.
        """
        at = None if self.train is None else split_time(times, self.train)
        return None if at is None else at // interval_ns * interval_ns

    def of(self, upload: Upload) -> Upload:
        """These rows of an upload; the same object for the same one."""
        if self.everything:
            return upload
        return session_cached("rows_between", [upload, self], lambda: rows_between(upload, self.start_ns, self.end_ns))


def rows_controls(first_ns: int, last_ns: int, *, split: bool, place: Any = None) -> RowChoice | None:
    """Ask for dates, and where ``split`` says so for a share to train on.

    Parameters
    ----------
    first_ns, last_ns : of the data.
    place : the row of controls; None for one of its own.

    Returns
    -------
    None, and a sentence on the page, where what was chosen holds no row.
    """
    row = (
        st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="rows") if place is None else place
    )
    choices = presets(first_ns, last_ns)
    for key in (START, END):
        _to_minutes(key)
    menu = row.container(width=140)
    ends = []
    for key, words in ((START, "From, UTC"), (END, "To, UTC")):
        ends.append(
            row.datetime_input(
                words,
                None,
                *EVER,
                key=key,
                bind="query-params",
                step=60,
                width=175,
                help=HELP[key],
                format="YYYY-MM-DD",
            )
        )
    st.session_state["rows_preset"] = next((name for name, dates in choices.items() if dates == tuple(ends)), DATES)
    menu.selectbox(
        "Rows",
        [*choices, DATES],
        key="rows_preset",
        on_change=_take,
        args=(choices, first_ns, last_ns),
        help=HELP["rows"],
    )
    train = None
    if split:
        train = row.number_input(
            "Train on first, %",
            10.0,
            90.0,
            None,
            5.0,
            "%g",
            key=SPLIT,
            bind="query-params",
            width=150,
            help=HELP[SPLIT],
        )
    start, end = ends
    chosen = RowChoice(
        None if start is None else moment(start, 0),
        None if end is None else moment(end, 0) - 1,
        None if train is None else train / 100.0,
    )
    low, high = chosen.start_ns, chosen.end_ns
    if (low is not None and low > last_ns) or (high is not None and high < first_ns) or (low or 0) > (high or 2**63):
        st.info(
            f"No row is between these dates: the data go from {_day(first_ns)} to {_day(last_ns)}.",
            icon=":material/date_range:",
        )
        return None
    return chosen


def first_and_last(upload: Upload) -> tuple[int, int]:
    """Times of the first and of the last row of an upload, UTC ns."""
    times = [frame["time_ns"].to_numpy() for frame in upload.frames.values() if len(frame)]
    return min(int(each[0]) for each in times), max(int(each[-1]) for each in times)


def presets(first_ns: int, last_ns: int) -> Mapping[str, tuple[datetime | None, datetime | None]]:
    """From and to by name, of what the data hold a part of: newest stretches, then calendar years."""
    first, last = (_moment(each) for each in (first_ns, last_ns))
    found: dict[str, tuple[datetime | None, datetime | None]] = {ALL: (None, None)}
    found |= {
        name: (last - length, None) for name, length in NEWEST.items() if 0.02 * (last - first) < length < last - first
    }
    if last.year > first.year:
        for year in range(last.year, max(first.year, last.year - YEARS) - 1, -1):
            found[str(year)] = _naive(year, 1, 1), _naive(year + 1, 1, 1)
    return found


def range_words(upload: Upload) -> str:
    """From when to when the rows of an upload are, for example ``2010-01-04 to 2012-12-31``."""
    first_ns, last_ns = first_and_last(upload)
    return f"{_day(first_ns)} to {_day(last_ns)}"


def _to_minutes(key: str) -> None:
    """Make a time of what another page has set as text; the fields have no seconds."""
    held = st.session_state.get(key)
    if isinstance(held, str):
        st.session_state[key] = _moment(moment(held, 0))


def _take(choices: Mapping[str, tuple[datetime | None, datetime | None]], first_ns: int, last_ns: int) -> None:
    """Move the dates to those of the preset that was just chosen."""
    name = st.session_state["rows_preset"]
    st.session_state[START], st.session_state[END] = choices.get(name, (_moment(first_ns), _behind(last_ns)))


def _behind(last_ns: int) -> datetime:
    """The first time that leaves out no row: the next day of daily rows, else the next minute."""
    last = _moment(last_ns)
    return last + (timedelta(days=1) if last.hour == last.minute == 0 else timedelta(minutes=1))


def _naive(*parts: int) -> datetime:
    """A time as the fields have it: UTC that does not say so."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND, UTC).replace(second=0, microsecond=0, tzinfo=None)


def _day(time_ns: int) -> str:
    when = datetime.fromtimestamp(time_ns // SECOND, UTC)
    return when.strftime("%Y-%m-%d" if when.hour == when.minute == 0 else "%Y-%m-%d %H:%M")
