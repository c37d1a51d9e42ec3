"""An account on paper cannot lose what it does not have either."""

import time
from pathlib import Path

import pytest

from alphastream.backtest import Definition
from alphastream.errors import ParameterError
from alphastream.strategies import BetaNeutral, FixedNotional, ZScoreThreshold
from alphastream.trading import BrokerRules, Fees, FixedLatency, Margin
from runtime.paper.journal import RunFile
from tests.backtest.test_live import split, tape
from tests.runtime.paper.paper_pipeline import SECOND, SPEC, Pipelines, TapePipeline, eventually, played, running, see
from tests.runtime.paper.paper_tape import before_and_after, end_of, same_as_history

BOLD = Definition(  # fees of 170 leave less than the 1 % of 85,000 that it must have
    ZScoreThreshold(SPEC, sizer=BetaNeutral(85_000.0)),
    BrokerRules(fees=Fees(20.0), latency=FixedLatency(120_000_000), margin=Margin(max_leverage=90.0)),
    capital=1_000.0,
)


def test_a_liquidated_account_ends_its_run(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(BOLD, "live")
        for chunk in split(rest, range(0, len(rest), 40)):
            pipeline.feed(chunk)
            time.sleep(0.005)
        eventually(lambda: see(service, name).status == "stopped")
        view = see(service, name)
        with pytest.raises(ParameterError, match="its account came to its end"):
            service.resume(name)
    assert view.why.startswith("liquidated: equity ")
    assert " UTC" in view.why
    assert view.ended
    assert not any(view.positions)
    assert view.equity >= 0.0
    same_as_history(view, pipeline.store, at_least=4)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        again = see(service, name)
        assert (again.status, again.why, again.ended) == ("stopped", view.why, True)


def test_a_liquidation_goes_on_after_a_restart(tmp_path: Path, pipeline: TapePipeline) -> None:
    """The app stops between the order and its fills: what is held then is closed when trades come again."""
    warm, rest = before_and_after(tape(3, seconds=400))
    left = list(rest)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(BOLD, "live")
        while see(service, name).status != "closing":
            bar_ns = left[0].time_ns // SECOND * SECOND + SECOND
            chunk = [tick for tick in left if tick.time_ns < bar_ns]
            left = left[len(chunk) :]
            pipeline.feed(chunk)
            time.sleep(0.03)
        assert any(see(service, name).positions)
    assert RunFile(tmp_path / "paper" / f"{name}.jsonl").read().stopped is None
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        eventually(lambda: see(service, name).status == "waiting")
        for part in split(left, range(0, len(left), 40)):
            pipeline.feed(part)
            time.sleep(0.005)
        eventually(lambda: see(service, name).status == "stopped")
        view = see(service, name)
    assert view.ended
    assert not any(view.positions)
    assert [order.state for order in view.orders] == ["filled", "cancelled", "filled"]


def test_an_order_beyond_the_limit_is_refused(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    much = Definition(ZScoreThreshold(SPEC, sizer=FixedNotional(1e9)), BrokerRules(), capital=1_000.0)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(much, "live")
        pipeline.feed(rest)
        view = played(service, name, end_of(ticks))
    assert view.status == "running"
    assert {order.state for order in view.orders} == {"rejected"}
    assert "the limit is 20 times, 20,000.00" in view.orders[0].reason
    assert view.equity == 1_000.0
