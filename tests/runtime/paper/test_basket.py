"""A paper run of a basket: the backtest to the last bit, and on after a restart."""

from pathlib import Path

from alphastream.backtest import Definition
from alphastream.baskets import BasketSpec
from alphastream.strategies import BasketThreshold, ThresholdRule
from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import RULES, SECOND, Pipelines, TapePipeline, played, running, see
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, same_as_history

SPEC = BasketSpec(("ETH", "BTC", "SOL"), SECOND, "ols", 30, entry=1.2, exit=0.3, hold=10)
DEFINITION = Definition(BasketThreshold(SPEC, rule=ThresholdRule(stop=5.0)), RULES)


def test_it_is_the_backtest_and_goes_on_after_a_restart(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:300])
        before = played(service, name, end_of(rest[:300]))
        same_as_history(before, pipeline.store, at_least=6)
        assert {fill.symbol for fill in before.fills} == set(SPEC.symbols)
    with running(tmp_path / "paper", pipelines) as service:
        left = goes_on(service, pipeline, name, rest[300:])
        pipeline.feed(left)
        after = played(service, name, end_of(ticks))
        assert after.definition == DEFINITION
        assert after.fills[: len(before.fills)] == before.fills
        assert len(after.fills) > len(before.fills)
        assert see(service, name).status == "running"
