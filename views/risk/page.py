"""The risk page: what all paper runs and a file of positions hold now, what they may lose, limits, what-if."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from alphastream.risk import Holding, RiskReport, closed, doubled
from runtime.risk.monitor import RiskMonitor
from runtime.risk.watched import Watched
from system import System
from views.risk import tables
from views.risk.controls import MESSAGE, limits_form, positions_box
from views.shared.elements import metric_row, offer_file, table_height
from views.shared.escaping import in_cells, in_markdown
from views.shared.exports import csv_bytes
from views.shared.metrics import UNKNOWN
from views.shared.notices import feed_notices, no_feed
from views.shared.page_head import page_head
from views.shared.rights import read_only_notice
from views.shared.system import get_system, shown_venue

REFRESH_S: Final = 1.0
DEEDS: Final = {"Close": closed, "Double": doubled}


def page() -> None:
    """Figures every second, then what-if, limits, positions."""
    system = get_system()
    monitor = system.risk
    page_head("Risk")
    with st.container():  # messages come and go in it, so that what stands below keeps its place and stays open
        _troubles(system, monitor)
        read_only_notice()
    st.fragment(_now, run_every=REFRESH_S, key="risk_now")(system, monitor)
    st.subheader("What if")
    st.fragment(_what_if, run_every=REFRESH_S, key="risk_what_if")(monitor)
    with st.expander("Limits, and how risk is measured", icon=":material/speed:"):
        limits_form(monitor, tuple(system.webhooks.kinds))
    with st.expander("Positions of your own", icon=":material/upload_file:"):
        positions_box(monitor)
    _meanings()


def _troubles(system: System, monitor: RiskMonitor) -> None:
    if system.pipeline is None:
        no_feed(system.failure, "There are no prices").show()
    else:
        for notice in feed_notices(system.pipeline, after=" Runs on live trades are not counted meanwhile."):
            notice.show()
    if monitor.outage is not None:
        st.error(in_markdown(monitor.outage), icon=":material/error:", title="Risk is not measured now")
    if monitor.notice is not None:
        st.warning(in_markdown(monitor.notice), icon=":material/description:", title="About a file of this page")
    if message := st.session_state.pop(MESSAGE, None):
        st.success(in_markdown(message), icon=":material/check:")


def _now(system: System, monitor: RiskMonitor) -> None:
    """Limits that are passed, the figures, and the tables."""
    report = monitor.report
    if report is None:
        st.info("The first measurement comes within a second of the first trade.", icon=":material/hourglass_top:")
        return
    with st.container():  # likewise
        _remarks(monitor, report)
    metric_row(tables.metrics(report, horizon(monitor.watched)), key="risk_figures")
    group = st.segmented_control(
        "Exposure by", list(tables.GROUPS), default="account", format_func=tables.GROUPS.__getitem__, key="risk_group"
    )
    _table(tables.exposure_frame(report, group or "account", shown_venue(system)), "risk_exposure", "Exposure")
    if report.accounts:
        _table(tables.accounts_frame(report), "risk_accounts", "Accounts: equity, drawdown, margin")
    if report.breaks:
        _table(tables.breaks_frame(report), "risk_breaks", "Correlation of each pair lately and before")
    offer_file("Holdings as CSV", lambda: csv_bytes(tables.holdings_frame(report)), "holdings.csv", key="risk_csv")


def _remarks(monitor: RiskMonitor, report: RiskReport) -> None:
    """Limits that are passed, and what is not in the figures."""
    for breach in monitor.breaches:
        st.error(in_markdown(breach.sentence), icon=":material/report:", title="Limit passed")
    if report.unpriced:
        names = ", ".join(report.unpriced)
        st.warning(
            in_markdown(f"No trade of {names} is known here: they count nowhere. Follow them on the live page first."),
            icon=":material/search_off:",
            title="Without a price",
        )
    if not report.holdings:
        st.info(
            "Nothing is held. Start a run on the Paper page, or watch positions of your own below.",
            icon=":material/inbox:",
        )


def horizon(watched: Watched) -> str:
    """For how long what is held is kept, in words."""
    seconds = watched.interval_s * watched.horizon_bars
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _table(frame: pd.DataFrame, key: str, alt: str) -> None:
    number, share = st.column_config.NumberColumn, {"margin in use", "lately", "before", "standard error"}
    columns = {
        name: number(format="%.3f" if name in share else "%,.2f")
        for name in frame.columns
        if frame[name].dtype.kind == "f"
    }
    st.dataframe(
        in_cells(frame),
        hide_index=True,
        height=table_height(len(frame)),
        placeholder=UNKNOWN,
        column_config=columns,
        key=key,
        alt=alt,
    )


def _what_if(monitor: RiskMonitor) -> None:
    report = monitor.report
    if report is None or not report.holdings:
        st.caption("Nothing is held that could be closed or doubled.")
        return
    deed, of, which = st.columns([1, 1, 2])
    act = deed.selectbox("Do", list(DEEDS), key="risk_deed")
    kinds = ("pair", "instrument", "account")
    kind = of.selectbox("what kind", list(kinds), key="risk_kind")
    names = sorted({getattr(each, kind) for each in report.holdings} - {""})
    if not names:
        st.caption(f"Nothing that is held is of a {kind}.")
        return
    name = which.selectbox("namely", names, key="risk_which")
    _changed(monitor, act, kind, name)


def _changed(monitor: RiskMonitor, deed: str, kind: str, name: str) -> None:
    now = monitor.report

    def is_it(each: Holding) -> bool:
        return bool(getattr(each, kind) == name)

    change: Callable[[Sequence[Holding]], Sequence[Holding]] = partial(DEEDS[deed], which=is_it)
    then = monitor.what_if(change)
    if now is None or then is None:
        return
    _table(tables.what_if_frame(now, then), "risk_then", "Figures now, and after that")
    st.caption("At the last prices: what closing or doubling would cost is not in it.")


def _meanings() -> None:
    with st.expander("What the figures mean", icon=":material/help:"):
        st.markdown(
            "- **Exposure** is units times the last price. USDT, USDC and USD count as one currency.\n"
            "- **Value at risk** is the loss that past moves of all that is held exceeded in one case of twenty (at "
            "95 %), the **shortfall** the mean of those cases. Once as the moves were, once scaled by volatility then "
            "and now (Hull and White, 1998). Both know only what has happened: at least five cases must lie beyond.\n"
            "- **Correlation** of the newest 60 bars against all before. *broken* is a difference of four standard "
            "errors that hold for fat tails and clustered volatility; of pairs that never change at most one look in a "
            "hundred calls a break (tests/risk).\n"
            "- **Margin in use** is the equity at which an account is closed over its equity: at 100 % it is closed.\n"
            "- Limits are looked at every second, with or without a browser. For programs on this machine the same "
            "figures are at `/risk.json`."
        )


page()
