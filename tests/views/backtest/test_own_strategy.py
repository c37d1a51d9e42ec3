"""A strategy of a user's file on the backtest page: its form, its run, its faults in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import Pipeline
from tests.views.running import Running, cards, page_of, read, replay, show_pipeline, words
from tests.views.user_files import EXAMPLE, ONE, user_files


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    return show_pipeline(pipeline, monkeypatch)


def test_a_form_is_made_of_its_fields_and_it_runs(tmp_path: Path) -> None:
    with user_files(tmp_path / "user", breakout=EXAMPLE):
        test = page_of("backtest", strategy="SpreadBreakout", window="20", SpreadBreakout_breakout="1.5")
        said = words(test)
        assert "Goes with a spread that leaves its band, until it has come back. (user/breakout.py, version 1)" in said
        assert cards(test)["Trades"] != "0"
        field = test.number_input(key="SpreadBreakout_breakout")
        assert (field.label, field.value, field.min, field.max, field.step) == ("Breakout", 1.5, 0.1, 10.0, 0.25)
        assert test.number_input(key="SpreadBreakout_notional").label == "Notional, quote currency"
        assert test.selectbox(key="SpreadBreakout_side").options == ["both", "long", "short"]
        assert [tab.label for tab in test.tabs] == ["Result", "Tear sheet", "Series"]
        test.number_input(key="SpreadBreakout_back").set_value(2.0).run()
        assert "Back 2 is not inside the breakout 1.5: lower it." in words(test)
        assert not test.exception


def test_broken_and_changed_files_are_named(tmp_path: Path) -> None:
    with user_files(tmp_path / "user", breakout=EXAMPLE, broken="x = 1\nx.gone\n") as folder:
        test = page_of("backtest", window="20")
        said = words(test)
        assert "broken.py, line 2: AttributeError: 'int' object has no attribute 'gone'." in said
        assert cards(test)  # the rest of the page is as ever
        (folder.path / "broken.py").write_text("x = 1\n", encoding="utf-8")
        test.run()
        assert "Changed since it was loaded: broken.py." in words(test)
        test.button(key="user_code_load").click().run()
        assert "broken.py" not in words(test)


def test_a_strategy_that_is_not_loaded(tmp_path: Path) -> None:
    with user_files(tmp_path / "user", breakout=EXAMPLE):
        test = page_of("backtest", strategy="SpreadBreakouts", window="20")
        assert "asks for strategy=SpreadBreakouts; Strategy is one of" in words(test)
        assert "did you mean SpreadBreakout? z-score threshold is shown." in words(test)


def test_one_instrument_and_every_control(tmp_path: Path) -> None:
    text = ONE.replace("FAULT", "pass")
    with user_files(tmp_path / "user", up=text):
        test = page_of("backtest", strategy="UpBars")
        assert cards(test)["Trades"] != "0"
        assert "Both legs" not in words(test)
        hold = test.number_input(key="UpBars_hold")
        assert (hold.label, hold.min) == ("Hold, bars", 1)
        assert hold.help.endswith(" that it holds on.")  # its first word may lead to the glossary
        stop = test.number_input(key="UpBars_stop")
        assert stop.value is None
        assert (stop.label, read(stop.help)) == (r"Stop, \*\*%\*\*", "$x$ and *y*. Empty: none.")
        assert test.toggle(key="UpBars_fast").value is False
        assert test.number_input(key="UpBars_part_Part_size").value == 1.0
        assert test.selectbox(key="UpBars_other").options == ["BTCUSDT", "ETHUSDT"]
        assert test.multiselect(key="UpBars_bars").value == ["BTCUSDT"]
        test.multiselect(key="UpBars_bars").set_value([]).run()
        assert "choose an instrument" in words(test)


def test_a_strategy_that_fails_says_where(tmp_path: Path) -> None:
    text = ONE.replace("FAULT", "1 / 0")
    line = 1 + text[: text.index("1 / 0")].count("\n")
    with user_files(tmp_path / "user", up=text):
        test = page_of("backtest", strategy="UpBars")
        assert f"Line {line} of up.py failed (ZeroDivisionError: division by zero)." in words(test)


OWN_COSTS = """
from dataclasses import dataclass
from alphastream.registry import register

@register
@dataclass(frozen=True)
class OwnFee:
    bps: float = 7.0
    def fee_bps(self, maker):
        return self.bps if self.bps < 50.0 else 1 / 0

@register
@dataclass(frozen=True)
class OwnSize:
    units_of_y: float = 2.0
    def series(self, spec):
        return {}
    def units(self, ratio, row, account, spec):
        return self.units_of_y, -ratio * self.units_of_y
"""


def test_costs_and_sizers_of_ones_own(tmp_path: Path) -> None:
    with user_files(tmp_path / "user", costs=OWN_COSTS):
        query = {"window": "20", "sizer": "OwnSize", "model_fees": "OwnFee"}
        test = page_of("backtest", **query)
        free = cards(page_of("backtest", **query, OwnFee_bps="0", half_spread="0"))
        assert cards(test)["Trades"] == free["Trades"] != "0"
        assert cards(test)["Costs paid"] != free["Costs paid"] == "0.00"
        assert test.number_input(key="OwnSize_units_of_y").value == 2.0
        test.number_input(key="OwnFee_bps").set_value(60.0).run()
        assert "Line 10 of costs.py failed (ZeroDivisionError: division by zero)." in words(test)
        assert not test.exception
