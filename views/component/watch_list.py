"""The watchlist in the browser: rows that are updated, never replaced, sorted there, each the way to its pair.

It is carried as the live figure is: by the channel, or by the page where that does not open.
"""

from collections.abc import Callable
from typing import Final

import orjson
import streamlit as st

from runtime.channel.tables import TableTopic
from views.component import changed_way, handed_over, loader, nothing
from views.component.assets import assets

_COMPONENT: Final = st.components.v2.component(
    "alphastream_watch_list", js=loader(assets().watch_list), isolate_styles=False
)


def watch_list(
    topic: TableTopic,
    *,
    ticket: str | None,
    links: dict[str, str],
    sort: str,
    key: str,
    on_open: Callable[[], None],
    on_remove: Callable[[], None],
    on_sort: Callable[[], None],
) -> None:
    """Mount the table and hand it what it lacks. Call it within a fragment, as ``live_figure``.

    Parameters
    ----------
    links : addresses of the live page, by row, for who opens one beside this page.
    sort : name of the column that rows are sorted by at first, a "-" before it for the largest first; "" for none.
    on_open, on_remove : a row was chosen, or is to go; its id is the component's value ``open`` or ``remove``.
    on_sort : the order was changed; the component's value ``sort`` says to what.
    """

    data = {**handed_over(topic, ticket, key), "links": links, "sort": sort}
    _COMPONENT(
        key=key,
        data=orjson.dumps(data),
        on_have_change=nothing,
        on_status_change=nothing,
        on_way_change=changed_way,
        on_open_change=on_open,
        on_remove_change=on_remove,
        on_sort_change=on_sort,
    )
    if st.session_state.pop("_way_changed", False):
        st.rerun()
