"""A history on disk as a market: the same runs as in memory, legs read once, few of them held."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import BarMarket, RecordedMarket, TickMarket, backtest, pair_history, run_pair, run_pairs
from alphastream.bars import Bars, aggregate
from alphastream.errors import ParameterError
from alphastream.history import Tape, open_tape
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.pairs import PairSpec
from alphastream.strategies import FixedNotional, ZScoreThreshold
from alphastream.tape.columns import TickColumns
from alphastream.trading.broker.costs import BrokerRules, Fees, FillRule, FixedLatency

MINUTE = 60 * 10**9
DAY = 1_440 * MINUTE
START_NS = 1_735_689_600 * 10**9
NAMES = tuple(f"binance-usdm:{name}USDT" for name in "ABCD")
RULES: tuple[FillRule, ...] = ("next_trade", "next_open", "next_close", "same_close")


class Counting(Tape):
    """A history that counts how often the bars of an instrument are read."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape.place)
        self.read = Counter[str]()

    def bars(self, instrument: str, every: str | int = "1m", start: Any = None, end: Any = None) -> Bars:
        self.read[instrument] += 1
        return super().bars(instrument, every, start, end)


def ticks_of(seed: int, first_ns: int = START_NS, days: int = 2) -> TickColumns:
    rng = np.random.default_rng(seed)
    common, rows = np.random.default_rng(99), 4_000
    time_ns = first_ns + np.sort(rng.integers(0, days * DAY // 10**6, rows)) * 10**6
    price = 100.0 * np.exp(np.cumsum(common.normal(0.0, 1e-3, rows)) + rng.normal(0.0, 2e-3, rows))
    ids, buyer_is_maker = np.arange(1, rows + 1, dtype=np.int64), rng.random(rows) < 0.5
    return TickColumns(ids, price, rng.exponential(1.0, rows), time_ns, time_ns, buyer_is_maker)


def bands(y: str, x: str) -> ZScoreThreshold:
    return ZScoreThreshold(PairSpec(y, x, MINUTE, "ols", 30, entry=1.5), sizer=FixedNotional(1_000.0))


def rules(fill: FillRule) -> BrokerRules:
    return BrokerRules(fill=fill, fees=Fees(2.0), latency=FixedLatency(50 * 10**6))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of ticks of four instruments."""
    folder = tmp_path_factory.mktemp("history")
    for seed, name in enumerate(NAMES):
        write(Place(folder), "ticks", name, ticks_of(seed))
    return folder


@pytest.mark.parametrize("fill", RULES)
def test_runs_over_a_history_are_those_over_its_ticks(place: Path, fill: FillRule) -> None:
    strategy = bands(NAMES[0], NAMES[1])
    memory = TickMarket({name: ticks_of(seed) for seed, name in enumerate(NAMES)})
    expected = backtest(memory, strategy, rules(fill))
    assert len(expected.fills) > 10
    assert backtest(RecordedMarket(open_tape(place)), strategy, rules(fill)).fills == expected.fills
    (run,) = run_pairs(RecordedMarket(open_tape(place)), [strategy], rules(fill))
    np.testing.assert_array_equal(run.equity, expected.equity)
    np.testing.assert_array_equal(run.positions, expected.positions)
    np.testing.assert_array_equal(run.cash, expected.cash)


def test_a_history_of_bars_alone_is_a_market_of_bars(tmp_path: Path) -> None:
    bars = {}
    for seed, name in enumerate(NAMES[:2]):
        ticks = ticks_of(seed)
        bars[name] = aggregate(ticks.time_ns, ticks.price, ticks.quantity, MINUTE)
        write(Place(tmp_path), "bars", name, bars[name], bar_ns=MINUTE)
    strategy, market = bands(*NAMES[:2]), RecordedMarket(open_tape(tmp_path))
    (run,) = run_pairs(market, [strategy], rules("next_open"))
    memory = pair_history(BarMarket(bars, MINUTE), strategy.pair, rules("next_close"))
    np.testing.assert_array_equal(run.history.rows.y, memory.rows.y)
    (closes,) = run_pairs(market, [strategy], rules("next_close"))
    np.testing.assert_array_equal(closes.equity, run_pair(memory, strategy).equity)
    (trades,) = run_pairs(market, [strategy], rules("next_trade"))  # of bars, the open is the only one that is known
    assert len(trades.fills)


def test_on_days_without_ticks_orders_meet_the_opens_of_bars(tmp_path: Path) -> None:
    ticks, early = ticks_of(0, days=1), ticks_of(5, START_NS - DAY, days=1)
    bars = aggregate(early.time_ns, early.price, early.quantity, MINUTE)
    write(Place(tmp_path), "ticks", NAMES[0], ticks)
    write(Place(tmp_path), "bars", NAMES[0], bars, bar_ns=MINUTE)
    tape = RecordedMarket(open_tape(tmp_path)).tape(NAMES[0], "next_trade", MINUTE)
    np.testing.assert_array_equal(tape.time_ns, np.concatenate((bars.first_ns, ticks.time_ns)))
    np.testing.assert_array_equal(tape.price, np.concatenate((bars.open, ticks.price)))


def test_a_leg_of_several_pairs_is_read_once(place: Path) -> None:
    tape = Counting(open_tape(place))
    pairs = [bands(y, x) for at, y in enumerate(NAMES) for x in NAMES[at + 1 :]]
    runs = [run.final_equity for run in run_pairs(RecordedMarket(tape), pairs, rules("next_open"))]
    assert tape.read == dict.fromkeys(NAMES, 1)
    small = Counting(open_tape(place))
    again = [run.final_equity for run in run_pairs(RecordedMarket(small, memory=0), pairs, rules("next_open"))]
    assert again == runs
    assert small.read.total() > len(NAMES), "only the legs of one pair are held"


def test_a_time_of_a_history(place: Path) -> None:
    middle = "2025-01-01T12:00"
    (run,) = run_pairs(RecordedMarket(open_tape(place), middle, "2025-01-02"), [bands(*NAMES[:2])], rules("next_open"))
    assert run.history.rows.end_ns[0] > START_NS + DAY // 2
    assert run.history.rows.end_ns[-1] <= START_NS + DAY


def test_what_is_not_held_is_named(place: Path) -> None:
    market = RecordedMarket(open_tape(place))
    assert market.symbols == NAMES
    with pytest.raises(
        ParameterError, match="binance-usdm:ZUSDT has no trade in this time of the history: it has binan"
    ):
        list(run_pairs(market, [bands("binance-usdm:ZUSDT", NAMES[0])]))
