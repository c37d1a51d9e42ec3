"""The example of a strategy of one's own: it runs as a script, and its class is complete."""

import pytest

from alphastream.registry import find, forget, loading, parameters_of
from tests.views.running import ROOT


def test_it_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    with loading("test"):
        from examples import user_strategy
    try:
        user_strategy.main()
        assert "breakout ETHUSDT/BTCUSDT" in capsys.readouterr().out
        cls = find("strategies", "SpreadBreakout").made
        assert [each.name for each in parameters_of(cls)] == ["pair", "breakout", "back", "notional", "side"]
    finally:
        forget("test")
