"""The live page: a pair of legs while they trade."""

from contextlib import nullcontext
from typing import Any, Literal

import numpy as np
import streamlit as st

from alphastream.bars import Bars, empty_bars
from alphastream.cointegration import TEST_ROWS
from alphastream.diagnosis import asynchrony
from alphastream.errors import AlphaStreamError
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.pairs import PairAnalytics, PairSpec
from alphastream.scan import tape_correlation
from lines import Line
from pipelines import Pipeline
from runtime.channel.topics import Frame
from system import System
from views.component import Card, live_figure, pair_frame, way_of
from views.live.basket_page import basket_panel
from views.live.carry_page import carry_panel, chosen_size, size_controls, size_in_address
from views.live.tables import coverage_frame, tape_facts
from views.live.tradable import Size, tradable_cards
from views.shared import exports
from views.shared.cards import evidence_card, feed_card, pair_cards
from views.shared.chart_options import ChartOptions
from views.shared.chart_settings import chart_settings, with_chart
from views.shared.clock_controls import moment_column, moment_words
from views.shared.compiling import progress_text
from views.shared.controls import SHOWN_BARS, is_followed, pair_controls
from views.shared.elements import is_dark, offer_file
from views.shared.escaping import in_markdown
from views.shared.fill_cost import chosen_fill_cost
from views.shared.findings import tests_of, trade_times_of
from views.shared.head_cards import head_card, marked
from views.shared.head_words import no_inference
from views.shared.indicator_panel import bars_as_columns, indicator_box, indicator_panel, series_as_columns
from views.shared.instruments import label, labels
from views.shared.matrix_charts import return_correlation_map
from views.shared.matrix_view import wide_chart
from views.shared.metrics import plain
from views.shared.notices import no_feed
from views.shared.page_head import page_head
from views.shared.pair_notices import pair_notices
from views.shared.pair_view import PairView, link_to
from views.shared.readiness import ready_cards
from views.shared.series import pair_series
from views.shared.status_bar import clock_of
from views.shared.system import get_system
from views.shared.threshold_controls import fit_of_page, offer_thresholds
from views.shared.user_code import user_code_notices
from views.shared.workflow import workflow

FIGURE = "pair"
RENEW_S = 60.0
FIRST_ANSWER_S = 1.0  # how long a visit waits for its first answer before it shows an empty chart


def page() -> None:
    """Read the controls, then hand over to the panel, which updates by itself."""
    page_head("Live pair")
    system = get_system()
    user_code_notices()
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure).show()
        return
    spec = pair_controls(
        pipeline.symbols, system.settings, venue=pipeline.venue, open_list=pipeline.kind == "live", cost=True
    )
    if spec is None:
        return
    for symbol in (spec.y, spec.x):
        if not is_followed(pipeline, symbol):
            return
    by_page = system.settings.channel == "off" or way_of(FIGURE) == "page"
    # Now and then also beside the channel: only a page with a timer asks again after the server was gone.
    pace = system.settings.page_refresh_ms / 1_000 if by_page else RENEW_S
    figure, below = st.container(), st.container()
    row = below.container(horizontal=True, vertical_alignment="bottom")
    options = chart_settings(row, ".lf-plot", "-".join(labels((spec.y, spec.x), pipeline.venue).values()))
    with figure:
        st.fragment(_panel, run_every=pace, key="panel")(system, spec, options)
    with below:
        _below(system, spec, row)


def _panel(system: System, spec: PairSpec, options: ChartOptions) -> None:
    """Status, cards and charts. What moves comes over the live channel; this runs again when the status changes, and
    several times a second where the channel does not open."""
    notes = st.container(key="live_notes")  # on a phone they stand below the chart
    for notice in pair_notices(system):
        with notes if notice.kind in {"info", "note"} else nullcontext():
            notice.show()
    shown, cost = st.session_state.get("bars", SHOWN_BARS[1]), chosen_fill_cost()
    hub, pipeline = system.hub, system.pipeline
    if pipeline is not None:
        pipeline.engine.wait_for(spec, FIRST_ANSWER_S)
    size = chosen_size()
    topic = hub.topic((spec, shown, cost, size, options), lambda: _frame(system, spec, shown, cost, size, options))
    live_figure(topic, ticket=hub.ticket() if system.settings.channel == "auto" else None, key=FIGURE)


def _frame(system: System, spec: PairSpec, shown: int, cost_bps: float, size: Size, options: ChartOptions) -> Frame:
    """What the figure and the cards show now. Called by the hub's thread, for everybody who looks."""
    pipeline = system.pipeline
    if pipeline is None:
        return pair_frame(pair_series(None, spec, {}), status=repr(pair_notices(system)), options=options)
    answer, instruments, now_ns = pipeline.engine.snapshot(spec), pipeline.instruments, pipeline.now_ns()
    venue, compiling = pipeline.venue, progress_text(pipeline.engine.compilation.progress)
    feed = feed_card(pipeline.health, pipeline.kind == "replay", venue)
    evidence: Card = {**evidence_card(answer), "group": "ready"}  # it stands with what speaks for trading now
    of_pair = pair_cards(
        answer, spec, instruments, now_ns, compiling, venue=venue, fill_cost_bps=cost_bps, zone=options.zone
    )
    after_z = 1 + next(place for place, card in enumerate(of_pair) if card["id"] == "zscore")
    *prices, carry = tradable_cards(answer, spec, pipeline.market, instruments, now_ns, size, venue)
    leg = {"y": spec.y, "x": spec.x}.get(options.candles)
    bars = (pipeline.engine.bars(leg, spec.interval_ns), spec.interval_ns) if leg is not None else None
    cards: list[Card] = [
        *of_pair[:after_z],
        *prices,
        *of_pair[after_z:],
        carry,
        head_card(answer, now_ns),
        feed,
        *ready_cards(answer, spec, feed, now_ns, cost_bps),
        evidence,
    ]
    return pair_frame(
        pair_series(answer, spec, instruments, newest=shown, venue=venue, options=options, bars=bars),
        marked(cards, answer),
        status=repr(pair_notices(system)),
        stamps=_stamps(answer) if answer is not None and pipeline.kind == "live" else None,
        clock=clock_of(pipeline, system.settings.replay_speed),
        view=f"{spec.interval_ns} {spec.window} {spec.model} {spec.price} {shown}",
        options=options,
    )


def _stamps(answer: PairAnalytics) -> dict[str, float] | None:
    if (at := answer.stamps) is None:
        return None
    moments = {"traded": at.traded_ns, "first": at.first_ns, "received": at.last_ns, "computed": at.computed_ns}
    return {name: round(ns / 1e6, 1) for name, ns in moments.items()}


def _answer(system: System, spec: PairSpec) -> PairAnalytics | None:
    pipeline = system.pipeline
    return pipeline.engine.snapshot(spec) if pipeline is not None else None


def _indicators(system: System, spec: PairSpec) -> None:
    """An indicator of a leg's bars, or of a series of the pair."""
    answer, pipeline = _answer(system, spec), system.pipeline
    if answer is None or pipeline is None or not len(answer.closed["time_ns"]):
        st.caption("No closed bars yet.")
        return
    names = labels((spec.y, spec.x), pipeline.venue)
    bars = {
        f"bars of {name}": lambda symbol=symbol: bars_as_columns(_bars(system, spec, symbol), spec.interval_ns)
        for symbol, name in names.items()
    }
    series = {name: lambda columns=columns: columns for name, columns in series_as_columns(answer).items()}
    indicator_panel({**bars, **series})


def _basket(system: System, spec: PairSpec) -> None:
    """A basket over the time of the page's history."""
    answer, pipeline = _answer(system, spec), system.pipeline
    if answer is None or pipeline is None or not len(answer.closed["time_ns"]):
        st.caption("No closed bars yet.")
        return
    first, last = int(answer.closed["time_ns"][0]) - spec.interval_ns, int(answer.closed["time_ns"][-1])
    basket_panel(pipeline, spec, first, last)


def _analytics_csv(system: System, spec: PairSpec) -> bytes:
    """The closed bars as they are at the click."""
    answer = _answer(system, spec)
    return exports.analytics_csv(answer) if answer is not None else b""


def _bars_csv(system: System, spec: PairSpec, symbol: str) -> bytes:
    """Bars of one leg over the time of the page's history."""
    bars, answer = _bars(system, spec, symbol), _answer(system, spec)
    return exports.bars_csv(symbol, bars, spec.interval_ns, answer) if len(bars) else b""


def _bars(system: System, spec: PairSpec, symbol: str) -> Bars:
    """Closed bars of one leg over the time of the page's history; none before the first."""
    answer, pipeline = _answer(system, spec), system.pipeline
    if answer is None or pipeline is None or not len(answer.closed["time_ns"]):
        return empty_bars()
    first, last = int(answer.closed["time_ns"][0]) - spec.interval_ns, int(answer.closed["time_ns"][-1])
    bars = pipeline.engine.bars(symbol, spec.interval_ns)
    return bars.take(np.flatnonzero((bars.start_ns >= first) & (bars.start_ns + spec.interval_ns <= last)))


def _tests(system: System, spec: PairSpec) -> None:
    answer, pipeline = _answer(system, spec), system.pipeline
    if answer is None or pipeline is None or not len(answer.closed["time_ns"]):
        return
    if refusal := no_inference(answer, TEST_ROWS):
        st.caption(refusal)
        return
    tests_of(answer)
    newest = answer.closed["time_ns"][-TEST_ROWS:]
    y, x = (pipeline.store.columns(leg, int(newest[0]), int(newest[-1])) for leg in (spec.y, spec.x))
    trade_times_of(asynchrony(y.time_ns, y.price, x.time_ns, x.price, spec.interval_ns), spec, pipeline.venue)


def _correlations(system: System, spec: PairSpec) -> None:
    """Every symbol on the tape against every other, over the time of the page's history."""
    pipeline, answer = system.pipeline, _answer(system, spec)
    if pipeline is None or answer is None or not len(answer.closed["time_ns"]):
        st.caption("No closed bars yet.")
        return
    if refusal := no_inference(answer, len(answer.closed["time_ns"])):
        st.caption(refusal)
        return
    ways: dict[str, Literal["bars", "ticks"]] = {
        "bar returns": "bars",
        "trades as they came (Hayashi-Yoshida)": "ticks",
    }
    way = st.segmented_control("From", list(ways), default="bar returns", required=True, key="correlation_of")
    first, last = int(answer.closed["time_ns"][0]) - spec.interval_ns, int(answer.closed["time_ns"][-1])
    tape = {str(symbol): pipeline.store.columns(symbol, first, last) for symbol in pipeline.symbols}
    try:
        correlations = tape_correlation(tape, spec.interval_ns, ways[str(way)])
    except AlphaStreamError as error:
        st.caption(in_markdown(in_words(error, pipeline.venue)))
        return
    names = list(labels(correlations.names, pipeline.venue).values())
    figure = return_correlation_map(names, correlations.matrix, correlations.n_rows, dark=is_dark())
    wide_chart(figure, key="correlation_map", alt="Correlations of returns")
    st.caption(
        "As of the moment this box was opened or changed. Bars make legs that trade rarely look less correlated."
    )


def _tape(system: System) -> None:
    """What the feed does and what the tape holds and lacks."""
    pipeline = system.pipeline
    if pipeline is None:
        return
    venue = pipeline.venue
    for line in pipeline.lines:
        health = line.ingest.health
        words = in_markdown(in_words(health.reason, venue))
        st.markdown(f"**{in_markdown(plain(health.feed))}**: {health.state}. {words}")
    st.dataframe(
        coverage_frame(pipeline),
        hide_index=True,
        alt="What the tape holds of each symbol",
        column_config={f"{end} (UTC)": moment_column(end, "YYYY-MM-DD HH:mm:ss.SSS") for end in ("from", "to")},
    )
    for line in pipeline.lines:
        _line(system, pipeline, line)


def _line(system: System, pipeline: Pipeline, line: Line) -> None:
    """What one feed does, and what its venue does not give."""
    health, store, venue = line.ingest.health, line.store.health, pipeline.venue
    facts = tape_facts(pipeline, line, system.hub.health)
    if len(pipeline.lines) > 1:
        st.markdown(f"**{in_markdown(plain(line.title))}**")
    st.caption(in_markdown(" · ".join(f"{name} {value}" for name, value in facts.items())))
    for symbol, reason in health.refused.items():
        title = in_markdown(label(symbol, venue))
        st.warning(in_markdown(in_words(reason, venue)), icon=":material/search_off:", title=title)
    for symbol, since_ns in health.quiet.items():
        words = (
            f"No trade since {moment_words(since_ns, '%H:%M:%S')}, though it traded often before and others still do."
        )
        st.warning(words, icon=":material/notifications_paused:", title=f"{in_markdown(label(symbol, venue))} is quiet")
    for gap in health.unfillable:
        before = f", before {moment_words(gap.before_ns)}" if gap.before_ns else ""
        words = in_markdown(f"trades {gap.first:,} to {gap.last:,}{before}: {gap.reason}")
        title = in_markdown(f"{label(gap.symbol, venue)}: a gap that the venue cannot fill")
        st.warning(words, icon=":material/data_alert:", title=title)
    if store.last_error is not None:
        st.error(
            in_markdown(in_words(store.last_error, venue)), icon=":material/hard_drive:", title="Ticks cannot be saved"
        )
    for notice in store.notices:
        st.warning(in_markdown(notice), icon=":material/hard_drive:", title="The tape's file")
    for failure in system.hub.health.failures:
        st.error(f"{in_markdown(failure)}: the log has more", icon=":material/error:", title="A figure cannot be shown")


def _downloads(system: System, spec: PairSpec) -> None:
    """Files as of the moment the box was opened.

    They are made here and not at the click: Streamlit deletes a file made at the click after the second run of any
    fragment, and the panel above runs four times a second.
    """
    length = interval_name(spec.interval_ns)
    files = {"Analytics as CSV": (exports.file_name(spec, "analytics"), _analytics_csv(system, spec))}
    names = labels((spec.y, spec.x), system.pipeline.venue if system.pipeline is not None else "")
    for symbol, name in names.items():
        files[f"{name} bars as CSV"] = (f"{symbol}-{length}-bars.csv", _bars_csv(system, spec, symbol))
    for words, (file, content) in files.items():
        offer_file(words, content, file, key=words)
    st.caption("Closed bars as of the moment this box was opened.")


def _below(system: System, spec: PairSpec, row: Any) -> None:
    """Other pages, downloads, the link, the tape's own account of itself.

    Parameters
    ----------
    row : of controls, which has those of the chart.
    """
    view = PairView(spec, chosen_fill_cost())
    workflow(view, here="live")
    row.selectbox("Bars shown", SHOWN_BARS, index=1, key="bars", bind="query-params", width=140)
    size_controls(row)
    with row.popover("Download", icon=":material/download:", on_change="rerun", key="downloads") as box:
        if box.open:
            _downloads(system, spec)
    offer_thresholds(row, spec, lambda: fit_of_page(_answer(system, spec), spec, chosen_fill_cost()))
    with row.popover("Link to this view", icon=":material/link:"):
        link = with_chart(link_to(view, str(st.context.url), size_in_address()))
        st.code(link, language=None, wrap_lines=True)
    with st.expander("Tests", icon=":material/science:", on_change="rerun", key="tests") as tests:
        if tests.open:
            st.fragment(_tests, run_every=5.0, key="tests_panel")(system, spec)
    with indicator_box() as indicators:
        if indicators.open:
            st.fragment(_indicators, run_every=5.0, key="indicators_panel")(system, spec)
    with st.expander("Basket", icon=":material/hub:", on_change="rerun", key="basket") as basket:
        if basket.open:
            st.fragment(_basket, run_every=5.0, key="basket_panel")(system, spec)
    with st.expander("Carry", icon=":material/event_repeat:", on_change="rerun", key="carry") as carry:
        if carry.open:
            st.fragment(carry_panel, run_every=2.0, key="carry_panel")(system, spec)
    with st.expander("Correlations", icon=":material/grid_on:", on_change="rerun", key="correlations") as heat:
        if heat.open:
            _correlations(system, spec)
    with st.expander("Feed and tape", icon=":material/database:", on_change="rerun", key="tape") as tape:
        if tape.open:
            st.fragment(_tape, run_every=2.0, key="tape_panel")(system)


page()
