"""Train and test on the backtest page: both sides of a split, and whether the strategy looked over it."""

from collections.abc import Sequence

import streamlit as st

from alphastream.backtest import HoldoutRun, Market, RunResult, holdout_run, market_before
from alphastream.errors import AlphaStreamError
from alphastream.performance import Performance
from views.backtest.controls import BacktestRequest
from views.backtest.holdout_tables import holdout_frame, moment_text
from views.shared.controls import sentence
from views.shared.escaping import in_markdown
from views.shared.uploads import session_cached
from views.shared.user_code import told_in_words


def holdout_of(market: Market, request: BacktestRequest, whole: RunResult, split_ns: int) -> HoldoutRun | None:
    """The runs on both sides, those of before while nothing has changed; None, and a sentence, where none can be."""

    def make() -> HoldoutRun:
        with st.spinner("Running training and test", show_time=True):
            return holdout_run(
                market, request.strategy, request.rules, split_ns=split_ns, whole=whole, capital=request.capital
            )

    try:
        with told_in_words(request.strategy):
            return session_cached("backtest_holdout", [market, request, whole, split_ns], make)
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, request.venue)), icon=":material/call_split:", title="No split")
        return None


def show_holdout(held: HoldoutRun, performances: Sequence[Performance]) -> None:
    """Both sides beside each other.

    Parameters
    ----------
    performances : of the training and of the test.
    """
    with st.container(key="holdout"):
        if held.looked_ahead_ns is not None:
            st.error(
                f"Without the rows behind the split the training differs from {moment_text(held.looked_ahead_ns)} on: "
                "something in this strategy reads rows that come later. Neither side can be believed.",
                icon=":material/visibility_off:",
                title="This strategy looks ahead",
            )
        st.dataframe(
            holdout_frame(held, performances),
            hide_index=True,
            height="content",
            width="content",
            key="holdout_table",
            alt="The strategy on the rows of the training and of the test",
            column_config={name: st.column_config.TextColumn(alignment="right") for name in ("train", "test")},
        )
        st.caption(
            f"Split at {moment_text(held.split_ns)}. Train: a run over data that end there. Test: an account of its "
            "own that begins flat, with series that have seen the rows before. Choose settings by the training; every "
            "look at the test while choosing makes it a training. Cards and charts here are of the run over all rows."
        )


def training_of(market: Market, held: HoldoutRun) -> Market:
    """The market as it was known at the split; the same object for the same one."""
    return session_cached("backtest_train", [market, held.split_ns], lambda: market_before(market, held.split_ns))


def trained_on(held: HoldoutRun | None) -> None:
    """Say that trials see the training alone."""
    if held is not None:
        st.caption(f"Tried on the training alone, up to {moment_text(held.split_ns)}: the test has no say in a choice.")
