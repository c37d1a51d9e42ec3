"""Settings in words."""

from alphastream.reports import settings_of
from alphastream.strategies import FixedNotional, ThresholdRule, ZScoreThreshold
from alphastream.trading import BrokerRules, Contract, FixedLatency
from tests.views.runs import PAIR


def test_settings_are_written_as_people_write_them() -> None:
    rules = BrokerRules(latency=FixedLatency(250_000_000), contracts={"Y": Contract(lot=0.001)})
    strategy = ZScoreThreshold(PAIR, rule=ThresholdRule(stop=4.0), sizer=FixedNotional(5_000.0))
    said = dict(settings_of(strategy, rules, 1e5, "a file"))
    assert said["latency"] == "fixed latency: 250ms"
    assert said["sizer"] == "fixed notional: notional 5000"
    assert said["rule"] == "threshold rule: stop 4, time stop none, cool down 0"
    assert said["rebalance"] == "no"
    assert said["timeout"] == "none"
    assert said["steps of Y"] == "contract: lot 0.001, tick 0, min notional 0"
