"""The example of a bracketed breakout: history, replay and pieces of the tape give the same orders and fills."""

import pytest

from alphastream.bar_rows import BarsSpec
from alphastream.core.units import SECOND
from alphastream.trading import BrokerRules, FillRule
from examples.bracketed_breakout import ChannelBreakout, main, three_times
from tests.views.running import ROOT


@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close"])
def test_all_three_ways_are_one(fill: FillRule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result, *runs = three_times("BTCUSDT", ChannelBreakout(BarsSpec(("BTCUSDT",), SECOND)), BrokerRules(fill=fill))
    for run in runs:
        assert run.simulation.broker.orders == list(result.orders)
        assert run.simulation.account.fills == list(result.fills)
        assert run.simulation.account.cash == result.cash[-1]
    closed = [order for order in result.orders if order.bracket is not None and order.state == "filled"]
    entries = [order for order in result.orders if order.bracket is None and order.state == "filled"]
    assert len(entries) > 3
    assert {order.reason.split(" of ")[0] for order in closed} == {"stop", "take profit"}
    assert len({order.bracket for order in closed}) == len(closed)  # one side of each


def test_it_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    main()
    assert "replayed and in pieces the same" in capsys.readouterr().out
