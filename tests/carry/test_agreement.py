"""One funding, four ledgers: by hand, event by event, compiled, and on a tape that grows."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import LiveRun, TickMarket, backtest, pair_history, run_pair
from alphastream.carry import FundingWatch, recorded_funding
from alphastream.events import Tick
from alphastream.feeds.market import FundingPayment
from alphastream.pairs import PairSpec
from alphastream.strategies import BetaNeutral, ZScoreThreshold
from alphastream.trading import BrokerRules, FixedLatency
from alphastream.trading.broker.costs import Due, RecordedFunding, VenueFunding
from tests.backtest.markets import Ticks
from tests.carry.mark_prices import BEGIN_NS, BTC, END_NS, ETH, FIRST_NS, SECOND, SECOND_NS, mark_prices

CENT = Decimal("0.01")
STRATEGY = ZScoreThreshold(PairSpec(ETH, BTC, 10 * SECOND, window=30, entry=0.6, exit=0.1), sizer=BetaNeutral(40_000.0))


def replayed() -> dict[str, list[FundingPayment]]:
    """Payments that the stream of mark prices tells."""
    watch, found = FundingWatch(), dict[str, list[FundingPayment]]({BTC: [], ETH: []})
    for leg, payments in found.items():
        payments += [paid for mark in mark_prices(BTC if leg == BTC else ETH) if (paid := watch.add(mark)) is not None]
    return found


def tape() -> dict[str, Ticks]:
    """A trade of each leg a second, on a walk around a common price."""
    rng = np.random.default_rng(5)
    times = np.arange(BEGIN_NS, END_NS, SECOND)
    common = np.cumsum(rng.normal(0.0, 1e-4, len(times)))
    ones = np.ones(len(times))
    x = 60_000.0 * np.exp(common)
    y = 2_600.0 * np.exp(common + 3e-4 * np.sin(np.arange(len(times)) / 90.0) + rng.normal(0.0, 5e-5, len(times)))
    return {BTC: Ticks(times + 10_000_000, x, ones), ETH: Ticks(times + 20_000_000, y, ones)}


def by_hand(fills: Sequence[Any]) -> list[tuple[int, str, Decimal]]:
    """Position times mark times rate, in decimals: what was bought and sold before the payment, at that second."""
    found = []
    for payments in replayed().values():
        for paid in payments:
            held = sum(Decimal(f.quantity) for f in fills if f.symbol == paid.instrument and f.time_ns < paid.time_ns)
            amount = -held * Decimal(str(paid.mark)) * Decimal(str(paid.rate))
            if amount:
                found.append((paid.time_ns, str(paid.instrument), amount.quantize(CENT)))
    return sorted(found)


def booked(payments: Sequence[Any]) -> list[tuple[int, str, Decimal]]:
    return sorted((paid.time_ns, str(paid.symbol), Decimal(paid.amount).quantize(CENT)) for paid in payments)


def played(rules: BrokerRules, late_ns: int) -> LiveRun:
    """A paper run over the tape, which learns of each payment so long after it."""
    run = LiveRun(STRATEGY, rules)
    columns = tape()
    run.warm_up({leg: Ticks(t.time_ns[:0], t.price[:0], t.quantity[:0]) for leg, t in columns.items()}, BEGIN_NS)
    waiting = sorted((paid for of_leg in replayed().values() for paid in of_leg), key=lambda paid: paid.time_ns)

    async def feed() -> None:
        running = asyncio.ensure_future(run.dispatcher.run(stop_signals=[]))
        for at in range(0, (END_NS - BEGIN_NS) // SECOND, 7):
            for leg, t in columns.items():
                rows = zip(*(column[at : at + 7].tolist() for column in (t.time_ns, t.price, t.quantity)), strict=True)
                run.take(Tick(leg, at + i, p, q, when, when, False) for i, (when, p, q) in enumerate(rows))
            now_ns = BEGIN_NS + (at + 7) * SECOND
            while waiting and waiting[0].time_ns + late_ns <= now_ns:
                paid = waiting.pop(0)
                run.pay(paid.instrument, Due(paid.time_ns, paid.rate, paid.mark))
            run.advance()
            for _ in range(4):
                await asyncio.sleep(0)
        run.dispatcher.stop()
        await running

    run.dispatcher.stop_on_handler_exceptions = True
    asyncio.run(feed())
    assert run.dispatcher.last_error is None
    return run


def test_every_ledger_pays_the_same_to_the_cent() -> None:
    rules = BrokerRules(funding=recorded_funding(replayed()), latency=FixedLatency(0))
    market = TickMarket(tape())
    slow = backtest(market, STRATEGY, rules)
    fast = run_pair(pair_history(market, STRATEGY.pair, rules), STRATEGY).result
    expected = by_hand(slow.fills)
    assert {(when, leg) for when, leg, _ in expected} == {(t, leg) for t in (FIRST_NS, SECOND_NS) for leg in (BTC, ETH)}
    assert booked(slow.funding) == expected
    assert booked(fast.funding) == expected
    assert [paid.amount for paid in slow.funding] == [paid.amount for paid in fast.funding], "the same bits"


@pytest.mark.parametrize("late_ns", [0, 23 * SECOND, 400 * SECOND], ids=["at once", "some bars later", "much later"])
def test_a_paper_run_pays_it_whenever_it_is_told(late_ns: int) -> None:
    told = played(BrokerRules(funding=VenueFunding(), latency=FixedLatency(0)), late_ns)
    rules = BrokerRules(funding=recorded_funding(replayed()), latency=FixedLatency(0))
    history = backtest(TickMarket(tape(), told.until_ns), STRATEGY, rules, begin_ns=BEGIN_NS)
    account = told.simulation.account
    assert account.fills == [fill for fill in history.fills if fill.time_ns <= told.until_ns]
    assert len(history.funding) == 4
    assert sorted(account.funding, key=lambda paid: (paid.time_ns, paid.symbol)) == sorted(
        history.funding, key=lambda paid: (paid.time_ns, paid.symbol)
    )
    assert account.cash == pytest.approx(float(history.cash[-1]), abs=1e-6)


def test_a_spot_leg_pays_nothing() -> None:
    of_one = recorded_funding({ETH: replayed()[ETH]})
    found = backtest(TickMarket(tape()), STRATEGY, BrokerRules(funding=of_one, latency=FixedLatency(0)))
    assert {paid.symbol for paid in found.funding} == {ETH}
    assert isinstance(of_one, RecordedFunding)
