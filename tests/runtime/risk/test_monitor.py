"""The monitor sums up what runs and a file hold, at the prices of the tape."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from alphastream.bar_rows import BarsSpec
from alphastream.baskets import BasketSpec
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.pairs import PairSpec
from alphastream.risk import Breach, Limits, closed, doubled
from runtime.risk.monitor import FILE_ACCOUNT, RiskMonitor
from runtime.risk.watched import FILE, Watched
from storage import TickStore

BTC, ETH = "binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"
START = 1_700_000_000 * SECOND


@dataclass(slots=True)
class MadeMarket:
    """A tape that a test fills; its time is that of the last trade."""

    store: TickStore
    kind: str = "live"
    venue: str = "binance-usdm"
    instruments: dict[str, Instrument] = field(default_factory=dict)
    time_ns: int = START

    def now_ns(self) -> int:
        return self.time_ns

    def walk(self, seconds: int, seed: int = 1) -> None:
        """Let both trade once a second."""
        draw, begin = np.random.default_rng(seed), self.time_ns
        for place, (name, price) in enumerate(((BTC, 50_000.0), (ETH, 2_000.0))):
            prices = price * np.exp(np.cumsum(1e-4 * draw.standard_normal(seconds)))
            prices[-1] = price
            first = self.store.coverage(name)
            next_id = 1 if first is None else first.last_id + 1
            self.store.append(
                Tick(name, next_id + at, float(each), 1.0, begin + at * SECOND + place, begin + at * SECOND, False)
                for at, each in enumerate(prices)
            )
        self.time_ns = begin + seconds * SECOND


@dataclass(slots=True)
class MadeRun:
    """A paper run as far as risk goes."""

    id: str = "20260101-000000"
    trades: str = "live"
    status: str = "running"
    symbols: tuple[str, ...] = (ETH, BTC)
    positions: tuple[float, ...] = (10.0, -0.2)
    equity: float = 100_500.0
    maintenance: float = 300.0
    fills: list[Any] = field(
        default_factory=lambda: [
            SimpleNamespace(symbol=ETH, quantity=10.0, price=1_990.0),
            SimpleNamespace(symbol=BTC, quantity=-0.2, price=50_500.0),
        ]
    )

    reads: tuple[Any, ...] = (PairSpec(ETH, BTC),)

    @property
    def definition(self) -> Any:
        return SimpleNamespace(
            capital=100_000.0, strategy=SimpleNamespace(name="z-score ETHUSDT/BTCUSDT", pairs=self.reads)
        )


class Told(list[tuple[Breach, bool]]):
    """What was told."""

    def __call__(self, breach: Breach, recorded: bool) -> None:
        self.append((breach, recorded))


@pytest.fixture
def made(tmp_path: Path) -> Any:
    """A function that gives a monitor of runs on a market, which is the first of its attributes."""
    stores: list[TickStore] = []

    def make(*runs: MadeRun, tell: Callable[[Breach, bool], object] = print, kind: str = "live") -> Any:
        stores.append(TickStore(tmp_path / f"{len(stores)}.db"))
        market = MadeMarket(stores[-1], kind)
        monitor = RiskMonitor(tmp_path / "var", lambda: runs, lambda: market, tell)
        monitor.watch(Watched(interval_s=1))
        return market, monitor

    yield make
    for store in stores:
        store.close()


def test_a_run_and_a_file_are_summed_up_at_the_prices_of_the_tape(made: Any) -> None:
    market, monitor = made(MadeRun())
    market.instruments = {BTC: Instrument(WireSymbol("BTCUSDT"), 0.1, 0.001, 1, 5.0, "TRADING", base="BTC")}
    market.walk(600)
    monitor.watch(replace_watched(monitor, positions="symbol,quantity,price\nBTCUSDT,0.1,40000\n"))
    report = monitor.once()
    assert report is not None
    assert report.total.gross == pytest.approx(20_000.0 + 10_000.0 + 5_000.0)
    assert report.total.net == pytest.approx(15_000.0)
    accounts = {each.name: each for each in report.exposures["account"]}
    assert accounts["z-score ETHUSDT/BTCUSDT, 20260101-000000"].pnl == pytest.approx(100.0 + 100.0)
    assert accounts[FILE_ACCOUNT].pnl == pytest.approx(1_000.0)
    assert {each.name: each.net for each in report.exposures["asset"]} == pytest.approx({"BTC": -5e3, "ETHUSDT": 2e4})
    assert {each.name for each in report.exposures["pair"]} == {"ETHUSDT against BTCUSDT", ""}
    assert math.isfinite(report.historical.value_at_risk)
    assert report.historical.scenarios >= 598
    (account,) = report.accounts
    assert (account.peak, account.drawdown) == (100_500.0, 0.0)
    assert set(report.breaks) == {"ETHUSDT against BTCUSDT"}
    market.venue = "okx"  # shown now: symbols of others are whole
    report = monitor.once()
    assert report is not None
    assert set(report.breaks) == {f"{ETH} against {BTC}"}


def replace_watched(monitor: RiskMonitor, **changes: Any) -> Watched:
    return msgspec.structs.replace(monitor.watched, **changes)


def test_runs_that_read_bars_or_baskets_are_summed_up_too(made: Any) -> None:
    basket = BasketSpec((ETH, BTC, f"{ETH}X"), SECOND, "ols", 60)
    bars, legs = MadeRun("bars", reads=(BarsSpec((ETH, BTC), SECOND),)), MadeRun("basket", reads=(basket,))
    market, monitor = made(bars, legs)
    market.walk(600)
    report = monitor.once()
    assert report is not None
    pairs = {(each.account.split()[-1], each.pair) for each in report.holdings}
    assert pairs == {("bars", ""), ("basket", "basket of ETHUSDT, BTCUSDT, ETHUSDTX")}


def test_the_risk_is_that_of_the_moves_of_the_tape(made: Any) -> None:
    market, monitor = made(MadeRun(positions=(10.0, 0.0)))
    market.walk(900)
    report = monitor.once()
    assert report is not None
    ticks = market.store.columns(ETH, 0, 2**62)
    moves = np.diff(ticks.price) / ticks.price[:-1] * 20_000.0
    losses = np.sort(-moves)[::-1]
    assert report.historical.scenarios == len(moves)
    assert report.historical.value_at_risk == pytest.approx(losses[int(len(moves) * 0.05 + 1e-9)])


def test_stopped_runs_and_runs_on_other_trades_are_left_out(made: Any) -> None:
    recorded = MadeRun(id="b", trades="replay")
    market, monitor = made(MadeRun(status="stopped"), recorded)
    market.walk(10)
    report = monitor.once()
    assert report is not None
    assert report.holdings == ()
    assert report.total.gross == 0.0
    assert report.historical.refusal == "nothing is held"


def test_a_limit_is_told_once_until_it_held_again(made: Any) -> None:
    told, run = Told(), MadeRun()
    market, monitor = made(run, tell=told)
    market.walk(30)
    monitor.watch(replace_watched(monitor, limits=Limits(gross=25_000.0, drawdown=1_000.0)))
    for _ in range(3):
        monitor.once()
    assert [breach.limit for breach, _ in told] == ["gross"]
    assert [each.limit for each in monitor.breaches] == ["gross"]
    run.equity = 99_000.0
    monitor.once()
    assert [breach.limit for breach, _ in told] == ["gross", "drawdown"]
    assert (
        told[-1][0].sentence
        == "Drawdown of z-score ETHUSDT/BTCUSDT, 20260101-000000 is 1,500.00, the limit is 1,000.00."
    )
    run.positions = (0.0, 0.0)
    monitor.once()
    assert [each.limit for each in monitor.breaches] == ["drawdown"]


def test_what_if_leaves_the_report_as_it_is(made: Any) -> None:
    market, monitor = made(MadeRun())
    assert monitor.what_if(lambda held: held) is None
    market.walk(300)
    report = monitor.once()
    twice = monitor.what_if(lambda held: doubled(held, lambda each: each.instrument == ETH))
    less = monitor.what_if(lambda held: closed(held, lambda each: bool(each.pair)))
    assert report is not None
    assert twice is not None
    assert less is not None
    assert twice.total.gross == pytest.approx(report.total.gross + 20_000.0)
    assert less.total.gross == 0.0
    assert monitor.report is report


def test_what_is_watched_is_kept_and_what_cannot_be_read_changes_nothing(made: Any, tmp_path: Path) -> None:
    market, monitor = made()
    market.walk(5)
    monitor.watch(replace_watched(monitor, limits=Limits(net=5.0), positions="symbol,quantity\nETHUSDT,1\n"))
    with pytest.raises(ParameterError, match="line 2"):
        monitor.watch(replace_watched(monitor, positions="symbol,quantity\nETHUSDT,x\n"))
    again = RiskMonitor(tmp_path / "var", tuple, lambda: market)
    assert again.watched == monitor.watched
    assert again.watched.limits == Limits(net=5.0)
    (tmp_path / "var" / FILE).write_text('{"limits":{"gross":-1}}')
    broken = RiskMonitor(tmp_path / "var", tuple, lambda: market)
    assert broken.watched == Watched()
    assert "there are no limits" in str(broken.notice)


def test_a_defect_is_told_and_the_thread_goes_on(made: Any, tmp_path: Path) -> None:
    market, _ = made()

    def defect() -> Any:
        raise ZeroDivisionError("nothing left to divide")

    monitor = RiskMonitor(tmp_path / "var", defect, lambda: market)
    monitor.start()
    try:
        while monitor.outage is None:
            monitor._stopping.wait(0.01)
        assert monitor.outage == "ZeroDivisionError: nothing left to divide; the log has more"
    finally:
        monitor.stop()


def test_without_trades_there_is_no_report(tmp_path: Path) -> None:
    monitor = RiskMonitor(tmp_path, lambda: (MadeRun(),), lambda: None)
    assert monitor.once() is None
    assert monitor.breaches == ()
    assert replace(Limits(), gross=1.0).gross == 1.0
