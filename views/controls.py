"""The controls of a pair, the same on every page. Each writes itself into the address, so a link restores a page."""

from collections.abc import Sequence
from typing import Final, cast
from urllib.parse import urlencode

import streamlit as st

from alphastream.graph import Price, interval_name
from alphastream.pairs import MODELS, PairSpec
from config import Settings

SECOND: Final = 10**9
INTERVALS_S: Final = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
SHOWN_BARS: Final = (150, 300, 600, 1_200, 2_000)

HELP: Final = {
    "y": "Dependent leg. A long spread buys it.",
    "x": "Hedge leg. A long spread sells hedge ratio times as much of it.",
    "interval": "Length of a bar. A row exists for every bar in which a leg traded.",
    "model": "How the hedge ratio is estimated. OLS: least squares over the window. Kalman: intercept and ratio drift, "
    "filtered bar by bar; the z-score is the surprise of each bar. Huber: least squares that outliers cannot bend. "
    "TLS: errors in both legs.",
    "window": "Bars an estimate looks back; the Kalman filter calibrates on the first ones. The z-score of a rolling "
    "fit needs a second window of spreads before it is defined.",
    "entry": "A position opens when |z| reaches this on a closed bar.",
    "exit": "It closes when |z| falls to this, or z crosses to the other side.",
    "price": "Estimate on log prices (ratio of notionals) or on prices (ratio of units).",
}


def pair_controls(
    symbols: Sequence[str], settings: Settings, *, shortest_s: int = 1, open_list: bool = False
) -> PairSpec | None:
    """Ask for a pair and a model.

    Parameters
    ----------
    symbols : what can be chosen.
    shortest_s : no shorter bars are offered.
    open_list : whether names that are not in the list may be typed.

    Returns
    -------
    The request, or None (and a sentence on the page) while the choice is not a pair.
    """
    columns = iter(st.columns([1.3, 1.3, 0.9, 1, 1.6, 1, 1, 0.9], vertical_alignment="bottom"))

    def choose(label: str, options: Sequence[str], default: int, key: str, free: bool = False) -> str | None:
        # Options are what is shown: that is also what stands in the address.
        return next(columns).selectbox(
            label, options, default, key=key, help=HELP[key], accept_new_options=free, bind="query-params"
        )

    def number(label: str, low: float, high: float, default: float, key: str) -> float:
        column = next(columns)
        return column.number_input(label, low, high, default, 0.25, key=key, help=HELP[key], bind="query-params")

    lengths = [length for length in INTERVALS_S if length >= shortest_s] or [shortest_s]
    intervals = {interval_name(length * SECOND): length for length in lengths}
    first = lengths.index(settings.interval_s) if settings.interval_s in lengths else 0
    models = {name: model for model, name in MODELS.items()}

    y = choose("Dependent leg (y)", symbols, min(1, len(symbols) - 1), "y", open_list)
    x = choose("Hedge leg (x)", symbols, 0, "x", open_list)
    interval = choose("Bar", list(intervals), first, "interval")
    model = choose("Model", list(models), 0, "model")
    window = next(columns).slider(
        "Window (bars)", 20, 500, settings.window_bars, 5, key="window", help=HELP["window"], bind="query-params"
    )
    entry = number("Entry |z|", 0.5, 6.0, settings.entry_z, "entry")
    exit_ = number("Exit |z|", 0.0, 5.0, settings.exit_z, "exit")
    price = choose("Prices", ["log", "price"], 0, "price")
    y, x = (str(leg or "").strip().upper() for leg in (y, x))
    if y == x or not y or not x:
        st.warning(f"Both legs are {y or 'empty'}: choose two different symbols.", icon=":material/call_split:")
        return None
    if exit_ >= entry:
        st.warning(f"Exit {exit_:g} is not inside entry {entry:g}: bring it nearer to zero.", icon=":material/rule:")
        return None
    length_ns = intervals[str(interval)] * SECOND
    return PairSpec(y, x, length_ns, models[str(model)], int(window), cast(Price, price), float(entry), float(exit_))


def link_to(spec: PairSpec, page_url: str) -> str:
    """An address that restores every control, also where another deployment has other defaults."""
    query = {
        "y": spec.y,
        "x": spec.x,
        "interval": interval_name(spec.interval_ns),
        "model": MODELS[spec.model],
        "window": spec.window,
        "entry": f"{spec.entry:g}",
        "exit": f"{spec.exit:g}",
        "price": spec.price,
    }
    return f"{page_url.split('?')[0]}?{urlencode(query)}"
