"""The backtest page: both kinds of data, every strategy, every tab, wrong input; on the bundled recording and files."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import alphastream.backtest
from alphastream.strategies import PositionOptimiser, ZScoreThreshold
from pipelines import Pipeline
from tests.views.running import Running, cards, page_of, replay, show_pipeline, words
from views.shared.metrics import UNKNOWN

SHORT = {"window": "20"}
FREE = {"taker": "0", "half_spread": "0", **SHORT}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One replay for all tests of the page, four minutes of it at once."""
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    return show_pipeline(pipeline, monkeypatch)


def shown(**query: str) -> AppTest:
    return page_of("backtest", **query)


def bars(rows: int = 400, hours: int = 1) -> bytes:
    """Hourly bars of two symbols whose spread comes back."""
    rng = np.random.default_rng(5)
    common, away, lines = 0.0, 0.0, ["time,symbol,open,high,low,close,volume"]
    for row in range(rows):
        stamp = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(row * hours, "h")
        common += rng.normal(0.0, 2e-3)
        before, away = away, 0.7 * away + rng.normal(0.0, 4e-3)
        for symbol, level, first, last in (("AAA", 50.0, before, away), ("BBB", 200.0, 0.0, 0.0)):
            o, c = level * np.exp(common + first), level * np.exp(common + last)
            lines.append(f"{stamp}Z,{symbol},{o:.4f},{max(o, c):.4f},{min(o, c):.4f},{c:.4f},1000")
    return "\n".join(lines).encode()


def with_file(content: bytes, **query: str) -> AppTest:
    test = shown(data="Files", source="Upload", **query)
    test.file_uploader[0].upload("bars.csv", content)
    test.run()
    assert not test.exception, test.exception
    return test


def test_without_a_feed(system: Running) -> None:
    system.pipeline, system.failure = None, "the tape is not there"
    assert "the tape is not there" in words(shown())


def test_the_tape_says_from_when_to_when_and_whether_it_is_whole() -> None:
    test = shown(**SHORT)
    said = words(test)
    assert "2024-08-08" in said
    assert "played again with its times moved to now" in said
    assert "trades" in said
    assert "complete" in said
    assert "nothing is annualised" in said


def test_full() -> None:
    test = shown(**FREE)
    found = cards(test)
    assert list(found) == [
        "Net profit",
        "Sharpe (Lo) per bar",
        "Max drawdown",
        "Trades",
        "Costs paid",
        "Break-even cost",
        "Deflated Sharpe",
    ]
    assert int(found["Trades"]) > 0
    assert found["Deflated Sharpe"] == UNKNOWN
    table = test.dataframe[-1].value
    assert {"opened", "closed", "net", "leg_gap_s", "reason"} <= set(table)
    assert len(test.get("download_button")) == 4
    assert len(test.get("plotly_chart")) == 2


def test_costs_cost() -> None:
    free, dear = (float(shown(**SHORT, taker=fee).metric[0].value.replace(",", "")) for fee in ("0", "10"))
    assert dear < free


def test_a_rerun_computes_nothing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    before = alphastream.backtest.backtest

    def counted(*args: Any, **more: Any) -> Any:
        runs.append(args[1])
        return before(*args, **more)

    monkeypatch.setattr(alphastream.backtest, "backtest", counted)
    test = shown(**SHORT)
    test.run()
    test.run()
    assert len(runs) == 1
    test.number_input(key="entry").set_value(1.75).run()
    assert len(runs) == 2
    test.button(key="tape_renew").click().run()
    assert len(runs) == 3


def test_every_strategy_can_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []
    before = alphastream.backtest.backtest

    def noted(market: Any, strategy: Any, *args: Any, **more: Any) -> Any:
        kinds.append(type(strategy))
        return before(market, strategy, *args, **more)

    monkeypatch.setattr(alphastream.backtest, "backtest", noted)
    for name in ("z-score threshold", "optimiser"):
        test = shown(strategy=name, **SHORT)
        assert not test.error
        assert test.metric
    assert kinds == [ZScoreThreshold, PositionOptimiser]


@pytest.mark.parametrize("model", ["Kalman (discounted)", "Frozen OLS"])
def test_every_model_can_be_run(model: str) -> None:
    test = shown(model=model, **SHORT)
    assert not test.error
    assert test.metric


def test_a_tape_on_which_nothing_settles_is_told_so() -> None:
    test = shown(model="Kalman (discounted)", window="60")
    assert not test.exception
    assert "settling has" in words(test)
    assert "of 540" in words(test)


def test_a_link_of_before_to_a_filter_finds_its_successor_and_says_so() -> None:
    test = shown(strategy="Kalman innovation", model="Kalman", **SHORT)
    assert not test.exception
    assert test.segmented_control(key="strategy").value == "z-score threshold"
    assert test.selectbox(key="model").value == "Kalman (discounted)"
    assert "another formula" in words(test)
    assert "InnovationThreshold" not in words(test)
    assert "InnovationThreshold" in words(shown(strategy="Kalman innovation", filter="given", delta="1e-6", **SHORT))


def test_the_optimiser_has_no_sweep_and_trades_only_what_is_there() -> None:
    test = shown(strategy="optimiser", **SHORT)
    assert [tab.label for tab in test.tabs] == ["Result", "Tear sheet", "Series"]
    assert int(cards(test)["Trades"]) > 0
    test = shown(strategy="optimiser", pairs="SOLUSDT/BTCUSDT", **SHORT)
    assert "SOLUSDT is not in the data" in words(test)
    assert not test.metric


NUMBERS = {
    "stop": 3.0,
    "time_stop": 5,
    "cool_down": 3,
    "capital": 5_000.0,
    "taker": 1.0,
    "half_spread": 2.0,
    "impact": 3.0,
    "latency": 900.0,
    "share": 50.0,
    "timeout": 3.0,
    "limit": 5.0,
    "funding": 1.0,
    "lot_ETHUSDT": 0.1,
    "tick_BTCUSDT": 1.0,
    "least_ETHUSDT": 5.0,
}
CHOICES = {"fill": "next close", "tape_hours": "1 h"}
SIZES = {"notional of y": "size_notional", "gross, both legs": "size_gross", "units of y": "size_units"}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_can_be_turned_and_a_link_restores_it(name: str) -> None:
    test = shown(**SHORT)
    test.number_input(key=name).set_value(NUMBERS[name]).run()
    assert not test.exception
    assert not test.error
    assert test.metric
    assert shown(**{name: str(NUMBERS[name])}).number_input(key=name).value == NUMBERS[name]


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_can_be_made(name: str) -> None:
    test = shown(**SHORT)
    test.selectbox(key=name).select(CHOICES[name]).run()
    assert not test.exception
    assert test.metric
    assert shown(**{name: CHOICES[name]}).selectbox(key=name).value == CHOICES[name]


@pytest.mark.parametrize(("kind", "key"), SIZES.items())
def test_every_size(kind: str, key: str) -> None:
    test = shown(sizer=kind, **FREE)
    assert not test.error
    test.number_input(key=key).set_value(2.0).run()
    assert int(cards(test)["Trades"]) > 0


def test_a_size_beyond_the_limit_is_refused_with_the_numbers() -> None:
    said = words(shown(size_notional="1e9", capital="1000", **FREE))
    assert "all were refused" in said
    assert "on an equity of 1,000.00" in said
    assert "the limit is 20 times, 20,000.00" in said


def test_a_liquidation_is_said_and_ends_the_run() -> None:
    """45 times the equity in either leg and a fee of .2 %: what is left is under 1 % of it at once."""
    test = shown(size_gross="85000", sizer="gross, both legs", capital="1000", limit="90", taker="20", **SHORT)
    said = words(test)
    assert "liquidation price, each leg alone" in said
    assert "no ratio is made of its returns" in said
    found = cards(test)
    assert found["Sharpe (Lo)"] == UNKNOWN
    assert found["Trades"] == "1"


def test_a_size_by_volatility_knows_its_leverage() -> None:
    test = shown(sizer="volatility, % a year", **FREE)
    assert test.number_input(key="size_most").value == 2.0
    assert int(cards(test)["Trades"]) > 0


def test_fills_at_the_close_of_the_signal_are_warned_of() -> None:
    assert "nobody trades at it any more" in words(shown(fill="same close", **SHORT))


def test_observers_are_drawn_and_written() -> None:
    test = shown(**SHORT)
    test.multiselect(key="observe").set_value(["correlation", "half_life"]).run()
    assert not test.exception
    assert shown(observe="correlation", **SHORT).multiselect(key="observe").value == ["correlation"]


def test_calibrating_is_a_count() -> None:
    test = shown(window="500")
    assert "has" in words(test)
    assert "of 500" in words(test)
    assert set(cards(test).values()) == {UNKNOWN, "0"}


def test_no_trade_has_a_reason() -> None:
    assert "z never reached the entry" in words(shown(entry="6", **SHORT))


def test_contradictions_are_refused_in_words() -> None:
    assert "stop is 1.0" in words(shown(stop="1", **SHORT)).lower()
    assert "choose two different symbols" in words(shown(y="BTCUSDT", x="BTCUSDT"))
    assert "the smaller number comes first" in words(shown(window_low="50", window_high="20", **SHORT))
    assert "raise them" in words(shown(entry_low="0.1", **SHORT))


def test_rejected_orders_are_told() -> None:
    assert "under the least order" in words(shown(least_ETHUSDT="1000000", **SHORT))


def test_thresholds_of_cost_are_tried_on_bars_they_have_not_seen_and_can_be_set() -> None:
    test = with_file(bars(1_200), window="100", interval="1h", taker="1", half_spread="0")
    test.session_state["backtest_tab"] = "Thresholds"
    said = words(test.run())
    assert not test.exception
    assert "On the 600 bars that the fit has not seen" in said
    assert "Fitted on the first half, 600 bars. Newest 402 bars in which both legs traded: the spread" in said
    table = test.dataframe[-1].value
    assert table["entry"].tolist()[0] == 2.0
    assert table["net"][1] > table["net"][0] > 0.0
    test.button(key="set_turn at the other entry").click().run()
    assert not test.exception
    entry = test.number_input(key="entry").value
    assert entry == table["entry"][1] < 1.0
    assert test.number_input(key="exit").value == -table["entry"][1]
    assert "**+0.00** against the thresholds that are set" in words(test)  # they are the ones that are set now


def test_thresholds_of_too_few_bars_say_how_many_are_needed() -> None:
    test = shown(window="80")
    test.session_state["backtest_tab"] = "Thresholds"
    assert "Thresholds that follow from cost needs 100" in words(test.run())
    assert not test.exception
    test = shown(strategy="optimiser")
    assert "Thresholds" not in [tab.label for tab in test.tabs]


def test_a_sweep_says_how_much_is_luck_and_the_result_knows_it() -> None:
    test = shown(**FREE)
    test.session_state["backtest_tab"] = "Sweep"
    said = words(test.run())
    assert "combinations were tried on the same" in said
    assert "round trip" in said
    for metric in ("profit", "drawdown", "trades"):
        test.segmented_control(key="sweep_metric").set_value(metric).run()
        assert not test.exception
    test.session_state["backtest_tab"] = "Result"
    test.run()
    assert cards(test)["Deflated Sharpe"].endswith("%")
    test.number_input(key="taker").set_value(7.0).run()
    assert cards(test)["Deflated Sharpe"] == UNKNOWN  # that sweep was of other costs


def test_a_sweep_of_what_the_compiled_path_has_not_is_refused_in_words() -> None:
    assert "use backtest" in words(shown(backtest_tab="Sweep", share="50", **FREE))


def test_walk_forward() -> None:
    test = shown(backtest_tab="Walk-forward", window_high="40", **FREE)
    assert "which the choice has not seen" in words(test)
    assert len(test.dataframe[0].value) == 4
    assert "Out of sample, net" in cards(test)
    test.segmented_control(key="training").set_value("anchored").run()
    test.number_input(key="purge").set_value(5).run()
    assert not test.exception
    assert not test.error


def test_walk_forward_has_as_many_folds_as_were_asked_for() -> None:
    test = shown(backtest_tab="Walk-forward", folds="37", window_high="40", **FREE)
    assert len(test.dataframe[0].value) == 37
    assert cards(test)["Profitable folds"].endswith(" of 37")


def test_the_value_of_a_spread_has_another_z() -> None:
    residual, value = shown(**FREE), shown(spread="value", **FREE)
    assert value.selectbox(key="spread").value == "value"
    assert cards(residual)["Net profit"] != cards(value)["Net profit"]


def test_walk_forward_over_too_few_bars_is_refused_in_words() -> None:
    assert "fewer folds" in words(shown(backtest_tab="Walk-forward", folds="50", window_high="2000", **FREE))


def test_the_graph_is_a_picture() -> None:
    test = shown(backtest_tab="Series", observe="correlation", **SHORT)
    picture = test.get("graphviz_chart")[0].proto.spec
    assert picture.count("RollingOLS(window=20)") == 1
    assert "RollingCorrelation" in picture
    assert "A double outline" in words(test)


def test_bars_are_filled_at_the_next_open() -> None:
    test = with_file(bars(), y="AAA", x="BBB", **SHORT)
    assert test.selectbox(key="fill_bars").value == "next open"
    assert int(cards(test)["Trades"]) > 5
    said = words(test)
    assert "AAA 400 bars" in said
    assert "annualised from that" in said
    assert "Sharpe (Lo), annualised" in cards(test)
    test.selectbox(key="fill_bars").select("next trade").run()
    assert "is filled a bar later" in words(test)


def test_hours_and_days_are_traded_as_days() -> None:
    hours = [line for line in bars(24 * 90).splitlines() if b",BBB," not in line]
    days = [line for line in bars(90, hours=24).splitlines()[1:] if b",BBB," in line]
    test = with_file(b"\n".join([*hours, *days]), y="AAA", x="BBB", **SHORT)
    said = words(test)
    assert "1h: AAA; 1d: BBB. Results use bars of 1d or longer" in said
    assert "AAA 2,160 bars" in said
    assert "90 of 90 bar times in common" in said
    assert "90 bars of 1d" in said
    assert "Both legs traded in 100% of the bars." in said


def test_files_are_asked_for_and_need_two_symbols() -> None:
    assert "No file yet" in words(shown(data="Files", source="Upload"))
    one = b"\n".join(line for line in bars().splitlines() if b",BBB," not in line)
    assert "a pair needs two symbols" in words(with_file(one))


def test_the_bundled_recording_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    test = shown(data="Files", source="Bundled recording", **SHORT)
    assert test.metric
    held = test.session_state["backtest_run"][1]
    test.run()
    assert test.session_state["backtest_run"][1] is held
    offered = [str(option) for option in test.segmented_control(key="source").options]
    assert offered == ["Upload", "Daily ETFs", "100 shares", "Bundled recording", "Recorded history"]


def test_legs_that_never_meet_are_told() -> None:
    lines = bars(60).splitlines()
    early = [line for line in lines[1:60] if b",AAA," in line]
    late = [line for line in lines[62:] if b",BBB," in line]
    third = [line.replace(b",BBB,", b",CCC,") for line in lines[1:] if b",BBB," in line]
    test = with_file(b"\n".join([lines[0], *early, *late, *third]), y="AAA", x="BBB", **SHORT)
    assert "Both legs traded in 0% of the bars" in words(test)
