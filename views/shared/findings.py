"""The table of tests beside the one number: what each tests, what it found, or why it cannot be had."""

import math

import pandas as pd
import streamlit as st

from alphastream.cointegration import LEAST_ROWS
from alphastream.core.pvalues import pvalue_text
from alphastream.diagnosis import Asynchrony, Finding, diagnose
from alphastream.graph import interval_name
from alphastream.pairs import PairAnalytics, PairSpec, tested_prices
from views.shared.escaping import in_markdown
from views.shared.instruments import labels

SENTENCE_PX = 690  # for all but the longest; what was tested against may be scrolled to


def tests_of(answer: PairAnalytics) -> None:
    """Every test on the newest closed bars of an answer, as a table."""
    y, x = tested_prices(answer)
    if len(y) < LEAST_ROWS:
        st.caption(f"Tests of the pair: {in_markdown(answer.cointegration.refusal)}.")
        return
    findings = diagnose(y, x)
    st.caption(
        f"The newest {len(y)} closed bars in which both legs traded, one ratio fixed over all of them. The moving "
        "ratio of the charts has no such test: on its residual a plain ADF test finds stationarity in almost every "
        "pair of independent random walks."
    )
    st.dataframe(
        findings_frame(findings),
        hide_index=True,
        height="content",
        placeholder="–",
        alt="Tests of the pair",
        column_config={
            "statistic": st.column_config.NumberColumn(format="%.4g"),
            "p": st.column_config.TextColumn(alignment="right"),
            "5 % critical": st.column_config.NumberColumn(format="%.3f"),
            "subject": st.column_config.TextColumn(width=185),
            "finding": st.column_config.TextColumn(width=SENTENCE_PX),
        },
    )


def trade_times_of(correlations: Asynchrony, spec: PairSpec, venue: str) -> None:
    """What trading at different times does to the correlation of the legs; symbols of the venue are printed bare."""
    names = labels((spec.y, spec.x), venue)
    if correlations.refusal is not None:
        st.caption(f"Correlation from trades: {in_markdown(correlations.refusal)}")
        return
    medians = ((names[spec.y], correlations.y_age_ns), (names[spec.x], correlations.x_age_ns))
    ages = ", ".join(f"{in_markdown(symbol)} {(age or 0) / 1e9:.2f} s" for symbol, age in medians)
    st.caption(
        f"Correlation of returns: **{correlations.ticks:.3f}** from the trades themselves (Hayashi-Yoshida), "
        f"**{correlations.bars:.3f}** from bars of {interval_name(spec.interval_ns)}. Median age of a leg's price at a "
        f"bar's end: {ages}. Where the bars show much less, they are too short for the slower leg."
    )


def _finite(statistic: float | None) -> float | None:
    """A half-life without an end stays empty: the browser would write "Infinity"."""
    return None if statistic is not None and math.isinf(statistic) else statistic


def findings_frame(findings: tuple[Finding, ...]) -> pd.DataFrame:
    """One row a finding; what was refused says why in the last column."""
    return pd.DataFrame(
        {
            "test": [finding.test for finding in findings],
            "subject": [finding.subject for finding in findings],
            "statistic": [_finite(finding.statistic) for finding in findings],
            "p": [pvalue_text(finding.pvalue, finding.pvalue_floor) for finding in findings],
            "5 % critical": [finding.critical for finding in findings],
            "lags": pd.array([finding.lags for finding in findings], dtype="Int64"),
            "rows": pd.array([finding.n_obs for finding in findings], dtype="Int64"),
            "finding": [finding.refusal or finding.verdict for finding in findings],
            "null": [finding.null or "" for finding in findings],
        }
    )
