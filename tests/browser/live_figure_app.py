"""A small Streamlit app that feeds the live figure with a moving pair. The tests run a copy of it."""

from pathlib import Path

import streamlit as st

from tests.views.test_charts import make_series
from views.live_figure import Card, FigureFeed, live_figure, publish_assets

ROWS = 240
LOST = 40  # messages, more than a delta reaches back

publish_assets(Path(__file__).parent / "static")
st.set_page_config(layout="wide")


def _cards(row: int) -> list[Card]:
    z = 2.5 - row % 5
    return [
        Card(id="row", label="Row", value=f"{row:,}", sub="of the tape", tone="neutral", title="newest row"),
        Card(id="z", label="z-score", value=f"{z:+.2f}", sub="<b>±2</b>", tone="long" if z < 0 else "short", title=""),
    ]


def _figure() -> None:
    state = st.session_state
    feed = state.setdefault("feed", FigureFeed())
    if state.pop("lose", False):
        for _ in range(LOST):
            state.row = state.get("row", ROWS) + 1
            feed.message(make_series(state.row).last(ROWS))
    state.row = state.get("row", ROWS) + (0 if state.get("pause") else 1)
    message = feed.message(make_series(state.row, price=state.row).last(ROWS), _cards(state.row))
    live_figure(message, feed=feed, key="pair")


def _lose() -> None:
    st.session_state.lose = True


def page() -> None:
    """Controls outside the fragment, as on a real page."""
    st.button("Lose messages", on_click=_lose)
    st.toggle("Pause", key="pause")
    st.fragment(_figure, run_every=float(st.query_params.get("every", "0.2")))()


st.navigation([st.Page(page, title="First", default=True), st.Page(page, title="Second", url_path="second")]).run()
