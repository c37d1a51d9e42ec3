"""The time zone that a visitor reads times in: one choice for all pages. UTC at first; it stands in the address."""

from typing import Any, Final

import streamlit as st

from alphastream.errors import ParameterError
from views.shared.clock import UTC, column_name, in_zone, moment_text, zone_of
from views.shared.escaping import in_markdown

ZONE: Final = "tz"
PLACES: Final = (
    "America/New_York",
    "America/Chicago",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Dubai",
    "Asia/Singapore",
    "Asia/Hong_Kong",
    "Asia/Tokyo",
    "Australia/Sydney",
)
_HELP: Final = (
    "Charts, tables and sentences show times on the clocks of this place; times you type in, files and addresses "
    "stay UTC. Any name of the IANA list can be typed in."
)


def display_settings() -> None:
    """Ask for the time zone, and say where the theme is chosen; once a visit, above every page, within the header."""
    _told_again()
    own = st.context.timezone or UTC
    offered = dict.fromkeys((UTC, own if own not in ("Etc/UTC", "Etc/UCT") else UTC, *PLACES))
    with st.container(key="display_settings"), st.popover("Display", icon=":material/schedule:", type="tertiary"):
        st.selectbox(
            "Time zone",
            list(offered),
            key=ZONE,
            help=_HELP,
            accept_new_options=True,
            bind="query-params",
        )
        st.caption(f"Your browser is in {in_markdown(own)}.")
        st.caption("Light or dark: in the menu ⋮ beside this button. Nothing is loaded again for it.")
    try:
        zone_of(str(st.session_state.get(ZONE) or UTC))
    except ParameterError as error:
        st.warning(in_markdown(error), icon=":material/schedule:", title="Times are shown in UTC")


def _told_again() -> None:
    """Let the address be told anew where it lacks the zone: it does when a visitor goes to another page."""
    if (zone := st.session_state.get(ZONE)) is not None and ZONE not in st.query_params:
        st.session_state[ZONE] = zone


def chosen_zone() -> str:
    """The zone that was chosen; UTC where that is none."""
    try:
        return zone_of(str(st.session_state.get(ZONE) or UTC))
    except ParameterError:
        return UTC


def moment_column(name: str, form: str = "YYYY-MM-DD HH:mm:ss", **more: Any) -> Any:
    """A column of a table that holds times in UTC, on the clocks of the chosen zone."""
    zone = chosen_zone()
    return st.column_config.DatetimeColumn(column_name(name, zone), format=form, timezone=zone, **more)


def moment_words(time_ns: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A moment in a sentence, with the name of its zone."""
    return moment_text(time_ns, form, chosen_zone())


def plotted(figure: Any) -> Any:
    """A figure with time axes in UTC, on the clocks of the chosen zone."""
    return in_zone(figure, chosen_zone())
