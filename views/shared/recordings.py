"""Rows that are here already: the bundled recording, bundled daily prices, and the tape this app records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from alphastream.core.units import HOUR
from alphastream.errors import AlphaStreamError
from alphastream.tape.recordings import read_tape
from alphastream.uploads import Upload, read
from views.shared.escaping import in_markdown
from views.shared.metrics import plain
from views.shared.recorded import played_once
from views.shared.recorded_controls import recorded_history
from views.shared.system import get_settings, get_system

BUNDLED = "Bundled recording"
OWN = "This app's tape"
HISTORY = "Recorded history"
ETFS, SHARES = "Daily ETFs", "100 shares"
BUNDLES: Final = (ETFS, SHARES, BUNDLED)
"""What comes with the program, the same for everybody."""
SOURCES: Final = (*BUNDLES, OWN, HISTORY)
DATA: Final = Path(__file__).resolve().parents[2] / "data"


@dataclass(frozen=True, slots=True)
class DailyPrices:
    """A bundled table of daily closes.

    Parameters
    ----------
    file : its name in ``data``.
    about : what it holds and where it is from.
    legs : the pair that a page begins with, x before y.
    """

    file: str
    about: str
    legs: tuple[str, str]


DAILY: Final[Mapping[str, DailyPrices]] = {
    ETFS: DailyPrices(
        "etfs_daily_2008_2016.parquet",
        "daily closes of 23 exchange-traded funds, 2008 to 2016, from arbitragelab (BSD 3-Clause, see data/README.md)",
        ("SPY", "DIA"),
    ),
    SHARES: DailyPrices(
        "shares_daily_2017_2020.parquet",
        "daily closes of 100 shares of large companies of the United States, 2017 to 2020, from arbitragelab "
        "(BSD 3-Clause, see data/README.md); all have a price on every day, so companies that came or went are missing",
        ("AEP", "AEE"),
    ),
}
UPLOADED: Final = "Upload"
LAST: Final = "Last upload"
TAPE, FILES = "Recorded tape", "Files"
"""What a backtest runs over: what this app records, or one of the others."""


def load(source: str) -> Upload | None:
    """One of ``SOURCES`` as if it had been uploaded; None, and a sentence on the page, where there is nothing."""
    if source == BUNDLED or source in DAILY:
        try:
            return _bundled() if source == BUNDLED else _daily(source)
        except AlphaStreamError as error:
            st.error(in_markdown(error), icon=":material/error:", title=f"{source} cannot be read")
            return None
    if source == HISTORY:
        return recorded_history()
    upload = own_tape(st.slider("Newest hours", 1, 48, 1, key="hours", bind="query-params"))
    if upload is None:
        st.info("Nothing is recorded yet: open the live page first.", icon=":material/database:")
        return None
    for words in upload.notes[1:]:  # behind where it was read
        st.caption(words)
    return upload


def in_order(upload: Upload) -> list[str]:
    """Symbols as a page offers them: by name, of bundled prices the legs that it begins with first."""
    names: Iterable[str] = sorted(upload.symbols)
    first = next((each.legs for each in DAILY.values() if upload.files == (each.file,)), ())
    return [*first, *(name for name in names if name not in first)]


def example_file() -> bytes:
    """A file that somebody may try: daily closes of two funds, as a spreadsheet would write them."""
    table = pd.read_parquet(DATA / DAILY[ETFS].file, columns=["Date", *DAILY[ETFS].legs])
    return table.to_csv(index=False).encode()


@st.cache_resource(show_spinner="Reading daily prices")
def _daily(source: str) -> Upload:
    """The same object for everybody: nobody changes the rows of an upload."""
    daily = DAILY[source]
    upload = read(DATA / daily.file)
    return replace(upload, notes=(daily.about, *upload.notes))


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
    """The newest hours of the tape that pages show, each trade once; None while it holds fewer than two symbols."""
    pipeline = get_system().pipeline
    symbols = pipeline.store.symbols() if pipeline is not None else []
    if pipeline is None or len(symbols) < 2:
        return None
    now_ns = pipeline.now_ns()
    once = played_once(pipeline, now_ns - hours * HOUR, now_ns + HOUR)
    frames = {}
    for symbol in symbols:
        ticks = pipeline.store.columns(symbol, once.start_ns, once.end_ns)
        if len(ticks):
            frames[symbol] = _frame(ticks.id, ticks.time_ns, ticks.price, ticks.quantity)
    notes = (f"read from the tape: {plain(pipeline.title)}", *filter(None, [once.words]))
    return Upload((pipeline.title,), "ticks", frames, notes, None, pipeline.venue)


def _frame(ids: Any, time_ns: Any, price: Any, quantity: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"time_ns": time_ns, "price": price, "quantity": quantity, "id": ids})
    return frame.sort_values(["time_ns", "id"], kind="stable", ignore_index=True)
