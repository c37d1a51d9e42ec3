"""The same run filled in recorded books, beside the model of half a spread."""

from dataclasses import replace

import streamlit as st

from alphastream.backtest import RunResult, backtest
from alphastream.errors import AlphaStreamError
from alphastream.trading.broker.costs import BrokerRules, PowerImpact
from views.backtest.controls import BacktestRequest
from views.backtest.data_controls import Data
from views.backtest.depth_tables import comparison_frame
from views.shared.controls import sentence
from views.shared.cost_controls import IN_BOOKS
from views.shared.escaping import in_markdown
from views.shared.fill_cost import HALF_SPREAD_BPS
from views.shared.uploads import session_computed

MODEL = "half spread"


def other_rules(rules: BrokerRules) -> BrokerRules:
    """The same rules filled in recorded books; those that are filled there by the model of half a spread."""
    if rules.fill == "recorded_depth":
        return replace(rules, fill="next_trade", half_spread_bps=HALF_SPREAD_BPS)
    return replace(rules, fill="recorded_depth", half_spread_bps=0.0, impact=PowerImpact(), max_share=None)


def depth_comparison(data: Data, request: BacktestRequest, result: RunResult) -> None:
    """Offer the comparison, and show it where it is wanted."""
    if not st.toggle(
        "Compare fills by recorded depth and by half spread",
        key="depth_comparison",
        bind="query-params",
        help="Runs the same strategy again with the other fills. In recorded books an order takes the levels of the "
        "first book after the latency, the best first; the model takes a trade and adds half a spread.",
    ):
        return
    rules = other_rules(request.rules)
    in_books = rules.fill == "recorded_depth"

    try:
        market = data.market(request.strategy.symbols)
        other = session_computed(
            "backtest_depth",
            [data, request, rules],
            lambda progress: backtest(market, request.strategy, rules, capital=request.capital, progress=progress),
            "The other backtest",
        )
        if other is None:
            return
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error, request.venue)), icon=":material/layers_clear:", title="Not compared")
        return
    runs = {MODEL: result, IN_BOOKS: other} if in_books else {MODEL: other, IN_BOOKS: result}
    st.dataframe(
        comparison_frame(runs),
        hide_index=True,
        height="content",
        key="depth_frame",
        alt="The same strategy filled by half a spread and in recorded books",
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in runs},
    )
    model = request.rules if in_books else rules
    st.caption(
        f"Half spread: the {model.fill.replace('_', ' ')} and {model.half_spread_bps:g} bps. "
        "Spread is what the best level is worse than the mid, impact what deeper levels cost. A sampled book may have "
        "changed by the time an order came, and orders of others that came first are not in it."
    )
