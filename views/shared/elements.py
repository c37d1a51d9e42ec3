"""Elements that several pages show alike: a row of metrics, a table of trades, a file to take away, the theme."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import pandas as pd
import streamlit as st

from views.shared.clock import moments_form
from views.shared.clock_controls import chosen_zone, moment_column
from views.shared.escaping import in_file_name, in_markdown
from views.shared.metrics import UNKNOWN, Metric

PLOT: Final = {"displaylogo": False}
"""Configuration of every Plotly chart."""
CARD_PX: Final = 178
"""Width of a metric where a row holds as many as fit."""
TABLE_ROWS: Final = 11
TABLE_PX: Final = 420  # for more rows than that


def is_dark() -> bool:
    """Whether the visitor's theme is dark."""
    theme: Any = st.context.theme.type
    return bool(theme == "dark")


def metric_row(
    metrics: Iterable[Metric], *, key: str | None = None, width: int | Literal["stretch"] = "stretch"
) -> None:
    """Metrics side by side, in as many lines as they need.

    Parameters
    ----------
    key : of the row; it is a class for the style sheet.
    width : of each, pixels.
    """
    row = st.container(horizontal=True, gap="small", key=key)
    for metric in metrics:
        row.metric(
            in_markdown(metric.label),
            in_markdown(metric.value),
            in_markdown(metric.sub) or None,
            help=in_markdown(metric.help) or None,
            border=True,
            width=width,
            delta_color="off",
            delta_arrow="off",
        )


def table_height(rows: int) -> int | Literal["content"]:
    """Height of a table: its content's, up to the length at which it scrolls."""
    return TABLE_PX if rows > TABLE_ROWS else "content"


def offer_file(
    label: str,
    content: bytes | Callable[[], bytes],
    name: str,
    *,
    key: str,
    kind: str = "text/csv",
    place: Any = st,
) -> None:
    """A button that hands out a file without running the page again.

    Parameters
    ----------
    content : the file, or what makes it at the click.
    kind : its media type.
    place : the container it stands in.
    """
    words, file = in_markdown(label), in_file_name(name)
    place.download_button(words, content, file, kind, on_click="ignore", icon=":material/download:", key=key)


def trades_table(frame: pd.DataFrame, *, unit: str, key: str, alt: str) -> None:
    """Round trips, as ``trade_tables.round_trips_frame`` lists them.

    Parameters
    ----------
    unit : of time, that ``held_s`` was divided to.
    """
    number, column = st.column_config.NumberColumn, st.column_config.TextColumn
    exact = moments_form(frame["opened"], frame["closed"], zone=chosen_zone())
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        placeholder=UNKNOWN,
        key=key,
        alt=alt,
        column_config={
            "number": number("trade", format="%d"),
            "opened": moment_column("opened", exact, help="First fill."),
            "closed": moment_column("closed", exact, help="Last fill."),
            "side": column(help="Of the dependent leg: long buys it."),
            "held_s": number(f"held, {unit}", format="%,.1f", help="From the first fill to the last."),
            "legs": column(
                "legs: units, prices in → out", width="large", help="Mean prices paid, half spread and impact included."
            ),
            "gross": number(
                format="%+,.2f", help="At the prices of the market, free of costs; open ones at last prices."
            ),
            "costs": number(format="%,.2f", help="Fees, half spreads, impact, funding."),
            "net": number(format="%+,.2f"),
            "net_bps": number("net, bps", format="%+.2f", help="Of the value of both legs at the entry."),
            "leg_gap_s": number(
                "leg gap, s",
                format="%.3f",
                help="Between the first fills of both legs: one leg was unhedged this long.",
            ),
            "reason": column("exit reason", help="What the last order of the trade was for."),
        },
    )
