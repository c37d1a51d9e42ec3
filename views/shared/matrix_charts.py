"""Charts of many symbols: tables in, ``plotly.graph_objects.Figure`` out; no Streamlit."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from alphastream.core.types import Floats, Ints
from alphastream.reports.palette import GREY, diverging
from alphastream.scan import Clusters
from views.shared.escaping import in_chart

_CELL_PX: Final = 15
_LABEL_PX: Final = 7.5  # of a letter
_LEAST_PX, _MOST_EDGE_PX, _FLAT = 300, 150, 12
_LABELLED_CELL_PX: Final = 46
_MAX_LABELLED: Final = 24


def correlation_map(correlation: pd.DataFrame, order: list[str], *, dark: bool = False) -> go.Figure:
    """Correlations of returns as a square, symbols in the order of the tree.

    Parameters
    ----------
    correlation : (N, N), NaN where undefined.
    order : the N symbols as they shall stand.
    """
    values, labels = correlation.loc[order, order], [in_chart(name) for name in order]
    heat = go.Heatmap(
        z=values.to_numpy(),
        x=labels,
        y=labels,
        zmin=-1,
        zmax=1,
        colorscale=diverging(dark),
        colorbar={"title": "ρ"},
        hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
    )
    return _square([heat], labels)


def return_correlation_map(names: Sequence[str], matrix: Floats, n_rows: Ints, *, dark: bool = False) -> go.Figure:
    """Correlations of returns with the number in each cell, −1 to 1; "–" where there were too few rows.

    Parameters
    ----------
    names : N symbols.
    matrix, n_rows : (N, N) each, from ``alphastream.scan.tape_correlation``.
    """
    labels = [in_chart(name) for name in names]
    text = [[f"{value:.2f}" if np.isfinite(value) else "–" for value in row] for row in matrix]
    heat = go.Heatmap(
        z=matrix,
        x=labels,
        y=labels,
        zmin=-1,
        zmax=1,
        colorscale=diverging(dark),
        colorbar={"title": "ρ", "tickvals": [-1, -0.5, 0, 0.5, 1]},
        text=text,
        texttemplate="%{text}" if len(labels) <= _MAX_LABELLED else None,
        customdata=n_rows,
        hovertemplate="%{y} and %{x}: %{text} over %{customdata:,} rows<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )
    if len(labels) > _MAX_LABELLED:
        return _square([heat], labels)
    figure = _square([heat], labels)
    figure.update_layout(height=max(240, len(labels) * _LABELLED_CELL_PX + 110))
    figure.update_layout(margin_t=36, xaxis={"automargin": True, "tickangle": None})  # few names lie flat
    return figure


def qvalue_map(table: pd.DataFrame, order: list[str]) -> go.Figure:
    """q-values (Benjamini-Hochberg) of all pairs as a square; empty where a pair was refused."""
    place, labels = {symbol: row for row, symbol in enumerate(order)}, [in_chart(name) for name in order]
    values = np.full((len(order), len(order)), np.nan)
    rows, columns = (table[leg].map(place).to_numpy() for leg in ("y", "x"))
    values[rows, columns] = values[columns, rows] = table["qvalue_bh"]
    heat = go.Heatmap(
        z=values,
        x=labels,
        y=labels,
        zmin=0,
        zmax=1,
        colorscale="Viridis_r",
        colorbar={"title": "q"},
        hovertemplate="%{y} and %{x}: q = %{z:.3f}<extra></extra>",
    )
    return _square([heat], labels)


def dendrogram(tree: Clusters) -> go.Figure:
    """The tree of symbols; the lower two join, the more they move together."""
    from scipy.cluster.hierarchy import dendrogram as layout  # slow to import, and only this chart needs it

    drawn = layout(tree.linkage, labels=tree.symbols, no_plot=True)
    lines = [
        go.Scatter(x=x, y=y, mode="lines", line={"color": GREY, "width": 1.2}, hoverinfo="skip", showlegend=False)
        for x, y in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    ticks = {"tickvals": [10 * i + 5 for i in range(len(drawn["ivl"]))], "ticktext": [*map(in_chart, drawn["ivl"])]}
    figure = go.Figure(lines)
    figure.update_layout(
        height=360, margin={"l": 50, "r": 10, "t": 10, "b": 90}, yaxis={"title": {"text": "√((1 − ρ)/2)"}}, xaxis=ticks
    )
    if len(drawn["ivl"]) > _MAX_LABELLED:  # every leaf has its name
        figure.update_layout(
            width=len(drawn["ivl"]) * _CELL_PX + 80, xaxis={"tickfont": {"size": 10}, "tickangle": -90}
        )
    else:
        figure.update_xaxes(tickangle=-60)
    return figure


def _square(data: list[Any], labels: Sequence[str], cell_px: int = _CELL_PX) -> go.Figure:
    """A square in which every symbol can be read: as large as that takes, and wider than the page where it must be."""
    symbols = len(labels)
    side = max(_LEAST_PX, symbols * cell_px)
    edge = min(round(_LABEL_PX * max((len(name) for name in labels), default=0)) + 18, _MOST_EDGE_PX)
    figure = go.Figure(data)
    axis = {  # 7203 is a symbol, and each of them has its name
        "type": "category",
        "showgrid": False,
        "tickmode": "array",
        "tickvals": list(labels),
        "tickfont": {"size": 11 if symbols <= _MAX_LABELLED else 10},
    }
    lying = symbols <= _FLAT and edge <= side // max(symbols, 1)
    figure.update_layout(
        height=side + edge + 20,
        margin={"l": edge, "r": 10, "t": edge + 10, "b": 10},
        xaxis={**axis, "tickangle": 0 if lying else -90, "side": "top"},  # seen before one scrolls
        yaxis=axis,
    )
    if symbols > _MAX_LABELLED:
        figure.update_layout(width=side + edge + 100)
    figure.update_yaxes(autorange="reversed")
    return figure
