"""The scanner page: all pairs of a universe, ranked, with false discoveries under control; or its baskets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import pandas as pd
import streamlit as st

from alphastream.cointegration import LEAST_ROWS, TRADES_A_BAR, usual_interval
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.estimators.tests.observations import MINIMUM_ROWS
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.kernel_groups import SCAN, TESTS
from alphastream.scan import Direction, clusters, correlation_matrix, scan_pairs, summarise
from alphastream.uploads import Upload
from alphastream.uploads.series import first_times, price_panel
from views.scanner.baskets_page import basket_scan
from views.shared.cards import span_text
from views.shared.compiling import kernels_ready
from views.shared.controls import INTERVALS_S, standing_pair
from views.shared.elements import PLOT, offer_file, table_height
from views.shared.escaping import in_markdown
from views.shared.exports import scan_csv
from views.shared.fill_cost import chosen_fill_cost, derived, fill_cost_control
from views.shared.instruments import labels
from views.shared.matrix_charts import correlation_map, dendrogram, qvalue_map
from views.shared.page_head import page_head
from views.shared.pair_view import PairView, standing_times
from views.shared.progress import computing
from views.shared.recordings import DAILY, OWN, SHARES, own_tape
from views.shared.system import get_settings
from views.shared.uploads import choose_upload
from views.shared.workflow import workflow

PAIRS, BASKETS = "Pairs", "Baskets"
KINDS: Final = "Pairs: every two symbols. Baskets: spreads of three symbols and more, chosen on a part of the rows."
SCHEDULE_S: Final = {"by hand": None, "every 30 s": 30.0, "every 5 min": 300.0}
SHOWN: Final = {
    "y": ("y", None, "Dependent leg."),
    "x": ("x", None, "Hedge leg."),
    "qvalue_bh": ("q (BH)", "%.3f", "Expected share of false discoveries down to this pair (Benjamini-Hochberg)."),
    "qvalue_by": (
        "q (BY)",
        "%.3f",
        "The same for tests that depend on each other in any way (Benjamini-Yekutieli), as far as each p-value holds.",
    ),
    "pvalue_rescaled": (
        "p",
        "%.4f",
        "Engle-Granger of this pair alone, over its local volatility. Among many pairs some are small by chance.",
    ),
    "pvalue_wild": ("p, bootstrap", "%.4f", "Of a wild bootstrap: for the first pairs and all that survive."),
    "pvalue": (
        "p, MacKinnon",
        "%.4f",
        "Of the legs as they are. Presumes a steady volatility.",
    ),
    "confirmed": ("confirmed", None, "q (BH) and both halves at 5 %, the bootstrap at the level of its place."),
    "pvalue_first_half": ("p, first half", "%.3f", "MacKinnon's p on the first half of the rows."),
    "pvalue_second_half": ("p, second half", "%.3f", "And on the second half."),
    "persists": ("persists", None, "Both halves pass at 5 %."),
    "half_life": (
        "half-life (bars)",
        "%.1f",
        "The pair's bars until half of a deviation is gone, freed of its bias.",
    ),
    "half_life_low": ("from", "%.1f", "Lower end of the half-life's 95 % interval, in bars."),
    "half_life_high": ("to", "%.1f", "Upper end; empty where it may as well not return."),
    "half_life_time": ("half-life", None, "The same as time, at the pace of the bars in which both legs have prices."),
    "hedge_ratio": ("hedge ratio", "%.4f", "Of y on x, over all rows."),
    "hedge_ratio_stability": (
        "stability",
        "%.2f",
        "1 where both halves have one hedge ratio, 0 where signs differ.",
    ),
    "correlation": ("correlation", "%.2f", "Of returns."),
    "crossings": ("crossings", "%d", "How often the spread crossed its mean."),
    "expected_move_bps": (
        "move (bps)",
        "%.1f",
        "From two standard deviations to the mean, in sample. Of the notional of both legs.",
    ),
    "cost_bps": ("cost (bps)", "%.1f", "Opening and closing both legs, of the notional of both: each is filled twice."),
    "edge_bps": ("edge (bps)", "%.1f", "Move less cost. In sample: not a forecast."),
    "lags": ("lags", "%d", "Lagged differences in the test."),
    "note": ("note", None, "Why a pair was refused."),
}


CONDITIONS: Final = (
    "Chance counts as simulated: universes of 40 symbols in which nothing is cointegrated, with one common factor, fat "
    "tails and changing volatility, bid-ask bounce, and symbols that trade in half of the bars, turn green in at most "
    "one scan of ten. A bar in which a symbol did not trade is left out of its pairs. Scanning again and again finds "
    "more by chance. The counts at 5 % and of the halves are of MacKinnon's p, which presumes a steady volatility; "
    "q-values and what is green do not."
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a scan is asked to do."""

    interval_ns: int | None
    log: bool
    direction: Direction
    fixed_lags: int | None
    cost_bps: float


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """A scan that was made, and the rows it was made of, which the controls may have left behind since."""

    table: pd.DataFrame
    panel: pd.DataFrame
    log: bool
    upload: Upload
    source: str
    interval_ns: int


def page() -> None:
    """Universe, settings, scan, result."""
    page_head("Scanner")
    upload = choose_upload("Prices of many symbols: wide, long, or a file each", first=SHARES)
    if upload is None:
        return
    if len(upload.symbols) < 2:
        st.error("A scan needs at least two symbols.", icon=":material/error:")
        return
    kind = st.segmented_control(
        "Look for", [PAIRS, BASKETS], default=PAIRS, required=True, key="look_for", bind="query-params", help=KINDS
    )
    if kind == BASKETS:
        basket_scan(upload)
        return
    request = _controls(upload)
    schedule = "by hand"
    if st.session_state.get("source") == OWN:
        schedule = st.selectbox("Rescan", list(SCHEDULE_S), key="schedule", bind="query-params", width=200)
    if not kernels_ready(SCAN, TESTS, "HalfLife"):
        return
    every_s = SCHEDULE_S[schedule]
    if every_s is not None:
        st.fragment(_rescan, run_every=every_s, key="rescan")(request)
        return
    at_once = st.session_state["source"] in DAILY and "scan_result" not in st.session_state
    if st.button("Scan", type="primary", icon=":material/search:", key="scan") or at_once:
        _scan(upload, request)
    _result()


def _controls(upload: Upload) -> Request:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    native_ns = upload.interval_ns
    interval_ns = native_ns
    if native_ns is None:
        names = {interval_name(length * SECOND): length * SECOND for length in INTERVALS_S}
        interval_ns = names[str(row.selectbox("Bar", list(names), key="interval", bind="query-params", width=110))]
    price = row.selectbox("Prices", ["log", "price"], key="price", bind="query-params", width=110)
    direction = row.selectbox(
        "Direction",
        ["given", "better"],
        key="direction",
        bind="query-params",
        width=140,
        help="given: the symbol further left is y. better: the direction with the lower p, which is then doubled, "
        "because looking twice finds more by chance.",
    )
    lags = row.selectbox(
        "Lags",
        ["AIC", "0", "1", "2", "4"],
        key="lags",
        bind="query-params",
        width=100,
        help="How many lagged differences each test uses; AIC chooses for each pair.",
    )
    cost = fill_cost_control(row, width=170)
    st.caption(derived(cost))
    return Request(
        interval_ns if native_ns is None else None,
        price == "log",
        cast(Direction, direction),
        None if lags == "AIC" else int(str(lags)),
        cost,
    )


def _scan(upload: Upload, request: Request) -> None:
    """Run a scan with a bar that grows; leaving the page or pressing Cancel ends it at the next step."""
    backend = get_settings().compute
    try:
        panel = price_panel(upload, request.interval_ns)
        table = computing(
            "Scanning",
            "pairs",
            lambda progress: scan_pairs(
                panel,
                log=request.log,
                direction=request.direction,
                least_rows=LEAST_ROWS if upload.kind == "ticks" else MINIMUM_ROWS,
                cost_bps=request.cost_bps,
                backend=backend,
                progress=progress,
                max_lags=request.fixed_lags,
                autolag="aic" if request.fixed_lags is None else None,
            ),
            key="scan",
        )
        table = table.sort_values("pvalue_rescaled", kind="stable", ignore_index=True)
        if upload.kind == "ticks":
            table["note"] = _notes(table, upload)
        source = str(st.session_state["source"])
        st.session_state["scan_result"] = Scanned(
            table, panel, request.log, upload, source, request.interval_ns or upload.interval_ns or SECOND
        )
        st.session_state["last_upload"] = upload
    except AlphaStreamError as error:
        st.session_state.pop("scan_result", None)
        st.error(
            in_markdown(in_words(error, upload.venue)), icon=":material/error:", title="This universe cannot be scanned"
        )


def _notes(table: pd.DataFrame, upload: Upload) -> list[str]:
    """Notes of a scan of trades; where a pair has too few common rows, with the bar that would give them."""
    pace_s = {
        symbol: float(frame["time_ns"].iloc[-1] - frame["time_ns"].iloc[0]) / SECOND / max(len(frame) - 1, 1)
        for symbol, frame in upload.frames.items()
    }
    notes = []
    for y, x, rows, note in zip(table["y"], table["x"], table["rows"], table["note"], strict=True):
        needed_s = TRADES_A_BAR * max(pace_s[str(y)], pace_s[str(x)])
        longer_ns = usual_interval(needed_s)
        if note and rows < LEAST_ROWS and longer_ns is not None:
            whole = span_text(LEAST_ROWS * longer_ns / SECOND)
            note = f"{note}: both trade in most bars of {interval_name(longer_ns)}, {LEAST_ROWS} of which take {whole}"
        notes.append(str(note))
    return notes


def _rescan(request: Request) -> None:
    """The newest hours of the tape, scanned again on a schedule."""
    upload = own_tape(int(st.session_state.get("hours", 1)))
    if upload is not None:
        _scan(upload, request)
    _result()


def _result() -> None:
    """What the last scan of this session found."""
    if "scan_result" not in st.session_state:
        st.caption("Nothing scanned yet.")
        return
    scanned = cast(Scanned, st.session_state["scan_result"])
    table = scanned.table
    summary = summarise(table)
    found = summary.confirmed
    survivors = "1 pair survives" if found == 1 else f"{found:,} pairs survive"
    (st.success if found else st.warning)(
        in_markdown(in_words(summary.sentence, scanned.upload.venue)),
        icon=":material/functions:",
        title=f"{survivors} Benjamini-Hochberg, both halves and a bootstrap",
    )
    st.caption(CONDITIONS)
    if scanned.upload.kind == "bars":
        _warn_of_times(scanned)
    _table(scanned)
    offer_file("Scan as CSV", lambda: scan_csv(table), "scan.csv", key="scan_csv")
    _charts(table, scanned.panel, scanned.log, labels(scanned.upload.symbols, scanned.upload.venue))


def _warn_of_times(scanned: Scanned) -> None:
    """Say which pairs have prices of one time in less than half of the bars of the shorter leg."""
    known = scanned.panel.notna().to_numpy(np.float32)
    bars = known.sum(axis=0)
    seldom = np.triu(known.T @ known * 2 < np.minimum(bars, bars[:, None]), 1)
    pairs = np.argwhere(seldom)
    if not len(pairs):
        return
    y, x = (str(scanned.panel.columns[at]) for at in pairs[0])
    venue = scanned.upload.venue
    begin = in_words("; ".join(first_times(scanned.upload, symbol) for symbol in (y, x)), venue)
    st.warning(
        f"A pair is tested over bars in which both symbols have a price. The first bars start: {in_markdown(begin)}. "
        "Bring files whose bars start at the same times.",
        icon=":material/schedule:",
        title=f"{len(pairs):,} of {len(scanned.table):,} pairs meet in less than half of their bars, "
        f"{in_markdown(in_words(f'{y} and {x}', venue))} in {int(known[:, pairs[0][0]] @ known[:, pairs[0][1]]):,} of "
        f"{int(bars[pairs[0]].min()):,}",
    )


def _table(scanned: Scanned) -> None:
    table = scanned.table.assign(half_life_time=_half_life_times(scanned.table, scanned.panel))
    bars = ["half_life", "half_life_low", "half_life_high"]
    table[bars] = table[bars].replace(math.inf, math.nan)  # the browser would write "Infinity" in words
    config = {}
    for name, (heading, form, words) in SHOWN.items():
        kind = st.column_config.NumberColumn if form else st.column_config.Column
        more: dict[str, Any] = {"format": form} if form else {}
        config[name] = kind(heading, help=words, **more)
    names = labels(scanned.upload.symbols, scanned.upload.venue)
    event = st.dataframe(
        _with_names(table[list(SHOWN)], names),
        column_config=config,
        hide_index=True,
        height=table_height(len(table)),
        on_select="rerun",
        selection_mode="single-row",
        key="scan_table",
        alt="Pairs by p-value, most convincing first",
    )
    chosen = event.selection.rows if event is not None else []
    if not chosen:
        return
    pair = table.iloc[chosen[0]]
    y, x = str(pair["y"]), str(pair["x"])
    st.markdown(f"**{in_markdown(names[y])}** against **{in_markdown(names[x])}**")
    workflow(_view(scanned, y, x), here="scanner")


def _view(scanned: Scanned, y: str, x: str) -> PairView:
    """A pair of a scan: its bars and its prices, the model and the thresholds that stand on the other pages."""
    spec = replace(
        standing_pair(get_settings(), y, x),
        interval_ns=scanned.interval_ns,
        price="log" if scanned.log else "price",
    )
    return PairView(spec, chosen_fill_cost(), scanned.source, *standing_times(), scanned.upload)


def _with_names(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A table of pairs with its symbols as they are printed."""
    return table.assign(y=table["y"].map(names), x=table["x"].map(names))


def _half_life_times(table: pd.DataFrame, panel: pd.DataFrame) -> list[str]:
    """Half-lives as time: a pair's bars are those in which both legs have a price, however far apart they are."""
    known, times = panel.notna().to_numpy(), cast(pd.DatetimeIndex, panel.index).as_unit("ns").asi8
    place = {str(name): at for at, name in enumerate(panel.columns)}
    found = []
    for y, x, bars in zip(table["y"], table["x"], table["half_life"], strict=True):
        both = np.flatnonzero(known[:, place[str(y)]] & known[:, place[str(x)]])
        row_s = (times[both[-1]] - times[both[0]]) / (both.size - 1) / SECOND if both.size > 1 else math.nan
        found.append(span_text(bars * row_s) if not math.isnan(bars * row_s) else "")
    return found


def _charts(table: pd.DataFrame, panel: pd.DataFrame, log: bool, names: Mapping[str, str]) -> None:
    if panel.shape[1] < 3:
        return
    table, panel = _with_names(table, names), panel.rename(columns=names)
    try:
        tree = clusters(panel, log=log)
    except AlphaStreamError as error:
        st.caption(f"No tree of symbols: {in_markdown(error)}")
        return
    kind = st.segmented_control("Chart", ["Correlation", "q-values", "Clusters"], default="Correlation", key="chart")
    if kind == "Clusters":
        figure = dendrogram(tree)
    elif kind == "q-values":
        figure = qvalue_map(table, tree.order)
    else:
        figure = correlation_map(correlation_matrix(panel, log=log), tree.order)
    st.plotly_chart(figure, key=f"scan_{kind}", config=PLOT)


page()
