"""What the optimiser said to a history, ready to be drawn and reported."""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.portfolio import (
    PositionConfig,
    Positions,
    SolveDiagnostics,
    inputs,
    optimise,
    returns,
    solve_diagnostics,
)
from alphastream.reports.look import require_plotly
from alphastream.reports.panels import drawn_times

if TYPE_CHECKING:
    import plotly.graph_objects as go


class PositionReport:
    """Positions of a history with figures about them.

    Parameters
    ----------
    prices, mu, cfg, assets : as in ``portfolio.optimise``, which is run once.
    time_ns : (T,) UTC nanoseconds of the rows; None: rows are counted.

    Attributes
    ----------
    positions, config, prices, signals : what was asked, and what came of it.

    Raises
    ------
    ParameterError : tables that do not fit; see ``PositionStream.from_warmup``.
    """

    def __init__(
        self,
        prices: Any,
        mu: Any,
        cfg: PositionConfig,
        *,
        assets: Iterable[str] | None = None,
        time_ns: Ints | None = None,
    ) -> None:
        names, self.prices, self.signals = inputs.history(prices, mu, assets, cfg.max_nan_fraction)
        if time_ns is not None and len(time_ns) != len(self.prices):
            raise ParameterError(f"{len(time_ns)} times for {len(self.prices)} rows: give one for each row")
        self.config = cfg
        self.positions: Positions = optimise(self.prices, self.signals, cfg, assets=names)
        self.x: NDArray[Any] = (
            np.arange(len(self.prices)) if time_ns is None else drawn_times(np.asarray(time_ns, dtype=np.int64))
        )

    @cached_property
    def solved(self) -> SolveDiagnostics:
        """Condition, rank, residual and utilisation of each row."""
        return solve_diagnostics(self.prices, self.signals, self.config, assets=self.positions.assets)

    @cached_property
    def row_returns(self) -> Floats:
        """Net returns on the assets under management of the rows after the first positions."""
        valid = np.flatnonzero(self.positions.status == "valid")
        first = int(valid[0]) + 1 if valid.size else len(self.prices)
        return returns(self.positions, self.prices, self.config)[first:]

    def tearsheet(self, *, dark: bool = False) -> "dict[str, go.Figure]":
        """Every figure of the report by name: positions, result, ic, utilisation, matrix, volatility, costs, lags,
        smoothing."""
        require_plotly()
        from alphastream.reports.optimiser_report import optimiser_figures

        return optimiser_figures(self, dark=dark)

    def plot(self, *, dark: bool = False) -> "go.Figure":
        """Gross result with its tilt and its timing."""
        return self.tearsheet(dark=dark)["result"]

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write all of it into one HTML file that opens without a network."""
        require_plotly()
        from alphastream.reports.optimiser_report import optimiser_html

        text = optimiser_html(self)
        target = Path(path)
        target.write_text(text, encoding="utf-8")
        return target
