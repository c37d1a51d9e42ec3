"""Panels under each other on one time axis: where each stands, its heading, the background. No Streamlit."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TRANSPARENT: Final = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
"""A figure stands on the page's own background."""

MAX_LINES: Final = 12
"""Most symbols that have a line in a panel."""


def total_height(heights: Sequence[int], gap: int) -> int:
    """Pixels of all panels and the gaps between them."""
    return sum(heights) + gap * (len(heights) - 1)


def domains(heights: Sequence[int], gap: int) -> list[tuple[float, float]]:
    """Bottom and top of each panel from the topmost on, as shares of the whole."""
    whole = total_height(heights, gap)
    edge, places = float(whole), []
    for height in heights:
        places.append((max(0.0, (edge - height) / whole), edge / whole))
        edge -= height + gap
    return places


def numbered(name: str, place: int) -> str:
    """Plotly's name of the axis or legend at a place from 0 on: ``yaxis``, ``yaxis2``, …"""
    return name if place == 0 else f"{name}{place + 1}"


def headings(tops: Iterable[float], colour: str | None = None) -> dict[str, dict[str, Any]]:
    """A legend over each panel, which is its heading and so stays readable on a narrow screen."""
    font: dict[str, Any] = {"size": 12} if colour is None else {"size": 12, "color": colour}
    return {
        numbered("legend", place): {
            "orientation": "h",
            "x": 0,
            "y": top,
            "yanchor": "bottom",
            "font": font,
            "bgcolor": "rgba(0,0,0,0)",
            "itemwidth": 30,
        }
        for place, top in enumerate(tops)
    }


def drawn_times(time_ns: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """UTC nanoseconds as Plotly takes times: datetime64 in milliseconds."""
    return time_ns.astype("datetime64[ns]").astype("datetime64[ms]")


def shaded(first_ns: int, last_ns: int, fill: str, words: str, size: int) -> dict[str, Any]:
    """A stretch of time behind all panels of a figure, with words at its top.

    Parameters
    ----------
    fill : colour of the stretch.
    size : of the words, pixels.
    """
    first, last = drawn_times(np.array([first_ns, last_ns], dtype=np.int64))
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": str(first),
        "x1": str(last),
        "y0": 0,
        "y1": 1,
        "fillcolor": fill,
        "line": {"width": 0},
        "layer": "below",
        "label": {"text": words, "textposition": "top center", "font": {"size": size}},
    }


def largest(sizes: NDArray[np.float64]) -> list[int]:
    """Columns of the ``MAX_LINES`` symbols with the largest positions on average, in their order.

    Parameters
    ----------
    sizes : (T, N), position of each symbol at each time; NaN counts as none.
    """
    average = np.nan_to_num(np.abs(sizes)).sum(axis=0)
    return sorted(int(column) for column in np.argsort(-average, kind="stable")[:MAX_LINES])
