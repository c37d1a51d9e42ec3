"""A paper run beside the backtest of the same hours: both equities, and what differs."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from alphastream.backtest.own_code import AbsentStrategy
from alphastream.backtest.parity import Parity, parity
from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from runtime.paper.service import PaperView
from runtime.paper.view import elsewhere
from system import System
from views.paper import tables as tables
from views.paper.charts import MAX_MARKS, equity_figure
from views.shared.clock_controls import moment_column, moment_words, plotted
from views.shared.controls import sentence
from views.shared.elements import PLOT, is_dark, table_height
from views.shared.escaping import in_markdown
from views.shared.picture_controls import offer_picture
from views.shared.system import shown_venue

LEAST_S: Final = 5.0  # between two comparisons of a run
SHARE: Final = 0.05  # of the time, at most, goes into comparisons of a run


@dataclass(slots=True)
class _Comparison:
    """The newest comparison of a run, for all sessions."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    result: Parity | str = ""
    made_of: Any = None
    not_before_s: float = 0.0


@st.cache_resource(show_spinner=False)
def _comparisons() -> dict[str, _Comparison]:
    return {}


def compared(system: System, view: PaperView) -> Parity | str:
    """The newest comparison, or why there is none; made again now and then while bars close."""
    if isinstance(view.definition.strategy, AbsentStrategy):
        return "The code of its strategy is not there as it was."
    comparison = _comparisons().setdefault(view.id, _Comparison())
    made_of = view.until_ns, len(view.fills), len(view.orders), view.status == "stopped"
    with comparison.lock:
        if comparison.made_of == made_of or time.monotonic() < comparison.not_before_s:
            return comparison.result
        pipeline = system.pipeline_of(view.trades)
        if pipeline is None:
            return comparison.result or f"The tape of its {view.trades} trades is not there now."
        if elsewhere(view, pipeline):
            return "The tape of the venue and address that it began at is not there now."
        began_s = time.monotonic()
        try:
            comparison.result = parity(view, pipeline.store, pipeline.market, pipeline.market_history)
        except AlphaStreamError as error:
            comparison.result = sentence(error)
        took_s = time.monotonic() - began_s
        comparison.made_of = made_of
        comparison.not_before_s = time.monotonic() + max(LEAST_S, took_s / SHARE)
        return comparison.result


def show_comparison(system: System, view: PaperView) -> None:
    """Both equities, and what differs."""
    comparison = compared(system, view)
    if isinstance(comparison, str):
        st.info(
            in_markdown(in_words(comparison, shown_venue(system))),
            icon=":material/hourglass_empty:",
            title="Not compared with a backtest",
        )
        return
    st.plotly_chart(
        plotted(equity_figure(comparison, view.fills, view.outages, dark=is_dark(), venue=shown_venue(system))),
        key="paper_equity",
        config=PLOT,
        theme="streamlit",
    )
    offer_picture("paper_equity", "paper")
    st.markdown(f"**{in_markdown(tables.verdict(comparison))}**")
    st.caption(
        f"Compared with the backtest of the recorded tape, {moment_words(comparison.from_ns)} to "
        f"{moment_words(comparison.until_ns, '%H:%M:%S')}, {len(comparison.history):,} bars."
        + (" The tape no longer reaches back to the beginning of the run." if comparison.shortened else "")
        + (f" The newest {MAX_MARKS:,} fills are marked." if len(view.fills) > MAX_MARKS else "")
    )
    if comparison.differences:
        st.dataframe(
            tables.differences_frame(comparison.differences, shown_venue(system)),
            hide_index=True,
            height=table_height(len(comparison.differences)),
            key="paper_differences",
            alt="Differences between paper and backtest, oldest first",
            column_config={
                "time": moment_column("bar end", "YYYY-MM-DD HH:mm:ss.SSS"),
                "why": st.column_config.TextColumn(width="large"),
                "effect": st.column_config.NumberColumn(
                    format="%+,.2f", help="On equity at last prices: paper minus backtest."
                ),
            },
        )
