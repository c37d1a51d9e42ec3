"""A Plotly figure in the browser that is updated, never replaced.

``st.plotly_chart`` makes a new DOM node for each new figure, so zoom, hover and legend are lost. This keyed component
stays: it draws the figure of ``views.charts`` once and applies numbered messages to it (``feed.py`` describes them).
The messages say nothing about who carries them: today a fragment of the page does, a WebSocket can.

A page uses it like this, within a fragment::

    feed = st.session_state.setdefault("pair_feed", FigureFeed())
    live_figure(feed.message(series, cards), feed=feed, key="pair")

and the application calls ``publish_assets`` once at start-up.
"""

from pathlib import Path
from typing import Final

import streamlit as st

from views.live_figure.assets import Assets, assets, publish_assets
from views.live_figure.feed import Card, FigureFeed, Tone

__all__ = ["Assets", "Card", "FigureFeed", "Tone", "live_figure", "publish_assets"]


def _loader() -> str:
    """The few lines that Streamlit sends along with every message; everything else is fetched once."""
    source = Path(__file__).with_name("loader.js").read_text(encoding="utf-8")
    names = assets()
    return source.replace("{{module}}", names.module).replace("{{plotly}}", names.plotly)


# Plotly puts its style sheet into the page's head, which a shadow root would not see.
_COMPONENT: Final = st.components.v2.component("alphastream_live_figure", js=_loader(), isolate_styles=False)


def live_figure(message: bytes, *, feed: FigureFeed, key: str) -> None:
    """Mount the component and hand it a message.

    The browser reports by itself which figure it holds and asks again when messages were lost. A report runs the
    surrounding fragment, so call this within one.

    Parameters
    ----------
    message : from ``feed.message``.
    feed : is told what the browser holds.
    key : names the place on the page. As long as it stays, so does the chart's DOM node.
    """

    def note() -> None:  # runs before the next message is made
        feed.acknowledge(st.session_state[key].get("have"))

    shown = _COMPONENT(key=key, data=message, on_have_change=note)
    feed.acknowledge(shown.get("have"))  # also where nothing changed, as after a visit to another page
