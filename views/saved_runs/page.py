"""The page of kept runs: a list, two to six of them side by side, and what can be done with one."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from alphastream.backtest.saved_run import LONGEST_NAME, SavedRun, changes_of_code
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.instruments import in_words
from runtime.saved_runs import MOST_BYTES, MOST_RUNS
from views.saved_runs import tables as tables
from views.saved_runs.charts import BY_DATE, SINCE_START, overlap, overlay_figure
from views.shared import saved_runs
from views.shared.controls import sentence
from views.shared.elements import PLOT, is_dark, offer_file, table_height
from views.shared.escaping import in_markdown
from views.shared.page_head import page_head
from views.shared.rights import why_not
from views.shared.system import get_system, shown_venue

MOST_BESIDE: Final = 6
ASKED: Final = "runs_asked"  # in the session: what a button of this page came to
ANOTHER: Final = (
    "Each was kept because somebody liked it, and the best of several looks better than it is: luck is chosen, too. "
    "Try the one you choose on bars that none of them has seen."
)


def page() -> None:
    """What is kept; then a choice of it side by side; then one by itself."""
    page_head("Runs")
    try:
        runs = saved_runs.kept_runs()
    except AlphaStreamError as error:
        st.error(in_markdown(sentence(error)), icon=":material/error:", title="Kept runs cannot be read")
        return
    _said()
    for notice in saved_runs.run_folder().notices:
        st.warning(in_markdown(notice), icon=":material/description:", title="A kept run cannot be read")
    if not runs:
        st.info(
            "Press “Keep this run” below a result of the Backtest page. Kept runs stand here, to be compared and to be "
            "opened again with their settings.",
            icon=":material/hourglass_empty:",
            title="No run is kept yet",
        )
        if st.button("Open the Backtest page", icon=":material/replay_circle_filled:", key="runs_to_backtest"):
            st.switch_page("views/backtest/page.py", query_params={})
        _bring()
        return
    _list(runs)
    _beside(runs)
    _one(runs)
    _bring()


def _list(runs: Sequence[SavedRun]) -> None:
    number, moment = st.column_config.NumberColumn, st.column_config.DatetimeColumn
    own = [run.id for run in saved_runs.own_runs()]
    frame = tables.runs_frame(runs, own, shown_venue(get_system()))
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        key="runs_table",
        alt="Kept runs, the newest first",
        column_config={
            "kept": moment("kept, UTC", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "from": moment("from, UTC", format="YYYY-MM-DD HH:mm", timezone="UTC"),
            "bars": number(format="%,d"),
            "profit": number(format="%+,.2f", help="Equity at the end less the capital, after all costs, in sample."),
            "return, %": number(format="%+.3f", help="Profit over the capital; not annualised."),
        },
    )
    folder = len(runs) - len(own)
    st.caption(
        f"{folder} of at most {MOST_RUNS} in the data folder, which everybody who uses this app sees"
        + (f"; {len(own)} of at most {saved_runs.MOST_OWN} in this session only." if own else ".")
    )


# ---- side by side ------------------------------------------------------------------------------------------------


def _beside(runs: Sequence[SavedRun]) -> None:
    st.subheader("Side by side", anchor="compare")
    if len(runs) < 2:
        st.caption("There is one run: keep another to compare them.")
        return
    by_name = {run.name: run for run in runs}
    chosen = st.multiselect(
        "Runs to compare",
        list(by_name),
        default=list(by_name)[:2],
        key="compare",
        bind="query-params",
        max_selections=MOST_BESIDE,
        placeholder=f"Two to {MOST_BESIDE}",
    )
    some = [by_name[name] for name in chosen]
    if len(some) < 2:
        st.caption(f"Choose two to {MOST_BESIDE}.")
        return
    if not tables.same_rows(some):
        st.warning(
            "These runs are not of the same rows: where they differ, data and time may be the reason as well as "
            "settings.",
            icon=":material/compare:",
            title="Different data",
        )
    _drawn(some)
    st.markdown("**Figures**")
    _wide(tables.figures_frame(some), "runs_figures", "Figures of the runs, a column each")
    st.markdown("**Settings**, those that differ first")
    settings = tables.settings_frame(some, shown_venue(get_system()))
    _wide(settings, "runs_settings", "Settings of the runs, a column each, those that differ first")
    said: dict[str, list[str]] = {}
    for run in some:
        for words in changes_of_code(run):
            said.setdefault(words, []).append(run.name)
    for words, names in said.items():
        text = in_markdown(f"{', '.join(names)}: {words}")
        st.warning(text, icon=":material/code_off:", title="Other code than now")
    st.caption(ANOTHER)
    offer_file("Comparison as CSV", lambda: tables.comparison_csv(some), "runs.csv", key="csv_runs")


def _drawn(some: Sequence[SavedRun]) -> None:
    meet = overlap(some)
    axis = st.segmented_control(
        "Over",
        [BY_DATE, SINCE_START],
        default=BY_DATE if meet else SINCE_START,
        required=True,
        key="runs_axis",
        help="Dates: what each had at the same moment. Time since each began: for runs of different hours or years.",
    )
    if axis == BY_DATE and not meet:
        st.caption("There is no time at which all of them ran.")
    figure = overlay_figure(some, since_start=axis == SINCE_START, dark=is_dark())
    st.plotly_chart(figure, key="runs_figure", config=PLOT)
    st.caption("Return on each run's capital, thinned; extremes are kept.")


def _wide(frame: Any, key: str, says: str) -> None:
    config = {"differs": st.column_config.CheckboxColumn(width="small")}
    st.dataframe(frame, hide_index=True, height=table_height(len(frame)), key=key, alt=says, column_config=config)


# ---- one ---------------------------------------------------------------------------------------------------------


def _one(runs: Sequence[SavedRun]) -> None:
    st.subheader("One run", anchor="one")
    by_id = {run.id: run for run in runs}  # which a run keeps when it gets another name
    run = by_id[str(st.selectbox("Run", list(by_id), key="kept_run", format_func=lambda each: by_id[each].name))]
    st.caption(in_markdown(f"{in_words(run.strategy, shown_venue(get_system()))}, {run.data}: {run.extent}."))
    for words in changes_of_code(run):
        st.caption(in_markdown(words))
    row = st.container(horizontal=True)
    if row.button(
        "Open with its settings",
        icon=":material/open_in_new:",
        type="primary",
        key="run_open",
        help="Sets the controls of the Backtest page as they were. The data are read again: a tape has moved on since, "
        "and files have to be brought once more.",
        on_click=saved_runs.take_controls,
        args=(run,),
    ):
        st.switch_page("views/backtest/page.py", query_params=saved_runs.address(run))
    fixed = not saved_runs.may_alter(run)
    with (
        row.popover("Rename", icon=":material/edit:", key="run_rename", disabled=fixed),
        st.form("rename_form", border=False),
    ):
        st.text_input("New name", run.name, max_chars=LONGEST_NAME, key=f"new_name_{run.id}")
        st.form_submit_button("Rename", on_click=_rename, args=(run,))
    with row.popover("Delete", icon=":material/delete:", key="run_delete", disabled=fixed):
        st.markdown(in_markdown(f"{run.name} is removed for good, for everybody. Download it to keep a copy."))
        st.button("Delete it", type="primary", key="run_delete_sure", on_click=_delete, args=(run,))
    if fixed:
        st.caption(in_markdown(why_not()))
    stem = f"run-{run.name}"
    offer_file("JSON", run.as_json, f"{stem}.json", key="json_run", kind="application/json", place=row)
    offer_file("Equity as CSV", lambda: tables.equity_csv(run), f"{stem}-equity.csv", key="csv_run", place=row)


def _rename(run: SavedRun) -> None:
    try:
        saved_runs.rename(run, str(st.session_state[f"new_name_{run.id}"]))
    except AlphaStreamError as error:
        _note(sentence(error), "Not renamed")
    st.session_state["kept_run"] = run.id  # else the browser goes on showing the old name


def _delete(run: SavedRun) -> None:
    try:
        saved_runs.delete(run)
    except AlphaStreamError as error:
        _note(sentence(error), "Not deleted")
    else:
        st.session_state.pop("kept_run", None)


def _note(words: str, title: str) -> None:
    st.session_state[ASKED] = (words, title)


def _said() -> None:
    """What a button came to, once."""
    words, title = st.session_state.pop(ASKED, ("", ""))
    if words:
        st.error(in_markdown(words), icon=":material/error:", title=title)


def _bring() -> None:
    """A run that was downloaded, brought back into this session."""
    with st.expander("Bring a run that was downloaded", icon=":material/upload_file:", key="run_bring"):
        file = st.file_uploader("A run as JSON", ["json"], key="run_file", max_upload_size=1)
        st.caption("It stays in this session. Nothing in it is run: its settings, figures and curve are shown.")
        if file is None:
            return
        try:
            content = file.getvalue()
            if len(content) > MOST_BYTES:
                raise ParameterError(f"the file has {len(content):,} bytes, a run at most {MOST_BYTES:,}")
            run = SavedRun.from_json(content)
            known = saved_runs.kept_runs()
            if any(run.id == each.id for each in known):
                st.caption(in_markdown(f"{run.name} is here."))
                return
            run = saved_runs.with_free_name(run, [each.name for each in known])
            saved_runs.keep_own(run)
        except AlphaStreamError as error:
            st.error(in_markdown(sentence(error)), icon=":material/error:", title="Not taken")
            return
        st.rerun()


page()
