"""Which time a page looks at: the newest minutes, hours or days, all, or dates."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import streamlit as st

from alphastream.core.units import HOUR, SECOND
from alphastream.history.layout import INT64_MAX, moment

ALL, DATES = "All", "Dates"
NEWEST: Final = {"Last 5 minutes": 300 * SECOND, "Last hour": HOUR, "Last day": 24 * HOUR}


class TimeRange(NamedTuple):
    """A time that was chosen.

    Parameters
    ----------
    words : what was chosen; the same while the choice is, though the newest minutes are others.
    start_ns, end_ns : UTC ns, the end not included.
    """

    words: str
    start_ns: int
    end_ns: int


def choose_time(row: Any, now_ns: int, *, key: str, default: str) -> TimeRange | None:
    """Ask for a time in a row of controls; the choice stands in the address.

    Returns
    -------
    None, and a sentence on the page, where what was chosen is no time.
    """
    choices = [*NEWEST, ALL, DATES]
    chosen = str(
        row.selectbox("Time", choices, choices.index(default), key=f"{key}_time", bind="query-params", width=160)
    )
    if chosen == ALL:
        return TimeRange(ALL, 0, INT64_MAX)
    if chosen != DATES:
        return TimeRange(chosen, now_ns - NEWEST[chosen], now_ns + 1)
    today = datetime.fromtimestamp(now_ns / 1e9, UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    ends = []
    for name, value in (("from", today), ("to", today + timedelta(days=1))):
        label = f"{name.capitalize()}, UTC"
        ends.append(row.datetime_input(label, value, key=f"{key}_{name}", bind="query-params", step=60, width=190))
    if None in ends or not ends[0] < ends[1]:
        st.info("Choose a time whose end is after its beginning.", icon=":material/date_range:")
        return None
    return TimeRange(f"{ends[0]} to {ends[1]}", moment(ends[0], 0), moment(ends[1], 0))
