"""A pipeline that a test feeds by hand, and a service on it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

from alphastream.backtest import Definition, RunResult, TickMarket, backtest
from alphastream.books import MarketHistory, MarketView
from alphastream.events import Tick
from alphastream.pairs import PairSpec
from alphastream.strategies import ThresholdRule, ZScoreThreshold
from alphastream.trading import BrokerRules, Fees, FixedLatency
from runtime.paper.service import PaperService, PaperView
from runtime.paper.view import TradeSource
from storage import TickStore

SECOND = 10**9
SPEC = PairSpec("ETH", "BTC", SECOND, "ols", 20, entry=1.2, exit=0.3)
RULES = BrokerRules(fees=Fees(4.0), half_spread_bps=0.5, latency=FixedLatency(120_000_000))
DEFINITION = Definition(ZScoreThreshold(SPEC, rule=ThresholdRule(stop=4.0, time_stop=30)), RULES)


class TapePipeline:
    """A store that is filled by ``feed``; its time is that of the last trade."""

    title = "a tape made up for a test"
    venue = ""
    address = ""
    absent: dict[str, str] = {}  # noqa: RUF012 (its only venue is there)
    market: MarketView | None = None
    market_history: MarketHistory | None = None
    instruments: dict[str, object] = {}  # noqa: RUF012 (none, and nobody adds one)

    def __init__(
        self,
        folder: Path,
        symbols: Sequence[str] = ("ETH", "BTC"),
        kind: Literal["live", "replay"] = "live",
        ring_ticks: int = 50_000,
    ) -> None:
        self.kind = kind
        self.symbols = tuple(symbols)
        self.store = TickStore(folder / f"{kind}.db", ring_ticks=ring_ticks)
        self.ingest = self
        self.health = SimpleNamespace(state="live", reason="trades arrive")
        self.newest_ns = 0
        self.arrived: list[Callable[[], None]] = []
        self.repetition = lambda: None

    def address_of(self, names: Iterable[str]) -> str:
        """Where all its trades come from."""
        return self.address

    def now_ns(self) -> int:
        """Time of the last trade."""
        return self.newest_ns

    def feed(self, ticks: Sequence[Tick]) -> None:
        """Let trades arrive."""
        if ticks:
            self.newest_ns = max(self.newest_ns, max(tick.time_ns for tick in ticks))
            self.store.append(ticks)
            for tell in self.arrived:
                tell()


class Pipelines(dict[str, TradeSource]):
    """Which pipelines there are, by what they carry."""

    def __call__(self, kind: str) -> TradeSource | None:
        return self.get(kind)


@contextmanager
def running(folder: Path, pipelines: Pipelines) -> Iterator[PaperService]:
    """A started service that its pipelines tell of trades."""
    service = PaperService(folder, pipelines)
    service.start()
    for pipeline in pipelines.values():
        assert isinstance(pipeline, TapePipeline)
        pipeline.arrived.append(service.notify)
    try:
        yield service
    finally:
        began_s = time.monotonic()
        service.stop()
        assert time.monotonic() - began_s < 8


def eventually(what: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until it holds."""
    deadline_s = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline_s, "did not happen in time"
        time.sleep(0.01)


def see(service: PaperService, name: str) -> PaperView:
    """A run that must be there."""
    found = service.view(name)
    assert found is not None
    return found


def played(service: PaperService, name: str, until_ns: int) -> PaperView:
    """Wait until a run has played the tape up to a moment."""
    eventually(lambda: see(service, name).until_ns >= until_ns or see(service, name).status == "stopped")
    time.sleep(0.05)  # events of the last bars
    found = see(service, name)
    assert found.until_ns >= until_ns, found.why
    return found


def history_of(view: PaperView, store: TickStore) -> RunResult:
    """The backtest of the same hours on the tape as it is now."""
    definition = view.definition
    ticks = {symbol: store.columns(symbol, view.warm_ns, view.until_ns) for symbol in view.symbols}
    market = TickMarket(ticks, view.until_ns)
    return backtest(market, definition.strategy, definition.rules, capital=definition.capital, begin_ns=view.begin_ns)
