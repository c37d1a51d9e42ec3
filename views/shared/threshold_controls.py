"""Entry and exit that follow from the page's cost, offered beside those that are set."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from alphastream.cointegration import newest_tested
from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import Graph, Node
from alphastream.pairs import PairAnalytics, PairSpec, source_prices, traded_zscore
from alphastream.strategies import (
    InnovationThreshold,
    PairThresholds,
    ZScoreThreshold,
    pair_thresholds,
    round_trip_cost,
)
from alphastream.trading.broker.costs import BrokerRules
from views.shared.controls import ENTRIES, EXITS, sentence
from views.shared.escaping import in_markdown
from views.shared.fill_cost import hedge_notional, round_trip_bps
from views.shared.head_words import no_inference
from views.shared.threshold_tables import CAVEAT, PER_BARS, bps_of, fit_sentence, rules_frame, rules_of

LABEL: Final = "Thresholds from cost"


def offer_thresholds(place: Any, spec: PairSpec, fit: Callable[[], tuple[PairThresholds, float] | None]) -> None:
    """A box with the thresholds that earn the most after costs, and a button for each that sets them.

    Parameters
    ----------
    place : the container it stands in.
    fit : the fit, and bps of y's notional that a unit of its spread is; None while there are no bars yet.
    """
    with place.popover(LABEL, icon=":material/tune:", on_change="rerun", key="thresholds") as box:
        if not box.open:
            return
        try:
            found = fit()
        except AlphaStreamError as error:
            st.caption(in_markdown(sentence(error)))
            return
        if found is None:
            st.caption("No closed bars yet.")
            return
        thresholds, unit_bps = found
        rules_table(rules_frame(thresholds, spec, unit_bps), key="threshold_rules")
        set_buttons(thresholds, spec)
        st.caption(in_markdown(fit_sentence(thresholds, unit_bps)))
        st.caption(CAVEAT)


def set_buttons(fit: PairThresholds, spec: PairSpec) -> None:
    """A button for each rule that the fit offers, or why it offers none."""
    if fit.refusal is not None:
        words = in_markdown(f"{fit.refusal[0].upper()}{fit.refusal[1:]}.")
        st.warning(words, icon=":material/block:", title="Nothing is offered")
        return
    row = st.container(horizontal=True, gap="small")
    for name, entry, leave, _ in rules_of(fit, spec)[1:]:
        row.button(
            f"Set {entry:g} in, {leave:g} out",
            help=f"{name.capitalize()}. Entry and exit above become these.",
            key=f"set_{name}",
            disabled=not (ENTRIES[0] <= entry <= ENTRIES[1] and leave <= EXITS[1]),
            on_click=st.session_state.update,
            args=({"entry": entry, "exit": leave},),
        )


def rules_table(frame: pd.DataFrame, *, key: str) -> None:
    """Rules, what is expected of them, and what came of them where that was tried."""
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key=key,
        alt="Rules for entry and exit with what is expected of each",
        column_config={
            "entry": number("entry |z|", format="%.3g"),
            "exit": number("exit |z|", format="%.3g", help="Below 0: on the other side of the mean."),
            "round_trip_bars": number("bars a round trip", format="%,.0f", help="From one opening to the next."),
            "net_bps": number(
                "expected net, bps", format="%.3g", help="Of a round trip, of y's notional, after costs."
            ),
            "net_bps_rate": number(f"expected, bps / {PER_BARS:,} bars", format="%.3g"),
            "net": number("net, not seen by the fit", format="%+,.2f"),
            "trades": number("round trips", format="%,d"),
            "sharpe": number("Sharpe (Lo) per bar", format="%+.4f"),
            "sharpe_error": number("± error", format="%.4f"),
        },
    )


def fit_of_page(
    answer: PairAnalytics | None, spec: PairSpec, fill_cost_bps: float
) -> tuple[PairThresholds, float] | None:
    """The fit on the closed bars of an answer, where a fill costs so many bps of its notional."""
    if answer is None or not len(answer.closed["time_ns"]):
        return None
    if refusal := no_inference(answer, len(answer.closed["time_ns"])):
        raise ParameterError(refusal)
    cost_bps = round_trip_bps(fill_cost_bps, hedge_notional(answer, spec))
    return _fit(
        answer, spec, answer.closed["settled_zscore"], cost_bps / bps_of(spec.price, float(answer.closed["y"][-1]))
    )


def fit_of_strategy(
    answer: PairAnalytics | None, strategy: ZScoreThreshold | InnovationThreshold, rules: BrokerRules
) -> tuple[PairThresholds, float] | None:
    """The fit on the closed bars of an answer, for the z-score of a strategy and the fees and half spreads of rules."""
    if answer is None or not len(answer.closed["time_ns"]):
        return None
    spec, known = strategy.pair, answer.closed
    zscore = strategy.series(spec)["zscore"]
    column = known["settled_zscore"] if zscore == traded_zscore(spec) else _computed(answer, strategy)
    ratio, y, x = (float(known[name][-1]) for name in ("hedge_ratio", "y", "x"))
    return _fit(answer, spec, column, round_trip_cost(spec, rules, ratio, y, x))


def _computed(answer: PairAnalytics, strategy: ZScoreThreshold | InnovationThreshold) -> Floats:
    """The z-score of a strategy that is not the pair's own: of a given filter, or of a portfolio's value."""
    spec = strategy.pair
    zscore = strategy.series(spec)["zscore"]
    node = zscore.of
    assert isinstance(node, Node)
    y, x = source_prices(answer)
    outputs = Graph([node]).run(spec.source, {"y": y, "x": x})
    return np.asarray(getattr(outputs[node], zscore.column), dtype=np.float64)


def _fit(answer: PairAnalytics, spec: PairSpec, zscore: Floats, cost: float) -> tuple[PairThresholds, float]:
    tested = newest_tested(answer.closed["y_trades"], answer.closed["x_trades"])
    y, x, zscore = (column[tested] for column in (*source_prices(answer), zscore))
    fit = pair_thresholds(y, x, zscore, cost, spec.entry, spec.exit, answer.cointegration)
    return fit, bps_of(spec.price, float(answer.closed["y"][-1]))
