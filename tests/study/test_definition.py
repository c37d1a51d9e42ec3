"""A study's strategy as plain data and back: what paper journals keep."""

import json
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import Definition, backtest
from alphastream.backtest.definition import names_in, renamed
from alphastream.backtest.own_code import other_code, own_code
from alphastream.errors import ParameterError
from alphastream.estimators import RollingOLS
from alphastream.indicators import RSI
from alphastream.strategies import AtrRisk, PulseStrategy, Units
from alphastream.study import Study, instruments
from tests.study import functions
from tests.study.frames import walk
from tests.study.functions import half_of_equity, low_is_long


def strategy_of(data: Any, study: Study, allocation: Any = half_of_equity) -> PulseStrategy:
    slow = study.add_indicator(RSI(14), data.every("4h")["close"])
    mean = study.add_indicator(functions.slope, data["close"], window=5)
    pulse = study.add_indicator(low_is_long, slow, look_back=1, width=30.0)
    return study.add_strat(pulse, allocation, reads={"slope": mean})


@pytest.mark.parametrize("allocation", [half_of_equity, AtrRisk(window=5), Units(3.0)])
def test_what_is_written_runs_as_it_did(allocation: Any) -> None:
    study = Study()
    strategy = strategy_of(study.add_data(walk(1), symbol="BTCUSDT"), study, allocation)
    plain = json.loads(json.dumps(Definition(strategy).plain()))
    again = Definition.of(plain).strategy
    assert again == strategy
    run = backtest(study.market, again, study.rules)
    assert run.fills
    np.testing.assert_array_equal(run.equity, study.run().equity)


def test_instruments_are_renamed_everywhere() -> None:
    data = instruments("GLD", "USO", every="1h")
    study = Study()
    ratio = study.add_indicator(RollingOLS(20), data["GLD"]["close"], data["USO"]["close"])
    pulse = study.add_indicator(low_is_long, data.every("1d")["USO"]["close"], look_back=1)
    definition = Definition(study.add_strat(pulse, Units(1.0), hedge=ratio["hedge_ratio"]))
    assert set(names_in(definition)) == {"GLD", "USO"}
    names = {"GLD": "x:GLD", "USO": "x:USO"}
    other = instruments("x:GLD", "x:USO", every="1h")
    study = Study()
    ratio = study.add_indicator(RollingOLS(20), other["x:GLD"]["close"], other["x:USO"]["close"])
    pulse = study.add_indicator(low_is_long, other.every("1d")["x:USO"]["close"], look_back=1)
    assert renamed(definition, names).strategy == study.add_strat(pulse, Units(1.0), hedge=ratio["hedge_ratio"])


def test_what_cannot_be_found_again_is_not_written() -> None:
    study = Study()
    data = study.add_data(walk(1), symbol="BTCUSDT")
    with pytest.raises(ParameterError, match="<lambda> cannot be written down"):
        Definition(strategy_of(data, study, lambda s, p: s)).plain()
    for reference in ("os:system", "json:dumps", "tests.study.functions:nothing", "not_there:f", "numpy:sin"):
        plain = Definition(strategy_of(data, Study())).plain()
        plain["strategy"]["allocation"]["name"] = reference
        with pytest.raises(ParameterError, match="no function of yours that is loaded here"):
            Definition.of(plain)


def test_a_function_that_changed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study()
    definition = Definition(strategy_of(study.add_data(walk(1), symbol="BTCUSDT"), study))
    written = own_code(definition)
    assert {each.name.partition(":")[2] for each in written} == {"low_is_long", "half_of_equity", "slope"}
    assert other_code(written) == ""

    def half_of_equity(strength: float, portfolio: Any) -> float:
        return 0.7 * strength

    half_of_equity.__module__ = functions.__name__
    monkeypatch.setattr(functions, "half_of_equity", half_of_equity)
    assert "written by tests.study.functions:half_of_equity" in other_code(written)
