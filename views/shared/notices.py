"""What a page says of its feed: why nothing can be shown, what is shown instead, and when trades do not arrive."""

from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from alphastream.instruments import in_words
from pipelines import Pipeline
from views.shared.escaping import in_markdown
from views.shared.metrics import plain

CARRIES_TRADES: Final = ("live", "backfilling")
"""States of a feed in which trades arrive."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above what a page shows."""

    kind: Literal["error", "info", "warning", "note"]
    title: str
    text: str
    icon: str

    def show(self) -> None:
        """Put it on the page; a note in one small line."""
        if self.kind == "note":
            st.caption(f":material/{self.icon}: {in_markdown(self.title)}: {in_markdown(self.text)}")
            return
        element = {"error": st.error, "info": st.info, "warning": st.warning}[self.kind]
        element(in_markdown(self.text), icon=f":material/{self.icon}:", title=in_markdown(self.title))


def no_feed(failure: str | None, title: str = "Nothing can be shown") -> Notice:
    """There is no pipeline, because of ``failure``."""
    return Notice("error", title, failure or "No feed is configured.", "error")


def origin(pipeline: Pipeline) -> str:
    """Where the trades come from, in a few words."""
    moved = ", played again with its times moved to now" if pipeline.kind == "replay" else ""
    return f"{plain(pipeline.title)}{moved}"


def engine_notices(pipeline: Pipeline, what: str) -> list[Notice]:
    """Whether the engine has stopped.

    Parameters
    ----------
    what : may be old then, for example ``prices``.
    """
    if pipeline.engine.failure is None:
        return []
    title = f"The engine stopped computing; {what} may be old"
    return [Notice("error", title, in_words(pipeline.engine.failure, pipeline.venue), "error")]


def feed_notices(pipeline: Pipeline, before: str = "", after: str = "") -> list[Notice]:
    """That trades are recorded ones, or that none arrive; nothing while live trades do.

    The line above every page says that trades are recorded: here it is a note, with what that line has no room for.

    Parameters
    ----------
    before, after : what a page says of recorded trades around where they come from.
    """
    if pipeline.kind == "replay":
        return [Notice("note", "Recorded trades, not live ones", f"{before}{origin(pipeline)}.{after}", "replay")]
    found = [
        Notice("warning", f"{venue} is left out", f"It could not be opened: {why}", "wifi_off")
        for venue, why in pipeline.absent.copy().items()
    ]
    health = pipeline.health
    if health.state not in CARRIES_TRADES:
        found.append(Notice("warning", f"Feed: {health.state}", in_words(health.reason, pipeline.venue), "wifi_off"))
    return found


def venue_notices(pipeline: Pipeline, tried: str) -> list[Notice]:
    """Which venue was chosen, and why it was not one before it.

    Parameters
    ----------
    tried : what came of those before it; "" where it is the first.
    """
    if not tried or pipeline.kind == "replay":
        return []
    own = "ALPHASTREAM_VENUE takes another one."
    return [Notice("info", f"Trades of {plain(pipeline.title)}", f"{tried.rstrip('.')}. {own}", "travel_explore")]
