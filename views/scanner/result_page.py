"""What a scan found: what it is worth as a whole, the table, the chosen pair beside it, and the maps of symbols."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from alphastream.core.types import Ints
from alphastream.errors import AlphaStreamError
from alphastream.instruments import in_words
from alphastream.scan import Clusters, clusters, correlation_matrix, summarise
from alphastream.uploads import Upload
from alphastream.uploads.series import first_times
from views.component.clicks import clicked_cell, report_clicks
from views.scanner.filter_controls import filter_controls, group_controls, show_all
from views.scanner.filters import PairFilter, shown_words
from views.scanner.previews import preview, preview_figure
from views.scanner.tables import COLUMNS, PairTable, pair_table
from views.shared.clock_controls import plotted
from views.shared.elements import PLOT, is_dark, offer_file, table_height
from views.shared.escaping import in_chart, in_markdown
from views.shared.exports import scan_csv
from views.shared.instruments import labels
from views.shared.matrix_charts import correlation_map, dendrogram, qvalue_map
from views.shared.matrix_view import wide_chart
from views.shared.rows_controls import RowChoice
from views.shared.uploads import session_cached

TABLE: Final = "scan_table"
PAIR, DRAWN = "scan_pair", "scan_drawn"  # in the session: y and x that are chosen; the table as it was drawn last
MAP: Final = "scan_map"
CLICKS: Final = "scan_map_clicks"
CONDITIONS: Final = (
    "Chance counts as simulated: universes of 40 symbols in which nothing is cointegrated, with one common factor, fat "
    "tails and changing volatility, bid-ask bounce, and symbols that trade in half of the bars, turn green in at most "
    "one scan of ten. A bar in which a symbol did not trade is left out of its pairs. Scanning again and again finds "
    "more by chance. The counts at 5 % and of the halves are of MacKinnon's p, which presumes a steady volatility; "
    "q-values and what is green do not."
)


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """A scan that was made, and the rows it was made of, which the controls may have left behind since.

    Parameters
    ----------
    interval_ns : of its bars.
    rows : that were asked for.
    about : from when to when they are, and how many.
    """

    table: pd.DataFrame
    panel: pd.DataFrame
    log: bool
    upload: Upload
    source: str
    interval_ns: int
    rows: RowChoice
    about: str


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """The table as it was drawn last: of which scan, which of its pairs, and which row was marked."""

    table: pd.DataFrame
    at: Ints
    mark: list[int]


def result(scanned: Scanned, open_pair: Callable[[Scanned, str, str], None]) -> None:
    """The last scan of this session; what is clicked in it runs no other part of the page.

    Parameters
    ----------
    open_pair : draws what leads from a chosen pair to other pages.
    """
    st.fragment(_result, key="scan_result")(scanned, open_pair)


def _result(scanned: Scanned, open_pair: Callable[[Scanned, str, str], None]) -> None:
    table, venue = scanned.table, scanned.upload.venue
    summary = summarise(table)
    found = summary.confirmed
    survivors = "1 pair survives" if found == 1 else f"{found:,} pairs survive"
    (st.success if found else st.warning)(
        in_markdown(in_words(summary.sentence, venue)),
        icon=":material/functions:",
        title=f"{survivors} Benjamini-Hochberg, both halves and a bootstrap",
    )
    st.caption(f"Scanned: {in_markdown(scanned.about)}. {CONDITIONS}")
    if scanned.upload.kind == "bars":
        _warn_of_times(scanned)
    names = labels(scanned.upload.symbols, venue)
    shown = session_cached("scan_shown", [scanned], lambda: pair_table(table, scanned.panel, names))
    tree = session_cached("scan_tree", [scanned], lambda: (_tree(scanned, names),))[0]
    at = _filtered(scanned, shown, names, tree if isinstance(tree, Clusters) else None)
    chosen = _chosen(scanned, names)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _table(scanned, shown, at, chosen)
    with right, st.container(key="scan_preview"):
        if chosen is None:
            st.caption("Choose a row, or a cell of the map below: its spread stands here.")
        else:
            _preview(scanned, names, *chosen)
            open_pair(scanned, *chosen)
    offer_file("Scan as CSV", lambda: scan_csv(table), "scan.csv", key="scan_csv")
    _maps(scanned, names, tree, chosen)


def _filtered(scanned: Scanned, shown: PairTable, names: Mapping[str, str], tree: Clusters | None) -> Ints:
    """Places of the pairs that are shown."""
    with st.expander("Filter", icon=":material/filter_alt:", key="scan_filter"):
        groups = group_controls([*names.values()], tree)
        asked = filter_controls(groups)
    at = _rows(scanned, shown, asked, groups)
    row = st.container(horizontal=True, vertical_alignment="center")
    said = f" The same for all: {', '.join(shown.same)}." if shown.same else ""
    row.caption(in_markdown(shown_words(len(at), len(scanned.table)) + said))
    if asked.asks:
        row.button("Show all", icon=":material/filter_alt_off:", key="show_all", on_click=show_all, width="content")
    return at


def _rows(scanned: Scanned, shown: PairTable, asked: PairFilter, groups: Mapping[str, str]) -> Ints:
    printed = scanned.table.assign(y=shown.frame["y"], x=shown.frame["x"]) if asked.asks else scanned.table
    return asked.rows(printed, groups)


# ---- which pair is chosen ----------------------------------------------------------------------------------------


def _chosen(scanned: Scanned, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The pair that was chosen last, by a row of the table or a cell of a map.

    A table knows its rows by number, which a filter and another scan move: so the pair is kept by its names, and the
    table's mark is set to where it stands now.
    """
    drawn = st.session_state.get(DRAWN)
    held = _selected()
    if isinstance(drawn, _Drawn) and held != drawn.mark:  # a row was chosen, or let go
        first = held[0] if held else -1
        st.session_state[PAIR] = _names(drawn.table, int(drawn.at[first])) if 0 <= first < len(drawn.at) else None
    cell = clicked_cell(CLICKS)
    if cell is not None:
        back = {in_chart(shown): name for name, shown in names.items()}
        place = _place(scanned.table, (back.get(cell[1], ""), back.get(cell[0], "")))
        if place is not None:
            st.session_state[PAIR] = _names(scanned.table, place)
    place = _place(scanned.table, st.session_state.get(PAIR))
    return None if place is None else _names(scanned.table, place)


def _selected() -> list[int]:
    state: Any = st.session_state.get(TABLE) or {}
    return list(state.get("selection", {}).get("rows", []))


def _names(table: pd.DataFrame, place: int) -> tuple[str, str]:
    return str(table["y"].iat[place]), str(table["x"].iat[place])


def _place(table: pd.DataFrame, pair: tuple[str, str] | None) -> int | None:
    """Where a pair stands in a scan, whichever of its legs is y there; None where it was not scanned."""
    if pair is None:
        return None
    one, other = pair
    y, x = table["y"], table["x"]
    found = np.flatnonzero(((y == one) & (x == other)) | ((y == other) & (x == one)))
    return int(found[0]) if found.size else None


def _table(scanned: Scanned, shown: PairTable, at: Ints, chosen: tuple[str, str] | None) -> None:
    if not len(at):
        st.info("No pair has all that the filter asks for.", icon=":material/filter_alt:")
        return
    place = _place(scanned.table, chosen)
    mark = [] if place is None else np.flatnonzero(at == place).tolist()
    if _selected() != mark:
        st.session_state[TABLE] = {"selection": {"rows": mark, "columns": [], "cells": []}}
    st.session_state[DRAWN] = _Drawn(scanned.table, at, mark)
    frame = shown.at(at)
    config: dict[str, Any] = {}
    for name in frame.columns:
        heading, kind, words = COLUMNS[name]
        if name in shown.formats:
            config[name] = st.column_config.NumberColumn(heading, help=words, format=shown.formats[name])
        elif kind == "p":
            config[name] = st.column_config.TextColumn(heading, help=words, alignment="right")
        else:
            config[name] = st.column_config.Column(heading, help=words, pinned=name in ("y", "x") or None)
    st.dataframe(
        frame,
        column_config=config,
        hide_index=True,
        height=table_height(len(frame)),
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        key=TABLE,
        alt="Pairs by p-value, most convincing first",
    )


def _preview(scanned: Scanned, names: Mapping[str, str], y: str, x: str) -> None:
    place = _place(scanned.table, (y, x))
    assert place is not None
    pair = scanned.table.iloc[place]
    found = preview(scanned.panel, y, x, float(pair["hedge_ratio"]), scanned.log)
    st.markdown(f"**{in_markdown(names[y])}** against **{in_markdown(names[x])}**")
    if found is None:
        st.caption(in_markdown(str(pair["note"])) or "The legs have no rows together.")
        return
    figure = session_cached(
        "scan_preview_drawn",
        [scanned, y, x, is_dark()],
        lambda: preview_figure(found, dark=is_dark()),
    )
    st.plotly_chart(plotted(figure), key="preview_figure", config=PLOT, alt=f"Spread of {names[y]} against {names[x]}")
    ratio, first, second = (f"{each:.4g}" for each in found.ratios)
    st.caption(
        f"Hedge ratio {ratio}, fitted on these very rows; of the first half {first}, of the second {second}. "
        f"z of the newest row {found.zscore:+.2f}. Bands: one and two standard deviations. In sample."
    )


# ---- maps of symbols ---------------------------------------------------------------------------------------------


def _tree(scanned: Scanned, names: Mapping[str, str]) -> Clusters | str | None:
    """The tree of symbols, or why there is none; None for a single pair."""
    if scanned.panel.shape[1] < 3:
        return None
    try:
        return clusters(scanned.panel.rename(columns=names), log=scanned.log)
    except AlphaStreamError as error:
        return str(error)


def _maps(
    scanned: Scanned, names: Mapping[str, str], tree: Clusters | str | None, chosen: tuple[str, str] | None
) -> None:
    if tree is None:
        return
    if isinstance(tree, str):
        st.caption(f"No tree of symbols: {in_markdown(tree)}")
        return
    kind = st.segmented_control("Chart", ["Correlation", "q-values", "Clusters"], default="Correlation", key="chart")
    dark = is_dark()

    def draw() -> go.Figure:
        if kind == "Clusters":
            return dendrogram(tree)
        if kind == "q-values":
            table = scanned.table.assign(y=scanned.table["y"].map(names), x=scanned.table["x"].map(names))
            return qvalue_map(table, tree.order)
        matrix = correlation_matrix(scanned.panel.rename(columns=names), log=scanned.log)
        return correlation_map(matrix, tree.order, dark=dark)

    figure = session_cached("scan_map_drawn", [scanned, kind, dark], draw)
    wide_chart(figure, key=MAP, alt=f"{kind} of the symbols")
    if kind == "Clusters":
        return
    st.caption("A click on a cell chooses its pair. With the keyboard the table does the same.")
    report_clicks(MAP, None if chosen is None else (in_chart(names[chosen[1]]), in_chart(names[chosen[0]])), key=CLICKS)


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
