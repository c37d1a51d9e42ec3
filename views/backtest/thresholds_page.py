"""The thresholds tab of the backtest page: entry and exit that follow from cost, on bars that the fit has not seen."""

import streamlit as st

from alphastream.backtest import Market, PairHistory, ThresholdTrials, threshold_trials
from alphastream.errors import AlphaStreamError
from alphastream.reports.run_words import ended_as, ending
from views.backtest.controls import BacktestRequest
from views.backtest.trials_page import history_of, swept_pair
from views.shared.controls import sentence
from views.shared.escaping import in_markdown
from views.shared.threshold_controls import rules_table, set_buttons
from views.shared.threshold_tables import CAVEAT, bps_of, fit_sentence, trials_frame
from views.shared.uploads import session_cached


def thresholds_tab(market: Market, request: BacktestRequest) -> None:
    """Fit on the first half, three rules on the second."""
    strategy = swept_pair(request)
    if strategy is None:
        st.info("Thresholds need one pair: choose a threshold strategy.", icon=":material/info:")
        return
    try:
        history = history_of(market, request, strategy)
        found = session_cached(
            "backtest_thresholds",
            [market, request],
            lambda: threshold_trials(history, strategy, capital=request.capital),
        )
    except AlphaStreamError as error:
        st.error(in_markdown(sentence(error, request.venue)), icon=":material/error:", title="No result")
        return
    _shown(history, found, request)


def _shown(history: PairHistory, found: ThresholdTrials, request: BacktestRequest) -> None:
    spec, split = request.strategy.pairs[0], found.test[0]
    unit_bps = bps_of(spec.price, float(history.rows.y[split - 1]))
    rules_table(trials_frame(found, spec, unit_bps), key="threshold_trials")
    more = found.turning.profit - found.present.profit
    st.markdown(
        f"On the {len(history) - split:,} bars that the fit has not seen, after all costs: turning at the entry of the "
        f"other side **{more:+,.2f}** against the thresholds that are set, leaving at the mean "
        f"**{found.waiting.profit - found.present.profit:+,.2f}**."
    )
    for trial in found.trials:
        if trial.run.ended is not None:
            st.error(
                in_markdown(ending(trial.run.ended)),
                icon=":material/report:",
                title=in_markdown(f"{ended_as(trial.run.ended)}: {trial.entry:.3g}"),
            )
    set_buttons(found.fit, spec)
    st.caption(f"Fitted on the first half, {split:,} bars. {in_markdown(fit_sentence(found.fit, unit_bps))}")
    st.caption(
        f"{CAVEAT} One difference on one stretch of bars may be luck: compare it with the errors of the Sharpe ratios. "
        "Impact and funding are in the results and not in the thresholds."
    )
