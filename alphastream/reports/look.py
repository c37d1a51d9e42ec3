"""How a figure looks away from a page: its own text, grid and background, light or dark."""

from typing import TYPE_CHECKING, Any, Final

from alphastream.errors import ParameterError
from alphastream.reports.palette import palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

GRID: Final = "rgba(136,136,136,0.25)"
PAPER: Final = {False: "#ffffff", True: "#0e1117"}


class PlotlyMissing(ParameterError):
    """Figures and reports need Plotly, which is not installed."""


def require_plotly() -> None:
    """Say what to install where Plotly is missing."""
    try:
        import plotly  # noqa: F401
    except ImportError as error:
        raise PlotlyMissing("figures and reports need Plotly: pip install 'alphastream[reports]'") from error


def dressed(figure: "go.Figure", *, dark: bool = False, paper: bool = True) -> "go.Figure":
    """The figure with colours of text and grid that fit its background; changed in place.

    Parameters
    ----------
    paper : paint the background; without, it is that of what the figure stands on.
    """
    colours = palette(dark)
    axis = {"gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "automargin": True}
    template: dict[str, Any] = {
        "layout": {
            "font": {"color": colours.neutral, "family": "system-ui, sans-serif"},
            "hoverlabel": {"bgcolor": colours.surface, "font": {"color": colours.neutral}},
            "xaxis": axis,
            "yaxis": axis,
            "colorway": [colours.line(number)[0] for number in range(5)],
        }
    }
    figure.update_layout(template=template)
    if paper:
        figure.update_layout(paper_bgcolor=PAPER[dark], plot_bgcolor=PAPER[dark])
    return figure
