"""What a run is made of, as plain data and back."""

import json
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from alphastream.backtest import Definition, functions
from alphastream.backtest.definition import names_in, renamed
from alphastream.errors import ParameterError
from alphastream.estimators import KalmanHedge
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig, SlidingWindow
from alphastream.registry import forget, loading, register
from alphastream.strategies import (
    BetaNeutral,
    FixedNotional,
    InnovationThreshold,
    PositionOptimiser,
    Sizer,
    Strategy,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading import (
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
)
from alphastream.trading.broker.costs import Due

SPEC = PairSpec("ETH", "BTC", 10**9, "huber", 25, "price", entry=1.7, exit=0.2)
KALMAN = PairSpec("ETH", "BTC", 10**9, "kalman", 25)
CONFIG = PositionConfig(vola=8, corr=12, clip=3.5, shrink=0.5, aum=1e5)
SIZERS: tuple[Sizer, ...] = (FixedNotional(5_000.0), BetaNeutral(7_000.0), Units(0.5), VolatilityTarget(0.2, 1.5))
STRATEGIES: tuple[Strategy, ...] = (
    *(ZScoreThreshold(SPEC, sizer=sizer) for sizer in SIZERS),
    ZScoreThreshold(SPEC, rule=ThresholdRule(4.0, 30, 5), rebalance=True, spread="value"),
    InnovationThreshold(KALMAN),
    InnovationThreshold(KALMAN, model=KalmanHedge(1e-5, 1e-2)),
    PositionOptimiser((SPEC, KALMAN), CONFIG, "momentum"),
    PositionOptimiser(
        (SPEC,),
        PositionConfig(
            vola=8,
            corr=12,
            clip=3.5,
            shrink=0.5,
            aum=1e5,
            max_turnover=3.0,
            covariance=SlidingWindow(window=30, n_factors=2),
        ),
    ),
)
RULES = (
    BrokerRules(),
    BrokerRules(
        fill="next_close",
        fees=Fees(4.0, -1.0),
        latency=FixedLatency(7),
        half_spread_bps=0.3,
        impact=PowerImpact(3.0, 1.0),
        funding=FixedFunding(1.0),
        max_share=0.2,
        timeout_ns=5 * 10**9,
        on_timeout="match",
        contracts={"ETH": Contract(0.001, 0.01, 5.0), "BTC": Contract(0.0001)},
    ),
    BrokerRules(funding=RecordedFunding({"ETH": ((10**18, 1e-4), (2 * 10**18, -1e-4, 3_141.59))})),
)


def there_and_back(definition: Definition) -> Definition:
    return Definition.of(json.loads(json.dumps(definition.plain())))


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_every_strategy_comes_back(strategy: Strategy) -> None:
    definition = Definition(strategy, BrokerRules(), 12_345.6)
    assert there_and_back(definition) == definition
    assert hash(there_and_back(definition).strategy) == hash(strategy)


@pytest.mark.parametrize("rules", RULES, ids=["defaults", "all", "recorded funding"])
def test_every_rule_comes_back(rules: BrokerRules) -> None:
    assert there_and_back(Definition(STRATEGIES[0], rules)).rules == rules


@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close", "same_close"])
def test_every_fill_comes_back(fill: FillRule) -> None:
    assert there_and_back(Definition(STRATEGIES[0], BrokerRules(fill=fill))).rules.fill == fill


def test_a_parameter_by_its_earlier_name_is_read() -> None:
    definition = Definition(ZScoreThreshold(SPEC, sizer=VolatilityTarget(0.2, 1.5)))
    plain = json.loads(json.dumps(definition.plain()))
    plain["strategy"]["sizer"]["most"] = plain["strategy"]["sizer"].pop("max_leverage")
    assert plain["strategy"]["sizer"] == {"kind": "VolatilityTarget", "share": 0.2, "most": 1.5}
    assert Definition.of(plain) == definition


FULL = {"ETH": InstrumentId("okx", "ETH"), "BTC": InstrumentId("okx", "BTC"), "SOL": InstrumentId("okx", "SOL")}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
@pytest.mark.parametrize("rules", RULES, ids=["defaults", "all", "recorded funding"])
def test_other_names_change_nothing_else(strategy: Strategy, rules: BrokerRules) -> None:
    definition = Definition(strategy, rules, 12_345.6)
    there = renamed(definition, FULL)
    assert sorted(there.strategy.symbols) == sorted(FULL[name] for name in definition.strategy.symbols)
    assert {name: there.rules.contract(full) for name, full in FULL.items()} == {
        name: rules.contract(name) for name in FULL
    }
    if isinstance(rules.funding, RecordedFunding):
        assert isinstance(there.rules.funding, RecordedFunding)
        assert there.rules.funding.due("okx:ETH", 0) == rules.funding.due("ETH", 0) == Due(10**18, 1e-4)
        assert there.rules.funding.due("ETH", 0) is None
    assert renamed(there, {full: name for name, full in FULL.items()}) == definition
    assert there_and_back(there) == there
    assert set(names_in(there)) == {FULL[name] for name in names_in(definition)}


def test_names_that_are_not_known_stay() -> None:
    definition = Definition(STRATEGIES[0], RULES[1])
    assert renamed(definition, {"DOGE": "okx:DOGE"}) == definition
    assert names_in(definition) == ("ETH", "BTC")


@dataclass(frozen=True, slots=True)
class Own:
    """A sizer nobody knows."""

    size: float = 1.0

    def series(self, spec: PairSpec) -> dict[str, Any]:
        """None."""
        return {}

    def units(self, ratio: float, row: Any, account: Any, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x."""
        return self.size, -ratio


def test_what_is_not_known_cannot_be_written() -> None:
    with pytest.raises(ParameterError, match="Own cannot be written down: register it"):
        Definition(ZScoreThreshold(SPEC, sizer=Own())).plain()


@pytest.mark.parametrize("size", [float("inf"), -np.inf, np.float64("inf"), 0.1])
def test_numbers_that_json_lacks_come_back(size: float) -> None:
    with loading("a test"):
        register("sizers", Own)
    try:
        plain = Definition(ZScoreThreshold(SPEC, sizer=Own(size))).plain()
        back = Definition.of(msgspec.json.decode(msgspec.json.encode(plain)))
        assert back.strategy == ZScoreThreshold(SPEC, sizer=Own(size))
        for key in (1, "kind", None):
            with pytest.raises(ParameterError, match="give keys that are other text"):
                Definition(ZScoreThreshold(SPEC, sizer=Own({key: 1.0}))).plain()  # type: ignore[arg-type]
    finally:
        forget("a test")


PLAIN = Definition(STRATEGIES[0]).plain()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"strategy": PLAIN["strategy"]},
        {**PLAIN, "strategy": {**PLAIN["strategy"], "kind": "Oracle"}},
        {**PLAIN, "strategy": {**PLAIN["strategy"], "leverage": 3}},
        {**PLAIN, "strategy": {"kind": "ZScoreThreshold"}},
        {**PLAIN, "strategy": 5},
        {**PLAIN, "strategy": {"kind": "PairSpec", "y": 5, "x": 6}},
        {**PLAIN, "strategy": PLAIN["rules"]},
        {**PLAIN, "rules": PLAIN["strategy"]},
        {**PLAIN, "rules": {**PLAIN["rules"], "fill": "yesterday"}},
        {**PLAIN, "capital": "much"},
        {**PLAIN, "capital": None},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"another version|it is one of"):
        Definition.of(wrong)


@pytest.mark.parametrize(
    "reference",
    ["joblib:dump", "joblib.numpy_pickle:dump", "pandas:eval", "numpy.ctypeslib:load_library", "os:system", "a", "", 5],
)
def test_what_others_wrote_for_other_ends_is_never_called(reference: Any) -> None:
    function = {"kind": "function", "name": reference}
    wrong = {"kind": "FunctionIndicator", "function": function, "look_back": 5, "parameters": {"filename": "x"}}
    with pytest.raises(ParameterError, match="no function of yours that is loaded"):
        Definition.of({**PLAIN, "strategy": wrong})


def doubled(close: Any) -> Any:
    """Twice as much."""
    return 2.0 * close


def test_a_function_is_found_where_this_process_or_a_user_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_written", set())
    monkeypatch.setattr(functions, "registered", lambda kind: ())
    reference = f"{__name__}:doubled"
    with pytest.raises(ParameterError, match="is no function of yours"):
        functions.function_at(reference)
    assert functions.reference_of(doubled) == reference
    assert functions.function_at(reference) is doubled
    module = ModuleType("user.curves")
    exec("def tripled(close):\n    return 3.0 * close\n", module.__dict__)
    vars(module)["doubled"] = doubled
    monkeypatch.setitem(sys.modules, "user.curves", module)
    assert functions.function_at("user.curves:tripled") is vars(module)["tripled"]
    with pytest.raises(ParameterError, match="is no function of yours"):
        functions.function_at("user.curves:doubled")
