"""The history page: files that people bring, the same analytics, and the results to take away."""

from collections.abc import Callable

import streamlit as st

from alphastream.diagnosis import Asynchrony, asynchrony
from alphastream.errors import AlphaStreamError
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.pairs import PairAnalytics, PairSpec, analyse
from alphastream.uploads import Upload
from alphastream.uploads.series import bars_together, first_times, meeting, pair_rows
from views.history.holdout_page import holdout_of
from views.history.sql_page import sql_tab
from views.shared import exports
from views.shared.cards import evidence_card, result_cards
from views.shared.chart_settings import chart_settings
from views.shared.charts import WIDE_GAP, pair_figure
from views.shared.clock_controls import plotted
from views.shared.compiling import PAIR_MODELS, kernels_ready
from views.shared.controls import pair_controls
from views.shared.elements import PLOT, is_dark, metric_row, offer_file
from views.shared.escaping import in_markdown
from views.shared.fill_cost import chosen_fill_cost
from views.shared.findings import tests_of, trade_times_of
from views.shared.indicator_panel import Columns, bars_as_columns, indicator_box, indicator_panel, series_as_columns
from views.shared.instruments import labels
from views.shared.metrics import Metric
from views.shared.page_head import page_head
from views.shared.pair_view import PairView
from views.shared.recordings import in_order
from views.shared.rows_controls import first_and_last, rows_controls
from views.shared.series import pair_series
from views.shared.spread_charts import mark_times
from views.shared.system import get_settings
from views.shared.threshold_controls import fit_of_page, offer_thresholds
from views.shared.uploads import choose_upload, is_paired, session_computed
from views.shared.user_code import user_code_notices
from views.shared.workflow import workflow

MODE_BAR_PX = 52  # above the first panel: its buttons in one line, its heading in the next


PAIR, SQL = "Pair", "SQL"


def page() -> None:
    """A pair of files or of what was recorded; SQL over the latter."""
    page_head("History")
    user_code_notices()
    tabs = dict(
        zip([PAIR, SQL], st.tabs([PAIR, SQL], key="history_tab", on_change="rerun", bind="query-params"), strict=True)
    )
    if tabs[PAIR].open:
        with tabs[PAIR]:
            _pair()
    if tabs[SQL].open:
        with tabs[SQL]:
            sql_tab()


def _pair() -> None:
    """Files, columns, pair, result."""
    upload = choose_upload("Ticks or bars: one file with both symbols, or one for each")
    if upload is None or not upload.frames:
        return
    rows = rows_controls(*first_and_last(upload), split=True)
    if rows is None:
        return
    whole, upload = upload, rows.of(upload)
    if not is_paired(upload):
        return
    shortest_s = 1 if upload.interval_ns is None else max(1, upload.interval_ns // 10**9)
    spec = pair_controls(in_order(upload), get_settings(), venue=upload.venue, shortest_s=shortest_s, cost=True)
    if spec is None:
        return
    if not kernels_ready(*PAIR_MODELS):
        return
    try:
        answer = _answer(upload, spec)
        if answer is None:
            return
    except AlphaStreamError as error:
        st.error(
            in_markdown(in_words(error, upload.venue)),
            icon=":material/error:",
            title="These settings give no result",
        )
        return
    times = [upload.frames[leg]["time_ns"].to_numpy() for leg in (spec.y, spec.x)]
    view = PairView(spec, chosen_fill_cost(), str(st.session_state["source"]), *rows.ends, upload=whole)
    _result(upload, view, answer, rows.split_ns(times, spec.interval_ns))


def _answer(upload: Upload, spec: PairSpec) -> PairAnalytics | None:
    """The analytics of an upload; None where a person cancelled them."""
    return session_computed(
        "answer",
        [upload, spec],
        lambda _: analyse(pair_rows(upload, spec.y, spec.x, spec.interval_ns), spec),
        "The analysis",
    )


def _result(upload: Upload, view: PairView, answer: PairAnalytics, split_ns: int | None) -> None:
    spec = view.spec
    count = len(answer.closed["time_ns"])
    step = answer.calibrating
    if step is not None:
        shortest = upload.interval_ns is not None and spec.interval_ns <= upload.interval_ns
        advice = f"Choose {'' if shortest else 'shorter bars or '}a smaller window, or bring longer files"
        st.warning(
            f"{count} bars: {in_markdown(step.what)} has {step.have} of {step.needed}. {advice}.",
            icon=":material/hourglass_empty:",
            title=f"Calibrating {step.have}/{step.needed}",
        )
    _freshness(upload, spec, answer)
    metric_row(
        [
            Metric(card["label"], card["value"], card["sub"], card["title"])
            for card in (*result_cards(answer, spec, venue=upload.venue), evidence_card(answer))
        ],
        key="result_cards",
    )
    name = "-".join(labels((spec.y, spec.x), upload.venue).values())
    row = st.container(horizontal=True)
    options = chart_settings(row, ".st-key-history_figure .js-plotly-plot", name)
    leg = {"y": spec.y, "x": spec.x}.get(options.candles)
    bars = None
    if leg is not None:
        of_legs, length_ns = bars_together(upload, (spec.y, spec.x), spec.interval_ns)
        bars = of_legs[leg], length_ns
    series = pair_series(answer, spec, {}, venue=upload.venue, options=options, bars=bars)
    figure = pair_figure(series, dark=is_dark(), gap=WIDE_GAP, options=options)
    figure.update_layout(margin_t=MODE_BAR_PX, height=figure.layout.height + MODE_BAR_PX - figure.layout.margin.t)
    if split_ns is not None:
        mark_times(figure, [(split_ns, "train", "test")], inside=True)
    st.plotly_chart(plotted(figure), key="history_figure", config=PLOT)
    if split_ns is not None:
        holdout_of(upload, answer, split_ns)
    workflow(view, here="history")
    offer_thresholds(st, spec, lambda: fit_of_page(answer, spec, view.fill_cost))
    with st.expander("Tests", icon=":material/science:", on_change="rerun", key="tests") as tests:
        if tests.open:
            tests_of(answer)
            if upload.kind == "ticks":
                trade_times_of(_asynchrony(upload, spec), spec, upload.venue)
    with indicator_box() as indicators:
        if indicators.open:
            _indicators(upload, spec, answer)
    row = st.container(horizontal=True)
    name = exports.file_name(spec, "analytics")
    offer_file("Analytics as CSV", _analytics_csv(upload, spec, answer), name, key="csv_analytics", place=row)
    for symbol, shown in labels((spec.y, spec.x), upload.venue).items():
        offer_file(
            f"{shown} bars as CSV",
            _bars_csv(upload, spec, symbol),
            f"{symbol}-{interval_name(spec.interval_ns)}-bars.csv",
            key=f"csv_{symbol}",
            place=row,
        )


def _indicators(upload: Upload, spec: PairSpec, answer: PairAnalytics) -> None:
    """An indicator of a leg's bars, or of a series of the pair."""

    def bars(symbol: str) -> Columns:
        found, length_ns = bars_together(upload, (spec.y, spec.x), spec.interval_ns)
        return bars_as_columns(found[symbol], length_ns)

    names = labels((spec.y, spec.x), upload.venue)
    of_legs = {f"bars of {name}": lambda symbol=symbol: bars(symbol) for symbol, name in names.items()}
    series = {name: lambda columns=columns: columns for name, columns in series_as_columns(answer).items()}
    indicator_panel({**of_legs, **series})


def _freshness(upload: Upload, spec: PairSpec, answer: PairAnalytics) -> None:
    """In how many rows both legs are fresh; a warning where most rows set an old price against a new one."""
    met = meeting(answer.closed["y_trades"], answer.closed["x_trades"])
    counted = f"{met.fresh:,} of {met.rows:,} rows have both legs fresh"
    if not met.seldom:
        st.caption(f"{counted}.")
        return
    advice = "Choose longer bars"
    if upload.kind == "bars":
        begin = in_words("; ".join(first_times(upload, symbol) for symbol in (spec.y, spec.x)), upload.venue)
        advice = (
            f"The first bars start: {in_markdown(begin)}. {advice}, or bring files whose bars start at the same times"
        )
    where = "In the others" if met.fresh else "In each"
    st.warning(
        f"{where} the last price of one leg is carried forward, so that results compare prices of different times. "
        f"{advice}.",
        icon=":material/schedule:",
        title=f"Only {counted}" if met.fresh else f"0 of {met.rows:,} rows have both legs fresh",
    )


def _asynchrony(upload: Upload, spec: PairSpec) -> Asynchrony:
    y, x = upload.frames[spec.y], upload.frames[spec.x]
    y_time, x_time = y["time_ns"].to_numpy(), x["time_ns"].to_numpy()
    return asynchrony(y_time, y["price"].to_numpy(), x_time, x["price"].to_numpy(), spec.interval_ns)


def _analytics_csv(upload: Upload, spec: PairSpec, answer: PairAnalytics) -> Callable[[], bytes]:
    def make() -> bytes:
        bars, length_ns = bars_together(upload, (spec.y, spec.x), spec.interval_ns)
        return exports.analytics_csv(answer, (bars[spec.y], bars[spec.x], length_ns))

    return make


def _bars_csv(upload: Upload, spec: PairSpec, symbol: str) -> Callable[[], bytes]:
    def make() -> bytes:
        bars, length_ns = bars_together(upload, (spec.y, spec.x), spec.interval_ns)
        return exports.bars_csv(symbol, bars[symbol], length_ns)

    return make


page()
