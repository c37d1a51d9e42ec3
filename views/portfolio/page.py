"""The portfolio page: positions over several pairs or symbols, from the bars that have closed."""

import math
from dataclasses import dataclass
from typing import Final

import streamlit as st

from alphastream.core.units import SECOND
from alphastream.estimators import Floats
from alphastream.graph import interval_name
from alphastream.kernel_groups import POSITIONS
from alphastream.pairs import PairAnalytics, analyse
from alphastream.portfolio.allocation import (
    Allocation,
    AllocationRows,
    allocate,
    ic_summary,
    net_returns,
    pair_rows,
    sharpe_by_shrinkage,
    soundness,
    symbol_rows,
)
from alphastream.reports.panels import MAX_LINES
from alphastream.streaming.repeated_rows import without_laps
from alphastream.uploads import Upload
from alphastream.uploads.series import pair_rows as legs_of
from pipelines import Pipeline
from system import System
from views.portfolio.charts import allocation_figure, matrix_map, shrinkage_figure, spectrum_figure
from views.portfolio.tables import allocation_csv, as_printed, figures, portfolio_status, positions_frame
from views.shared.clock_controls import moment_words, plotted
from views.shared.compiling import PAIR_MODELS, compiling_text, kernels_ready
from views.shared.controls import is_followed
from views.shared.elements import CARD_PX, PLOT, is_dark, metric_row, offer_file
from views.shared.escaping import in_markdown
from views.shared.instruments import labels
from views.shared.matrix_view import wide_chart
from views.shared.metrics import UNKNOWN, Metric
from views.shared.notices import engine_notices, feed_notices, no_feed
from views.shared.page_head import page_head
from views.shared.portfolio_controls import MAX_CHOSEN, PortfolioRequest, portfolio_controls
from views.shared.recordings import BUNDLES, in_order, load
from views.shared.system import get_system, shown_venue
from views.shared.uploads import session_cached

LIVE: Final = "Live feed"
REFRESH_S: Final = 1.0  # at most one computation in this time
SLOW_S: Final = 5.0  # of what takes a matrix a bar, or the optimiser eleven times
FIRST_ANSWER_S: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Origin:
    """Where bars come from: the feed, or an upload that came with the program."""

    system: System
    upload: Upload | None = None

    @property
    def venue(self) -> str:
        """The venue whose symbols are printed bare."""
        return shown_venue(self.system) if self.upload is None else self.upload.venue


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is shown of one moment."""

    allocation: Allocation
    gained: Floats


def page() -> None:
    """Controls, then the panel, which updates by itself, then what takes longer."""
    page_head("Portfolio")
    system = get_system()
    chosen = st.segmented_control(
        "Bars of",
        [LIVE, *BUNDLES],
        default=LIVE,
        required=True,
        key="portfolio_bars",
        bind="query-params",
        help="Live feed: bars as they close. Others come with the program and have ended.",
    )
    if chosen == LIVE:
        _live(system)
    else:
        _of_bundle(system, str(chosen))
    _caveats()


def _live(system: System) -> None:
    """Positions on bars of the feed, as they close."""
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure).show()
        return
    request = portfolio_controls(pipeline.symbols, system.settings, venue=pipeline.venue)
    if request is None or not all(is_followed(pipeline, symbol) for symbol in request.assets):
        return
    origin = _Origin(system)
    st.fragment(_panel, run_every=REFRESH_S, key="portfolio_panel")(origin, request)
    _below(origin, request)


def _of_bundle(system: System, source: str) -> None:
    """Positions on rows that come with the program."""
    upload = load(source)
    if upload is None:
        return
    shortest_s = 1 if upload.interval_ns is None else max(1, upload.interval_ns // SECOND)
    for key in ("bundled_pairs", "bundled_symbols"):
        _drop_others(key, upload)
    request = portfolio_controls(
        in_order(upload), system.settings, venue=upload.venue, shortest_s=shortest_s, prefix="bundled_"
    )
    if request is None or not kernels_ready(*PAIR_MODELS, POSITIONS):
        return
    absent = sorted({leg for spec in request.pairs for leg in (spec.y, spec.x)} - set(upload.symbols))
    if absent:
        words = in_markdown(
            f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not in {source}: choose others."
        )
        st.warning(words, icon=":material/rule:", title="No positions")
        return
    origin = _Origin(system, upload)
    with st.container():  # as the fragment of live bars: what stands below keeps its place
        _panel(origin, request)
    _below(origin, request)


def _drop_others(key: str, upload: Upload) -> None:
    """Let go of names of other rows, in a control that is about to be drawn; it begins where none is left."""
    held = st.session_state.get(key)
    if held is not None:
        st.session_state[key] = [name for name in held if set(name.split("/")) <= set(upload.symbols)]
        if not st.session_state[key]:
            del st.session_state[key]


def _panel(origin: _Origin, request: PortfolioRequest) -> None:
    """Status, cards, the newest positions and the charts."""
    pipeline = origin.system.pipeline
    if pipeline is not None and origin.upload is None:
        for notice in (*engine_notices(pipeline, "positions"), *feed_notices(pipeline)):
            notice.show()
    view = _view(origin, request)
    if isinstance(view, str):
        st.info(in_markdown(view), icon=":material/hourglass_empty:", title="Not yet")
        return
    allocation = as_printed(view.allocation, origin.venue)
    state = portfolio_status(allocation)
    metric_row(figures(allocation, view.gained), key="portfolio_cards", width=CARD_PX)
    newest = moment_words(int(view.allocation.rows.time_ns[-1]))
    badge = {"fine": "blue", "waiting": "gray", "trouble": "orange"}[state.kind]
    st.markdown(f":{badge}-badge[{newest}] {in_markdown(state.reason)}.")
    _positions(allocation)
    if not (view.allocation.positions.status == "valid").any():
        st.caption("Charts begin with the first positions.")
        return
    figure = allocation_figure(allocation, view.gained, dark=is_dark())
    st.plotly_chart(plotted(figure), key="portfolio_figure", config=PLOT)
    if len(view.allocation.rows.assets) > MAX_LINES:
        st.caption(f"Lines of the {MAX_LINES} symbols with the largest positions; the table and the file have all.")


def _positions(allocation: Allocation) -> None:
    number = st.column_config.NumberColumn
    cash = "%+,.0f" if allocation.config.aum >= 1e5 else "%+,.2f"
    st.dataframe(
        positions_frame(allocation),
        hide_index=True,
        placeholder=UNKNOWN,
        alt="Positions on the newest closed bar",
        column_config={
            "side": st.column_config.TextColumn(help="–: no target, because the symbol or the whole bar has none."),
            "cash": number(
                "cash position",
                format=cash,
                help="In the quote currency, long positive. A target: filled on the next bar at the earliest.",
            ),
            "change": number(format=cash, help="Against what was held after the bar before: what to trade."),
            "quantity": number(format="%+,.4f", help="Cash position over the price: base units."),
            "risk": number(
                "risk position",
                format="%+,.2f",
                help="Cash position × volatility: what one standard deviation of a bar moves, in the quote currency.",
            ),
            "volatility": number(
                "volatility, bps",
                format="%.2f",
                help="Weighted standard deviation of the returns of one bar. Last trades jump between bid and ask: "
                "on short bars much of it is that.",
            ),
            "signal": number(
                format="%+.2f",
                help="Standard deviations, summed over pairs. Empty: not known, counted as 0. A symbol without a "
                "signal can still be held to hedge others.",
            ),
            "price": number(format="%.8g", help="Last trade in the bar; empty where there was none."),
        },
    )


def _view(origin: _Origin, request: PortfolioRequest) -> _View | str:
    """Positions on the bars there are, or why there are none; computed again when a bar has closed."""
    if origin.upload is not None:
        return _allocated(_rows(_computed(origin.upload, request), request), request)
    pipeline = origin.system.pipeline
    if pipeline is None:
        return origin.system.failure or "No feed is configured."
    compilation = pipeline.engine.compilation
    if not compilation.is_ready(POSITIONS):
        return compiling_text(compilation.progress)
    answers = _answers(pipeline, request)
    if answers is None:
        return "The first answer about these pairs is being computed."
    if not all(answer.computed for answer in answers):
        return compiling_text(compilation.progress)
    rows = _rows(answers, request)
    if not len(rows):
        return f"Waiting for the first closed bar of {', '.join(labels(rows.assets, pipeline.venue).values())}."
    return _allocated(rows, request)


def _computed(upload: Upload, request: PortfolioRequest) -> list[PairAnalytics]:
    """The answer of every pair over all rows of an upload; those of before while both are the same."""

    def make() -> list[PairAnalytics]:
        with st.spinner("Computing"):
            return [analyse(legs_of(upload, spec.y, spec.x, spec.interval_ns), spec) for spec in request.pairs]

    return session_cached("portfolio_answers", [upload, request.pairs], make)


def _answers(pipeline: Pipeline, request: PortfolioRequest) -> list[PairAnalytics] | None:
    """The newest answer of every pair; asking for all first makes the engine compute them at once."""
    for spec in request.pairs:
        pipeline.engine.snapshot(spec)
    pipeline.engine.wait_for(request.pairs[-1], FIRST_ANSWER_S)
    snapshots = [pipeline.engine.snapshot(spec) for spec in request.pairs]
    answers = [without_laps(answer) for answer in snapshots if answer is not None]
    return answers if len(answers) == len(snapshots) else None


def _rows(answers: list[PairAnalytics], request: PortfolioRequest) -> AllocationRows:
    if request.symbols:
        return symbol_rows(answers, request.symbols, request.window, request.style)
    return pair_rows(answers, request.style)


def _allocated(rows: AllocationRows, request: PortfolioRequest) -> _View:
    """The allocation of these rows; the one before while no bar has closed and no late trade changed one."""
    key = (request, rows.time_ns.tobytes(), rows.prices.tobytes(), rows.signals.tobytes())
    before, view = st.session_state.get("portfolio_view", (None, None))
    if before != key or not isinstance(view, _View):
        allocation = allocate(rows, request.config)
        view = _View(allocation, net_returns(allocation.positions, rows.prices, request.config))
        st.session_state["portfolio_view"] = key, view
    return view


def _below(origin: _Origin, request: PortfolioRequest) -> None:
    """Downloads and what is computed more rarely, each when its box is open."""
    with st.popover("Download", icon=":material/download:", on_change="rerun", key="portfolio_files") as box:
        if box.open:
            _download(origin, request)
    with st.expander(
        "Correlation matrix used", icon=":material/grid_on:", expanded=True, on_change="rerun", key="portfolio_matrix"
    ) as matrix:
        if matrix.open:
            st.fragment(_matrix, run_every=SLOW_S, key="matrix_panel")(origin, request)
    with st.expander(
        "Does the signal predict?", icon=":material/query_stats:", on_change="rerun", key="portfolio_skill"
    ) as predicts:
        if predicts.open:
            st.fragment(_skill, run_every=SLOW_S, key="skill_panel")(origin, request)


def _download(origin: _Origin, request: PortfolioRequest) -> None:
    """The file as of the moment the box was opened."""
    view = _view(origin, request)
    if isinstance(view, str):
        st.caption(in_markdown(view))
        return
    length = interval_name(request.pairs[0].interval_ns)
    offer_file(
        "All bars as CSV",
        allocation_csv(view.allocation, view.gained),
        f"portfolio-{len(view.allocation.rows.assets)}-symbols-{length}.csv",
        key="portfolio_csv",
    )
    st.caption("Closed bars as of the moment this box was opened; positions in the quote currency.")


def _matrix(origin: _Origin, request: PortfolioRequest) -> None:
    """The matrix of the newest bar and how sound it has been."""
    view = _view(origin, request)
    if isinstance(view, str):
        st.caption(in_markdown(view))
        return
    rows = view.allocation.rows
    sound = soundness(rows, request.config)
    condition, rank = float(sound.condition_number[-1]), float(sound.effective_rank[-1])
    left, right = st.columns(2)
    with left:
        figure = matrix_map(as_printed(view.allocation, origin.venue), dark=is_dark())
        wide_chart(figure, key="portfolio_map", alt="The correlations that were solved")
    right.plotly_chart(
        plotted(spectrum_figure(rows.time_ns, sound, dark=is_dark())), key="portfolio_spectrum", config=PLOT
    )
    verdict = (
        f"Condition number **{condition:,.1f}**, effective rank **{rank:.2f}** of {len(rows.assets)}."
        if math.isfinite(rank)
        else "No matrix of two symbols or more on the newest bar."
    )
    right.markdown(verdict)
    st.caption(
        "What the positions were solved with, after shrinkage. Condition number: how much a small error in the "
        "signals or correlations can grow in the positions; over about 100 lower shrink. Effective rank: how many "
        "independent bets there are; far below the number of symbols, diversification is an illusion."
    )


def _skill(origin: _Origin, request: PortfolioRequest) -> None:
    """Information coefficients and what other values of shrink would have earned."""
    view = _view(origin, request)
    if isinstance(view, str):
        st.caption(in_markdown(view))
        return
    rows, config = view.allocation.rows, request.config
    coefficients = {
        "Information coefficient": ic_summary(rows, ranked=False),
        "Rank IC": ic_summary(rows, ranked=True),
    }
    metric_row(
        [
            Metric(label, f"{ic.mean:+.3f} ± {ic.error:.3f}" if ic.rows > 1 else UNKNOWN, f"{ic.rows:,} bars")
            for label, ic in coefficients.items()
        ],
        width=220,
    )
    few = " With two symbols each bar is +1 or −1, nothing between." if len(rows.assets) == 2 else ""
    st.caption(
        "Correlation over the symbols of a bar's signals with the returns from the next bar to the one after, the "
        "first that can be earned; mean and standard error. Below two standard errors it may be none at all, and the "
        f"error takes bars as independent, which lasting signals are not: the true one is larger.{few}"
    )
    if config.covariance is not None:
        st.caption("Sharpe ratio over shrinkage: a sliding window does not use shrink.")
        return
    trials = sharpe_by_shrinkage(rows, config)
    if not any(trial.rows > 1 for trial in trials):
        st.caption("Sharpe ratio over shrinkage: no positions yet.")
        return
    figure = shrinkage_figure(trials, config.shrink, dark=is_dark())
    st.plotly_chart(figure, key="portfolio_sharpe", config=PLOT)
    st.caption(
        f"Sharpe ratio per bar over the autocorrelation of the bars (Lo), not annualised, "
        f"net of {config.cost_per_unit * 1e4:g} bps of the notional traded, "
        f"filled a bar after the decision, on the {max(trial.rows for trial in trials):,} bars shown. In sample: the "
        "best of eleven is luck too, and where the error bars overlap there is no best."
    )


def _caveats() -> None:
    """When not to trust a position."""
    with st.expander("When not to trust these positions", icon=":material/help:"):
        st.markdown(
            "- Only closed bars count. A position is a target: it can be filled on the next bar at the earliest, and "
            "the result shown is counted so. A trade that arrives late may change a bar and what followed from it.\n"
            "- A symbol that did not trade in a bar is missing there: it has no target in it; gross and turnover count "
            "it as gone. In the result it is held on until it trades. A pair "
            "counts on bars in which both its legs traded.\n"
            "- A signal that is missing or still calibrating counts as 0, no return expected. Such a symbol can still "
            "be held, as a hedge of others.\n"
            "- The portfolio has the same risk whether the signals are weak or strong: only their proportions count. A "
            "signal near zero that changes its sign turns the whole book over, and costs.\n"
            "- Sizes come from the risk per bar you ask for and past volatility: after a quiet hour they are large. "
            "Check leverage against what you may carry.\n"
            "- Cash is in the quote currency of each symbol and added up as if all were the same: "
            "choose symbols with the same quote currency.\n"
            f"- At most {MAX_CHOSEN} pairs or symbols, on the bars this server keeps. With a turnover cap positions "
            "depend on the first bar kept, and that moves on."
        )


page()
