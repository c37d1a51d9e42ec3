"""The line above every page: how the feed is, and the paper runs that are trading. It comes over the live channel."""

import math
import threading
import time
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st

from alphastream.instruments import in_words
from pipelines import Pipeline
from runtime.channel.topics import Frame
from runtime.paper.service import PaperView
from system import System
from views.component import Card, Tone, status_strip, way_of, whole_page_runs
from views.shared.cards import SILENT_S, make_card, of_moment
from views.shared.metrics import UNKNOWN, plain
from views.shared.notices import CARRIES_TRADES
from views.shared.system import get_system, shown_venue

KEY: Final = "status_bar"
PACE_S: Final = 1.0  # where the page carries it
RENEW_S: Final = 60.0  # only a page with a timer asks again by itself after the server was gone
LOOK_S: Final = 0.5  # it is looked at so often however fast trades arrive
_OPENED: Final = "_run_to_open"


def status_bar() -> None:
    """Show it. Called once, above every page."""
    whole_page_runs()
    system = get_system()
    by_page = system.settings.channel == "off" or way_of(KEY) == "page"
    st.fragment(_strip, run_every=PACE_S if by_page else RENEW_S, key="status_bar_panel")(system)


def _strip(system: System) -> None:
    topic = system.hub.topic("status bar", _frames_of(system).frame)
    ticket = system.hub.ticket() if system.settings.channel == "auto" else None
    status_strip(topic, ticket=ticket, key=KEY, opened=_opened)
    if st.session_state.pop(_OPENED, False):
        st.switch_page(
            "views/paper/page.py", query_params={}
        )  # None would clear what is bound to this page, and is refused


def _opened(run: str) -> None:
    """A run was clicked: its page begins with it. The address names it as that page's list of runs does."""
    st.session_state[_OPENED] = True
    st.session_state["paper_run"] = run
    st.session_state["paper_tab"] = "Runs"


class StatusFrames:
    """What the line says, looked at twice a second at most, once for everybody."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._looked_s = -math.inf
        self._frame: Frame | None = None

    def frame(self) -> Frame:
        """As it was at the newest look. Called by the hub's thread."""
        with self._lock:
            now_s = time.monotonic()
            if self._frame is None or now_s - self._looked_s >= LOOK_S:
                self._looked_s, self._frame = now_s, status_frame(self._system, now_s)
            return self._frame


_FRAMES: Final[WeakKeyDictionary[System, StatusFrames]] = WeakKeyDictionary()


def _frames_of(system: System) -> StatusFrames:
    return _FRAMES.setdefault(system, StatusFrames(system))


def status_frame(system: System, beat_s: float = 0.0) -> Frame:
    """The feed, then the runs that were not stopped, the newest first.

    Parameters
    ----------
    beat_s : another second is told also where nothing is other than before: a sign of life.
    """
    pipeline = system.pipeline
    venue = shown_venue(system)
    runs = [_run_card(view, venue) for view in system.paper.runs() if view.status != "stopped"]
    return Frame(
        look=KEY,
        columns={"time": np.empty(0, np.int64)},
        template=lambda: {"layout": {"meta": {"decimals": {}}}, "data": []},
        cards=[{**card} for card in (_feed_card(system, pipeline), *runs)],  # type: ignore[dict-item]
        status=f"{beat_s:.0f}",
        clock=None if pipeline is None else clock_of(pipeline, system.settings.replay_speed),
    )


def clock_of(pipeline: Pipeline, replay_speed: float) -> tuple[float, float]:
    """The time that a pipeline's trades live in, ms UTC, and its pace; that of a replay without a pace stands still."""
    pace = 1.0 if pipeline.kind == "live" else replay_speed
    return pipeline.now_ns() / 1e6, pace if math.isfinite(pace) else 0.0


def _feed_card(system: System, pipeline: Pipeline | None) -> Card:
    if pipeline is None:
        return _with_moment(
            make_card("feed", system.failure or "No feed is configured.", "No feed", tone="warn"), 0, ""
        )
    health = pipeline.health
    carries = health.state in CARRIES_TRADES
    recorded = pipeline.kind == "replay"
    value = f"Feed {health.state}" if not recorded else "Recorded trades, not live"
    tone: Tone = "ok" if carries and not recorded else "warn"
    title = in_words(health.reason, pipeline.venue)
    card = make_card("feed", plain(pipeline.title), value, tone=tone, title=title)
    return _with_moment(card, health.last_message_ns, "silent" if carries or not health.last_message_ns else "cut")


def _with_moment(card: Card, time_ns: int, late: str) -> Card:
    return {**card, **of_moment(time_ns, SILENT_S, late)}


def _run_card(view: PaperView, venue: str) -> Card:
    """A run: its name, what it holds, and its profit after all costs so far."""
    profit = view.equity - view.definition.capital
    held = side_of(view)
    value = f"{profit:+,.2f}" if math.isfinite(profit) else UNKNOWN
    tone: Tone = "long" if held == "long" else "short" if held == "short" else "flat"
    kind = "live trades" if view.trades == "live" else "recorded trades"
    title = f"Paper run on {kind}, {view.status}: equity less capital, after all costs so far. Opens the run."
    return make_card(f"run-{view.id}", in_words(view.definition.strategy.name, venue), value, held, tone, title)


def side_of(view: PaperView) -> str:
    """What a run holds, in a word."""
    held = [units for units in view.positions if units]
    if not held:
        return "flat"
    if len(view.positions) > 2:
        return f"{len(held)} of {len(view.positions)} held"
    return "one leg" if not view.positions[0] else "long" if view.positions[0] > 0 else "short"
