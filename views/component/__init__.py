"""A Plotly figure in the browser that is updated, never replaced.

``st.plotly_chart`` makes a new DOM node for each new figure, so zoom, hover and legend are lost. This keyed component
stays: it draws the figure of ``views.shared.charts`` once and applies numbered messages to it
(``runtime/channel/topics.py`` describes them). They come over a live channel of their own (``hub.py`` beside it). Where
that does not open, the page carries them: the component reports which way it is on, and the page sets the pace of its
fragment by that.

A page uses it like this, within a fragment::

    topic = hub.topic(key, lambda: pair_frame(series, cards))
    live_figure(topic, ticket=hub.ticket(), key="pair")

and the application calls ``publish_assets`` once at start-up.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import orjson
import streamlit as st

from runtime.channel.tables import TableTopic
from runtime.channel.topics import Topic
from views.component.assets import Assets, assets, publish_assets
from views.component.frames import Card, Group, Tone, pair_frame

__all__ = [
    "Assets",
    "Card",
    "Group",
    "Tone",
    "Way",
    "live_figure",
    "pair_frame",
    "publish_assets",
    "status_strip",
    "way_of",
]

Way = Literal["channel", "page"]
"""Who carries the messages."""


def loader(module: str) -> str:
    """The few lines that Streamlit sends along with every message; everything else is fetched once."""
    source = Path(__file__).with_name("loader.js").read_text(encoding="utf-8")
    return source.replace("{{module}}", module).replace("{{plotly}}", assets().plotly)


# Plotly puts its style sheet into the page's head, which a shadow root would not see.
_COMPONENT: Final = st.components.v2.component(
    "alphastream_live_figure", js=loader(assets().module), isolate_styles=False
)
_STRIP: Final = st.components.v2.component("alphastream_status_strip", js=loader(assets().strip), isolate_styles=False)


def way_of(key: str) -> Way:
    """Which way the component of a key said it is on; the channel until it says otherwise."""
    return "page" if _state(key).get("way") == "page" else "channel"


def live_figure(topic: Topic, *, ticket: str | None, key: str) -> None:
    """Mount the component and hand it what it lacks.

    The browser reports by itself which figure it holds, on which way it is, and the status it was told last, each
    only when it changes. A report runs the surrounding fragment, so call this within one; a change of way runs the
    whole page, so that the page can give its fragment another pace.

    Parameters
    ----------
    ticket : opens the channel; None where it is switched off.
    key : names the place on the page. As long as it stays, so does the chart's DOM node.
    """

    _COMPONENT(
        key=key,
        data=orjson.dumps(handed_over(topic, ticket, key)),
        on_have_change=nothing,
        on_status_change=nothing,
        on_way_change=changed_way,
    )
    if st.session_state.pop("_way_changed", False):
        st.rerun()


def status_strip(topic: Topic, *, ticket: str | None, key: str, opened: Callable[[str], None]) -> None:
    """The line above every page; mounted as ``live_figure`` is, and fed by the same channel.

    Parameters
    ----------
    topic : of its cards "feed" says how the feed is: ``late`` is "cut" while no trades arrive. The others are paper
        runs: ``label``, ``sub`` (what is held) and ``value`` (the profit).
    opened : called before the next run with the id of the run that was clicked.
    """

    def clicked() -> None:
        opened(str(_state(key).get("open", "")).partition(" ")[0])

    _STRIP(
        key=key,
        data=orjson.dumps(handed_over(topic, ticket, key)),
        on_have_change=nothing,
        on_open_change=clicked,
        on_way_change=changed_way,
    )
    if st.session_state.pop("_way_changed", False):
        st.rerun()


def handed_over(topic: Topic | TableTopic, ticket: str | None, key: str) -> dict[str, Any]:
    """What a component lacks: nothing where the channel brings it."""
    held = _state(key).get("have")
    on_channel = ticket is not None and way_of(key) == "channel" and held == topic.figure
    message = b"null" if on_channel else topic.window(held)
    return {"topic": topic.name, "ticket": ticket, "message": orjson.Fragment(message)}


def whole_page_runs() -> None:
    """Tell, at the beginning of a run of the whole page, that it reads the ways as they are now.

    A change asks a fragment for a run of the whole page. Where that is what happens anyway, another one would begin
    before the page is reached, and the click that this one is for would be lost.
    """
    st.session_state.pop("_way_changed", None)


def changed_way() -> None:
    """Note that the page is to run again: its fragment needs another pace."""
    st.session_state["_way_changed"] = True


def nothing() -> None:
    """A report runs the fragment; that is all it is for."""


def _state(key: str) -> dict[str, Any]:
    return dict(st.session_state.get(key) or {})
