"""SQL over what was recorded: a box, examples, and the answer as a table, a chart and a file."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.history import Tape
from alphastream.history.apart import USUAL
from alphastream.history.layout import KINDS
from alphastream.history.query_errors import QueryError
from alphastream.history.sql import Answer
from views.history.sql_charts import MAX_LINES, answer_figure
from views.history.sql_examples import CANDLES, examples
from views.history.sql_tables import (
    SHOWN_ROWS,
    frame_of,
    group_columns,
    number_columns,
    schema_frame,
    time_columns,
)
from views.shared.clock_controls import moment_column, plotted
from views.shared.elements import PLOT, is_dark, offer_file, table_height
from views.shared.escaping import in_markdown
from views.shared.exports import csv_bytes
from views.shared.recorded import MAX_TICKS, choose_source, played_once, telling_failures, ticks_text
from views.shared.sessions import session_id
from views.shared.system import get_turns
from views.shared.time_range import TimeRange, choose_time
from views.shared.turns import Turn
from views.shared.visitor import visitor

MAX_CHARS: Final = 4_000
"""Of a query: it has to fit into an address."""
BOX_PX: Final = 300
STEP_S: Final = 0.1
QUERY: Final = "sql"  # in the session and the address: the text
RESULT: Final = "sql_result"
ASKED: Final = "sql_asked"  # in the session: that an example was clicked


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a query gave, or why it gave nothing, and how long that took in seconds."""

    query: str
    frame: pd.DataFrame | None
    has_more: bool
    seconds: float
    error: AlphaStreamError | None = None


@telling_failures()
def sql_tab() -> None:
    """Source, time, query; then what it gave."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    source = choose_source(row, key="sql")
    if source is None:
        return
    span = choose_time(row, source.now_ns, key="sql", default="Last hour")
    if span is None:
        return
    instruments = source.instruments()
    about = source.about(instruments, span.start_ns, span.end_ns)
    said = [f"{source.title}: {ticks_text(about.ticks)} of {len(instruments):,} instruments in this time."]
    if played_once(source.pipeline, span.start_ns, span.end_ns).words:
        said.append("The recording plays again and again: its trades are there once for each time.")
    st.caption(in_markdown(" ".join(said)))
    with st.container(horizontal=True, gap="small", key="sql_examples"):
        for name, text in examples(source.legs(instruments)).items():
            st.button(name, key=f"sql_example_{name}", on_click=_ask, args=(text,), type="tertiary")
    left, right = st.columns([2, 1], gap="small")
    query = left.text_area(
        "Query, DuckDB's SQL",
        CANDLES,
        height=BOX_PX,
        max_chars=MAX_CHARS,
        key=QUERY,
        bind="query-params",
        help="One statement that reads. It stands in the address of this page, which you may pass on: there it runs "
        "when somebody clicks Run.",
    )
    with right:
        st.dataframe(
            schema_frame(kind for kind in KINDS if source.tape.instruments(kind)),
            hide_index=True,
            height=BOX_PX + 28,
            key="sql_schema",
            alt="Tables and columns that a query may read",
        )
    run = left.button("Run", type="primary", icon=":material/play_arrow:", key="sql_run")
    runs = st.container()  # also where nothing runs, so that what stands below keeps its place
    if (run or st.session_state.pop(ASKED, False)) and query:
        if about.hot > MAX_TICKS:
            st.error(
                f"{ticks_text(about.hot)} of them are in no file yet, and a query may load {MAX_TICKS:,}. "
                "Choose a shorter time.",
                icon=":material/error:",
                title="Not run",
            )
            return
        with runs:
            st.session_state[RESULT] = _run(source.tape, str(query), span)
    result = st.session_state.get(RESULT)
    if isinstance(result, Result):
        _show(result)
    else:
        st.caption(
            f"A query may take {USUAL.seconds:g} s and {USUAL.memory_mb:,} MB. It reads the tables beside the box, "
            "no file and no network, and changes nothing."
        )


def _ask(text: str) -> None:
    st.session_state[QUERY] = text
    st.session_state[ASKED] = True


def _run(tape: Tape, query: str, span: TimeRange) -> Result:
    """Run a query in its turn, with a way out; leaving the page or a click ends it."""
    turn, cancelled, began = Turn(visitor() or session_id()), threading.Event(), time.monotonic()
    turns = get_turns()

    def work() -> Answer:
        with turns.taken(turn, cancelled) as is_its:
            if not is_its:
                raise QueryError("it was cancelled")
            return tape.sql_apart(query, span.start_ns, span.end_ns, cancelled=cancelled)

    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        st.button("Cancel", icon=":material/close:", key="sql_cancel")
        said = st.empty()
    with ThreadPoolExecutor(1, thread_name_prefix="alphastream-query") as pool:
        future = pool.submit(work)
        try:
            while not wait((future,), STEP_S).done:
                said.caption(f"Waits for {turn.waits_for}" if turn.waits_for else "Runs")
        finally:  # a click ends this run at the line above
            cancelled.set()
            place.empty()
    seconds = time.monotonic() - began
    try:
        rows, has_more = future.result()
        return Result(query, frame_of(rows), has_more, seconds)
    except AlphaStreamError as error:
        return Result(query, None, False, seconds, error)


def _show(result: Result) -> None:
    if result.frame is None:
        _show_error(result)
        return
    frame, count = result.frame, len(result.frame)
    more = f", and more: the first {count:,} are kept" if result.has_more else ""
    shown = f", the first {SHOWN_ROWS:,} shown" if count > SHOWN_ROWS else ""
    zone = " Times are UTC." if time_columns(frame) else ""
    st.caption(f"{count:,} row{'s'[: count != 1]}{more}{shown}. {result.seconds:.2f} s.{zone}")
    if result.query != st.session_state.get(QUERY):
        st.caption("Of the query before the box was changed.")
    st.dataframe(
        frame.head(SHOWN_ROWS),
        hide_index=True,
        height=table_height(count),
        key="sql_table",
        alt="Answer of the query",
        column_config={name: moment_column(name, "YYYY-MM-DD HH:mm:ss.SSS") for name in time_columns(frame)},
    )
    if count:
        what = f"first {count:,} rows" if result.has_more else "all rows"
        offer_file(f"CSV, {what}", lambda: csv_bytes(frame), "query.csv", key="sql_csv")
        _chart(frame)


def _show_error(result: Result) -> None:
    error = result.error
    if not isinstance(error, QueryError):
        st.error(in_markdown(error), icon=":material/error:", title="Nothing could be read")
        return
    where = f" at line {error.line}" if error.line is not None else ""
    where += f", column {error.column}" if error.column is not None else ""
    title = f"{error.kind} error{where}" if error.kind else "Not run to its end"
    st.error(in_markdown(error.message), icon=":material/error:", title=title)
    if error.excerpt:
        st.code(error.excerpt, language=None)


def _chart(frame: pd.DataFrame) -> None:
    numbers = number_columns(frame)
    columns = [str(name) for name in frame]
    if not numbers or len(frame) < 2:
        return
    times = time_columns(frame)
    along = times[0] if times else next((name for name in columns if name not in numbers), columns[0])
    groups: list[str | None] = [None, *group_columns(frame, MAX_LINES)]
    these: Any = hash(tuple(columns))  # other columns are other choices
    row = st.container(horizontal=True, vertical_alignment="bottom")
    x = row.selectbox("Along", columns, columns.index(along), key=f"sql_x_{these}", width=190)
    rest = [name for name in numbers if name != x]
    ys = row.multiselect("Columns", rest, rest[:1], max_selections=MAX_LINES, key=f"sql_y_{these}", width=320)
    each = row.selectbox(
        "A line for each",
        groups,
        int(len(groups) > 1 and bool(times)),
        format_func=lambda name: "–" if name is None else name,
        key=f"sql_each_{these}_{len(groups)}",
        width=190,
    )
    if ys:
        figure = answer_figure(frame, str(x), ys, each, dark=is_dark())
        st.plotly_chart(plotted(figure), key="sql_figure", config=PLOT)
