"""The watchlist: many pairs in one table that moves, each a click away from its own page."""

from collections.abc import Mapping

import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.pairs import PairSpec
from pipelines import Pipeline
from system import System
from views.component import way_of
from views.component.watch_list import watch_list
from views.shared.clock_controls import chosen_zone
from views.shared.escaping import in_markdown
from views.shared.fill_cost import FILL_COST
from views.shared.instruments import label
from views.shared.links import not_bound, tell
from views.shared.notices import no_feed
from views.shared.page_head import page_head
from views.shared.pair_notices import pair_notices
from views.shared.pair_view import PairView, link_to
from views.shared.rights import why_not
from views.shared.status_bar import clock_of
from views.shared.system import get_system
from views.shared.user_code import user_code_notices
from views.shared.watching import MAX_PAIRS, pair_text
from views.shared.workflow import taken
from views.watchlist.controls import (
    held_pairs,
    list_buttons,
    pair_buttons,
    remove_pair,
    say_what_was_wrong,
    setting_controls,
    specs_of,
    take_address,
    thresholds_problem,
    write_address,
)
from views.watchlist.live_table import LiveTable
from views.watchlist.rows import COLUMNS, Shown

TABLE = "watchlist"
RENEW_S = 60.0
SORT = "sort"
OPENED, CHANGED = "watched_open", "watched_changed"


def page() -> None:
    """Read the controls, then hand over to the table, which updates by itself."""
    page_head("Watchlist")
    system = get_system()
    user_code_notices()
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure).show()
        return
    lists, venue = system.watchlists, pipeline.venue
    take_address(pipeline, lists)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="watch_pairs")
    say_what_was_wrong()
    pairs = held_pairs(venue, [str(symbol) for symbol in pipeline.symbols])
    pair_buttons(row, pipeline, pairs)
    values = setting_controls(row, system.settings)
    list_buttons(row, lists, pairs, values, venue)
    if lists.notice:
        st.warning(in_markdown(f"{lists.notice}."), icon=":material/hard_drive:", title="Kept lists")
    write_address(pairs, venue, lists)
    if words := thresholds_problem(values["entry"], values["exit"]):
        st.warning(words, icon=":material/rule:")
        return
    if not pairs:
        st.info(
            f"Type two symbols as y/x above, or take all pairs of some symbols: up to {MAX_PAIRS} pairs move here.",
            icon=":material/playlist_add:",
            title="No pairs on the list",
        )
        return
    specs = specs_of(pairs, values)
    shown = Shown(specs, values[FILL_COST], tuple(_refused(pipeline, specs).items()), chosen_zone())
    by_page = system.settings.channel == "off" or way_of(TABLE) == "page"
    pace = system.settings.page_refresh_ms / 1_000 if by_page else RENEW_S
    st.fragment(_panel, run_every=pace, key="watch_panel")(system, shown)


def _refused(pipeline: Pipeline, specs: tuple[PairSpec, ...]) -> dict[str, str]:
    """Ask the feed for the symbols of the list; which it does not carry, and why."""
    refused: dict[str, str] = {}
    for symbol in dict.fromkeys(leg for spec in specs for leg in (spec.y, spec.x)):
        if symbol in pipeline.symbols:
            continue
        if words := why_not():
            refused[symbol] = f"{label(symbol, pipeline.venue)} is not followed here. {words}"
            continue
        try:
            pipeline.add_symbol(symbol)
        except AlphaStreamError as error:
            refused[symbol] = in_words(error, pipeline.venue)
    return refused


def _panel(system: System, shown: Shown) -> None:
    """Notices and the table. What moves comes over the live channel; this runs again when the notices change."""
    for notice in pair_notices(system):
        notice.show()
    _follow_click()
    hub = system.hub
    speed = system.settings.replay_speed
    source = LiveTable(
        shown,
        lambda: system.pipeline,
        lambda: repr(pair_notices(system)),
        lambda pipeline: clock_of(pipeline, speed),
    )
    topic = hub.table(shown, source)
    venue = system.pipeline.venue if system.pipeline is not None else ""
    specs = {pair_text((spec.y, spec.x), venue): spec for spec in shown.specs}
    watch_list(
        topic,
        ticket=hub.ticket() if system.settings.channel == "auto" else None,
        links={key: link_to(PairView(spec, shown.fill_cost), "./", venue=venue) for key, spec in specs.items()},
        sort=_order(),
        key=TABLE,
        on_open=lambda: _open(specs, venue, shown.fill_cost),
        on_remove=_remove,
        on_sort=_note_sort,
    )


def _open(specs: Mapping[str, PairSpec], venue: str, fill_cost: float) -> None:
    """Set the live page's controls to the pair whose row was chosen; a control that is drawn cannot be set."""
    spec = specs.get(str(st.session_state[TABLE].get("open")))
    if spec is not None:
        values = taken(PairView(spec, fill_cost), "live", venue)
        st.session_state.update(values)
        st.session_state[OPENED] = values


def _remove() -> None:
    if key := st.session_state[TABLE].get("remove"):
        remove_pair(str(key))
        st.session_state[CHANGED] = True


def _order() -> str:
    """By what the address says that rows are sorted."""
    order = st.query_params.get(SORT, "")
    if order.removeprefix("-") not in {"", *(name for name, *_ in COLUMNS)}:
        names = ", ".join(name for name, *_ in COLUMNS)
        tell(SORT, f"The address asks for sort={order}; rows can be sorted by {names}, with a - for the largest first.")
        return ""
    return order


def _note_sort() -> None:
    order = st.session_state[TABLE].get("sort")
    if order:
        st.query_params[SORT] = order
    elif SORT in st.query_params:
        del st.query_params[SORT]


def _follow_click() -> None:
    """Go to the pair whose row was chosen, or draw the page again without one that was taken off."""
    if st.session_state.pop(CHANGED, False):
        st.rerun()
    if (opened := st.session_state.pop(OPENED, None)) is not None:
        st.switch_page("views/live/page.py", query_params=not_bound(opened))


page()
