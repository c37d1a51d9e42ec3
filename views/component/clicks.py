"""Clicks on the cells of a heat map that ``st.plotly_chart`` drew, which itself reports clicks on points alone."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

_COMPONENT: Final = st.components.v2.component(
    "alphastream_clicks", js=Path(__file__).with_name("clicks.js").read_text(encoding="utf-8"), isolate_styles=False
)


def report_clicks(place: str, marked: tuple[str, str] | None, *, key: str) -> None:
    """Let clicks on a heat map run the page, which then asks ``clicked_cell``.

    Parameters
    ----------
    place : key of the container that the chart stands in.
    marked : labels x and y of a cell to draw a frame around.
    key : of this component.
    """
    _COMPONENT(key=key, data={"place": place, "marked": marked}, on_cell_change=_nothing)


def clicked_cell(key: str) -> tuple[str, str] | None:
    """Labels x and y of the cell whose click started this run; None where none did."""
    state: Any = st.session_state.get(key) or {}
    cell = state.get("cell")
    return (str(cell[0]), str(cell[1])) if cell is not None and len(cell) == 2 else None


def _nothing() -> None:
    """A click runs the page; that is all it is for."""
