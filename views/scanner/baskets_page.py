"""The scanner's baskets: three to ten symbols each, chosen on the first rows and judged on the others."""

from dataclasses import dataclass
from typing import Any, Final, cast

import pandas as pd
import streamlit as st

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.kernel_groups import BASKET_TESTS, SCAN
from alphastream.scan import scan_baskets, summarise_baskets
from alphastream.scan.baskets import FEWEST_LEGS, MOST_LEGS, FittedMethod
from alphastream.uploads import Upload
from alphastream.uploads.series import price_panel
from views.scanner.basket_tables import basket_csv, basket_frame
from views.shared.compiling import PAIR_MODELS, kernels_ready
from views.shared.controls import HELP, INTERVALS_S, PRICES, number
from views.shared.elements import offer_file, table_height
from views.shared.escaping import in_markdown
from views.shared.instruments import labels
from views.shared.metrics import UNKNOWN
from views.shared.progress import computing
from views.shared.system import get_settings

METHODS: Final[dict[str, FittedMethod]] = {"OLS": "ols", "Johansen": "johansen", "Sparse": "sparse"}
RESULT: Final = "basket_scan_result"
WORDS: Final = {
    "legs": f"Fewest and most legs of a basket, from {FEWEST_LEGS} to {MOST_LEGS}.",
    "method": "How the weights of the legs that were found are fitted, on the first rows alone.",
    "judged": "Baskets that are chosen on the first rows and tested on the others, at most. More of them make each "
    "harder to tell from chance.",
    "split": "Share of the rows that baskets are chosen on.",
}
SHOWN: Final = {
    "legs": ("legs", None, "The first leg first."),
    "weights": ("weights", None, "Fitted on the first rows and fixed on the others; of the first leg 1."),
    "qvalue_bh": ("q (BH)", None, "Expected share of false discoveries down to this basket (Benjamini-Hochberg)."),
    "pvalue": ("p", None, "Of a wild bootstrap of the spread, on rows that had no say in its choice."),
    "pvalue_chosen_on": ("p, first rows", None, "By which it was chosen. As the best of many it says nothing."),
    "half_life": ("half-life (bars)", "%.1f", "Bars until half of a deviation is gone, on the other rows."),
    "spread_std": ("spread's deviation", "%.5g", "On the other rows; on log prices as a share of the first leg."),
    "rows": ("rows", "%d", "That it was judged on."),
    "note": ("note", None, "Why a basket could not be judged."),
}
CONDITIONS: Final = (
    "Every symbol in turn is the first leg, and the others are looked for among the eleven that move most with it. "
    "Baskets share symbols, so that what chance gives scatters more than the sentence says. What you trade should not "
    "be chosen by p-values of the rows that you test it on: take the basket from the first rows."
)


@dataclass(frozen=True, slots=True)
class _Request:
    interval_ns: int | None
    log: bool
    legs: tuple[int, int]
    method: FittedMethod
    judged: int
    split: float


@dataclass(frozen=True, slots=True, eq=False)
class _Scanned:
    """A scan that was made, of an upload that the controls may have left behind since."""

    table: pd.DataFrame
    upload: Upload


def basket_scan(upload: Upload) -> None:
    """Settings, scan, result."""
    request = _controls(upload)
    if not kernels_ready(SCAN, BASKET_TESTS, *PAIR_MODELS):
        return
    pressed = st.button("Scan", type="primary", icon=":material/search:", key="scan_baskets")
    with st.container():  # also where nothing is scanned: see ``computing``
        if pressed:
            _scan(upload, request)
    _result()


def _controls(upload: Upload) -> _Request:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")

    def choose(words: str, options: Any, key: str, told: str, width: int = 110) -> str:
        return str(row.selectbox(words, list(options), key=key, help=told, bind="query-params", width=width))

    interval_ns = None
    if upload.interval_ns is None:
        names = {interval_name(length * SECOND): length * SECOND for length in INTERVALS_S}
        interval_ns = names[choose("Bar", names, "interval", HELP["interval"])]
    price = choose("Prices", PRICES, "price", HELP["price"])
    method = METHODS[choose("Weights by", METHODS, "basket_method", WORDS["method"], 130)]
    fewest = int(number(row, "Legs from", FEWEST_LEGS, MOST_LEGS, 3, "legs_from", WORDS["legs"], 1))
    most = int(number(row, "Legs to", FEWEST_LEGS, MOST_LEGS, 5, "legs_to", WORDS["legs"], 1))
    judged = int(number(row, "Judged", 1, 500, 20, "judged", WORDS["judged"], 5))
    split = number(row, "Train on first, %", 10.0, 90.0, 50.0, "split", WORDS["split"], 5.0)
    return _Request(interval_ns, price == "log", (fewest, most), method, judged, split / 100.0)


def _scan(upload: Upload, request: _Request) -> None:
    """Run a scan with a bar that grows; leaving the page or pressing Cancel ends it at the next step."""
    backend = get_settings().compute
    try:
        panel = price_panel(upload, request.interval_ns)
        table = computing(
            "Scanning",
            "first legs",
            lambda progress: scan_baskets(
                panel,
                log=request.log,
                legs=request.legs,
                method=request.method,
                judged=request.judged,
                split=request.split,
                backend=backend,
                progress=progress,
            ),
            key="scan_baskets",
        )
        st.session_state[RESULT] = _Scanned(table, upload)
    except AlphaStreamError as error:
        st.session_state.pop(RESULT, None)
        st.error(
            in_markdown(in_words(error, upload.venue)), icon=":material/error:", title="No baskets can be looked for"
        )


def _result() -> None:
    """What the last scan of this session found."""
    if RESULT not in st.session_state:
        st.caption("Nothing scanned yet.")
        return
    scanned = cast(_Scanned, st.session_state[RESULT])
    table = scanned.table
    summary = summarise_baskets(table)
    found = summary.survive_bh
    (st.success if found else st.warning)(
        in_markdown(in_words(summary.sentence, scanned.upload.venue)),
        icon=":material/functions:",
        title=f"{'1 basket survives' if found == 1 else f'{found:,} baskets survive'} Benjamini-Hochberg",
    )
    st.caption(CONDITIONS)
    config = {}
    for name, (heading, form, words) in SHOWN.items():
        kind = st.column_config.NumberColumn if form else st.column_config.Column
        more: dict[str, Any] = {"format": form} if form else {}
        config[name] = kind(heading, help=words, **more)
    st.dataframe(
        basket_frame(table, labels(scanned.upload.symbols, scanned.upload.venue))[list(SHOWN)],
        column_config=config,
        hide_index=True,
        height=table_height(len(table)),
        placeholder=UNKNOWN,
        key="basket_table",
        alt="Baskets by p-value, most convincing first",
    )
    offer_file("Baskets as CSV", lambda: basket_csv(table), "baskets.csv", key="basket_csv")
