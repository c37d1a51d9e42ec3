"""A pair whose legs are of two venues: everywhere a pair can be, its names stay whole and are what they say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.alerts import Rule, pair_name
from alphastream.backtest import Definition, TickMarket, backtest, pair_history, run_pair
from alphastream.backtest.definition import names_in
from alphastream.core.types import Floats
from alphastream.instruments import InstrumentId, in_words
from alphastream.pairs import PairSpec
from alphastream.scan import scan_pairs
from alphastream.strategies import FixedNotional, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Fees
from alphastream.uploads import combine, read
from runtime.alerts.files import BookFile
from tests.backtest.markets import Ticks

SECOND = 10**9
PAIRS = [
    ("binance-usdm:BTCUSDT", "okx:BTC-USDT"),
    ("binance-usdm:BTCUSDT", "binance-spot:BTCUSDT"),
    ("kraken:BTC/USD", "coinbase:BTC-USD"),
]


def prices(seed: int = 0, rows: int = 600) -> tuple[Floats, Floats]:
    """Two prices that stay together."""
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(0.05 * rng.standard_normal(rows))
    return x + 0.2 * rng.standard_normal(rows), x


def spec_of(y: str, x: str) -> PairSpec:
    return PairSpec(InstrumentId.parse(y), InstrumentId.parse(x), SECOND, window=30, entry=1.5, exit=0.5)


@pytest.mark.parametrize(("y", "x"), PAIRS)
def test_it_is_scanned(y: str, x: str) -> None:
    one, other = prices()
    times = pd.date_range("2024-01-01", periods=len(one), freq="1min", tz="UTC")
    alone = 100.0 + np.cumsum(np.random.default_rng(9).standard_normal(len(one)))
    panel = pd.DataFrame({y: one, x: other, "binance-us:ETHUSDT": alone}, index=times)
    first = scan_pairs(panel).iloc[0]
    assert {first["y"], first["x"]} == {y, x}


@pytest.mark.parametrize(("y", "x"), PAIRS)
@pytest.mark.parametrize("is_wide", [True, False])
def test_it_is_uploaded(y: str, x: str, is_wide: bool) -> None:
    one, other = prices(rows=100)
    times = pd.date_range("2024-01-01", periods=100, freq="1min").strftime("%Y-%m-%d %H:%M:%S")
    if is_wide:
        parts = [read("both.csv", pd.DataFrame({"time": times, y: one, x: other}).to_csv(index=False).encode())]
    else:
        long = (
            pd.DataFrame({"time": times, "symbol": name, "open": p, "high": p, "low": p, "close": p, "volume": 1.0})
            for name, p in ((y, one), (x, other))
        )
        parts = [read(f"{at}.csv", each.to_csv(index=False).encode()) for at, each in enumerate(long)]
    upload = combine(*parts)
    assert set(upload.symbols) == {y, x}
    assert upload.venue == ""  # no venue whose symbols could stand bare


@pytest.mark.parametrize(("y", "x"), PAIRS)
def test_it_is_backtested_both_ways(y: str, x: str) -> None:
    spec = spec_of(y, x)
    times = np.arange(600) * SECOND + SECOND // 2
    market = TickMarket({name: Ticks(times, p, np.ones(600)) for name, p in zip((y, x), prices(), strict=True)})
    strategy = ZScoreThreshold(spec, sizer=FixedNotional(1_000.0))
    rules = BrokerRules(fees=Fees(taker_bps=1.0))
    events = backtest(market, strategy, rules)
    compiled = run_pair(pair_history(market, spec, rules), strategy)
    assert {fill.symbol for fill in events.fills} == {y, x}
    assert len(events.fills) > 4
    assert compiled.equity[-1] == pytest.approx(events.equity[-1], rel=1e-9)
    written = Definition(strategy, rules)
    assert Definition.of(written.plain()) == written
    assert set(names_in(written)) == {y, x}


@pytest.mark.parametrize(("y", "x"), PAIRS)
def test_it_is_in_rules_and_sentences(tmp_path: Path, y: str, x: str) -> None:
    spec = spec_of(y, x)
    rule = Rule("a", "mixed", "zscore", "above", 2.0, 1.0, spec)
    BookFile(tmp_path, "binance-usdm").save({"a": rule}, {})
    assert BookFile(tmp_path, "okx").load().rules == {"a": rule}
    assert in_words(pair_name(spec), "binance-usdm").startswith(f"{y} on {x} ")
