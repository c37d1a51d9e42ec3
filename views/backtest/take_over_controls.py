"""Settings of a cell of the sweep or of a fold, taken over by a click: the controls above then stand there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alphastream.backtest import PairHistory, Sweep, WalkForward
from alphastream.pairs import PairSpec
from views.backtest.trial_charts import with_cells
from views.backtest.trial_tables import sweep_frame, trained_on
from views.shared.controls import ENTRIES, WINDOWS
from views.shared.elements import PLOT, table_height
from views.shared.metrics import UNKNOWN

TAKEN: Final = "taken_over"  # in the session: what was clicked last
HINT: Final = "A click on {what} sets the window and the entry above to its own."


@dataclass(frozen=True, slots=True)
class Taken:
    """Settings that were clicked.

    Parameters
    ----------
    where : what they are of, in words.
    refusal : why the controls cannot stand there; "" where they do.
    """

    window: int
    entry: float
    where: str
    refusal: str = ""


def sweep_chart(figure: go.Figure, result: Sweep, *, key: str) -> None:
    """A map whose cells can be clicked."""

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        cells = [point for point in points if point.get("curve_number") == len(figure.data) - 1]
        if cells:
            place = np.unravel_index(int(cells[-1]["point_index"]), result.grid.shape)
            _take_cell(result, (int(place[0]), int(place[1])))

    with_cells(figure, result)
    st.plotly_chart(figure, key=key, config=PLOT, on_select=clicked, selection_mode="points")
    st.caption(HINT.format(what="a cell"))


def sweep_table(result: Sweep, capital: float, yearly: float) -> None:
    """The same as rows that can be sorted, and chosen with the keyboard."""
    frame = sweep_frame(result, capital, yearly)

    def chosen(row: int) -> None:
        _take_cell(result, tuple(frame.loc[row, ["window_at", "entry_at"]]))

    number = st.column_config.NumberColumn
    with st.expander("All combinations", icon=":material/table_rows:", key="sweep_rows"):
        _table(
            frame.drop(columns=["window_at", "entry_at"]),
            chosen,
            key="sweep_table",
            alt="Combinations, the highest plain Sharpe ratio first",
            height=table_height(len(frame)),
            column_config={
                "entry": number(format="%.4g"),
                "sharpe": number(
                    "plain Sharpe, annualised" if yearly > 1.0 else "plain Sharpe per bar", format="%+.4g"
                ),
                "profit": number("net profit", format="%+,.2f"),
                "drawdown": number("max drawdown, %", format="%.3g"),
                "trades": number("round trips", format="%,d"),
            },
        )
        st.caption(HINT.format(what="the box of a row"))


def folds_table(frame: pd.DataFrame, history: PairHistory, walk: WalkForward, **more: Any) -> None:
    """Folds whose settings can be taken over; it is said on which rows they were chosen."""

    def chosen(row: int) -> None:
        fold = walk.folds[row]
        _take(fold.window, fold.entry, f"fold {row + 1}, chosen on {trained_on(history, fold)}")

    _table(frame, chosen, key="walk_folds", **more)
    st.caption(HINT.format(what="the box of a fold"))


def show_taken(pair: PairSpec) -> None:
    """Say what was taken over, as long as the controls stand there, or why it could not be."""
    taken = st.session_state.get(TAKEN)
    if not isinstance(taken, Taken):
        return
    if taken.refusal:
        st.warning(taken.refusal, icon=":material/rule:", title="Not taken over")
    elif (taken.window, taken.entry) == (pair.window, pair.entry):
        st.success(
            f"Window {taken.window}, entry {taken.entry:g}, of {taken.where}. The controls above stand there now.",
            icon=":material/check:",
            title="Taken over",
        )


def _table(frame: pd.DataFrame, chosen: Callable[[int], None], *, key: str, **more: Any) -> None:
    """A table of which a row can be chosen."""

    def selected() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            chosen(int(rows[0]))

    st.dataframe(
        frame,
        hide_index=True,
        placeholder=UNKNOWN,
        key=key,
        on_select=selected,
        selection_mode="single-row",
        **more,
    )


def _take_cell(result: Sweep, place: tuple[int, int]) -> None:
    pair, trades = result.grid.strategy(place).pair, int(result.trades[place])
    _take(pair.window, pair.entry, f"the sweep, with {trades:,} round trip{'s'[: trades != 1]} on these very bars")


def _take(window: int, entry: float, where: str) -> None:
    """Set the controls; called before they are drawn."""
    refusal = ""
    for value, (low, high), name in ((window, WINDOWS, "window"), (entry, ENTRIES, "entry")):
        if not low <= value <= high:
            refusal = f"The {name} of {value:g} is not offered above, where it goes from {low:g} to {high:g}."
    st.session_state[TAKEN] = Taken(window, entry, where, refusal)
    if not refusal:
        st.session_state.update({"window": window, "entry": float(entry)})
