"""The arbitrage page: edges between venues now, episodes, who leads, and what is assumed."""

from typing import Final

import streamlit as st

from alphastream.arbitrage import signals_frame
from alphastream.errors import AlphaStreamError
from runtime.arbitrage.kept import MIDS_NS
from runtime.arbitrage.service import ArbitrageService, AssetView
from system import System
from views.arbitrage import tables
from views.arbitrage.charts import edge_figure, lead_figure
from views.arbitrage.controls import costs_form
from views.shared.clock_controls import moment_column, plotted
from views.shared.elements import PLOT, is_dark, offer_file, table_height
from views.shared.escaping import in_markdown
from views.shared.metrics import UNKNOWN
from views.shared.notices import no_feed
from views.shared.page_head import page_head
from views.shared.rights import read_only_notice
from views.shared.system import get_system

REFRESH_S: Final = 1.0
LEAD_REFRESH_S: Final = 15.0
SHOWN: Final = 200
IN_FILE: Final = 100_000


def page() -> None:
    """Edges, a chart, episodes, who leads, the assumptions."""
    system = get_system()
    service = system.arbitrage
    page_head("Arbitrage")
    with st.container():  # messages come and go in it, so that what stands below keeps its place and stays open
        _troubles(system, service)
    assets = service.assets()
    with st.container():
        if not assets:
            st.fragment(_nothing, run_every=REFRESH_S, key="arbitrage_nothing")(system, service)
        else:
            st.fragment(_edges, run_every=REFRESH_S, key="arbitrage_edges")(service)
            _direction(service, assets)
    st.subheader("Episodes")
    st.fragment(_episodes, run_every=REFRESH_S, key="arbitrage_episodes")(service)
    offer_file(
        "Episodes as CSV",
        lambda: tables.signals_csv(service.signals(IN_FILE)),
        "arbitrage_signals.csv",
        key="arbitrage_csv",
    )
    _assumptions(service, assets)
    _caveats()


def _troubles(system: System, service: ArbitrageService) -> None:
    """What is wrong with the files, the thread or the feed."""
    if system.pipeline is None:
        no_feed(system.failure, "There are no quotes").show()
    for text, title in (
        (service.outage, "Edges are not looked at now"),
        (service.failure, "Episodes cannot be saved"),
    ):
        if text is not None:
            st.error(in_markdown(text), icon=":material/error:", title=title)
    if service.notice is not None:
        st.warning(in_markdown(service.notice), icon=":material/description:", title="About a file of this page")
    if message := st.session_state.pop("arbitrage_message", None):
        st.success(in_markdown(message), icon=":material/check:")


def _nothing(system: System, service: ArbitrageService) -> None:
    """No asset is quoted at two venues: why, and what to do. The page comes as soon as one is."""
    if service.assets():
        st.rerun()
    single = service.single()
    known = f" Known at one venue: {', '.join(single)}." if single else ""
    played = (
        " A recording plays now; edges are looked for between live venues."
        if system.pipeline is not None and system.pipeline_of("live") is None
        else ""
    )
    st.info(
        in_markdown(
            "An asset needs two instruments, such as one of a futures and one of a spot venue, paid in the same "
            f"currency.{known}{played} Start with"
        )
        + " `ALPHASTREAM_VENUE=binance-usdm,binance-spot`.",
        icon=":material/compare_arrows:",
        title="No asset at two venues",
    )


def _edges(service: ArbitrageService) -> None:
    """The table of edges, every second."""
    number = st.column_config.NumberColumn
    assets = service.assets()
    frame = tables.edges_frame(assets)
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        placeholder=UNKNOWN,
        key="arbitrage_table",
        alt="Edges between venues now, the largest sure one first",
        column_config={
            "buy": st.column_config.TextColumn("buy at", width="medium"),
            "sell": st.column_config.TextColumn("sell at", width="medium"),
            "net": number("net edge, %", format="%+.4f", help="After all assumed costs, as the stamps say."),
            "error": number(
                "clock error, %", format="%.4f", help="So much less may be left, as the venues' times are not exact."
            ),
            "sure": number("sure, %", format="%+.4f", help="What is left for certain. Only this opens an episode."),
            "gross": number("before costs, %", format="%+.4f"),
            "value": number("that pays", format="%,.0f", help="Through the depth that is known, in units of quote."),
            "open_s": number("open for, s", format="%.1f", help="Of the episode that is open."),
        },
    )
    legs = tables.legs_frame(assets)
    if (legs["prices"] != "its quotes").any():
        st.caption(
            "Of some venues no quotes are read: their trades ± a half spread stand for them. Nobody quoted these, and "
            "their sizes are not known."
        )


def _direction(service: ArbitrageService, assets: tuple[AssetView, ...]) -> None:
    """Choose a direction; its edge over time, and who leads."""
    choices = [(asset.asset, edge.buy, edge.sell) for asset in assets for edge in asset.edges]
    if not choices:
        st.caption("The first look is under way.")
        return
    chosen = st.selectbox(
        "Buy and sell",
        choices,
        key="arbitrage_direction",
        format_func=lambda each: f"{each[0]}: buy {each[1]}, sell {each[2]}",
        width=520,
    )
    st.fragment(_chart, run_every=REFRESH_S, key="arbitrage_chart_panel")(service, chosen)
    st.subheader("Who moves first")
    st.fragment(_lead, run_every=LEAD_REFRESH_S, key="arbitrage_lead_panel")(service, chosen)


def _chart(service: ArbitrageService, chosen: tuple[str, str, str]) -> None:
    history = service.history(*chosen)
    if history is None or not len(history.time_ns):
        st.caption("No quotes of both venues yet.")
        return
    st.plotly_chart(plotted(edge_figure(history, dark=is_dark())), key="arbitrage_chart", config=PLOT)


def _lead(service: ArbitrageService, chosen: tuple[str, str, str]) -> None:
    """Who leads in the last quarter of an hour."""
    asset, first, second = chosen
    try:
        lead = service.lead(asset, first, second)
    except AlphaStreamError as error:
        st.caption(f"Cannot be told yet: {in_markdown(error)}")
        return
    if lead is None:
        return
    st.markdown(in_markdown(tables.lead_words(lead, first, second)))
    st.plotly_chart(lead_figure(lead, first, second, dark=is_dark()), key="arbitrage_lead", config=PLOT)
    st.caption(
        f"Moves of mid prices of the last {MIDS_NS // (60 * 10**9)} minutes, {lead.changes[0]:,} and "
        f"{lead.changes[1]:,} of them: Hayashi-Yoshida contrast by lag; the set is of block-bootstrap tests. Its "
        "coverage was measured for lags that stay as they are (docs/calibration.md)."
    )


def _episodes(service: ArbitrageService) -> None:
    """Those that are open, then those that closed."""
    number = st.column_config.NumberColumn
    try:
        signals = [each for asset in service.assets() for each in asset.open] + service.signals(SHOWN)
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="Episodes cannot be read")
        return
    if not signals:
        st.caption("None yet: after all assumed costs nothing has paid for certain.")
        return
    frame = signals_frame(signals)
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        placeholder=UNKNOWN,
        key="arbitrage_signals",
        alt="Episodes in which an edge was sure, the newest first",
        column_config={
            "exchange_a": st.column_config.TextColumn("bought at"),
            "exchange_b": st.column_config.TextColumn("sold at"),
            "profit_pct": number("net, %", format="%+.4f", help="At its best moment, after all assumed costs."),
            "volume_usd": number("volume", format="%,.0f", help="That paid then, in units of quote."),
            "timestamp": moment_column("opened", "HH:mm:ss.SSS"),
            "duration_s": number("lasted, s", format="%.3f", help="Empty while it is open."),
            "error_ms": number("± ms", format="%.0f", help="Both clocks together."),
            "gross_pct": number("before costs, %", format="%+.4f"),
            "best_at": moment_column("best", "HH:mm:ss.SSS"),
        },
    )


def _assumptions(service: ArbitrageService, assets: tuple[AssetView, ...]) -> None:
    """What is assumed of each venue, and a form to assume otherwise."""
    with st.expander("Assumed costs and clock errors", icon=":material/tune:"):
        frame = tables.legs_frame(assets)
        if len(frame):
            number = st.column_config.NumberColumn
            st.dataframe(
                frame,
                hide_index=True,
                height=table_height(len(frame)),
                placeholder=UNKNOWN,
                key="arbitrage_legs",
                alt="What is assumed of each instrument",
                column_config={
                    "fee": number("taker fee, bps", format="%.2f"),
                    "funding": number("funding, bps / 8 h", format="%+.3f", help="Of perpetuals: longs pay shorts."),
                    "prices": st.column_config.TextColumn("prices are"),
                    "error": number("clock error, ± ms", format="%.0f", help="From how long 99 % of trades take."),
                },
            )
        read_only_notice()
        costs = costs_form(service.costs, assets)
        if costs is None:
            return
        try:
            service.costs = costs
        except AlphaStreamError as error:
            st.error(in_markdown(error), icon=":material/error:", title="Not kept")
            return
        st.session_state["arbitrage_message"] = "The new costs hold from now on."
        st.rerun()


def _caveats() -> None:
    """What an edge is not."""
    with st.expander("When not to trust this", icon=":material/help:"):
        st.markdown(
            "- An edge is what two venues quoted at one time. Both orders need their way to the venue, and money on "
            "both sides; what lasted shorter than that way could not be had.\n"
            "- Books and quotes are sampled on change, and not more often than the settings say. What stood between "
            "two samples cannot be known; the clock error has the time between them in it.\n"
            "- Of a venue that numbers nothing a change of its book may be lost: then a quote stands here that was "
            "gone.\n"
            "- Fees, funding, transfer and holding are assumptions. With a perpetual, the edge is earned only if both "
            "prices meet while it is held.\n"
            "- BTC/USD and BTC/USDT are two assets here: the rate between the currencies would pass for an edge. "
            "Volume is in the quote currency, a stable coin taken at par.\n"
            "- A venue may halt withdrawals, limit orders or fail. None of that is in the costs."
        )


page()
