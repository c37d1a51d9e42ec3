"""Which time a page looks at: the newest minutes, hours or days, all, or dates."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import streamlit as st

from alphastream.core.units import HOUR, SECOND
from alphastream.history.layout import INT64_MAX, moment

ALL, DATES = "All", "Dates"
NEWEST: Final = {"Last 5 minutes": 300 * SECOND, "Last hour": HOUR, "Last day": 24 * HOUR}


def choose_time(row: Any, now_ns: int, *, key: str, default: str) -> tuple[int, int] | None:
    """Ask for a time in a row of controls; the choice stands in the address.

    Returns
    -------
    Start and end, UTC ns, the end not included; None, and a sentence on the page, where it is none.
    """
    choices = [*NEWEST, ALL, DATES]
    chosen = row.selectbox(
        "Time", choices, choices.index(default), key=f"{key}_time", bind="query-params", width=160, help="UTC."
    )
    if chosen == ALL:
        return 0, INT64_MAX
    if chosen != DATES:
        return now_ns - NEWEST[str(chosen)], now_ns + 1
    today = datetime.fromtimestamp(now_ns / 1e9, UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    ends = []
    for name, value in (("from", today), ("to", today + timedelta(days=1))):
        label = f"{name.capitalize()}, UTC"
        ends.append(row.datetime_input(label, value, key=f"{key}_{name}", bind="query-params", step=60, width=190))
    if None in ends or not ends[0] < ends[1]:
        st.info("Choose a time whose end is after its beginning.", icon=":material/date_range:")
        return None
    return moment(ends[0], 0), moment(ends[1], 0)
