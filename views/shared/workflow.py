"""The row of buttons that takes what one looks at to another page: the same pair, bars, model, thresholds, costs and
rows there, or why that page cannot show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from alphastream.errors import ParameterError
from alphastream.graph import interval_name
from alphastream.instruments import split
from pipelines import Pipeline
from views.shared.controls import INTERVALS_S, OWN_DEFAULTS, sentence
from views.shared.escaping import in_markdown
from views.shared.fill_cost import FILL_COST, fill_both, require_cost
from views.shared.instruments import label, labels
from views.shared.links import not_bound
from views.shared.pair_view import END, SOURCE, START, PairView, moment_of
from views.shared.recordings import FILES, HISTORY, LAST, OWN, TAPE, UPLOADED
from views.shared.rights import why_not
from views.shared.strategy_controls import ZSCORE
from views.shared.system import get_system
from views.shared.watching import watched

Place = Literal["live", "history", "scanner", "backtest", "paper", "alerts", "watchlist"]
WATCHED: Final = "watched_view"  # in the session: what the alerts page begins a rule with
GOING: Final = "going"  # in the session: page and address of a button that was pressed
START_RUN: Final = "Start a run"
SECOND: Final = 10**9


@dataclass(frozen=True, slots=True)
class _Target:
    """A page that a view goes to."""

    page: Place
    words: str
    icon: str
    help: str


TARGETS: Final = (
    _Target("live", "Open live", "monitoring", "This pair while it trades, on the feed of this app."),
    _Target("history", "Open history", "history", "This pair over these rows, with its tests and files to take away."),
    _Target(
        "backtest", "Backtest this", "replay_circle_filled", "What trading this pair would have come to, after costs."
    ),
    _Target("paper", "Paper this", "receipt_long", "Trade this pair on paper, on the trades that arrive from now on."),
    _Target("watchlist", "Watch this", "list_alt", "Put this pair on the watchlist, beside those that are there."),
    _Target("alerts", "Alert on this", "notifications", "A rule on this pair, watched also with no browser open."),
)


def workflow(view: PairView, *, here: Place, key: str = "flow") -> None:
    """Offer the other pages for a view.

    Parameters
    ----------
    here : the page that it stands on; it is not offered.
    key : what the keys of the buttons begin with; another one where a page has several rows.
    """
    go_on()  # in a fragment a press runs no more than that
    pipeline, failure = get_system().pipeline, get_system().failure
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_row")
    for target in TARGETS:
        if target.page == here:
            continue
        why = cannot(view, target.page, pipeline, failure)
        row.button(
            target.words,
            icon=f":material/{target.icon}:",
            key=f"{key}_{target.page}",
            help=in_markdown(why) if why else target.help,
            disabled=why is not None,
            on_click=_go,
            args=(view, target.page),
        )


def _go(view: PairView, page: Place) -> None:
    """Put everything where the controls of a page look, in a callback: a control that is drawn cannot be set."""
    pipeline = get_system().pipeline
    venue = pipeline.venue if pipeline is not None else ""
    values = taken(view, page, venue)
    st.session_state.update(values)
    in_address = view.query(venue) if page == "alerts" else {} if page == "watchlist" else values  # that writes its own
    st.session_state[GOING] = page, not_bound(in_address)


def go_on() -> None:
    """Go to the page whose button was pressed, before the one it stands on runs once more."""
    going = st.session_state.pop(GOING, None)
    if going is not None:
        page, query = going
        st.switch_page(f"views/{page}/page.py", query_params=query)


def taken(view: PairView, page: Place, venue: str) -> Mapping[str, Any]:
    """What the session holds when a page is to show a view, by key.

    Parameters
    ----------
    venue : whose symbols are printed bare on pages of the feed.
    """
    if page == "alerts":
        return {WATCHED: view}
    if page == "watchlist":
        return watched(view, venue)
    own = view.source == OWN
    of_rows = venue if own or view.upload is None else view.upload.venue
    found = {**view.values(venue if page in ("live", "paper") else of_rows), "preset": OWN_DEFAULTS}
    if page in ("live", "history"):
        found[FILL_COST] = view.fill_cost
    if page in ("backtest", "paper"):
        found |= {"strategy": ZSCORE, **fill_both(view.fill_cost, view.parts)}
    if page == "paper":
        found["paper_tab"] = START_RUN
    if page in ("history", "backtest"):
        found |= _rows(view, page)
    return found


def _rows(view: PairView, page: Place) -> dict[str, Any]:
    """Which rows: by the name of a recording, or the rows themselves as what was uploaded last."""
    found: dict[str, Any] = {}
    if page == "backtest":
        found["data"] = TAPE if view.source == OWN else FILES
    if view.source != OWN or page == "history":
        found[SOURCE] = view.source
    if view.source in (UPLOADED, HISTORY, LAST):
        found |= {SOURCE: LAST, "last_upload": view.upload}
    return found | {key: moment_of(ns) for key, ns in ((START, view.start_ns), (END, view.end_ns))}


def cannot(view: PairView, page: Place, pipeline: Pipeline | None, failure: str | None = None) -> str | None:
    """Why a page cannot show a view; None where it can."""
    if view.parts is not None and page in ("live", "history"):
        try:
            require_cost(view.parts)
        except ParameterError as error:
            return sentence(error)
    if page in ("live", "paper", "alerts", "watchlist"):
        return _not_fed(view, page, pipeline, failure)
    if view.source in (UPLOADED, HISTORY, LAST) and view.upload is None:
        return "The rows are no longer here: bring the files again."
    if view.source != OWN:
        return None
    if pipeline is None:
        return failure or "No feed is configured, so nothing is recorded."
    held = pipeline.store.symbols()
    lacks = [label(leg, pipeline.venue) for leg in (view.spec.y, view.spec.x) if leg not in held]
    return f"No trade of {' and '.join(lacks)} is recorded yet: wait for the first." if lacks else None


def _not_fed(view: PairView, page: Place, pipeline: Pipeline | None, failure: str | None) -> str | None:
    """Why a page that lives on the feed cannot show a view."""
    if pipeline is None:
        return failure or "No feed is configured."
    if page != "alerts" and view.spec.interval_ns not in {length * SECOND for length in INTERVALS_S}:
        return f"Bars of {interval_name(view.spec.interval_ns)} are not offered there."
    new = [leg for leg in (view.spec.y, view.spec.x) if leg not in pipeline.symbols]
    lacks = [leg for leg in new if not _may_follow(leg, pipeline)]
    if not lacks:
        return why_not() or None if new else None
    carried = list(labels(pipeline.symbols, pipeline.venue).values())
    some = ", ".join(carried[:6]) + (f" and {len(carried) - 6:,} more" if len(carried) > 6 else "")
    verb = "is" if len(lacks) == 1 else "are"
    named = " and ".join(label(leg, pipeline.venue) for leg in lacks)
    return f"{named} {verb} not followed by the feed, which carries {some}."


def _may_follow(leg: str, pipeline: Pipeline) -> bool:
    """Whether the feed may follow an instrument when a page asks for it: that of a venue it is connected to."""
    return pipeline.kind == "live" and split(leg)[0] in {line.venue for line in pipeline.lines}
