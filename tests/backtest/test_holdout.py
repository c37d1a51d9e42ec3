"""Both sides of a split: the training knows nothing of the test, and a strategy that peeks is found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import BarMarket, TickMarket, backtest, holdout_run, market_before
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.strategies import PairColumns, Table, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, FillRule
from tests.backtest.markets import SECOND, Ticks, random_market

PAIR = PairSpec("Y", "X", SECOND, window=20, entry=1.0)
SPLIT = 200 * SECOND


@dataclass(frozen=True)
class Peeking(ZScoreThreshold):
    """Takes the direction of a row from the one before it: as if it had known it a row ago."""

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        table, state = super().table(found, state)
        assert table.follows is not None
        ahead = {name: np.roll(values, -1) if name == "direction" else values for name, values in table.columns.items()}
        return replace(table, columns=ahead, follows=np.roll(table.follows, -1)), state


def ticks(seconds: int = 300, seed: int = 3) -> TickMarket:
    return random_market(seed, seconds, (3.0, 2.0))


def as_bars(market: TickMarket) -> BarMarket:
    return BarMarket({leg: market.bars(leg, SECOND) for leg in market.symbols}, SECOND)


@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close", "same_close"])
@pytest.mark.parametrize("kind", ["ticks", "bars"])
def test_the_training_is_a_run_over_data_that_end_at_the_split(kind: str, fill: FillRule) -> None:
    market = ticks() if kind == "ticks" else as_bars(ticks())
    strategy, rules = ZScoreThreshold(PAIR), BrokerRules(fill=fill)
    whole = backtest(market, strategy, rules)
    found = holdout_run(market, strategy, rules, split_ns=SPLIT, whole=whole)
    assert found.looked_ahead_ns is None
    assert int(found.train.time_ns[-1]) == SPLIT
    assert int(found.test.time_ns[0]) > SPLIT
    assert len(found.train) + len(found.test) == len(whole)
    assert found.test.equity[0] == found.test.capital
    assert min(fill.time_ns for fill in found.test.fills) > SPLIT
    assert all(order.decided_ns > SPLIT for order in found.test.orders)
    np.testing.assert_array_equal(found.test.observed["zscore"], whole.observed["zscore"][len(found.train) :])


def test_no_peek_planted_behind_the_split_reaches_the_training() -> None:
    first, strategy = ticks(), ZScoreThreshold(PAIR)
    planted = TickMarket(
        {
            leg: Ticks(
                trades.time_ns, np.where(trades.time_ns >= SPLIT, trades.price * 3.0, trades.price), trades.quantity
            )
            for leg, trades in first.ticks.items()
        }
    )
    one, other = (
        holdout_run(market, strategy, split_ns=SPLIT, whole=backtest(market, strategy)) for market in (first, planted)
    )
    assert len(one.train.fills) > 10
    np.testing.assert_array_equal(one.train.equity, other.train.equity)
    assert one.train.fills == other.train.fills
    assert one.test.equity[-1] != other.test.equity[-1]
    assert (one.looked_ahead_ns, other.looked_ahead_ns) == (None, None)


def test_a_strategy_that_looks_ahead_is_found() -> None:
    market = as_bars(ticks())
    strategy = Peeking(PAIR)
    found = []
    for split in range(150, 250, 10):  # a peek of one row shows at a split where the direction turns
        whole = backtest(market, strategy)
        found.append(holdout_run(market, strategy, split_ns=split * SECOND, whole=whole).looked_ahead_ns)
    assert any(each is not None for each in found)


def test_a_side_without_rows_is_refused() -> None:
    market, strategy = ticks(60), ZScoreThreshold(PAIR)
    whole = backtest(market, strategy)
    for split in (0, int(whole.time_ns[-1])):
        with pytest.raises(ParameterError, match="one side of the split has no row"):
            holdout_run(market, strategy, split_ns=split, whole=whole)


def test_bars_that_are_not_over_are_not_known() -> None:
    market = market_before(as_bars(ticks(60)), 30 * SECOND + 1)
    assert isinstance(market, BarMarket)
    assert max(int(bars.start_ns[-1]) for bars in market.bars.values()) == 29 * SECOND
