"""Selects to correct what was found in a file: which column plays which role, and how its dates are written."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, cast

import streamlit as st

from alphastream.uploads import Layout
from alphastream.uploads.columns import ASK_BARS, BAR_ROLES, BID_BARS, Proposal, Role
from alphastream.uploads.dates import Order, orders_of
from views.shared.kept_files import KeptFile

CERTAINTY: Final = {"named": "by its name", "likely": "likely", "guessed": "guessed: please check"}
NONE: Final = ""  # no column has this name
NOT_USED: Final = "not used"
LABELS: Final[Mapping[Role, str]] = {
    "time": "time",
    "clock": "time of day",
    "zone": "time zone",
    "symbol": "symbol",
    "suffix": "contract",
    "price": "price",
    "quantity": "quantity",
    "id": "trade id",
    "buyer_is_maker": "side",
    "bid": "bid",
    "ask": "ask",
    "event": "kind of row",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "adj_close": "adjusted close",
    "volume": "volume",
    **{role: role.replace("_", " ") for role in (*BID_BARS, *ASK_BARS)},
}
HELP: Final[Mapping[str, str]] = {
    "time": "When the trade was, or when the bar began.",
    "clock": "The time of day, where it stands in a column of its own.",
    "zone": "Of times that say none: a place such as America/New_York, or an offset from UTC.",
    "symbol": "Which instrument a row is of. Not used: the whole file is of one.",
    "suffix": "What tells contracts of one symbol apart, as an expiry. It is written behind the symbol.",
    "price": "Of a trade. Choosing one makes the file one of trades.",
    "quantity": "How much was traded.",
    "id": "Number of the trade. A trade that is given twice is dropped by it.",
    "buyer_is_maker": "Who traded at the market: buy or sell, or whether the buyer was the maker.",
    "bid": "Best price of buyers. With the ask, prices are the middle of both.",
    "ask": "Best price of sellers. With the bid, prices are the middle of both.",
    "event": "Tells trades from other rows.",
    "close": "Of a bar. With a time alone it is enough.",
    "adj_close": "The close freed of splits and dividends.",
    "volume": "How much was traded in the bar.",
}
WHEN_AND_WHAT: Final[tuple[Role, ...]] = ("time", "clock", "zone", "symbol", "suffix")
TRADES, QUOTES, BARS, WIDE = "Trades", "Bid and ask", "Bars", "Symbols"
KINDS: Final[Mapping[str, tuple[Role, ...]]] = {
    TRADES: ("price", "quantity", "id", "buyer_is_maker", "event"),
    QUOTES: ("bid", "ask", *BID_BARS, *ASK_BARS),
    BARS: (*BAR_ROLES, "adj_close", "volume"),
    WIDE: (),
}
SELDOM: Final[tuple[Role, ...]] = ("zone", "suffix", "event", *BID_BARS, *ASK_BARS)
"""Offered only where one of their kind was found."""
ORDERS: Final[Mapping[Order, str]] = {"DMY": "Day first", "MDY": "Month first", "YMD": "Year first"}
JUDGED, ASKED = "By the rows", "Please choose"

Change = Callable[..., None]


def date_order(file: KeptFile, layout: Layout, proposal: Proposal, change: Change) -> None:
    """A select for the order of day, month and year, where the first dates can be read in several."""
    time = proposal.roles.get("time")
    if time is None:
        return
    cells = [str(cell) for cell in layout.preview[time.column]]
    days = orders_of(cells)
    if len(set(days.values())) < 2 and file.order is None:
        return
    first = next((cell for cell in cells if cell.strip()), "")
    words = {order: f"{name}: {first} is {_day(days[order])}" for order, name in ORDERS.items() if order in days}
    none = ASKED if file.upload is None else JUDGED
    key = f"order-{file.id}"
    st.session_state[key] = file.order if file.order in words else NONE

    def choose() -> None:
        change(order=st.session_state[key] or None, result=None)

    st.selectbox(
        "Order of the dates",
        [NONE, *words],
        key=key,
        on_change=choose,
        format_func=lambda order: none if order == NONE else words[order],
        width=340,
        help=f"{JUDGED}: the order in which all dates of the file are lawful and evenly spaced.",
    )


def _day(day: str) -> str:
    """For example ``1 Feb 2024``."""
    when = date.fromisoformat(day)
    return f"{when.day} {when:%b %Y}"


def role_selects(file: KeptFile, layout: Layout, proposal: Proposal, change: Change) -> None:
    """Selects for the roles of rows of one kind, which can be chosen as well."""
    st.caption("Correct a column that was taken for something else. Type in a field to search it.")
    _row(file, layout, proposal, WHEN_AND_WHAT, change)
    kinds = [kind for kind in KINDS if kind != WIDE or layout.series]
    key = f"kind-{file.id}"
    st.session_state.setdefault(key, kind_of(proposal))
    kind = st.segmented_control(
        "Columns of", kinds, key=key, required=True, help="What the rows are. A column that is chosen below decides it."
    )
    if kind == WIDE:
        st.caption("Each column of prices is a symbol. To read one of them alone, choose it as the close of bars.")
        return
    _row(file, layout, proposal, KINDS[str(kind)], change)


def kind_of(proposal: Proposal) -> str:
    """What the rows seem to be, also where something is missing."""
    if proposal.series:
        return WIDE
    return next((kind for kind in (BARS, TRADES, QUOTES) if proposal.roles.keys() & set(KINDS[kind])), TRADES)


def corrected(
    layout: Layout, mapping: Mapping[str, str | None], role: str, column: str | None
) -> dict[str, str | None]:
    """The corrections with one more: a column plays one role, and what equals the finding is no correction."""
    found = layout.roles.get(cast(Role, role))
    others = {name: one for name, one in mapping.items() if name != role and (one is None or one != column)}
    proposed = None if found is None else found.column
    return others if column == proposed else {**others, role: column}


def _row(file: KeptFile, layout: Layout, proposal: Proposal, roles: tuple[Role, ...], change: Change) -> None:
    row = st.container(horizontal=True, gap="small")
    known = {*layout.roles, *proposal.roles}
    quotes = known & {*BID_BARS, *ASK_BARS}
    for role in roles:
        if role not in SELDOM or role in known or (quotes and role in (*BID_BARS, *ASK_BARS)):
            _select(row, file, layout, proposal, role, change)


def _select(row: Any, file: KeptFile, layout: Layout, proposal: Proposal, role: Role, change: Change) -> None:
    key, match = f"role-{file.id}-{role}", proposal.roles.get(role)
    corrections = file.mapping  # not the file: Streamlit holds what a widget calls after the widget is gone
    st.session_state[key] = NONE if match is None else match.column

    def choose() -> None:
        column = st.session_state[key]
        change(mapping=corrected(layout, corrections, role, None if column == NONE else column), result=None)

    found = layout.roles.get(role)
    sure = "Not found" if found is None else f"Found: {CERTAINTY[found.certainty]}"
    row.selectbox(
        LABELS[role],
        [NONE, *layout.columns],
        key=key,
        on_change=choose,
        format_func=lambda column: NOT_USED if column == NONE else column,
        width=155,
        help=f"{HELP.get(role, '')} {sure}.".strip(),
    )
