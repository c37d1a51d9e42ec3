"""What both stream engines are given: three pairs with their strategies, and the bundled recordings as files of bars.

``expected`` is what the engine of one process makes of the same bars; ``differences`` compares bit by bit.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphastream.backtest import BarMarket, TickMarket, backtest
from alphastream.bars import Bars, align
from alphastream.core.units import SECOND
from alphastream.pairs import PairSpec, analyse
from alphastream.sinks.stateful import Columns, Stateful
from alphastream.sinks.stream_folds import BAR_COLUMNS, StrategyFold
from alphastream.strategies import InnovationThreshold, ZScoreThreshold
from alphastream.tape.recordings import read_tape
from alphastream.trading.broker.costs import BrokerRules

TAPES = [Path(__file__).resolve().parent.parent / "data" / f"tape_{kind}_20240808.parquet" for kind in ("usdm", "spot")]
FUTURES, SPOT = "binance-usdm:ETHUSDT", "binance-spot:ETHUSDT"
BTC_FUTURES, BTC_SPOT = "binance-usdm:BTCUSDT", "binance-spot:BTCUSDT"

STRATEGIES: dict[str, ZScoreThreshold | InnovationThreshold] = {
    "ETH~BTC": ZScoreThreshold(PairSpec(FUTURES, BTC_FUTURES, SECOND, window=30, entry=1.5)),
    "ETH spot~BTC spot": InnovationThreshold(PairSpec(SPOT, BTC_SPOT, SECOND, "kalman", window=10, entry=1.0)),
    "BTC~BTC spot": ZScoreThreshold(PairSpec(BTC_FUTURES, BTC_SPOT, SECOND, "huber", window=30, price="price")),
}
RULES = BrokerRules(fill="next_close", half_spread_bps=1.0)
FOLDS = Stateful({key: StrategyFold(strategy, RULES) for key, strategy in STRATEGIES.items()})


def bars() -> dict[str, Bars]:
    """Bars of one second of every recorded instrument."""
    found = {}
    for tape in map(read_tape, TAPES):
        market = TickMarket(tape.columns())
        for symbol, instrument in zip(tape.symbols, tape.instruments, strict=True):
            found[str(instrument)] = market.bars(symbol, SECOND)
    return found


def table_of(instruments: dict[str, Bars]) -> pa.Table:
    """Bars of many instruments as rows, by time."""
    symbols = np.repeat(list(instruments), [len(each) for each in instruments.values()])
    columns = {name: np.concatenate([getattr(each, name) for each in instruments.values()]) for name in BAR_COLUMNS}
    return pa.table({"symbol": pa.array(symbols, pa.string()), **columns}).sort_by("start_ns")


def write_bars(folder: Path, files: int) -> None:
    """Write the recorded bars as a stream finds them: some files, each later than the one before."""
    rows, now = table_of(bars()), int(folder.stat().st_mtime)
    for at, part in enumerate(np.array_split(np.arange(len(rows)), files)):
        path = folder / f"bars-{at:04}.parquet"
        pq.write_table(rows.take(pa.array(part)), path)
        os.utime(path, (now + at, now + at))  # engines read by this time


def expected() -> dict[str, Columns]:
    """Analysis and account of each pair, by the engine of one process over whatever both legs have closed."""
    found: dict[str, Columns] = {}
    every = bars()
    for key, strategy in STRATEGIES.items():
        legs = {symbol: every[symbol] for symbol in strategy.symbols}
        until_ns = min(int(leg.start_ns[-1]) for leg in legs.values())
        closed = {symbol: leg.take(np.flatnonzero(leg.start_ns <= until_ns)) for symbol, leg in legs.items()}
        y, x = closed.values()
        pair = analyse(align(y, x, SECOND), strategy.pair)
        run = backtest(BarMarket(closed, SECOND), strategy, RULES)
        decided = {f"strategy_{name}": values for name, values in run.observed.items()}
        books = {"y_position": run.positions[:, 0], "x_position": run.positions[:, 1]}
        found[key] = {**pair.closed, **decided, **books, "cash": run.cash, "equity": run.equity}
    return found


def differences(rows: pa.Table) -> list[str]:
    """Say what in the output of a stream is not what ``expected`` says; engines write NaN as null."""
    found = []
    for key, columns in expected().items():
        mine = rows.filter(pa.compute.equal(rows["pair"], key)).sort_by("time_ns")
        for name, values in columns.items():
            got = mine[name].to_numpy(zero_copy_only=False).astype(values.dtype)
            if np.ascontiguousarray(values).tobytes() != got.tobytes():
                found.append(f"{key}: {name} of {len(got)} rows instead of {len(values)}")
    return found
