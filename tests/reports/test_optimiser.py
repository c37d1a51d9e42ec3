"""The optimiser's report: figures that hold the numbers of ``alphastream.portfolio``."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.performance import lo_sharpe
from alphastream.portfolio import PositionConfig, optimise, returns_over_costs, tilt_and_timing
from alphastream.reports import PositionReport
from tests.portfolio.histories import history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e8, cost_per_unit=1e-4)
NAMES = ["positions", "result", "ic", "utilisation", "matrix", "volatility", "costs", "lags", "smoothing"]


def test_figures_hold_the_numbers() -> None:
    prices, signals = history("nulls", 4)
    report = PositionReport(prices, signals, CONFIG, assets="ABCD")
    positions = optimise(prices, signals, CONFIG)
    figures = report.tearsheet()
    assert list(figures) == NAMES
    lines = {trace.name: np.asarray(trace.y) for trace in report.plot().data}
    parts = tilt_and_timing(positions, prices, CONFIG)
    np.testing.assert_allclose(lines["timing"], np.cumsum(parts.timing) * 100.0)
    costs = returns_over_costs(positions, prices, CONFIG)
    bars = figures["costs"].data[0]
    np.testing.assert_allclose(bars.y, [lo_sharpe(values).sharpe for values in costs.values()])
    assert list(bars.x) == ["0", "0.5", "1", "2", "5", "10", "20"]


@pytest.mark.parametrize("rows", [6, 110])
def test_a_report_of_any_length(tmp_path: Path, rows: int) -> None:
    prices, signals = history("clean", 3)
    report = PositionReport(prices[:rows], signals[:rows], CONFIG, assets=("<b>A", "B", "C"))
    text = report.report(tmp_path / "positions.html").read_text(encoding="utf-8")
    body = text[text.index("<body>") :]
    assert body.count(' data-to="') == len(NAMES)
    assert "<b>A" not in body
    assert ("No row has positions" in body) == (rows == 6)


def test_times_belong_to_rows() -> None:
    prices, signals = history("clean", 2)
    with pytest.raises(ParameterError, match="one for each row"):
        PositionReport(prices, signals, CONFIG, time_ns=np.arange(5))
    report = PositionReport(prices, signals, CONFIG, time_ns=np.arange(110, dtype=np.int64) * 10**9)
    assert report.plot().layout.xaxis.type == "date"
