"""A chart as a picture: the controls of its size and colours, and the buttons that save it."""

from typing import Any, Final

import streamlit as st

from views.component.picture import picture_buttons
from views.shared.escaping import in_file_name

THEMES: Final = {"As shown": "", "Light": "light", "Dark": "dark"}
WIDTH, HEIGHT = 1_600, 1_000
SMALLEST, LARGEST = 200, 8_000


def picture_controls(chart: str, name: str, key: str = "picture") -> None:
    """Ask for the size and the colours of a picture, and offer it.

    Parameters
    ----------
    chart : CSS selector of the chart.
    name : of the file, without its ending.
    key : of the controls, and of what the address calls them.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom")

    def pixels(side: str, begin: int) -> int:
        at = f"{key}_{side.lower()}"
        return int(
            row.number_input(f"{side}, px", SMALLEST, LARGEST, begin, 100, key=at, bind="query-params", width=120)
        )

    width, height = pixels("Width", WIDTH), pixels("Height", HEIGHT)
    theme = row.selectbox("Colours", list(THEMES), key=f"{key}_theme", bind="query-params", width=120)
    picture_buttons(
        chart, in_file_name(name), width=width, height=height, theme=THEMES[str(theme)], key=f"{key}_buttons"
    )


def offer_picture(chart_key: str, name: str, place: Any = st) -> None:
    """A button below a chart that opens its picture's controls.

    Parameters
    ----------
    chart_key : of the chart.
    """
    with place.popover("Save chart", icon=":material/image:", key=f"{chart_key}_save"):
        picture_controls(f".st-key-{chart_key} .js-plotly-plot", name, key=f"{chart_key}_picture")
