"""A basket of five ETFs, from a CSV through a scan to a backtest: chosen on the first half of the days, traded after.

The closes are synthetic, drawn with ``SEED``: eight walks, and a ninth ETF that holds four of them and returns to what
they are worth. Run as a script it searches them, trades the best basket over history at once, day by day and in pieces
of a month, and says whether all fills are the same: ``python -m examples.basket_of_five``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphastream.backtest import LiveRun, RunResult, TickMarket, backtest, pnl_by_leg
from alphastream.baskets import BasketSpec
from alphastream.core.types import Floats, Ints
from alphastream.core.units import DAY, SECOND
from alphastream.events import Tick
from alphastream.scan import scan_baskets, summarise_baskets
from alphastream.strategies import BasketThreshold, BetaNeutral
from alphastream.trading import BrokerRules, Fees
from alphastream.uploads import combine, read

SEED: Final = 11
DAYS: Final = 1_200
CLOSE_NS: Final = 16 * 3_600 * SECOND  # after midnight


@dataclass(frozen=True, slots=True, eq=False)
class Closes:
    """One trade a day of one ETF, (T,) each."""

    time_ns: Ints
    price: Floats
    quantity: Floats
    buyer_is_maker: NDArray[np.bool_]


def synthetic_csv() -> bytes:
    """Daily closes of nine made-up ETFs, one column each."""
    rng = np.random.default_rng(SEED)
    walks = np.log(50.0) + np.cumsum(rng.normal(0.0, 0.01, size=(DAYS, 8)), axis=0)
    away = np.convolve(rng.normal(0.0, 0.006, size=DAYS + 99), 0.5 ** (np.arange(100) / 4.0), "valid")
    held = walks[:, :4] @ [0.3, 0.3, 0.25, 0.25] + away
    frame = pd.DataFrame(np.exp(np.column_stack([walks, held])), columns=[*(f"ETF{n}" for n in range(1, 9)), "FUND"])
    frame.insert(0, "time", pd.date_range("2020-01-01", periods=DAYS, tz="UTC").strftime("%Y-%m-%d"))
    return frame.to_csv(index=False).encode()


def choose(prices: pd.DataFrame) -> tuple[BasketSpec, str]:
    """The best basket of five by the first half alone, with its weights there, and what the scan says of all."""
    table = scan_baskets(prices, legs=(5, 5), judged=3)
    best = table.sort_values("pvalue_chosen_on", kind="stable").iloc[0]
    spec = BasketSpec(
        tuple(best["symbols"]), DAY, "fixed", window=120, hold=20, entry=1.5, exit=0.25, weights=tuple(best["weights"])
    )
    return spec, summarise_baskets(table).sentence


def tape(prices: pd.DataFrame) -> dict[str, Closes]:
    """Each close as one trade of that day."""
    time_ns = np.asarray(prices.index, dtype=np.int64) + CLOSE_NS
    nobody = np.zeros(len(time_ns), dtype=bool)
    return {
        str(name): Closes(time_ns, prices[name].to_numpy(np.float64), np.ones(len(time_ns)), nobody) for name in prices
    }


def live(strategy: BasketThreshold, rules: BrokerRules, pieces: Sequence[Sequence[Tick]]) -> LiveRun:
    """Run a strategy over trades that come in pieces."""
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


def three_times(
    closes: Mapping[str, Closes], strategy: BasketThreshold, rules: BrokerRules
) -> tuple[RunResult, LiveRun, LiveRun]:
    """History at once, day by day, and in pieces of thirty days; all over the same bars."""
    days = [
        [
            Tick(name, day, closes[name].price.item(day), 1.0, when_ns, when_ns, False)
            for name in strategy.symbols
            for when_ns in [closes[name].time_ns.item(day)]
        ]
        for day in range(len(next(iter(closes.values())).time_ns))
    ]
    daily = live(strategy, rules, days)
    monthly = live(strategy, rules, [list(chain(*days[at : at + 30])) for at in range(0, len(days), 30)])
    return backtest(TickMarket(closes, daily.until_ns), strategy, rules), daily, monthly


def main() -> None:
    """Search, trade three times, and print what it came to."""
    frames = combine(read("synthetic_etfs.csv", synthetic_csv())).frames
    prices = pd.DataFrame({name: frame.set_index("time_ns")["close"] for name, frame in frames.items()})
    spec, sentence = choose(prices)
    print(sentence)
    print("  ".join(f"{weight:+.2f} {name}" for name, weight in zip(spec.symbols, spec.weights, strict=True)))
    judged_on = prices.iloc[len(prices) // 2 :]  # the weights are of the days before
    strategy = BasketThreshold(spec, sizer=BetaNeutral(50_000.0))
    result, *runs = three_times(tape(judged_on), strategy, BrokerRules(fees=Fees(2.0, 1.0)))
    legs = pnl_by_leg(result)
    for name, net in zip(legs.symbols, legs.net.tolist(), strict=True):
        print(f"{name:5} {net:+10.2f}")
    same = all(run.simulation.account.fills == list(result.fills) for run in runs)
    print(f"{result.name}: {len(result.fills)} fills, {legs.total:+.2f} on synthetic closes; ", end="")
    print(f"day by day and in pieces {'the same' if same else 'NOT THE SAME'}")


if __name__ == "__main__":
    main()
