"""The backtest page: a strategy over recorded trades or files, with what it costs and how much of it may be luck."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alphastream.backtest import HoldoutRun, Market, RowFold, RunResult, backtest, pnl_by_leg
from alphastream.errors import AlphaStreamError
from alphastream.estimators import Settled
from alphastream.graph import Node, Series, dot
from alphastream.instruments import in_words
from alphastream.kernel_groups import BACKTEST, POSITIONS
from alphastream.pairs import SETTLING, PairSpec, Progress
from alphastream.performance import DeflatedSharpe, Performance, summarise
from alphastream.reports import run_words, settings_of
from alphastream.reports.benchmarks import held_benchmark
from alphastream.reports.metrics import time_unit
from alphastream.reports.palette import palette
from alphastream.reports.panels import MAX_LINES
from alphastream.reports.run_charts import MAX_MARKS, backtest_figure, cost_figure
from alphastream.reports.run_report import run_html
from alphastream.strategies import BasketThreshold, InnovationThreshold, PositionOptimiser, ZScoreThreshold
from views.backtest import tables as tables
from views.backtest.controls import BacktestRequest, backtest_controls
from views.backtest.data_controls import Data, FileData, choose_data
from views.backtest.depth_page import depth_comparison
from views.backtest.holdout_page import holdout_of, show_holdout, trained_on, training_of
from views.backtest.saved_page import keep_run
from views.backtest.thresholds_page import thresholds_tab
from views.backtest.trials_page import luck_of, sweep_tab, walk_tab
from views.shared.clock_controls import plotted
from views.shared.compiling import PAIR_MODELS, kernels_ready
from views.shared.controls import sentence
from views.shared.elements import PLOT, is_dark, metric_row, offer_file, table_height, trades_table
from views.shared.escaping import in_markdown
from views.shared.fill_cost import chosen_parts
from views.shared.instruments import labels
from views.shared.page_head import page_head
from views.shared.pair_view import PairView
from views.shared.picture_controls import offer_picture
from views.shared.progress import Progress as Told
from views.shared.recordings import OWN
from views.shared.rows_controls import RowChoice, rows_controls
from views.shared.spread_charts import mark_times
from views.shared.system import get_system
from views.shared.tear_sheet import BENCHMARK, tear_sheet
from views.shared.uploads import session_cached, session_computed
from views.shared.user_code import told_in_words, user_code_notices
from views.shared.workflow import workflow

SELDOM: Final = 0.5  # share of bars in which both legs trade, below which that is said aloud
RESULT, SHEET, SWEEP, WALK, THRESHOLDS = "Result", "Tear sheet", "Sweep", "Walk-forward", "Thresholds"
SERIES: Final = "Series"


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A run, what it was worth, its trades, and the share of bars in which both legs of each pair traded."""

    result: RunResult
    performance: Performance
    trades: pd.DataFrame
    together: float


def page() -> None:
    """Data, strategy, costs; then the result and what else can be asked of it."""
    page_head("Backtest")
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    system = get_system()
    user_code_notices()
    data = choose_data(row, system)
    if data is None:
        return
    rows = rows_controls(*data.span_ns(), split=True)
    if rows is None:
        return
    whole = data
    if not rows.everything:
        data = session_cached("backtest_part", [whole, rows], lambda: whole.within(rows))
    if len(data.symbols) < 2:
        st.info("Fewer than two symbols have rows between these dates.", icon=":material/date_range:")
        return
    asked = backtest_controls(row, data, system.settings)
    if asked is None:
        return
    request, trials = asked
    if not kernels_ready(*PAIR_MODELS, POSITIONS, BACKTEST):
        return
    st.caption(in_markdown(f"{data.title}: {data.describe(request.strategy.symbols)}."))
    _offer_pages(whole, request, rows)
    try:
        market = data.market(request.strategy.symbols)
        with told_in_words(request.strategy):
            run = _run(market, request)
        if run is None:
            return
    except AlphaStreamError as error:
        st.error(in_markdown(sentence(error, request.venue)), icon=":material/error:", title="No result")
        return
    split_ns = rows.split_ns(data.times(request.strategy.symbols), request.strategy.pairs[0].interval_ns)
    held = None if split_ns is None else holdout_of(market, request, run.result, split_ns)
    names = [RESULT, SHEET, *([SWEEP, WALK, THRESHOLDS] if trials is not None else []), SERIES]
    tabs = dict(zip(names, st.tabs(names, key="backtest_tab", on_change="rerun", bind="query-params"), strict=True))
    if tabs[RESULT].open:
        with tabs[RESULT]:
            _result(data, market, request, run, held)
    trial_market = market if held is None else training_of(market, held)
    if tabs[SHEET].open:
        with tabs[SHEET]:
            tear_sheet(run.result, run.performance, labels(run.result.symbols, request.venue))
    if trials is not None and tabs[SWEEP].open:
        with tabs[SWEEP]:
            trained_on(held)
            sweep_tab(trial_market, request, trials, dark=is_dark())
    if trials is not None and tabs[WALK].open:
        with tabs[WALK]:
            trained_on(held)
            walk_tab(trial_market, request, trials, dark=is_dark())
    if trials is not None and tabs[THRESHOLDS].open:
        with tabs[THRESHOLDS]:
            trained_on(held)
            thresholds_tab(trial_market, request)
    series = tabs[SERIES]
    if series.open:
        with series:
            _series(request)
    _caveats()


def _offer_pages(data: Data, request: BacktestRequest, rows: RowChoice) -> None:
    """Other pages, for a strategy on one pair."""
    pairs = request.strategy.pairs
    if len(pairs) != 1 or not isinstance(pairs[0], PairSpec):
        return
    upload = data.upload if isinstance(data, FileData) else None
    source = OWN if upload is None else str(st.session_state["source"])
    workflow(PairView.of_parts(pairs[0], chosen_parts(), source, upload, rows.ends), here="backtest")


def _run(market: Market, request: BacktestRequest) -> _Run | None:
    """The run of these settings, the one before while nothing has changed; None where it was cancelled."""

    def make(progress: Told) -> _Run:
        result = backtest(
            market,
            request.strategy,
            request.rules,
            capital=request.capital,
            observe=dict(request.observe),
            progress=progress,
        )
        performance = _performance(result, request)
        trades = tables.trades_frame(result, performance, request.venue)
        return _Run(result, performance, trades, _together(market, request))

    return session_computed("backtest_run", [market, request], make, "The backtest")


def _together(market: Market, request: BacktestRequest) -> float:
    """Share of the rows in which everything traded."""
    specs = request.strategy.pairs
    found = [market.bar_rows(spec.source.symbols, spec.interval_ns) for spec in specs]
    return min(float(np.mean(np.all(rows.volume != 0.0, axis=1))) for rows in found)


def _performance(run: RunResult, request: BacktestRequest) -> Performance:
    of_pair = not isinstance(request.strategy, PositionOptimiser)
    return summarise(
        run.time_ns,
        run.equity,
        run.symbols,
        run.positions,
        run.marks,
        run.fills,
        run.funding,
        capital=run.capital,
        lead=run.symbols[0] if of_pair else None,
        ended_ns=None if run.ended is None else run.ended.time_ns,
    )


def _result(data: Data, market: Market, request: BacktestRequest, run: _Run, held: HoldoutRun | None = None) -> None:
    """Cards, figure, costs, trades, files."""
    result, performance = run.result, run.performance
    waits = _calibrating(market, request, result)
    if waits is not None:
        st.warning(
            f"{len(result):,} bars: {in_markdown(waits.what)} has {waits.have} of {waits.needed}. "
            "Take longer data, shorter bars or a smaller window.",
            icon=":material/hourglass_empty:",
            title=f"Calibrating {waits.have}/{waits.needed}",
        )
    elif not result.fills:
        refused = bool(result.orders) and all(order.state == "rejected" for order in result.orders)
        st.info(
            "No order was filled: "
            + (
                "all were refused, see below."
                if refused
                else "the optimiser had no position yet, or no trade came after a bar."
                if isinstance(request.strategy, PositionOptimiser)
                else "the strategy asked for none, or no trade came after a bar."
                if _thresholds(request) is None
                else "z never reached the entry, or no trade came after a signal."
            ),
            icon=":material/hourglass_empty:",
            title="No trade",
        )
    if result.ended is not None:
        words, title = in_words(run_words.ending(result.ended), request.venue), run_words.ended_as(result.ended)
        st.error(in_markdown(words), icon=":material/report:", title=in_markdown(title))
    most = max(len(spec.source.symbols) for spec in request.strategy.pairs)
    legs = "both legs" if most == 2 else "all legs"
    traded = f"{legs.capitalize()} traded in {run.together:.0%} of the bars"
    if run.together < SELDOM:
        where = f"{traded}; in the others" if run.together else "In every bar"
        st.warning(
            f"{where} one price is old, and a spread made of it cannot be traded. "
            f"Choose longer bars, or data of {legs} from the same time.",
            icon=":material/hourglass_disabled:",
            title="The legs seldom trade together" if run.together else "The legs never trade together",
        )
    luck = luck_of(market, request, performance)
    metric_row(run_words.figures(result, performance, luck), key="result_cards")
    st.caption(in_markdown(run_words.span(result)) + (f" {traded}." if most > 1 else ""))  # one has nothing to meet
    for trouble in run_words.troubles(result):
        st.warning(in_markdown(in_words(trouble, request.venue)), icon=":material/call_split:")
    dark = is_dark()
    figure = session_cached("backtest_drawn", [run, dark], lambda: _drawn(request, run, dark, request.venue))
    if held is not None:
        show_holdout(held, [_performance(part, request) for part in (held.train, held.test)])
        figure = go.Figure(figure)  # the one that is kept has no mark
        mark_times(figure, [(held.split_ns, "train", "test")], inside=True)
    st.plotly_chart(plotted(figure), key="backtest_figure", config=PLOT)
    offer_picture("backtest_figure", "backtest")
    if len(performance.round_trips) > MAX_MARKS and _thresholds(request) is not None:
        st.caption(f"Marks of the newest {MAX_MARKS:,} trades; the table and the files have all.")
    if len(result.symbols) > MAX_LINES:
        st.caption(f"Lines of the {MAX_LINES} symbols with the largest positions; the files have all.")
    if result.fills:
        _details(run, request.venue)
    if data.has_books:
        depth_comparison(data, request, result)
    _downloads(data, request, run, luck)


def _drawn(request: BacktestRequest, run: _Run, dark: bool, venue: str = "") -> go.Figure:
    entry, exit_ = _thresholds(request) or (None, None)
    return backtest_figure(
        run.result, run.performance, entry=entry, exit_=exit_, dark=dark, names=labels(run.result.symbols, venue)
    )


def _thresholds(request: BacktestRequest) -> tuple[float, float] | None:
    """Entry and exit of a strategy that has thresholds."""
    strategy = request.strategy
    if isinstance(strategy, BasketThreshold):
        return strategy.basket.entry, strategy.basket.exit
    if isinstance(strategy, ZScoreThreshold | InnovationThreshold):
        return strategy.pair.entry, strategy.pair.exit
    return None


def _calibrating(market: Market, request: BacktestRequest, result: RunResult) -> Progress | None:
    """The first estimator of the first pair that never had rows enough, if no pair came to a z-score."""
    if result.fills:
        return None
    fold = RowFold([request.strategy])
    fold.run(fold.rows_of(market))
    for node in fold.graph.nodes():
        have, needed = fold.graph.progress(node)
        if have < needed:
            what = SETTLING if isinstance(node.estimator, Settled) else repr(node.estimator)
            return Progress(what, have, needed)
    return None


def _details(run: _Run, venue: str) -> None:
    """Costs, further figures, what each leg earned, trades."""
    performance = run.performance
    left, right = st.columns([3, 2])
    left.plotly_chart(cost_figure(performance.split, dark=is_dark()), key="backtest_costs", config=PLOT)
    names, values = zip(*run_words.statistics(performance), strict=True)
    right.dataframe(
        {"figure": names, "value": values},
        hide_index=True,
        height="content",
        alt="Further figures of the run",
    )
    legs = session_cached("backtest_legs", [run], lambda: tables.legs_frame(pnl_by_leg(run.result), venue))
    amount = st.column_config.NumberColumn
    st.dataframe(
        legs,
        hide_index=True,
        height=table_height(len(legs)),
        key="backtest_legs",
        alt="Profit and loss by leg; the last row is the sum",
        column_config={
            "leg": "profit by leg",
            "gross": amount(format="%+,.2f", help="At the prices of the market, open positions at the last ones."),
            **{name: amount(format="%,.2f") for name in ("fees", "spread", "impact")},
            "funding": amount(format="%+,.2f", help="Received."),
            "net": amount(format="%+,.2f", help="Gross less costs, with funding. The last row is the profit."),
        },
    )
    # NaN without a closed trade: then the unit is seconds.
    unit, seconds = time_unit(performance.round_trip_statistics.mean_holding_ns)
    frame = run.trades.assign(held_s=run.trades["held_s"] / seconds)
    trades_table(frame, unit=unit, key="backtest_trades", alt="Round trips, oldest first")


def _downloads(data: Data, request: BacktestRequest, run: _Run, luck: DeflatedSharpe | None) -> None:
    result, performance = run.result, run.performance
    stem = f"backtest-{'-'.join(result.symbols[:2])}"
    row = st.container(horizontal=True)
    names = labels(result.symbols, request.venue)
    beside = str(st.session_state.get(BENCHMARK, ""))
    keep_run(row, data, request, result, performance)

    def button(label: str, make: Any, name: str, kind: str, key: str) -> None:
        offer_file(label, make, f"{stem}-{name}", key=key, kind=kind, place=row)

    button("Trades as CSV", lambda: tables.trades_csv(result, performance), "trades.csv", "text/csv", "csv_trades")
    columns = tables.series_labels(result, _named_series(request))
    button("Equity as CSV", lambda: tables.equity_csv(result, columns), "equity.csv", "text/csv", "csv_equity")
    button("Orders and fills as CSV", lambda: tables.fills_csv(result), "fills.csv", "text/csv", "csv_fills")
    button(
        "Report as HTML",
        lambda: run_html(
            result,
            settings=settings_of(
                request.strategy,
                request.rules,
                request.capital,
                f"{data.title}: {data.describe(request.strategy.symbols)}",
            ),
            performance=performance,
            luck=luck,
            benchmark=held_benchmark(result, beside, names),
            names=names,
            thresholds=_thresholds(request) or (None, None),
        ).encode(),
        "report.html",
        "text/html",
        "html_report",
    )


def _named_series(request: BacktestRequest) -> dict[str, Series]:
    """What a run records, by its short name."""
    named = dict(request.observe)
    if not isinstance(request.strategy, PositionOptimiser):
        named |= request.strategy.series(request.strategy.pairs[0])
    return named


def _series(request: BacktestRequest) -> None:
    """The graph of the run."""
    wanted = [series for spec in request.strategy.pairs for series in request.strategy.series(spec).values()]
    wanted += [series for _, series in request.observe]
    nodes = [series.of for series in wanted if isinstance(series.of, Node)]
    picture = dot(nodes)
    st.caption(
        "What is computed for this run, from the bars at the top down: a box is an estimator with its parameters, the "
        "words at a line are the columns it reads. A double outline is shared by several and computed once."
    )
    colour = palette(is_dark()).neutral
    look = f'bgcolor=transparent; node [color="{colour}", fontcolor="{colour}", fontsize=11]; '
    look += f'edge [color="{colour}", fontcolor="{colour}", fontsize=10];'
    st.graphviz_chart(picture.replace("{", f"{{ {look}", 1), alt="Estimators of the run and what they read")
    offer_file(
        "Graph as DOT file",
        lambda: picture.encode(),
        "backtest-series.dot",
        key="dot_series",
        kind="text/vnd.graphviz",
    )


def _caveats() -> None:
    """When not to trust a backtest."""
    with st.expander("When not to trust this", icon=":material/help:"):
        st.markdown("\n".join(f"- {line}" for line in run_words.CAVEATS))


page()
