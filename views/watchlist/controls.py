"""The controls of a watchlist: how all its pairs are computed, which they are, and lists that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import streamlit as st

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import Price, interval_name
from alphastream.pairs import MODELS, PairSpec
from config import Settings
from pipelines import Pipeline
from runtime.watchlists.lists import MAX_NAME, Watchlist, Watchlists
from views.shared.controls import ENTRIES, EXITS, HELP, INTERVALS_S, PRICES, WINDOWS, sentence
from views.shared.escaping import in_markdown
from views.shared.fill_cost import FILL_COST, derived, fill_cost_control
from views.shared.instruments import asked, label
from views.shared.rights import change_button
from views.shared.watching import HELD, MAX_PAIRS, NO_PAIRS, PAIRS, Pair, all_pairs, pair_text, pairs_text, read_pairs

LIST: Final = "list"
"""Key of a kept list's name in the address."""
NAME: Final = "watched_list"
TOLD: Final = "watched_address"
SAID: Final = "watched_said"
FIRST_SYMBOLS: Final = 6
SETTINGS: Final = ("interval", "model", "window", "entry", "exit", "price", FILL_COST)
SHARED: Final = (
    "A kept list is in the data folder: whoever uses this app sees it, and whoever may change things changes it."
)


def held_pairs(venue: str, known: Sequence[str]) -> list[Pair]:
    """The session's list; what in it is no pair is said."""
    pairs, problems = read_pairs(str(st.session_state.get(HELD, "")), venue, known)
    for problem in problems:
        st.warning(in_markdown(f"{problem}."), icon=":material/rule:", title="Not on the list")
    return pairs


def take_address(pipeline: Pipeline, lists: Watchlists) -> None:
    """Begin with what the address says, where it is not what this page wrote there itself."""
    given = {key: " ".join(st.query_params.get_all(key)) or None for key in (PAIRS, LIST)}
    is_new = any(given.values()) and given != st.session_state.get(TOLD)
    if HELD in st.session_state and not is_new:
        return
    name, pairs = given[LIST], given[PAIRS]
    kept = lists.get(name) if name else None
    st.session_state.pop(NAME, None)
    if name and kept is None:
        st.session_state[SAID] = f"No list is kept by the name {name}. It may have been deleted; names are exact."
    if kept is not None:
        st.session_state[NAME] = name
        values = {key: value for key, value in kept.settings.items() if key not in st.query_params}
        st.session_state.update({key: value for key, value in values.items() if key in SETTINGS})
    if pairs is not None:
        st.session_state[HELD] = "" if pairs == NO_PAIRS else pairs
    elif kept is not None:
        st.session_state[HELD] = kept.pairs
    else:
        first = all_pairs([str(symbol) for symbol in pipeline.symbols[:FIRST_SYMBOLS]])
        st.session_state[HELD] = pairs_text(first, pipeline.venue)


def write_address(pairs: Sequence[Pair], venue: str, lists: Watchlists) -> None:
    """Put the list into the address: its name where that says all, else its pairs."""
    name, text = st.session_state.get(NAME), pairs_text(pairs, venue)
    kept = lists.get(name) if name else None
    wanted = {LIST: name if kept is not None else None, PAIRS: text or NO_PAIRS}
    if kept is not None and kept.pairs == text:
        wanted[PAIRS] = None
    for key, value in wanted.items():
        if value is None and key in st.query_params:
            del st.query_params[key]
        elif value is not None and st.query_params.get(key) != value:
            st.query_params[key] = value
    st.session_state[TOLD] = wanted


def setting_controls(row: Any, settings: Settings) -> dict[str, Any]:
    """Ask how pairs are computed, in a box of the row; the same keys as on the pages of one pair."""
    intervals = [interval_name(length * SECOND) for length in INTERVALS_S]
    first = INTERVALS_S.index(settings.interval_s) if settings.interval_s in INTERVALS_S else 0
    with row.popover("Bars and model", icon=":material/tune:"):
        left, right = st.columns(2, vertical_alignment="bottom")

        def choose(place: Any, label: str, options: Sequence[str], default: int, key: str) -> str:
            return str(place.selectbox(label, options, default, key=key, help=HELP[key], bind="query-params"))

        def ask(place: Any, label: str, bounds: tuple[float, float], default: float, key: str) -> float:
            low, high = bounds
            found = place.number_input(label, low, high, default, 0.25, key=key, help=HELP[key], bind="query-params")
            return float(default if found is None else found)

        values: dict[str, Any] = {
            "interval": choose(left, "Bar", intervals, first, "interval"),
            "model": choose(right, "Model", list(MODELS.values()), 0, "model"),
            "window": st.slider(
                "Window (bars)",
                *WINDOWS,
                settings.window_bars,
                1,
                key="window",
                help=HELP["window"],
                bind="query-params",
            ),
        }
        left, right = st.columns(2, vertical_alignment="bottom")
        values["entry"] = ask(left, "Entry |z|", ENTRIES, settings.entry_z, "entry")
        values["exit"] = ask(right, "Exit |z|", EXITS, settings.exit_z, "exit")
        values["price"] = choose(left, "Prices", PRICES, 0, "price")
        values[FILL_COST] = fill_cost_control(right)
        st.caption(f"Of all pairs on the list. {derived(values[FILL_COST])}")
    return values


def specs_of(pairs: Sequence[Pair], values: Mapping[str, Any]) -> tuple[PairSpec, ...]:
    """A request for each pair."""
    lengths = {interval_name(length * SECOND): length * SECOND for length in INTERVALS_S}
    models = {words: model for model, words in MODELS.items()}
    more = lengths[values["interval"]], models[values["model"]], int(values["window"]), cast(Price, values["price"])
    return tuple(PairSpec(y, x, *more, float(values["entry"]), float(values["exit"])) for y, x in pairs)


def thresholds_problem(entry: float, exit_: float) -> str | None:
    """Why no position could follow these thresholds; None where one can."""
    if exit_ >= entry:
        return f"Exit {exit_:g} is not inside entry {entry:g}: bring it nearer to zero."
    if exit_ < -entry:
        return f"Exit {exit_:g} is beyond {-entry:g}, where a position turns: bring it nearer to zero."
    return None


# ---- which pairs ----


def pair_buttons(row: Any, pipeline: Pipeline, pairs: Sequence[Pair]) -> None:
    """Add pairs by name, all pairs of some symbols, or edit the whole list."""
    venue, known = pipeline.venue, [str(symbol) for symbol in pipeline.symbols]
    example = pair_text(pairs[0], venue).replace("~", "/") if pairs else "ETHUSDT/BTCUSDT"
    row.text_input(
        "Add a pair",
        key="add_pair",
        placeholder=f"Add {example}",
        label_visibility="collapsed",
        on_change=_add_typed,
        args=(venue, known),
        width=230,
    )
    with row.popover("Pairs", icon=":material/edit_note:"):
        names = [label(symbol, venue) for symbol in known]
        chosen = st.multiselect(
            "All pairs of these symbols", names, names[:FIRST_SYMBOLS], accept_new_options=True, key="all_of"
        )
        count = len(chosen) * (len(chosen) - 1) // 2
        st.button(
            f"Add {count} pair{'s' * (count != 1)}",
            on_click=_add_all,
            args=(list(chosen), venue),
            key="add_all",
            disabled=count == 0,
        )
        text = st.text_area("The list, a pair a line", pairs_text(pairs, venue).replace(" ", "\n"), key="all_text")
        left, right = st.columns(2)
        left.button("Use these pairs", on_click=_replace, args=(text,), key="use_text", type="primary")
        right.button("Clear the list", on_click=_replace, args=("",), key="clear_list", disabled=not pairs)
        st.caption(f"Every two symbols, the later one as y. A list shows {MAX_PAIRS} pairs at most.")


def _add_typed(venue: str, known: Sequence[str]) -> None:
    typed = str(st.session_state["add_pair"] or "")
    added, problems = read_pairs(typed, venue, known)
    if problems:
        st.session_state[SAID] = f"{problems[0]}."
        return
    _add(added, venue)
    st.session_state["add_pair"] = ""


def _add_all(chosen: Sequence[str], venue: str) -> None:
    try:
        _add(all_pairs([asked(name, venue) for name in chosen]), venue)
    except AlphaStreamError as error:
        st.session_state[SAID] = sentence(error, venue)


def _add(pairs: Sequence[Pair], venue: str) -> None:
    held = str(st.session_state.get(HELD, ""))
    _replace(f"{held} {pairs_text(pairs, venue)}")


def _replace(text: str) -> None:
    st.session_state[HELD] = " ".join(text.split())
    st.session_state.pop("all_text", None)  # the box shows the list as it is then


def remove_pair(key: str) -> None:
    """Take a pair off the session's list; ``key`` is its text."""
    held = str(st.session_state.get(HELD, "")).split()
    _replace(" ".join(text for text in held if text != key))


# ---- lists that are kept ----


def list_buttons(row: Any, lists: Watchlists, pairs: Sequence[Pair], values: Mapping[str, Any], venue: str) -> None:
    """Choose a kept list, keep this one, delete one."""
    name = st.session_state.get(NAME)
    kept = lists.get(name) if name else None
    now = Watchlist(pairs_text(pairs, venue), {key: values[key] for key in SETTINGS})
    with row.popover("Lists", icon=":material/bookmarks:"):
        if lists.names:
            st.session_state["kept_list"] = name if name in lists.names else None
            st.selectbox(
                "Kept list",
                lists.names,
                None,
                key="kept_list",
                placeholder="choose one",
                on_change=_open_list,
                args=(lists,),
            )
        if kept is not None and kept != now:
            st.caption(f"{in_markdown(name)} is not kept as it stands here now.")
            st.button(
                "Back to what is kept", icon=":material/undo:", on_click=_open, args=(lists, name), key="undo_list"
            )
        new = st.text_input("Name", str(name or ""), key="list_name", max_chars=MAX_NAME)
        if change_button("Keep this list", key="keep_list", type="primary"):
            _keep(lists, new, now)
        if name and kept is not None and change_button(f"Delete {in_markdown(name)}", key="delete_list"):
            _delete(lists, name)
        st.caption(SHARED)


def _open_list(lists: Watchlists) -> None:
    if name := st.session_state["kept_list"]:
        _open(lists, str(name))


def _open(lists: Watchlists, name: str) -> None:
    kept = lists.get(name)
    if kept is None:
        st.session_state[SAID] = f"No list is kept by the name {name} any more."
        return
    _replace(kept.pairs)
    st.session_state[NAME] = name
    st.session_state.update({key: value for key, value in kept.settings.items() if key in SETTINGS})


def _keep(lists: Watchlists, name: str, watchlist: Watchlist) -> None:
    try:
        st.session_state[NAME] = lists.keep(name, watchlist)
    except AlphaStreamError as error:
        st.session_state[SAID] = sentence(error)
    st.rerun()


def _delete(lists: Watchlists, name: str) -> None:
    try:
        lists.delete(name)
        st.session_state.pop(NAME, None)
    except AlphaStreamError as error:
        st.session_state[SAID] = sentence(error)
    st.rerun()


def say_what_was_wrong() -> None:
    """The sentence that a click left behind, once."""
    if said := st.session_state.pop(SAID, None):
        st.warning(in_markdown(said), icon=":material/rule:")
