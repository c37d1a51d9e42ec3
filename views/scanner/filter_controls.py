"""The controls of what is shown of a scan; each stands in the address."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from alphastream.errors import AlphaStreamError
from alphastream.scan import Clusters
from alphastream.scan.groups import cluster_groups, read_groups
from views.scanner.filters import ALL, WITHIN, PairFilter
from views.shared.escaping import in_markdown
from views.shared.metrics import plain

NONE, CLUSTERS, FILE = "None", "Clusters", "File"
BROUGHT: Final = "scan_groups"  # in the session: name and bytes of a file of groups
DEFAULTS: Final[Mapping[str, Any]] = {
    "half_from": None,
    "half_to": None,
    "edge_from": None,
    "symbol_has": "",
    "ratio_positive": False,
    "both_halves": False,
    "only_confirmed": False,
    "group": ALL,
}
HELP: Final = {
    "half_from": "Half-life in bars, at least. Pairs without one are not shown.",
    "half_to": "Half-life in bars, at most.",
    "edge_from": "Expected move less cost, bps, at least. In sample.",
    "symbol_has": "Part of the name of either leg.",
    "ratio_positive": "The legs are traded against each other: long one, short the other.",
    "both_halves": "p under 5 % in the first and in the second half of the rows.",
    "only_confirmed": "q (BH) and both halves at 5 %, the bootstrap at the level of its place.",
    "groups": "Clusters: the tree of symbols below, cut. File: a table of two columns that you bring: symbol, group.",
    "cluster_count": "Into how many groups the tree of symbols is cut.",
    "group": "Which groups the legs are in.",
}


def group_controls(symbols: Sequence[str], tree: Clusters | None) -> dict[str, str]:
    """Ask where groups of symbols come from; group by symbol, empty where there are none.

    Parameters
    ----------
    symbols : of the scan, as they are printed.
    tree : of them; None where there is none.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    ways = [NONE, *([CLUSTERS] if tree is not None else []), FILE]
    way = row.segmented_control(
        "Groups", ways, default=NONE, required=True, key="groups", bind="query-params", help=HELP["groups"]
    )
    if way == CLUSTERS and tree is not None:
        most = max(2, len(symbols) - 1)
        count = row.number_input(
            "Clusters",
            2,
            most,
            min(8, most),
            1,
            key="cluster_count",
            bind="query-params",
            width=120,
            help=HELP["cluster_count"],
        )
        return cluster_groups(tree, int(count))
    return _of_file(symbols) if way == FILE else {}


def _of_file(symbols: Sequence[str]) -> dict[str, str]:
    file = st.file_uploader(
        "Symbol and group, a line each", ["csv", "txt", "tsv"], key="groups_file", max_upload_size=2
    )
    if file is not None:
        st.session_state[BROUGHT] = file.name, file.getvalue()
    held = st.session_state.get(BROUGHT)
    if held is None:
        st.caption("No groups yet. For example `symbol,group`, then `KO,Drinks`.")
        return {}
    try:
        groups = read_groups(held[0], held[1], symbols)
    except AlphaStreamError as error:
        st.error(in_markdown(str(error)), icon=":material/error:", title="These groups cannot be read")
        return {}
    without = len(symbols) - len(groups)
    st.caption(
        in_markdown(f"{plain(held[0])}: {len(groups):,} symbols in {len({*groups.values()}):,} groups")
        + (f", {without:,} without one." if without else ".")
    )
    return groups


def filter_controls(groups: Mapping[str, str]) -> PairFilter:
    """Ask what a pair must have to be shown."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")

    def number(label: str, key: str, low: float | None, step: float, width: int = 130) -> float | None:
        value = row.number_input(
            label, low, None, None, step, "%g", key=key, bind="query-params", width=width, help=HELP[key]
        )
        return None if value is None else float(value)

    half_from = number("Half-life from, bars", "half_from", 0.0, 1.0, 155)
    half_to = number("Half-life to, bars", "half_to", 0.0, 1.0, 155)
    edge_from = number("Edge from, bps", "edge_from", None, 10.0)
    symbol = row.text_input("Symbol has", "", key="symbol_has", bind="query-params", width=130, help=HELP["symbol_has"])
    group = ALL
    if groups:
        names = [*WITHIN, *sorted({*groups.values()})]
        group = str(row.selectbox("Group", names, key="group", bind="query-params", width=170, help=HELP["group"]))

    def flag(label: str, key: str) -> bool:
        return bool(row.toggle(label, key=key, bind="query-params", help=HELP[key]))

    return PairFilter(
        half_from,
        half_to,
        edge_from,
        ratio_positive=flag("Hedge ratio > 0", "ratio_positive"),
        both_halves=flag("Both halves pass", "both_halves"),
        confirmed=flag("Confirmed", "only_confirmed"),
        symbol=symbol or "",
        group=group,
    )


def show_all() -> None:
    """Take every filter back; in a callback, before the controls are drawn."""
    st.session_state.update(DEFAULTS)
