"""A basket below the live figure: what it says with two instruments, and what it draws with three."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from alphastream.backtest import TickMarket
from alphastream.baskets import BasketSpec, basket_columns
from alphastream.pairs import PairSpec
from tests.backtest.test_live import START, columns, tape
from tests.runtime.paper.paper_pipeline import SECOND, TapePipeline
from tests.views.running import app, words
from views.live.basket_charts import basket_figure

LEGS = ("ETH", "BTC", "SOL")


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[TapePipeline]:
    made = TapePipeline(tmp_path, LEGS)
    made.feed(tape(3))
    yield made
    made.store.close()


def shown(pipeline: TapePipeline) -> AppTest:
    def script(held: "Any") -> None:
        from views.live.basket_page import basket_panel

        basket_panel(held.pipeline, held.pair, held.first_ns, held.last_ns)

    pair = PairSpec("ETH", "BTC", SECOND, "ols", 20)
    held = SimpleNamespace(pipeline=pipeline, pair=pair, first_ns=START, last_ns=START + 200 * SECOND)
    test = AppTest.from_function(script, args=(held,), default_timeout=60)
    test.query_params["basket_train"] = "30"
    test.run()
    assert not test.exception, test.exception
    return test


def test_three_legs_are_drawn(pipeline: TapePipeline) -> None:
    test = shown(pipeline)
    assert test.multiselect(key="legs").value == list(LEGS)
    assert not test.warning
    assert len(test.get("plotly_chart")) == 1
    test.number_input(key="basket_train").set_value(500).run()
    assert "Calibrating" in words(test)
    test.multiselect(key="legs").set_value(["ETH"]).run()
    assert "and 1 are chosen: ETH." in words(test)
    assert not test.get("plotly_chart")


def test_the_figure_has_legs_spread_bands_z_and_weights() -> None:
    spec = BasketSpec(LEGS, SECOND, "ols", 30, entry=2.0, exit=0.5)
    rows = TickMarket(columns(tape(3)), START + 200 * SECOND).bar_rows(LEGS, SECOND)
    closed, _ = basket_columns(rows, spec)
    figure = basket_figure(closed, spec, LEGS)
    assert sorted({trace.yaxis for trace in figure.data}) == ["y", "y2", "y3", "y4"]
    assert [trace.y[0] for trace in figure.data if trace.yaxis == "y"] == [100.0] * 3
    by_name = {(trace.yaxis, trace.name): np.asarray(trace.y) for trace in figure.data}
    known = np.isfinite(closed["zscore"])
    assert known.any()
    np.testing.assert_allclose(
        by_name["y2", "spread"][known] / by_name["y2", "±entry"][known] * 2.0, closed["zscore"][known]
    )


@pytest.mark.usefixtures("replaying")
def test_two_instruments_are_too_few() -> None:
    test = app(window="20")
    test.session_state["basket"] = True
    test.run()
    assert not test.exception
    assert "A basket needs 3 to 10 legs, and 2 are chosen: BTCUSDT, ETHUSDT." in words(test)
