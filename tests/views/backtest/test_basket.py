"""A basket on the backtest page: its form, its run, what each leg earned, and what is refused in words."""

from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pipelines import Pipeline
from tests.views.running import Running, cards, page_of, replay, show_pipeline, words
from views.shared.basket_controls import METHODS, weights_of

QUERY = {"strategy": "basket", "data": "Files", "basket_train": "60", "basket_hold": "20", "entry": "1.5"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    return show_pipeline(pipeline, monkeypatch)


def bars(names: str = "ABCD", rows: int = 400) -> bytes:
    """Hourly bars; the first follows the next two and comes back to them, the others walk."""
    rng = np.random.default_rng(8)
    walks = np.cumsum(rng.normal(0.0, 4e-3, (rows, len(names))), axis=0)
    away = 0.0
    lines = ["time,symbol,open,high,low,close,volume"]
    for row in range(rows):
        away = 0.7 * away + rng.normal(0.0, 4e-3)
        walks[row, 0] = walks[row, 1:3].sum() + away
        stamp = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(row, "h")
        for name, level in zip(names, walks[row].tolist(), strict=True):
            price = f"{100.0 * np.exp(level):.4f}"
            lines.append(f"{stamp}Z,{name * 3},{price},{price},{price},{price},1000")
    return "\n".join(lines).encode()


def with_file(content: bytes, **query: str) -> AppTest:
    test = page_of("backtest", **QUERY, **{"source": "Upload", **query})
    test.file_uploader[0].upload("bars.csv", content)
    test.run()
    assert not test.exception, test.exception
    return test


def test_it_runs_and_what_the_legs_earned_sums_to_the_profit() -> None:
    test = with_file(bars())
    assert test.multiselect(key="legs").value == ["AAA", "BBB", "CCC"]
    found = cards(test)
    assert int(found["Trades"]) > 3
    (legs,) = (each.value for each in test.dataframe if "leg" in each.value)
    assert legs["leg"].tolist() == ["AAA", "BBB", "CCC", "all"]
    for name in ("gross", "fees", "spread", "impact", "funding", "net"):
        assert legs[name].iloc[:-1].sum() == pytest.approx(legs[name].iloc[-1], abs=1e-6)
    assert f"{legs['net'].iloc[-1]:+,.2f}" == found["Net profit"]
    assert "All legs traded in 100% of the bars." in words(test)
    assert [tab.label for tab in test.tabs] == ["Result", "Tear sheet", "Series"]
    test.multiselect(key="legs").set_value(["BBB", "AAA", "CCC", "DDD"]).run()
    (legs,) = (each.value for each in test.dataframe if "leg" in each.value)
    assert legs["leg"].tolist() == ["BBB", "AAA", "CCC", "DDD", "all"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_run(method: str) -> None:
    test = with_file(bars(), basket_method=method)
    assert not test.error
    assert not test.warning
    assert "Net profit" in cards(test)


def test_the_series_of_a_basket_are_drawn() -> None:
    test = with_file(bars(), backtest_tab="Series")
    assert len(test.get("graphviz_chart")) == 1


def test_too_few_instruments_and_legs_are_told() -> None:
    said = words(page_of("backtest", strategy="basket"))
    assert "A basket needs 3 instruments, and there are 2: BTCUSDT, ETHUSDT." in said
    test = with_file(bars())
    test.multiselect(key="legs").set_value(["AAA", "DDD"]).run()
    assert "A basket needs 3 to 10 legs, and 2 are chosen: AAA, DDD." in words(test)
    test.multiselect(key="legs").set_value([]).run()
    assert "and 0 are chosen: none." in words(test)
    assert not test.metric


def test_what_contradicts_itself_is_told() -> None:
    test = with_file(bars(), basket_method="Fixed weights", basket_weights="1, -1")
    assert not test.metric
    assert "weights" in words(test).lower()
    test.text_input(key="basket_weights").set_value("1, minus one, 2").run()
    assert "give numbers with commas between them" in words(test)
    test.text_input(key="basket_weights").set_value("1, -1, -1").run()
    assert test.metric
    test.number_input(key="exit").set_value(3.0).run()
    assert not test.metric
    assert test.warning


def test_a_basket_that_was_never_fitted_is_calibrating() -> None:
    test = with_file(bars(rows=50))
    assert "Calibrating" in "".join(str(each.proto) for each in test.warning)


def test_weights_in_words() -> None:
    assert weights_of("1,-0.5 , 2e-1") == (1.0, -0.5, 0.2)
