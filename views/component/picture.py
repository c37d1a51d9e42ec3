"""A chart of the page as a file, PNG or SVG: drawn in the browser, as it is zoomed there, in a size and in colours."""

from pathlib import Path
from typing import Final

import streamlit as st

from alphastream.reports.palette import ON_DARK
from views.component.assets import assets

_COLOURS: Final = {"background": "backgroundColor", "text": "textColor", "grid": "borderColor"}


def _loader() -> str:
    source = Path(__file__).with_name("loader.js").read_text(encoding="utf-8")
    names = assets()
    module = names.module.replace("live_figure.js", "picture.js")
    return source.replace("{{module}}", module).replace("{{plotly}}", names.plotly)


_COMPONENT: Final = st.components.v2.component(
    "alphastream_picture",
    js=_loader(),
    css=Path(__file__).with_name("picture.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def picture_buttons(chart: str, name: str, *, width: int, height: int, theme: str, key: str) -> None:
    """Two buttons that hand out a chart of the page.

    Parameters
    ----------
    chart : CSS selector of the chart.
    name : of the file, without its ending.
    width, height : pixels.
    theme : "light", "dark", or "" for the one of the page.
    key : names the place on the page.
    """
    looks = {
        mode: {part: st.get_option(f"theme.{mode}.{option}") for part, option in _COLOURS.items()}
        for mode in ("light", "dark")
    }
    size = {"width": width, "height": height}
    _COMPONENT(key=key, data={"chart": chart, "name": name, "theme": theme, "looks": looks, "colours": ON_DARK, **size})
