"""The tear sheet of a paper run, as of the moment it was asked for."""

from typing import Final

import streamlit as st

from alphastream.backtest import RunResult
from alphastream.backtest.parity import paper_run
from alphastream.instruments import in_words
from alphastream.performance import Performance
from alphastream.reports.run_report import performance_of
from system import System
from views.paper import tables as tables
from views.paper.comparison_page import compared
from views.shared.escaping import in_markdown
from views.shared.instruments import labels
from views.shared.system import shown_venue
from views.shared.tear_sheet import tear_sheet
from views.shared.uploads import session_cached

HELP: Final = (
    "Returns by the calendar, drawdowns, rolling Sharpe ratio, distribution, a benchmark, profit by leg and exposure "
    "of what this run did on paper. It stands still while you read it."
)
RENEWED: Final = "paper_sheet_renewed"  # in the session: how often it was made anew


def offer_sheet(system: System, name: str) -> None:
    """A switch, and the sheet below it while it is on."""
    if not st.toggle("Tear sheet of this run", key="paper_sheet", bind="query-params", help=HELP):
        return
    made = session_cached("paper_sheet_run", [name, st.session_state.get(RENEWED, 0)], lambda: _made(system, name))
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button("Renew", icon=":material/refresh:", key="paper_sheet_renew", on_click=_renew)
    if isinstance(made, str):
        row.caption(in_markdown(in_words(made, shown_venue(system))))
        return
    run, performance = made
    row.caption(f"As of {tables.moment(int(run.time_ns[-1]), '%Y-%m-%d %H:%M:%S')} UTC.")
    tear_sheet(run, performance, labels(run.symbols, shown_venue(system)))


def _made(system: System, name: str) -> tuple[RunResult, Performance] | str:
    view = system.paper.view(name)
    if view is None:
        return "This run no longer exists."
    found = compared(system, view)
    if isinstance(found, str):
        return found or "It has not been compared with the tape yet: press Renew in a moment."
    run = paper_run(view, found)
    return run, performance_of(run)


def _renew() -> None:
    st.session_state[RENEWED] = st.session_state.get(RENEWED, 0) + 1
