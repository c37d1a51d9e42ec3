"""The controls of the microstructure page. Each writes itself into the address; shared ones as on other pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import interval_name
from alphastream.microstructure import LEAST_ROWS
from alphastream.microstructure.leg import LegSpec
from config import Settings
from views.shared.controls import HELP, INTERVALS_S, SHOWN_BARS, sentence, take_names
from views.shared.escaping import in_markdown
from views.shared.instruments import as_shown, asked, label

QUANTILES: Final = {"0.1 %": 0.999, "1 %": 0.99, "5 %": 0.95}
WINDOWS: Final = (60, 120, 300, 600)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at.

    Parameters
    ----------
    legs : the two instruments, dependent leg first.
    shown : newest bars that charts and tables are about.
    quantile : of the sizes of trades, from which one is large.
    """

    legs: tuple[LegSpec, LegSpec]
    shown: int
    quantile: float


def leg_controls(symbols: Sequence[str], settings: Settings, venue: str) -> Choice | None:
    """Ask for two instruments and how they are looked at; None, and a sentence, while that cannot be.

    Parameters
    ----------
    symbols : what is carried; others may be typed.
    venue : of symbols that are written without one.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", key="microstructure_controls")
    intervals = {interval_name(length * SECOND): length for length in INTERVALS_S}
    offered = [label(symbol, venue) for symbol in symbols]
    take_names(("y", "x"), lambda text: as_shown(text, venue))

    def leg(words: str, default: int, key: str) -> str:
        options, place = offered, min(default, len(offered) - 1)
        chosen = row.selectbox(
            words, options, place, key=key, help=HELP[key], bind="query-params", accept_new_options=True, width=170
        )
        return str(chosen or "")

    y, x = leg("Dependent leg (y)", 1, "y"), leg("Hedge leg (x)", 0, "x")
    first = INTERVALS_S.index(settings.interval_s) if settings.interval_s in INTERVALS_S else 0
    interval = row.selectbox(
        "Bar", list(intervals), first, key="interval", help=HELP["interval"], bind="query-params", width=90
    )
    window = row.selectbox(
        "Rows measured",
        WINDOWS,
        WINDOWS.index(120),
        key="flow_window",
        bind="query-params",
        width=130,
        help="Bars that the flow imbalance and Kyle's lambda look back. An interval of lambda that says 95 % held the "
        f"truth in 90 to 92 % of simulated windows of {LEAST_ROWS} bars and in 93 to 95 % of 300.",
    )
    share = row.selectbox(
        "Large prints",
        list(QUANTILES),
        list(QUANTILES).index("1 %"),
        key="large_prints",
        bind="query-params",
        width=120,
        help="The largest trades, as a share of all trades in the bars shown.",
    )
    shown = row.selectbox("Bars shown", SHOWN_BARS, 1, key="bars", bind="query-params", width=120)
    try:
        names = [asked(name, venue) for name in (y, x)]
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error)), icon=":material/rule:")
        return None
    if names[0] == names[1] or not all(names):
        both = in_markdown(label(names[0], venue)) or "empty"
        st.warning(f"Both legs are {both}: choose two different symbols.", icon=":material/call_split:")
        return None
    length_ns = intervals[str(interval)] * SECOND
    legs = (LegSpec(names[0], length_ns, int(window)), LegSpec(names[1], length_ns, int(window)))
    return Choice(legs, int(shown), QUANTILES[str(share)])
