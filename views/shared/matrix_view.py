"""A chart that may be larger than the page: it scrolls inside its place, so that every symbol can be read."""

from typing import Final

import plotly.graph_objects as go
import streamlit as st

from views.shared.elements import PLOT

BOX_PX: Final = 640
BORDER_PX: Final = 50  # with the bar that scrolls


def wide_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a chart as large as its layout says; one without a width is as wide as the page.

    Parameters
    ----------
    key : of the place, which is a class for style sheets, and of the chart with ``_plot`` behind it, or with ``_wide``
        where it may be wider than the page.
    alt : what it shows, in a few words.
    """
    height, width = int(figure.layout.height), figure.layout.width
    scrolls = height > BOX_PX or width is not None
    box = st.container(key=key, height=min(height + BORDER_PX, BOX_PX) if scrolls else "content")
    box.plotly_chart(
        figure,
        key=f"{key}_plot" if width is None else f"{key}_wide",
        config=PLOT,
        alt=alt,
        width="stretch" if width is None else int(width),
    )
