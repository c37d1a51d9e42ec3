"""The paper page: strategies on the trades that arrive, each beside the backtest of the same hours."""

from typing import Any, Final

import pandas as pd
import streamlit as st

from alphastream.backtest import Definition
from alphastream.backtest.own_code import code_now, other_code
from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.strategies import InnovationThreshold, ZScoreThreshold
from pipelines import Pipeline
from runtime.paper.service import MAX_RUNS, PaperView
from system import System
from views.paper import tables as tables
from views.paper.comparison_page import compared, show_comparison
from views.paper.controls import definition_controls
from views.paper.sheet_page import offer_sheet
from views.shared.clock_controls import moment_column, moment_words
from views.shared.controls import sentence
from views.shared.elements import CARD_PX, metric_row, offer_file, table_height, trades_table
from views.shared.escaping import in_markdown
from views.shared.exports import csv_bytes
from views.shared.fill_cost import chosen_parts
from views.shared.instruments import labels
from views.shared.metrics import UNKNOWN, plain
from views.shared.notices import feed_notices, no_feed
from views.shared.page_head import page_head
from views.shared.pair_view import PairView
from views.shared.rights import change_button, read_only_notice
from views.shared.system import get_system, shown_venue
from views.shared.threshold_controls import fit_of_strategy, offer_thresholds
from views.shared.user_code import told_in_words, user_code_notices
from views.shared.workflow import START_RUN, workflow

REFRESH_S: Final = 1.0
FIRST_ANSWER_S: Final = 2.0  # how long the thresholds wait for bars of a pair that nobody has asked for yet
HELP_ADOPT: Final = (
    "From here on the file's new version decides, on the positions and the cash of this run. The journal says so; the "
    "backtest beside it is made by the new version, for the hours before as well."
)
RUNS, START = "Runs", START_RUN
BADGES: Final = {"starting": "gray", "waiting": "gray", "running": "blue", "closing": "orange", "stopped": "gray"}


def page() -> None:
    """Runs, and how to start one."""
    page_head("Paper")
    system = get_system()
    user_code_notices()
    read_only_notice()
    _trades(system)
    if system.paper.held is not None:
        st.warning(
            f"{system.paper.held}. Until it ends, runs are shown here as they were when this app started.",
            icon=":material/lock:",
            title="Another process trades on paper",
        )
    if system.paper.failure is not None:
        st.error(in_markdown(system.paper.failure), icon=":material/error:", title="Paper trading has not started")
    for notice in system.paper.notices:
        st.warning(
            notice, icon=":material/description:", title="A file of a paper run cannot be read, or not all of it"
        )
    runs, start = st.tabs([RUNS, START], key="paper_tab", on_change="rerun", bind="query-params")
    if runs.open:
        with runs:
            _runs(system)
    if start.open:
        with start:
            _start(system)
    _caveats()


def _trades(system: System) -> None:
    """Which trades a new run would see, in words."""
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure, "There are no trades").show()
        return
    for notice in feed_notices(pipeline, after=" A run on them ends when live trades come or the app stops."):
        notice.show()


# ---- start -------------------------------------------------------------------------------------------------------


def _start(system: System) -> None:
    """Controls and the button."""
    pipeline = system.pipeline
    if pipeline is None:
        return
    definition = definition_controls(pipeline, system.settings)
    running = sum(view.status != "stopped" for view in system.paper.runs())
    full = running >= MAX_RUNS
    row = st.container(horizontal=True, vertical_alignment="center")
    pressed = change_button(
        "Start on paper",
        place=row,
        type="primary",
        icon=":material/play_arrow:",
        key="paper_start",
        disabled=definition is None or full,
    )
    kind = "live trades" if pipeline.kind == "live" else "the recording, not live trades"
    title = in_markdown(plain(pipeline.title))
    row.caption(
        f"{MAX_RUNS} runs are active, the most allowed: stop one."
        if full
        else f"It would run on {kind}: {title}. Decisions begin with the next bar that closes."
    )
    if definition is None:
        return
    _offer(pipeline, definition)
    if not pressed:
        return
    try:
        with told_in_words(definition.strategy):
            name = system.paper.open(definition, pipeline.kind)
    except AlphaStreamError as error:
        st.error(in_markdown(sentence(error, pipeline.venue)), icon=":material/error:", title="Not started")
        return
    words = in_markdown(f"{in_words(definition.strategy.name, pipeline.venue)} is running as {name}.")
    st.success(words, icon=":material/check:", title="Started")
    st.caption(f"Its fills and its equity are on the tab “{RUNS}”.")


def _offer(pipeline: Pipeline, definition: Definition) -> None:
    """Thresholds that follow from the costs above, on the newest bars."""
    strategy = definition.strategy
    if not isinstance(strategy, ZScoreThreshold | InnovationThreshold):
        return
    spec, rules = strategy.pair, definition.rules
    workflow(PairView.of_parts(spec, chosen_parts()), here="paper")
    offer_thresholds(st, spec, lambda: fit_of_strategy(pipeline.engine.wait_for(spec, FIRST_ANSWER_S), strategy, rules))


# ---- runs --------------------------------------------------------------------------------------------------------


def _runs(system: System) -> None:
    """All runs, then the chosen one."""
    if not system.paper.runs():
        st.info(
            f"Choose a strategy on the tab “{START}”. It trades with simulated fills on the trades that arrive, and "
            "on live trades it continues when the app is started again.",
            icon=":material/hourglass_empty:",
            title="No run yet",
        )
        return
    st.fragment(_overview, run_every=REFRESH_S, key="paper_overview")(system)
    views = {view.id: view for view in system.paper.runs()}
    chosen = st.selectbox(
        "Run",
        list(views),
        key="paper_run",
        bind="query-params",
        format_func=lambda name: tables.name_of(views[name], shown_venue(system)),
        help="The newest first.",
    )
    st.fragment(_panel, run_every=REFRESH_S, key="paper_panel")(system, str(chosen))
    _downloads(system, str(chosen))
    offer_sheet(system, str(chosen))


def _overview(system: System) -> None:
    number = st.column_config.NumberColumn
    frame = tables.runs_frame(system.paper.runs(), shown_venue(system))
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame)),
        placeholder=UNKNOWN,
        key="paper_runs",
        alt="Paper runs, the newest first",
        column_config={
            "trades": st.column_config.TextColumn(help="Live trades of the venue, or the recording."),
            "since": moment_column("since"),
            "until": moment_column("processed up to"),
            "equity": number(format="%,.2f"),
            "profit": number(format="%+,.2f", help="Equity less capital, after all costs so far."),
            "fills": number(format="%d"),
        },
    )


def _panel(system: System, name: str) -> None:
    """The chosen run, by itself."""
    view = system.paper.view(name)
    if view is None:
        st.info("This run no longer exists.", icon=":material/hourglass_empty:", title="No such run")
        return
    if view.unpaid:
        st.warning(
            in_markdown(in_words(f"{view.unpaid}.", view.venue)),
            icon=":material/event_repeat:",
            title="Funding not booked",
        )
    if view.status != "stopped":
        _code(system, view)
    if view.unsaved:
        st.warning(
            in_markdown(f"It goes on in memory, and is written when that works again: {view.unsaved}"),
            icon=":material/hard_drive:",
            title="Not all of this run is on disk",
        )
    _state(system, view)
    venue = shown_venue(system)
    metric_row(tables.figures(view, venue), key="paper_cards", width=CARD_PX)
    waits = tables.waiting(view, venue)  # a line in any case: orders come and go, the page stays where it is
    st.markdown("  \n".join(f":orange-badge[open] {each}" for each in waits) or ":gray-badge[no open orders]")
    st.markdown(in_markdown(tables.margin(view, venue)))
    show_comparison(system, view)
    _records(view, venue)


def _code(system: System, view: PaperView) -> None:
    """Say where the code of a run's strategy is not what it was; where it can go on, offer to."""
    lacks = other_code(view.code)
    if not lacks:
        return
    if view.status != "waiting":  # there the state says it
        words = f"{lacks[0].upper()}{lacks[1:]}. It goes on with the code that it began with until the app stops."
        st.warning(in_markdown(words), icon=":material/code_off:", title="Code of this run")
    if (
        view.status == "waiting"
        and None not in code_now(view.code)
        and change_button(
            "Go on with the file as it is", key="paper_adopt", icon=":material/play_arrow:", help=HELP_ADOPT
        )
    ):
        try:
            system.paper.adopt_code(view.id)
        except AlphaStreamError as error:
            words = sentence(error, shown_venue(system))
            st.error(in_markdown(words), icon=":material/error:", title="Not gone on with")


def _state(system: System, view: PaperView) -> None:
    """What it does and since when, and the buttons."""
    kind = "on live trades" if view.trades == "live" else "on recorded trades, not live ones"
    why = f": {in_markdown(in_words(view.why, shown_venue(system)))};" if view.why else ""
    late = f" {view.late:,} trades came after their bar had closed and were left out." if view.late else ""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    colour = "red" if view.ended or view.damaged else BADGES[view.status]
    row.markdown(
        f":{colour}-badge[{tables.STATES[view.status]}]{why} {kind} ({in_markdown(plain(view.title))}), since "
        f"{moment_words(view.begin_ns)}, processed up to "
        f"{moment_words(view.until_ns, '%H:%M:%S')}, {tables.direction(view)}.{late}",
        width="stretch",
    )
    if view.status == "stopped":
        _resume(system, view, row)
        return
    if change_button(
        "Stop", place=row, icon=":material/stop:", key="paper_stop", help="Positions stay open as they are."
    ):
        system.paper.end(view.id, flatten=False)
    if any(view.positions) and view.status != "closing":
        with row.popover("Stop and close", icon=":material/logout:", key="paper_close"):
            st.markdown("The positions are closed at the next trades after now, with their costs. Then the run ends.")
            if change_button("Close the positions", type="primary", key="paper_close_sure"):
                system.paper.end(view.id, flatten=True)


def _resume(system: System, view: PaperView, row: Any) -> None:
    if view.trades != "live" or view.ended or view.damaged:
        return
    if change_button(
        "Resume",
        place=row,
        icon=":material/play_arrow:",
        key="paper_resume",
        help="Continues with its positions and cash. What it missed is not caught up on.",
    ):
        try:
            system.paper.resume(view.id)
        except AlphaStreamError as error:
            words = sentence(error, shown_venue(system))
            st.error(in_markdown(words), icon=":material/error:", title="Not resumed")


# ---- what happened -----------------------------------------------------------------------------------------------


def _records(view: PaperView, venue: str) -> None:
    """Trades, then orders and fills."""
    if not view.orders:
        st.caption("No order yet.")
        return
    number = st.column_config.NumberColumn
    trades = tables.trades_frame(view, venue)
    if len(trades):
        trades_table(trades, unit="s", key="paper_trades", alt="Round trips, the newest first")
    left, right = st.columns(2)
    left.caption(f"Newest {tables.MAX_FILLS} fills" if len(view.fills) > tables.MAX_FILLS else "Fills")
    left.dataframe(
        _with_names(tables.fills_frame(view, tables.MAX_FILLS), view, venue).drop(
            columns=["spread_cost", "impact_cost", "round_trip"]
        ),
        hide_index=True,
        height=table_height(len(view.fills)),
        key="paper_fills",
        alt="Fills, the newest first",
        column_config={
            "time": moment_column("time", "HH:mm:ss.SSS"),
            "quantity": number(format="%+.5g"),
            "price": number(format="%.8g", help="Paid: half spread and impact included."),
            "trade_price": number("trade", format="%.8g", help="Price of the trade in the market that it met."),
            "fee": number(format="%,.2f"),
            "order": number(format="%d"),
        },
    )
    right.caption("Orders by leg")
    orders = _with_names(tables.orders_frame(view).head(2 * tables.MAX_FILLS), view, venue)
    right.dataframe(
        orders.drop(columns=["waits_since", "filled_at"]),
        hide_index=True,
        height=table_height(len(orders)),
        placeholder=UNKNOWN,
        key="paper_orders",
        alt="Orders by leg, the newest first",
        column_config={
            "order": number(format="%d"),
            "decided": moment_column("decided", "HH:mm:ss"),
            "limit": number(format="%.8g"),
            "stop": number(format="%.8g"),
            "good_till": moment_column("good till", "HH:mm:ss"),
            "asked": number(format="%+.5g"),
            "filled": number(format="%+.5g"),
        },
    )


def _with_names(frame: pd.DataFrame, view: PaperView, venue: str) -> pd.DataFrame:
    """A table of a run with its symbols as they are printed."""
    reasons = [in_words(reason, venue) for reason in frame["reason"]]
    return frame.assign(symbol=frame["symbol"].map(labels(view.symbols, venue)), reason=reasons)


def _downloads(system: System, name: str) -> None:
    """Files as of the moment of the click."""
    row = st.container(horizontal=True)

    def button(label: str, make: Any, what: str) -> None:
        file = f"paper-{name}-{what}.csv"
        offer_file(label, make, file, key=f"csv_paper_{what}", place=row)

    def view() -> PaperView:
        newest = system.paper.view(name)
        assert newest is not None
        return newest

    def beside() -> bytes:
        comparison = compared(system, view())
        return comparison.encode() if isinstance(comparison, str) else tables.beside_csv(comparison)

    button("Fills as CSV", lambda: csv_bytes(tables.fills_frame(view()).iloc[::-1]), "fills")
    button("Orders as CSV", lambda: csv_bytes(tables.orders_frame(view()).iloc[::-1]), "orders")
    button("Equity beside backtest as CSV", beside, "equity")


def _caveats() -> None:
    """What paper trading is not."""
    with st.expander("When not to trust this", icon=":material/help:"):
        st.markdown(
            "- Nothing is sent to a venue. A fill is the price of a trade that somebody else had, moved by half the "
            "spread and the impact given; whether your order would have met it, nobody knows.\n"
            "- Time is that of the tape. A bar is processed when its trades have arrived, at the latest a second after "
            "a trade of the other leg; with long bars, fills in a bar are shown when it has closed.\n"
            "- The backtest beside it reads the tape as it is now. Trades that came late, or after a gap was filled, "
            "are in it; the paper run decided without them. That is what the differences show.\n"
            "- While the app is stopped nothing is traded and nothing is caught up on afterwards. Open positions "
            "stay open; open orders are cancelled.\n"
            "- Margin is looked at when a bar has closed, with one rate for every symbol and size. A venue looks at "
            "its mark prices all the time, asks for more of large positions, may close earlier and at worse prices.\n"
            "- No difference means that simulation and backtest agree, not that the strategy earns anything."
        )


page()
