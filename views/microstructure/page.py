"""The microstructure page: both legs side by side."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import streamlit as st

from alphastream.books import BookColumns
from alphastream.core.units import SECOND
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.kernel_groups import MICROSTRUCTURE, WINDOWS
from alphastream.microstructure import (
    depth_map,
    effective_spread_bps,
    large_prints,
    mid,
    nice_step,
    resilience,
    trade_sizes,
    volume_profile,
)
from alphastream.microstructure.leg import SAMPLE_AGE_NS, LegSpec
from alphastream.streaming.leg_flows import LegAnalytics
from alphastream.streaming.repeated_rows import without_repeated_errors
from alphastream.windows import Trades
from pipelines import Pipeline
from runtime.channel.topics import Frame
from system import System
from views.component import live_figure, way_of
from views.microstructure.charts import depth_figure, profile_figure, sizes_figure
from views.microstructure.controls import Choice, leg_controls
from views.microstructure.leg_frames import leg_frame
from views.microstructure.tables import liquidity_metrics, prints_frame, prints_words
from views.shared.clock_controls import chosen_zone, moment_column
from views.shared.compiling import kernels_ready
from views.shared.controls import is_followed, sentence
from views.shared.elements import PLOT, is_dark, metric_row, table_height
from views.shared.escaping import in_markdown
from views.shared.instruments import label
from views.shared.notices import Notice, feed_notices, no_feed
from views.shared.page_head import page_head
from views.shared.series import price_decimals
from views.shared.system import get_system

FIGURES: Final = ("leg-y", "leg-x")
RENEW_S: Final = 60.0
BELOW_S: Final = 5.0  # between two looks at single trades and the book
NEWEST_NS: Final = 3_600 * SECOND  # of trades that are looked at one by one
BOOK_NS: Final = 900 * SECOND
PROFILE_ROWS: Final = 40
MAP_COLUMNS, MAP_ROWS = 160, 60

EXPLANATION: Final = """
- **Signed volume** counts a trade as bought where the taker bought. Its running total is the **CVD**; where it begins
  is arbitrary.
- **Flow imbalance** is bought less sold over both, in the bars measured; **book imbalance** is the same of what waits
  at the best prices.
- **VPIN** averages how one-sided the newest buckets of equal volume were. It mostly follows volume and volatility:
  compare it with itself.
- **Kyle's λ** is the price change for each unit bought net, by least squares, with a Newey-West error. It is not shown
  under 60 price changes.
- **Volume profile**: the point of control is the price row with most volume; the value area grows from it, by the two
  rows above or below that traded more, until it holds 70 %.
- **Depth** is what waits within a distance of the middle; **resilience** the time until spread and depth are back after
  a large print.

None of this says what the price will do.
"""


def page() -> None:
    """Read the controls, then hand over to the panels, which update by themselves."""
    page_head("Microstructure")
    with st.expander("What is shown here", icon=":material/help:"):
        st.markdown(EXPLANATION)
    system = get_system()
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure).show()
        return
    choice = leg_controls(pipeline.symbols, system.settings, pipeline.venue)
    if choice is None or not all(is_followed(pipeline, leg.symbol) for leg in choice.legs):
        return
    if not kernels_ready(WINDOWS, MICROSTRUCTURE):
        return
    by_page = system.settings.channel == "off" or any(way_of(figure) == "page" for figure in FIGURES)
    pace = 1.0 if by_page else RENEW_S  # answers are a second old at most
    st.fragment(_figures, run_every=pace, key="microstructure_figures")(system, choice)
    st.fragment(_below, run_every=BELOW_S, key="microstructure_below")(system, choice)


def _side_by_side() -> list[Any]:
    return list(st.columns(2, gap="medium"))


def _figures(system: System, choice: Choice) -> None:
    """Status, then a figure a leg; what moves comes over the live channel."""
    for notice in _notices(system):
        notice.show()
    for place, spec, key in zip(_side_by_side(), choice.legs, FIGURES, strict=True):
        with place:
            st.subheader(in_markdown(_name(system, spec)))
            if (pipeline := system.pipeline) is not None:
                pipeline.flows.answer(spec)  # a first reading takes this visit's time, not that of all live figures
            zone = chosen_zone()
            topic = system.hub.topic((spec, choice.shown, key, zone), _source(system, spec, choice.shown, zone))
            live_figure(topic, ticket=system.hub.ticket() if system.settings.channel == "auto" else None, key=key)


def _name(system: System, spec: LegSpec) -> str:
    return label(spec.symbol, system.pipeline.venue if system.pipeline is not None else "")


def _source(system: System, spec: LegSpec, shown: int, zone: str) -> Callable[[], Frame]:
    """What the figure of a leg shows now. Called by the hub's thread, for everybody who looks."""

    def frame() -> Frame:
        pipeline = system.pipeline
        if pipeline is None:
            raise ParameterError("there is no feed now")
        answer = without_repeated_errors(pipeline.flows.answer(spec), pipeline.repetition())
        decimals = price_decimals(spec.symbol, answer.closed["price"], pipeline.instruments)
        name = label(spec.symbol, pipeline.venue)
        return leg_frame(answer, name, shown, decimals, repr(_notices(system)), zone=zone)

    return frame


def _notices(system: System) -> list[Notice]:
    pipeline = system.pipeline
    return [no_feed(system.failure)] if pipeline is None else feed_notices(pipeline)


def _below(system: System, choice: Choice) -> None:
    """Single trades and the book of both legs over the bars shown, as they are now."""
    st.caption("Over the bars shown, of trades the newest hour at most, of the book a quarter of an hour.")
    pipeline = system.pipeline
    if pipeline is None:
        return
    for place, spec in zip(_side_by_side(), choice.legs, strict=True):
        with place:
            _leg(pipeline, spec, choice)


def _leg(pipeline: Pipeline, spec: LegSpec, choice: Choice) -> None:
    answer = pipeline.flows.answer(spec)
    ends = answer.column("time_ns")[-choice.shown :]
    st.subheader(in_markdown(label(spec.symbol, pipeline.venue)))
    if not len(ends):
        st.caption("No trade yet.")
        return
    end_ns = int(ends[-1])
    start_ns = max(int(ends[0]) - spec.interval_ns, end_ns - NEWEST_NS)
    trades = Trades.of(pipeline.store.columns(spec.symbol, start_ns, end_ns))
    if not len(trades.time_ns):  # its bars are of trades that the tape does not keep any more
        st.caption("No trade of these bars is on the tape now.")
        return
    decimals = price_decimals(spec.symbol, answer.closed["price"], pipeline.instruments)
    _prints(trades, choice.quantile, decimals, spec.symbol)
    tick = 10.0**-decimals
    step = nice_step(float(trades.price.min()), float(trades.price.max()), PROFILE_ROWS, tick)
    st.markdown("**Volume profile**")
    figure = profile_figure(volume_profile(trades, step), decimals, dark=is_dark())
    st.plotly_chart(figure, key=f"profile-{spec.symbol}", config=PLOT)
    st.markdown("**Trade sizes**")
    st.plotly_chart(sizes_figure(trade_sizes(trades), dark=is_dark()), key=f"sizes-{spec.symbol}", config=PLOT)
    _book(pipeline, answer, trades, choice, decimals)


def _prints(trades: Trades, quantile: float, decimals: int, symbol: str) -> None:
    st.markdown("**Large prints**")
    try:
        prints = large_prints(trades, quantile)
    except NotEnoughObservations as error:
        st.caption(in_markdown(sentence(error)))
        return
    st.caption(in_markdown(prints_words(prints)))
    number = st.column_config.NumberColumn
    st.dataframe(
        prints_frame(prints),
        hide_index=True,
        height=table_height(len(prints)),
        key=f"prints-{symbol}",
        alt="Large prints, newest first",
        column_config={
            "time": moment_column("time", "HH:mm:ss.SSS"),
            "price": number(format=f"%,.{decimals}f"),
            "quantity": number(format="%,.6g"),
            "notional": number("notional, quote", format="compact"),
        },
    )


def _book(pipeline: Pipeline, answer: LegAnalytics, trades: Trades, choice: Choice, decimals: int) -> None:
    """Depth over time and liquidity, or why there is none."""
    st.markdown("**Book and liquidity**")
    spec, end_ns = answer.spec, int(trades.time_ns[-1])
    trades = trades.rows(slice(int(np.searchsorted(trades.time_ns, end_ns - BOOK_NS)), None))
    start_ns, book = int(trades.time_ns[0]), BookColumns.empty(1)
    if pipeline.market is not None:
        book = pipeline.market.samples(spec.symbol, start_ns - SAMPLE_AGE_NS, end_ns + 1)
    if not len(book) or not np.isfinite(mid(book)).any():
        st.info(_no_book(pipeline, spec.symbol), icon=":material/layers_clear:", title="No book of this leg")
        return
    known = np.concatenate((book.bid_price[np.isfinite(book.bid_price)], book.ask_price[np.isfinite(book.ask_price)]))
    step = nice_step(float(known.min()), float(known.max()), MAP_ROWS, 10.0**-decimals)
    moments = np.linspace(start_ns, end_ns, MAP_COLUMNS).astype(np.int64)
    figure = depth_figure(depth_map(book, moments, step), decimals, dark=is_dark())
    st.plotly_chart(figure, key=f"depth-{spec.symbol}", config=PLOT)
    try:
        prints = large_prints(trades, choice.quantile)
    except NotEnoughObservations as error:
        st.caption(in_markdown(sentence(error)))
        return
    metrics = liquidity_metrics(effective_spread_bps(trades, book), trades.quantity, resilience(prints, book))
    metric_row(metrics, key=f"liquidity-{spec.symbol}".replace(":", "-"))


def _no_book(pipeline: Pipeline, symbol: str) -> str:
    if pipeline.kind == "replay":
        return "The recording holds trades and no book, so spread, depth and resilience cannot be known."
    if pipeline.market is None:
        return "No book is kept here, so spread, depth and resilience cannot be known."
    view = pipeline.market.book(symbol)
    why = view.reason if view is not None and view.reason else "None has arrived yet, or this venue's cannot be had"
    return in_markdown(f"{why.rstrip('.')}. Until then spread, depth and resilience cannot be known.")


page()
