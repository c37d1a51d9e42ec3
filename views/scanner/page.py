"""The scanner page: all pairs of a universe, ranked, with false discoveries under control; or its baskets."""

from dataclasses import dataclass, replace
from typing import Final, cast

import pandas as pd
import streamlit as st

from alphastream.cointegration import LEAST_ROWS, TRADES_A_BAR, usual_interval
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.estimators.tests.observations import MINIMUM_ROWS
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.kernel_groups import SCAN, TESTS
from alphastream.scan import Direction, scan_pairs
from alphastream.uploads import Upload
from alphastream.uploads.series import price_panel
from views.scanner.baskets_page import basket_scan
from views.scanner.result_page import Scanned, result
from views.shared.cards import span_text
from views.shared.compiling import kernels_ready
from views.shared.controls import INTERVALS_S, standing_pair
from views.shared.escaping import in_markdown
from views.shared.fill_cost import chosen_fill_cost, derived, fill_cost_control
from views.shared.page_head import page_head
from views.shared.pair_view import PairView
from views.shared.progress import computing
from views.shared.recordings import DAILY, OWN, SHARES, own_tape
from views.shared.rows_controls import RowChoice, first_and_last, range_words, rows_controls
from views.shared.system import get_settings
from views.shared.uploads import choose_upload
from views.shared.workflow import workflow

PAIRS, BASKETS = "Pairs", "Baskets"
KINDS: Final = "Pairs: every two symbols. Baskets: spreads of three symbols and more, chosen on a part of the rows."
SCHEDULE_S: Final = {"by hand": None, "every 30 s": 30.0, "every 5 min": 300.0}


@dataclass(frozen=True, slots=True)
class Request:
    """What a scan is asked to do."""

    interval_ns: int | None
    log: bool
    direction: Direction
    fixed_lags: int | None
    cost_bps: float


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
    rows = rows_controls(*first_and_last(upload), split=False)
    if rows is None:
        return
    schedule = "by hand"
    if st.session_state.get("source") == OWN:
        schedule = st.selectbox("Rescan", list(SCHEDULE_S), key="schedule", bind="query-params", width=200)
    if not kernels_ready(SCAN, TESTS, "HalfLife"):
        return
    every_s = SCHEDULE_S[schedule]
    if every_s is not None:
        st.fragment(_rescan, run_every=every_s, key="rescan")(request, rows)
        return
    at_once = st.session_state["source"] in DAILY and "scan_result" not in st.session_state
    pressed = st.button("Scan", type="primary", icon=":material/search:", key="scan")
    with st.container():  # also where nothing is scanned: see ``computing``
        if pressed or at_once:
            _scan(upload, request, rows)
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


def _scan(upload: Upload, request: Request, rows: RowChoice) -> None:
    """Run a scan with a bar that grows; leaving the page or pressing Cancel ends it at the next step."""
    backend = get_settings().compute
    try:
        part = rows.of(upload)
        panel = price_panel(part, request.interval_ns)
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
            table["note"] = _notes(table, part)
        source = str(st.session_state["source"])
        st.session_state["scan_result"] = Scanned(
            table,
            panel,
            request.log,
            upload,
            source,
            request.interval_ns or upload.interval_ns or SECOND,
            rows,
            f"{len(panel):,} rows, {range_words(part)}",
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


def _rescan(request: Request, rows: RowChoice) -> None:
    """The newest hours of the tape, scanned again on a schedule."""
    upload = own_tape(int(st.session_state.get("hours", 1)))
    with st.container():
        if upload is not None:
            _scan(upload, request, rows)
    _result()


def _result() -> None:
    """What the last scan of this session found."""
    if "scan_result" not in st.session_state:
        st.caption("Nothing scanned yet.")
        return
    result(cast(Scanned, st.session_state["scan_result"]), _open)


def _open(scanned: Scanned, y: str, x: str) -> None:
    """Lead from a pair of the scan to other pages: its bars, prices and rows, the model and thresholds of there."""
    spec = replace(
        standing_pair(get_settings(), y, x),
        interval_ns=scanned.interval_ns,
        price="log" if scanned.log else "price",
    )
    view = PairView(spec, chosen_fill_cost(), scanned.source, *scanned.rows.ends, upload=scanned.upload)
    workflow(view, here="scanner")


page()
