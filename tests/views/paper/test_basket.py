"""A basket on the paper page: started with its form, and refused in words while it has too few legs."""

from alphastream.baskets import BasketSpec
from alphastream.strategies import BasketThreshold, FixedNotional
from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import TapePipeline, eventually, see
from tests.runtime.paper.paper_tape import before_and_after
from tests.views.running import Running, page_of, words

SECOND = 10**9


def test_it_is_started(system: Running, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3))
    pipeline.feed(warm)
    test = page_of("paper", paper_tab="Start a run", strategy="basket", basket_train="30", basket_hold="10")
    test.multiselect(key="legs").set_value(["ETH", "BTC"]).run()
    assert "A basket needs 3 to 10 legs, and 2 are chosen: ETH, BTC." in words(test)
    assert test.button(key="paper_start").disabled
    test.multiselect(key="legs").set_value(["ETH", "BTC", "SOL"]).run()
    test.button(key="paper_start").click().run()
    assert "basket ETH+BTC+SOL is running as" in words(test)
    (view,) = system.paper.runs()
    spec = BasketSpec(("ETH", "BTC", "SOL"), SECOND, "ols", 30, hold=10)
    assert view.definition.strategy == BasketThreshold(spec, sizer=FixedNotional(10_000.0))
    pipeline.feed(rest[:60])
    eventually(lambda: see(system.paper, view.id).status == "running")
    test = page_of("paper")
    assert not test.exception
    assert "basket ETH+BTC+SOL" in str(test.dataframe[0].value)
