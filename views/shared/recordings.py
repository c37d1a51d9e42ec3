"""Trades that are here already: the bundled recording and the tape this app records."""

from typing import Any

import pandas as pd
import streamlit as st

from alphastream.core.units import HOUR
from alphastream.tape.recordings import read_tape
from alphastream.uploads import Upload
from views.shared.metrics import plain
from views.shared.recorded_controls import recorded_history
from views.shared.system import get_settings, get_system

BUNDLED = "Bundled recording"
OWN = "This app's tape"
HISTORY = "Recorded history"
SOURCES = (BUNDLED, OWN, HISTORY)


def load(source: str) -> Upload | None:
    """One of ``SOURCES`` as if it had been uploaded; None, and a sentence on the page, where there is nothing."""
    if source == BUNDLED:
        return _bundled()
    if source == HISTORY:
        return recorded_history()
    upload = own_tape(st.slider("Newest hours", 1, 48, 1, key="hours", bind="query-params"))
    if upload is None:
        st.info("Nothing is recorded yet: open the live page first.", icon=":material/database:")
    return upload


def _bundled() -> Upload:
    path = get_settings().replay_tape
    frames, description, venue = _tape_frames(str(path))
    return Upload((path.name,), "ticks", frames, (description,), None, venue)


@st.cache_data(show_spinner="Reading the recording", max_entries=2)
def _tape_frames(path: str) -> tuple[dict[str, pd.DataFrame], str, str]:
    tape = read_tape(path)
    frames = {}
    for index, name in enumerate(tape.instruments):
        own = tape.symbol_index == index
        frames[str(name)] = _frame(tape.id[own], tape.time_ns[own], tape.price[own], tape.quantity[own])
    return frames, tape.describe(), tape.venue


def own_tape(hours: int) -> Upload | None:
    """The newest hours of the tape that pages show; None while it holds fewer than two symbols."""
    pipeline = get_system().pipeline
    symbols = pipeline.store.symbols() if pipeline is not None else []
    if pipeline is None or len(symbols) < 2:
        return None
    now_ns = pipeline.now_ns()
    frames = {}
    for symbol in symbols:
        ticks = pipeline.store.columns(symbol, now_ns - hours * HOUR, now_ns + HOUR)
        if len(ticks):
            frames[symbol] = _frame(ticks.id, ticks.time_ns, ticks.price, ticks.quantity)
    return Upload(
        (pipeline.title,), "ticks", frames, (f"read from the tape: {plain(pipeline.title)}",), None, pipeline.venue
    )


def _frame(ids: Any, time_ns: Any, price: Any, quantity: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"time_ns": time_ns, "price": price, "quantity": quantity, "id": ids})
    return frame.sort_values(["time_ns", "id"], kind="stable", ignore_index=True)
