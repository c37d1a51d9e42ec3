"""A pair that moves by itself and its hub: imported by the server and by the page alike, so there is one of it."""

import threading
import time

import streamlit as st

from runtime.channel.hub import Hub
from runtime.channel.topics import Frame
from tests.views.shared.test_charts import make_series
from views.component import Card, Tone, pair_frame

ROWS = 240
FIRST_ROW = 300
STEP_S = 0.2
STEPS_A_ROW = 5


class Market:
    """Moves a pair in a thread of its own: some prices, then a row that closes."""

    def __init__(self, hub: Hub, step_s: float) -> None:
        self.hub = hub
        self.steps = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(step_s,), name="market", daemon=True)
        self.thread.start()

    def _run(self, step_s: float) -> None:
        while not self.stopping.wait(step_s):
            self.steps += 1
            self.hub.notify()

    def frame(self) -> Frame:
        row = FIRST_ROW + self.steps // STEPS_A_ROW
        now_ms = round(time.time() * 1e3, 1)
        stamps = {"traded": now_ms - 20, "first": now_ms - 10, "received": now_ms - 5, "computed": now_ms}
        return pair_frame(make_series(row, price=self.steps % 7).last(ROWS), _cards(row), stamps=stamps)


def _cards(row: int) -> list[Card]:
    z = 2.5 - row % 5
    tone: Tone = "long" if z < 0 else "short"
    return [
        Card(id="row", label="Row", value=f"{row:,}", sub="shown", tone="neutral", title="newest row", group=""),
        Card(id="z", label="z-score", value=f"{z:+.2f}", sub="<b>±2</b>", tone=tone, title="", group=""),
    ]


@st.cache_resource
def live() -> tuple[Hub, Market]:
    """The hub and its market: one for the process."""
    hub = Hub()
    hub.start()
    return hub, Market(hub, STEP_S)
