"""Keeping a run of the backtest page: a name, a button, and where it is then."""

from typing import Any, Final

import streamlit as st

from alphastream.backtest import Definition, RunResult
from alphastream.backtest.saved_run import LONGEST_NAME, SavedRun, saved_run
from alphastream.errors import AlphaStreamError
from alphastream.pairs import PairSpec
from alphastream.performance import Performance
from alphastream.reports import settings_of
from alphastream.reports.basis import basis_of
from alphastream.reports.run_tables import summary_rows
from alphastream.reports.settings import fields_of
from views.backtest.controls import BacktestRequest
from views.backtest.data_controls import Data
from views.shared import saved_runs
from views.shared.controls import sentence
from views.shared.escaping import in_markdown
from views.shared.instruments import labels

HELP: Final = (
    "Keeps settings, figures, the equity curve, where the data come from and which code ran; not the trades and not "
    "the data. The page Runs puts kept runs side by side and opens one with its settings."
)


def keep_run(place: Any, data: Data, request: BacktestRequest, result: RunResult, performance: Performance) -> None:
    """A field for the name and a button.

    Parameters
    ----------
    place : the row they stand in.
    """
    names = "/".join(list(labels(result.symbols, request.venue).values())[:3])
    with place.popover("Keep this run", icon=":material/bookmark_add:", key="keep_run"):
        st.caption(HELP)
        with st.form("keep_run_form", border=False):
            name = st.text_input(
                "Name", placeholder=f"{names}, {request.strategy.name.split(' ')[0]}", max_chars=LONGEST_NAME
            )
            pressed = st.form_submit_button("Keep", type="primary", icon=":material/bookmark_add:")
        if st.button("Open kept runs", icon=":material/bookmarks:", type="tertiary", key="open_runs"):
            st.switch_page("views/saved_runs/page.py", query_params={})  # None would clear what is bound here
        if pressed:  # below: the box grows by it, and what moved down might be out of sight
            _keep(data, request, result, performance, name.strip(), names)


def _keep(
    data: Data, request: BacktestRequest, result: RunResult, performance: Performance, name: str, names: str
) -> None:
    try:
        taken = [each.name for each in saved_runs.kept_runs()]
        run = _saved(data, request, result, performance, name or saved_runs.free_name(names, taken))
        where = saved_runs.keep(run)
    except AlphaStreamError as error:
        st.error(in_markdown(sentence(error, request.venue)), icon=":material/error:", title="Not kept")
        return
    st.success(in_markdown(f"{run.name} is kept. {where}"), icon=":material/check:")


def _saved(data: Data, request: BacktestRequest, result: RunResult, performance: Performance, name: str) -> SavedRun:
    extent = data.describe(request.strategy.symbols)
    return saved_run(
        result,
        Definition(request.strategy, request.rules, request.capital),
        run_id=saved_runs.new_id(),
        name=name,
        saved_ns=saved_runs.now_ns(),
        data=data.title,
        extent=extent,
        settings=_settings(request, data),
        figures=summary_rows(result, performance, basis_of(result)),
        controls=saved_runs.controls_now(),
    )


def _settings(request: BacktestRequest, data: Data) -> list[tuple[str, str]]:
    """Everything the run was asked for; of one pair a line a parameter, so that one that differs shows."""
    strategy = request.strategy
    lines = settings_of(strategy, request.rules, request.capital, data.title)
    specs = strategy.pairs
    if len(specs) != 1 or not isinstance(specs[0], PairSpec):
        return lines
    return fields_of(specs[0]) + [line for line in lines if not line[0].startswith("pair ")]
