"""Settings of a pair's figure, the same on every page that draws one. Each stands in the address."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from views.shared.chart_options import (
    AS_TRADED,
    CANDLES,
    CHOICES,
    FROM_100,
    NO_RATIO,
    RATIOS,
    SCALES,
    ChartOptions,
    panels_of,
)
from views.shared.clock import UTC as UTC_ZONE
from views.shared.clock_controls import ZONE, chosen_zone
from views.shared.picture_controls import picture_controls

KEYS: Final = ("panels", "ratio", "scale", "since", "candles")
SINCE_FORMAT: Final = "%Y-%m-%dT%H:%M"  # of a time in an address
_HELP: Final = {
    "panels": "Panels of the chart; the others close up. What is hidden is not sent to this browser either.",
    "ratio": "Price of y over price of x, whatever the model says.",
    "scale": "From 100: both legs on one axis, in percent of their first price shown, or of that at a time you choose.",
    "since": "The first closed bar at or after this time counts as 100. Empty: the first bar shown.",
    "candles": "Open, high, low and close of a leg's bars: hollow where the price rose, filled where it fell. The bar "
    "that is still forming is dashed.",
}


def chart_settings(place: Any, chart: str, name: str) -> ChartOptions:
    """Ask what the figure shows, behind a button in a row of controls; and offer it as a picture.

    Parameters
    ----------
    chart : CSS selector of the figure.
    name : of a picture's file, without its ending.
    """
    with place.popover("Chart", icon=":material/tune:", key="chart_settings"):
        chosen = st.pills(
            "Panels",
            list(CHOICES),
            selection_mode="multi",
            default=list(CHOICES),
            key="panels",
            help=_HELP["panels"],
            bind="query-params",
        )
        ratio = _one("Ratio y / x", RATIOS, NO_RATIO, "ratio")
        scale = _one("Prices", SCALES, AS_TRADED, "scale")
        since = st.datetime_input(
            "100 at, UTC",
            None,
            step=60,
            key="since",
            help=_HELP["since"],
            disabled=scale != FROM_100,
            bind="query-params",
        )
        candles = _one("Candles", list(CANDLES), "Off", "candles")
        st.markdown("**Picture**")
        picture_controls(chart, name)
    if not chosen and ratio == NO_RATIO:
        place.caption("No panel is chosen: prices are shown.")
    return ChartOptions(
        panels=panels_of(list(chosen), ratio),
        from_100=scale == FROM_100,
        since_ns=None if since is None or scale != FROM_100 else _ns(since),
        candles=CANDLES[candles],
        zone=chosen_zone(),
    )


def with_chart(link: str) -> str:
    """A link to this page that restores what the chart shows, too."""
    usual = {
        "panels": list(CHOICES),
        "ratio": NO_RATIO,
        "scale": AS_TRADED,
        "since": None,
        "candles": "Off",
        ZONE: UTC_ZONE,
    }
    chosen = {key: st.session_state.get(key, value) for key, value in usual.items()}
    changed = {key: value for key, value in chosen.items() if value != usual[key]}
    if isinstance(since := changed.get("since"), datetime):
        changed["since"] = since.strftime(SINCE_FORMAT)
    return f"{link}{'&' if '?' in link else '?'}{urlencode(changed, doseq=True)}" if changed else link


def _one(label: str, options: Any, default: str, key: str) -> str:
    return str(
        st.segmented_control(
            label, list(options), default=default, required=True, key=key, help=_HELP[key], bind="query-params"
        )
    )


def _ns(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 10**9
