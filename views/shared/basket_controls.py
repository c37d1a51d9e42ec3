"""Asking for a basket: its legs, its weights, and where a position opens and closes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

import streamlit as st

from alphastream.baskets import BasketSpec
from alphastream.baskets.basket import FEWEST_LEGS, MOST_LEGS
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.estimators import BasketMethod
from alphastream.graph import interval_name
from config import Settings
from views.shared.controls import ENTRIES, EXITS, HELP, INTERVALS_S, PRICES, number, take_names
from views.shared.escaping import in_markdown
from views.shared.instruments import as_shown, asked, label

METHODS: Final[Mapping[str, BasketMethod]] = {
    "OLS": "ols",
    "Johansen": "johansen",
    "Sparse": "sparse",
    "PCA residual": "pca",
    "Fixed weights": "fixed",
}
WORDS: Final = {
    "legs": f"{FEWEST_LEGS} to {MOST_LEGS} instruments. A long spread buys one of the first; the others follow by "
    "their weights.",
    "method": "How weights are found. OLS: the first leg on the others. Johansen: the first eigenvector. Sparse: the "
    "least predictable combination of a few of the legs. PCA residual: the first leg less its projection on the "
    "principal components of all changes. Fixed weights: yours; level and deviation are fitted.",
    "train": "Bars that weights, level and deviation are fitted on.",
    "hold": "Bars that a fit serves, none of which it was fitted on. 0: as many as it was fitted on; 1: a new fit on "
    "every bar.",
    "kept": "Legs that have a weight.",
    "components": "Principal components that are taken out.",
    "weights": "One for each leg in their order, with commas between them: 1, -0.7, 0.1. Notionals on log prices, "
    "units on prices.",
    "entry": "A position opens when |z| reaches this on a closed bar. z is how far the spread is from the level of the "
    "fit, in deviations of its residuals, on bars that came after it: it drifts where nothing holds the legs together.",
}


def basket_controls(
    symbols: Sequence[str],
    settings: Settings,
    *,
    venue: str = "",
    shortest_s: int = 1,
    open_list: bool = False,
) -> BasketSpec | None:
    """Ask for a basket; parameters as of ``pair_controls``.

    Returns
    -------
    The request, or None (and a sentence on the page) while the choice is not a basket.

    Raises
    ------
    AlphaStreamError
        Where parameters contradict each other; its sentence says how.
    """
    if len(symbols) < FEWEST_LEGS and not open_list:
        named = ", ".join(label(symbol, venue) for symbol in symbols)
        st.warning(
            f"A basket needs {FEWEST_LEGS} instruments, and there are {len(symbols)}: {in_markdown(named)}. Record or "
            "bring more of them.",
            icon=":material/rule:",
            title="Too few instruments",
        )
        return None
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="basket_controls")
    legs = basket_legs(row, symbols, venue, open_list=open_list)
    usual = settings.interval_s if settings.interval_s >= shortest_s else shortest_s
    lengths = [length for length in INTERVALS_S if length >= shortest_s] or [shortest_s]
    names = {interval_name(length * SECOND): length * SECOND for length in lengths}
    bar = _choose(row, "Bar", list(names), lengths.index(usual) if usual in lengths else 0, "interval", 100)
    weights = choose_weights(row, len(legs))
    entry = number(row, "Entry |z|", *ENTRIES, settings.entry_z, "entry", WORDS["entry"], 0.25)
    exit_ = number(row, "Exit |z|", *EXITS, settings.exit_z, "exit", HELP["exit"], 0.25)
    price = _choose(row, "Prices", PRICES, 0, "price", 100)
    if not is_enough(legs, venue):
        return None
    known = cast(Literal["log", "price"], price)
    return BasketSpec(legs, names[bar], price=known, entry=entry, exit=exit_, **weights)


def basket_legs(
    row: Any, symbols: Sequence[str], venue: str, *, open_list: bool = False, key: str = "legs"
) -> tuple[str, ...]:
    """Ask for the legs, the first one first."""
    offered = [label(symbol, venue) for symbol in symbols]
    take_names((key,), lambda text: as_shown(text, venue), None if open_list else offered)
    chosen = row.multiselect(
        "Legs",
        offered,
        offered[:FEWEST_LEGS],
        key=key,
        help=WORDS["legs"],
        bind="query-params",
        width=360,
        max_selections=MOST_LEGS,
        accept_new_options=open_list,
    )
    return tuple(asked(str(each), venue) for each in chosen)


def choose_weights(row: Any, legs: int) -> dict[str, Any]:
    """Ask how weights are found: what of a ``BasketSpec`` that decides, by name. Raises ParameterError."""
    method = METHODS[_choose(row, "Weights by", list(METHODS), 0, "basket_method", 150, WORDS["method"])]
    train = int(number(row, "Window, bars", 10, 5_000, 250, "basket_train", WORDS["train"], 10, width=120))
    hold = int(number(row, "Hold, bars", 0, 5_000, 0, "basket_hold", WORDS["hold"], 10, width=120))
    return {"method": method, "window": train, "hold": hold or None, **_more(row, method, max(legs, FEWEST_LEGS))}


def is_enough(legs: Sequence[str], venue: str) -> bool:
    """Whether these are legs enough; a sentence on the page where not."""
    if len(legs) >= FEWEST_LEGS:
        return True
    held = in_markdown(", ".join(label(leg, venue) for leg in legs)) or "none"
    st.warning(
        f"A basket needs {FEWEST_LEGS} to {MOST_LEGS} legs, and {len(legs)} are chosen: {held}.",
        icon=":material/rule:",
        title="Too few legs",
    )
    return False


def _choose(row: Any, words: str, options: Sequence[str], first: int, key: str, width: int, told: str = "") -> str:
    return str(row.selectbox(words, options, first, key=key, help=told or HELP[key], bind="query-params", width=width))


def _more(row: Any, method: BasketMethod, legs: int) -> dict[str, Any]:
    """What one method alone asks for."""
    if method == "sparse":
        return {"kept": int(number(row, "Legs kept", 2, MOST_LEGS, 3, "basket_kept", WORDS["kept"], 1))}
    if method == "pca":
        most = MOST_LEGS - 1
        return {"components": int(number(row, "Components", 1, most, 1, "basket_components", WORDS["components"], 1))}
    if method == "fixed":
        begin = ", ".join(["1", *["-1"] * (legs - 1)])
        text = row.text_input(
            "Weights", begin, key="basket_weights", help=WORDS["weights"], bind="query-params", width=200
        )
        return {"weights": weights_of(str(text))}
    return {}


def weights_of(text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Raises
    ------
    ParameterError
        Where one is not a number.

    Examples
    --------
    >>> weights_of("1, -0.7, 0.1")
    (1.0, -0.7, 0.1)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ParameterError(
            f"weights are {text!r}: give numbers with commas between them, one for each leg, as 1, -0.7, 0.1"
        ) from error
