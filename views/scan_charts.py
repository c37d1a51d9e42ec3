"""Charts of a scan: tables in, ``plotly.graph_objects.Figure`` out; no Streamlit."""

from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from alphastream.scan import Clusters

_CELL_PX: Final = 18
_GREY: Final = "#888888"


def correlation_map(correlation: pd.DataFrame, order: list[str]) -> go.Figure:
    """Correlations of returns as a square, symbols in the order of the tree.

    Parameters
    ----------
    correlation : (N, N), NaN where undefined.
    order : the N symbols as they shall stand.
    """
    values = correlation.loc[order, order]
    heat = go.Heatmap(
        z=values.to_numpy(),
        x=order,
        y=order,
        zmin=-1,
        zmax=1,
        colorscale="RdBu_r",
        colorbar={"title": "ρ"},
        hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
    )
    return _square([heat], len(order))


def qvalue_map(table: pd.DataFrame, order: list[str]) -> go.Figure:
    """q-values (Benjamini-Hochberg) of all pairs as a square; empty where a pair was refused."""
    place = {symbol: row for row, symbol in enumerate(order)}
    values = np.full((len(order), len(order)), np.nan)
    rows, columns = (table[leg].map(place).to_numpy() for leg in ("y", "x"))
    values[rows, columns] = values[columns, rows] = table["qvalue_bh"]
    heat = go.Heatmap(
        z=values,
        x=order,
        y=order,
        zmin=0,
        zmax=1,
        colorscale="Viridis_r",
        colorbar={"title": "q"},
        hovertemplate="%{y} and %{x}: q = %{z:.3f}<extra></extra>",
    )
    return _square([heat], len(order))


def dendrogram(tree: Clusters) -> go.Figure:
    """The tree of symbols; the lower two join, the more they move together."""
    from scipy.cluster.hierarchy import dendrogram as layout  # slow to import, and only this chart needs it

    drawn = layout(tree.linkage, labels=tree.symbols, no_plot=True)
    lines = [
        go.Scatter(x=x, y=y, mode="lines", line={"color": _GREY, "width": 1.2}, hoverinfo="skip", showlegend=False)
        for x, y in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    ticks = {"tickvals": [10 * i + 5 for i in range(len(drawn["ivl"]))], "ticktext": drawn["ivl"], "tickangle": -60}
    figure = go.Figure(lines)
    figure.update_layout(
        height=360, margin={"l": 50, "r": 10, "t": 10, "b": 90}, yaxis={"title": {"text": "√((1 − ρ)/2)"}}, xaxis=ticks
    )
    return figure


def _square(data: list[Any], symbols: int) -> go.Figure:
    side = min(900, max(320, symbols * _CELL_PX + 120))
    figure = go.Figure(data)
    axis = {"showgrid": False, "nticks": min(symbols, 60)}
    figure.update_layout(height=side, margin={"l": 90, "r": 10, "t": 10, "b": 90}, xaxis=axis, yaxis=axis)
    figure.update_yaxes(autorange="reversed")
    return figure
