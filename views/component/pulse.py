"""Ages that count on in the browser, and a sign when the server has not been heard for two seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import streamlit as st

from alphastream.core.units import MS
from views.shared.clock_controls import moment_words

_HERE: Final = Path(__file__).resolve().parent
_COMPONENT: Final = st.components.v2.component(
    "alphastream_pulse",
    js=(_HERE / "pulse.js").read_text(encoding="utf-8"),
    css=(_HERE / "pulse.css").read_text(encoding="utf-8"),
)


def pulse(now_ns: int, moments: Mapping[str, int | None], *, pace: float = 1.0, key: str) -> None:
    """Show how old things are. Call it from a fragment that runs every second: each run is a sign of life.

    Parameters
    ----------
    now_ns : the time that the moments live in, UTC ns.
    moments : by name, UTC ns; None for what has not happened.
    pace : how fast that time runs, against the browser's.
    key : names the place on the page.
    """
    ages = [{"name": name, "ms": None if at is None else (now_ns - at) / MS} for name, at in moments.items()]
    at = moment_words(now_ns, "%H:%M:%S")
    _COMPONENT(key=key, data={"at": at, "ages": ages, "pace": pace})
