"""The start page: what a spread is, in three pictures of the recording, and three ways to begin."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import streamlit as st

from alphastream.core.units import SECOND
from alphastream.pairs import PairSpec, analyse
from alphastream.reports.metrics import utc
from alphastream.uploads import Upload
from alphastream.uploads.series import pair_rows
from system import System
from views.shared.compiling import PAIR_MODELS, kernels_ready
from views.shared.elements import is_dark
from views.shared.glossary import linked
from views.shared.heads import HEADS
from views.shared.instruments import labels
from views.shared.page_head import page_head
from views.shared.recordings import BUNDLED, ETFS, SHARES, UPLOADED, load
from views.shared.system import get_system
from views.start.charts import price_picture, spread_picture, zscore_picture

WINDOW, ENTRY = 60, 2.0
"""Of the pictures: bars of a second."""
PLAIN: Final = {"displayModeBar": False, "scrollZoom": False}
WORDS: Final = (
    (
        "Two prices that move together",
        "Some minutes of {y} and {x}, as they were traded. Each wanders and nobody knows where to; most of the time "
        "both go the same way.",
    ),
    (
        "Their spread",
        "{y} less as much of {x} as moves like it (the hedge ratio). What both do together is gone, and what is left "
        "keeps coming back to its mean, as long as the two belong together.",
    ),
    (
        "When is it far away?",
        "The z-score measures that distance in standard deviations. Beyond an entry of 2 the signal is to buy the "
        "cheap leg and sell the dear one, until it is back. Whether that pays after costs, and whether it was more "
        "than luck, is what the pages are for.",
    ),
)
PAGES: Final = {
    "Live pair": "live",
    "Watchlist": "watchlist",
    "Microstructure": "microstructure",
    "Scanner": "scanner",
    "Portfolio": "portfolio",
    "Backtest": "backtest",
    "Runs": "saved_runs",
    "Paper": "paper",
    "Arbitrage": "arbitrage",
    "Risk": "risk",
    "Alerts": "alerts",
    "History": "history",
    "Health": "health",
    "Glossary": "glossary",
}


def page() -> None:
    """Ways to begin, what a spread is, where everything is."""
    page_head("Start")
    upload = load(BUNDLED)
    _ways(get_system(), upload)
    _pictures(upload)
    with st.expander("All pages, and what each answers", icon=":material/map:"):
        for name, folder in PAGES.items():
            row = st.container(horizontal=True, vertical_alignment="center", gap="small")
            row.page_link(f"views/{folder}/page.py", label=f"**{name}**")
            row.caption(HEADS[name].sentence, width="content")


def _ways(system: System, upload: Upload | None) -> None:
    """Three buttons, each of which leads to a result."""
    row = st.container(horizontal=True, gap="small", key="start_ways")
    pipeline = system.pipeline
    if pipeline is not None and pipeline.kind == "replay":
        _way(row, "See a pair now", "live", {}, "The recording, played again as it was traded.", "monitoring")
    elif upload is None:
        _way(row, "See a pair now", "history", {"source": ETFS}, "Two funds, a price a day.", "monitoring")
    else:
        legs = labels(_legs(upload.symbols), upload.venue)
        pair = {"source": BUNDLED, **dict(zip("yx", legs.values(), strict=False)), "interval": "1s", "window": WINDOW}
        _way(row, "See a pair now", "history", pair, "The recording with everything that was computed.", "monitoring")
    file = {"source": UPLOADED}
    _way(row, "Try a file of yours", "history", file, "Trades or bars; an example file is there.", "upload_file")
    shares = {"source": SHARES, "look_for": "Pairs"}
    _way(row, "Find pairs in 100 shares", "scanner", shares, "4,950 pairs, and how many are luck.", "grid_on")


def _way(row: Any, words: str, folder: str, controls: Mapping[str, Any], about: str, icon: str) -> None:
    """A button that opens a page with these controls, and below it what comes.

    The controls go through the session as well: an address alone does not set a control back.
    """
    place = row.container(gap="xsmall")
    pressed = place.button(
        words,
        type="primary",
        icon=f":material/{icon}:",
        width="stretch",
        key=f"start_{words.split()[0].lower()}",
        on_click=_begin,
        args=(controls,),
    )
    place.caption(about)
    if pressed:
        query = {key: str(value) for key, value in controls.items()}
        st.switch_page(f"views/{folder}/page.py", query_params=query)


def _begin(controls: Mapping[str, Any]) -> None:
    """Set controls of the page that comes, which has to find its result anew."""
    st.session_state.update(controls)
    st.session_state.pop("scan_result", None)


def _pictures(upload: Upload | None) -> None:
    """Three pictures with few words, once the model of the third is there."""
    if upload is None or not kernels_ready(*PAIR_MODELS):
        return
    y, x = _legs(upload.symbols)
    columns = _columns(str(upload.files[0]), y, x)
    shown = labels((y, x), upload.venue)
    dark = is_dark()
    figures = (
        price_picture(columns, (shown[y], shown[x]), dark=dark),
        spread_picture(columns, dark=dark),
        zscore_picture(columns, ENTRY, dark=dark),
    )
    places = st.container(key="start_pictures").columns(3, gap="medium")
    for number, (column, figure, (title, words)) in enumerate(zip(places, figures, WORDS, strict=True)):
        column.header(f"{number + 1}. {title}", anchor=False)
        column.plotly_chart(figure, key=f"start_picture_{number}", config=PLAIN)
        column.markdown(linked(words.format(y=shown[y], x=shown[x])))
    st.caption(
        f"Real trades of {utc(int(columns['time_ns'][0])):%Y-%m-%d} in bars of a second, least squares over the last "
        f"{WINDOW}, shown once that window is full. A distance of two deviations comes by chance as well."
    )


def _legs(symbols: tuple[str, ...]) -> tuple[str, str]:
    """The pair of the recording: its last symbol by name against the first."""
    names = sorted(symbols)
    return names[-1], names[0]


@st.cache_data(show_spinner="Drawing the recording")
def _columns(_file: str, y: str, x: str) -> dict[str, Any]:
    """Closed bars of the recording from the first z-score on; the file's name tells recordings apart."""
    upload = load(BUNDLED)
    assert upload is not None
    spec = PairSpec(y, x, SECOND, window=WINDOW, entry=ENTRY, exit=0.5)
    closed = analyse(pair_rows(upload, y, x, SECOND), spec).closed
    names = ("time_ns", "y", "x", "spread", "spread_mean", "zscore", "position")
    first = int(np.argmax(np.isfinite(closed["zscore"])))
    return {name: np.asarray(closed[name])[first:] for name in names}


page()
