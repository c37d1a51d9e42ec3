"""A breakout of one instrument's channel: an entry stop at its top, with take-profit and stop as one bracket.

Run as a script it trades the bundled recording three times: over history at once, over the tape replayed, and over the
tape as it comes in pieces. All orders and fills are the same, which it says: ``python -m examples.bracketed_breakout``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from alphastream.backtest import LiveRun, RunResult, TickMarket, backtest
from alphastream.bar_rows import BarsSpec
from alphastream.core.types import Floats
from alphastream.core.units import SECOND
from alphastream.events import Tick
from alphastream.graph import Node, Series
from alphastream.indicators import FunctionIndicator
from alphastream.strategies import BarsColumns, Decision, Table, pair_table
from alphastream.tape.recordings import read_tape
from alphastream.trading import Account, BrokerRules, Cancel, Fees, OrderRequest

TAPE: Final = "data/tape_usdm_20240808.parquet"


def highest(high: Floats, window: int) -> Floats:
    """Highest of the newest values; NaN before there are so many."""
    return np.asarray(_over(high, window).max(axis=1))


def lowest(low: Floats, window: int) -> Floats:
    """Lowest of the newest values; NaN before there are so many."""
    return np.asarray(_over(low, window).min(axis=1))


def _over(values: Floats, window: int) -> Floats:
    before = np.concatenate((np.full(window - 1, np.nan), values))
    return np.lib.stride_tricks.sliding_window_view(before, window)


@dataclass(frozen=True)
class ChannelBreakout:
    """Buys where the price leaves its channel at the top.

    While it is flat an entry stop lies at the highest price of ``window`` bars and moves with it. The fill arms the
    bracket: ``stop`` and ``profit`` are its distances, in heights of the channel.
    """

    spec: BarsSpec
    window: int = 20
    stop: float = 0.25
    profit: float = 0.5
    notional: float = 10_000.0

    @property
    def name(self) -> str:
        """What pages and files call it."""
        return f"channel breakout {self.symbols[0]}"

    @property
    def pairs(self) -> tuple[BarsSpec, ...]:
        """Bars that it reads."""
        return (self.spec,)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The one instrument."""
        return self.spec.symbols

    def series(self, spec: BarsSpec) -> Mapping[str, Series]:
        """Top and bottom of the channel."""
        top = FunctionIndicator.of(highest, window=self.window)
        bottom = FunctionIndicator.of(lowest, window=self.window)
        return {
            "top": Node(top, (spec.source["high"],))["value"],
            "bottom": Node(bottom, (spec.source["low"],))["value"],
        }

    def table(self, found: Sequence[BarsColumns], state: Any) -> tuple[Table, Any]:
        """Rows to decide on: the bars."""
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        """Nothing that a run which begins later would have to join."""
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        """Keep the entry at the top of the channel; the bracket needs nobody."""
        height = row.top - row.bottom
        if account.positions[0] or not height > 0.0:
            return None
        waiting = account.open_orders_of(self.symbols[0])
        if waiting and waiting[0].legs[0].stop == row.top:
            return None
        entry = OrderRequest(
            self.symbols[0],
            self.notional / row.top,
            "stop",
            stop=row.top,
            stop_loss=row.top - self.stop * height,
            take_profit=row.top + self.profit * height,
            good_till_ns=row.time_ns + 60 * SECOND,
            reason="breakout",
        )
        return [*(Cancel(order.id) for order in waiting), entry]


def live(strategy: ChannelBreakout, rules: BrokerRules, pieces: Sequence[Sequence[Tick]]) -> LiveRun:
    """Let a run follow a tape that grows by some trades at a time."""
    run = LiveRun(strategy, rules)

    async def follow() -> None:
        played = asyncio.Event()
        run.dispatcher.subscribe_idle(played.set)
        running = asyncio.ensure_future(run.dispatcher.run(stop_signals=[]))
        for piece in pieces:
            run.take(piece)
            played.clear()
            if run.advance():
                await played.wait()
        run.dispatcher.stop()
        await running

    asyncio.run(follow())
    return run


def three_times(symbol: str, strategy: ChannelBreakout, rules: BrokerRules) -> tuple[RunResult, LiveRun, LiveRun]:
    """History at once, the tape replayed whole, and the tape in pieces of 50 trades; all over the same bars."""
    found = read_tape(TAPE).columns()[symbol]
    columns = (found.id, found.price, found.quantity, found.time_ns, found.buyer_is_maker)
    ticks = [
        Tick(symbol, number, price, quantity, when_ns, when_ns, maker)
        for number, price, quantity, when_ns, maker in zip(*(each.tolist() for each in columns), strict=True)
    ]
    replay = live(strategy, rules, [ticks])
    pieces = live(strategy, rules, [ticks[at : at + 50] for at in range(0, len(ticks), 50)])
    seen = TickMarket({symbol: found}, replay.until_ns)
    return backtest(seen, strategy, rules), replay, pieces


def main() -> None:
    """Run it three times, and print what it came to."""
    symbol = "ETHUSDT"
    strategy = ChannelBreakout(BarsSpec((symbol,), SECOND))
    result, *runs = three_times(symbol, strategy, BrokerRules(fees=Fees(2.0, 1.0)))
    for order in result.orders[:8]:
        (leg,) = order.legs
        price = leg.stop if leg.limit is None else leg.limit
        print(f"{order.id:3} {leg.kind:5} {leg.quantity:+8.4f} at {price:,.2f}  {order.state:9}  {order.reason}")
    same = all(run.simulation.broker.orders == list(result.orders) for run in runs)
    same = same and all(run.simulation.account.fills == list(result.fills) for run in runs)
    print(f"{result.name}: {len(result):,} bars, {len(result.orders)} orders, {len(result.fills)} fills, ", end="")
    print(f"{result.equity[-1] - result.capital:+.2f}; replayed and in pieces {'the same' if same else 'NOT THE SAME'}")


if __name__ == "__main__":
    main()
