"""The portfolio page: empty, calibrating and full, every control, on the bundled recording."""

import csv
import io
import math
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from alphastream import portfolio
from alphastream.kernel_groups import GROUPS, POSITIONS
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig
from alphastream.portfolio.allocation import allocate, net_returns, pair_rows
from pipelines import Pipeline
from runtime.compile_ahead import Compilation, CompileProgress
from tests.views.running import Running, cards, page_of, replay, show_pipeline, words
from views.portfolio.tables import allocation_csv
from views.shared.metrics import UNKNOWN

SHORT = {"window": "20"}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One replay for all tests of the page, four minutes of it at once."""
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        assert pipeline.engine.compilation.wait(*GROUPS, timeout_s=300)
        yield pipeline


@pytest.fixture
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    return show_pipeline(pipeline, monkeypatch)


def shown(**query: str) -> AppTest:
    test = page_of("portfolio", **query)
    for _ in range(50):  # the first answer is waited for a second at a time
        if not any("being computed" in box.value or "being loaded" in box.value for box in test.info):
            break
        test.run()
    assert not test.exception, test.exception
    return test


def test_without_a_feed(system: Running) -> None:
    system.pipeline, system.failure = None, "the tape is not there"
    assert "the tape is not there" in words(shown())


def test_full(system: Running) -> None:
    test = shown(**SHORT)
    assert "2024-08-08" in words(test)
    found = cards(test)
    assert list(found)[:7] == [
        "Status",
        "Gross",
        "Net",
        "Leverage",
        "Turnover, last bar",
        "Net result, bps",
        "Closed bars",
    ]
    assert found["Leverage"].endswith("×")
    assert UNKNOWN not in found.values()
    table = test.dataframe[0].value
    assert table["symbol"].tolist() == ["ETHUSDT", "BTCUSDT"]
    assert "Condition number" in words(test)


def test_calibrating_is_a_count(system: Running) -> None:
    test = shown(window="500")
    found = cards(test)
    assert found["Status"].endswith("/500")
    assert test.metric[0].delta == "calibrating"
    assert "Charts begin with the first positions" in words(test)
    assert found["Gross"] == found["Leverage"] == found["Net result, bps"] == UNKNOWN
    assert "calibrating: ETHUSDT/BTCUSDT: hedge ratio" in words(test)
    assert test.dataframe[0].value["cash"].isna().all()


def test_the_optimisers_own_warm_up_is_a_count(system: Running) -> None:
    assert cards(shown(corr="1500", **SHORT))["Status"].endswith("/1502")


def test_empty(system: Running) -> None:
    test = shown(interval="1d")
    assert "Waiting for the first closed bar of ETHUSDT, BTCUSDT" in words(test)
    assert not test.metric


def test_pairs_of_other_rows_are_let_go_or_named(system: Running) -> None:
    test = shown(portfolio_bars="Daily ETFs")
    assert test.multiselect(key="bundled_pairs").value
    test.segmented_control(key="portfolio_bars").set_value("100 shares").run()
    assert not test.exception
    assert test.metric
    asked = shown(portfolio_bars="100 shares", bundled_pairs="NOBODY/AAPL")
    assert "NOBODY is not in 100 shares: choose others." in words(asked)
    assert not asked.metric


def test_while_kernels_compile_the_page_says_so(system: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.pipeline is not None
    with monkeypatch.context() as patch:
        patch.setattr(Compilation, "is_ready", lambda _, *names: POSITIONS not in names)
        patch.setattr(Compilation, "progress", CompileProgress(5, 18, 21.0))
        test = shown(**SHORT)
        assert "Models are being compiled: 5 of 18, about 20 s." in words(test)
        assert "being compiled" in words(test)
        assert not test.metric
    test.run()
    assert test.metric


NUMBERS = {
    "window": 30,
    "risk": 2.5,
    "aum": 5e5,
    "vola": 10,
    "corr": 20,
    "clip": 2.0,
    "shrink": 0.9,
    "cap": 25.0,
    "fill_cost": 5.0,
}
CHOICES = {
    "signals": "momentum",
    "model": "Kalman (discounted)",
    "price": "price",
    "interval": "5s",
    "cov": "sliding window",
}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_can_be_turned(system: Running, name: str) -> None:
    test = shown(**SHORT)
    test.number_input(key=name).set_value(NUMBERS[name]).run()
    assert not test.exception
    assert not test.warning
    assert test.metric
    again = shown(**{name: str(NUMBERS[name])})
    assert again.number_input(key=name).value == NUMBERS[name]


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_can_be_made(system: Running, name: str) -> None:
    test = shown(**SHORT)
    test.selectbox(key=name).select(CHOICES[name]).run()
    assert not test.exception
    assert not test.error
    again = shown(**{name: CHOICES[name]}, **SHORT)
    assert again.selectbox(key=name).value == CHOICES[name]


def test_a_sliding_window_has_its_own_numbers(system: Running) -> None:
    test = shown(cov="sliding window", cov_window="30", **SHORT)
    assert test.number_input(key="cov_window").value == 30
    test.number_input(key="factors").set_value(2).run()
    assert not test.exception
    assert test.metric[0].value == "Positions"


def test_symbols_alone(system: Running) -> None:
    test = shown(of="symbols", **SHORT)
    assert test.multiselect(key="symbols").value == ["BTCUSDT", "ETHUSDT"]
    assert test.dataframe[0].value["symbol"].tolist() == ["BTCUSDT", "ETHUSDT"]
    assert not [box for box in test.selectbox if box.key in ("model", "price")]
    test.multiselect(key="symbols").set_value(["ETHUSDT"]).run()
    assert test.dataframe[0].value["symbol"].tolist() == ["ETHUSDT"]
    assert "No matrix of two symbols" in words(test)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"corr": "8", "vola": "16"}, "Correlation is 8 bars, volatility 16"),
        ({"pairs": "ETHUSDT"}, "ETHUSDT is not a pair: write it as y/x"),
        ({"pairs": "ETHUSDT/ethusdt"}, "Both legs are ETHUSDT"),
        ({"pairs": ""}, "No pairs chosen"),
        ({"of": "symbols", "symbols": ""}, "No symbols chosen"),
    ],
)
def test_what_cannot_be_is_a_sentence(system: Running, query: dict[str, str], said: str) -> None:
    test = shown(**query)
    assert said in "\n".join(box.value for box in test.warning)
    assert not test.metric


def test_a_symbol_the_feed_does_not_have_is_named(system: Running) -> None:
    test = shown(pairs="NOTTHERE/BTCUSDT")
    assert len(test.error) == 1
    assert "NOTTHERE" in test.error[0].value
    assert not test.metric


def test_two_pairs_of_one_symbol_add_up(system: Running) -> None:
    test = shown(**SHORT)
    test.multiselect(key="pairs").set_value(["ETHUSDT/BTCUSDT", "btcusdt/ethusdt"]).run()
    assert not test.exception
    assert test.dataframe[0].value["symbol"].tolist() == ["ETHUSDT", "BTCUSDT"]


def test_skill_and_download_are_made_when_their_boxes_open(system: Running) -> None:
    test = shown(**SHORT)
    test.session_state["portfolio_skill"] = True
    test.session_state["portfolio_files"] = True
    test.run()
    assert not test.exception
    assert "±" in cards(test)["Rank IC"]
    said = words(test)
    assert "the best of eleven is luck too" in said
    assert "net of 5.5 bps of the notional traded" in said
    assert len(test.get("download_button")) == 1


def test_the_file_holds_what_the_optimiser_says(pipeline: Pipeline) -> None:
    answer = pipeline.engine.wait_for(PairSpec("ETHUSDT", "BTCUSDT", window=20), 30.0)
    assert answer is not None
    rows = pair_rows([answer])
    settings = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6, position_scale=100.0)
    found = allocate(rows, settings)
    gained = net_returns(found.positions, rows.prices, settings)
    lines = list(csv.DictReader(io.StringIO(allocation_csv(found, gained).decode())))
    assert len(lines) == len(rows)
    assert lines[-1]["status"] == found.last.status
    expected = portfolio.optimise(rows.prices, rows.signals, settings, assets=rows.assets)
    for t, line in enumerate(lines):
        cash = float(line["BTCUSDT.cash"] or math.nan)
        assert cash == pytest.approx(expected.cash_position[t, 1] * 100.0, nan_ok=True)


@pytest.mark.parametrize(("bars", "first"), [("Daily ETFs", "SPY"), ("100 shares", "AEP")])
def test_positions_over_prices_that_come_with_the_program(system: Running, bars: str, first: str) -> None:
    test = page_of("portfolio", portfolio_bars=bars)
    assert not test.error
    assert first in test.multiselect(key="bundled_pairs").value[0]
    assert test.selectbox(key="only_interval").value == "1d"
    assert test.get("plotly_chart")
    held = test.session_state["portfolio_answers"][1]
    test.run()
    assert test.session_state["portfolio_answers"][1] is held
    test.segmented_control(key="of").set_value("symbols").run()
    assert not test.exception
    assert not test.error
    test.segmented_control(key="portfolio_bars").set_value("Live feed").run()
    assert not test.exception
