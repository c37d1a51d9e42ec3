"""The service on recorded spot and futures: what it looks at piece by piece is what the monitor finds in one."""

import dataclasses
import json
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from alphastream.arbitrage import ArbitrageMonitor, Assumptions, Signal
from alphastream.core.units import MS, SECOND
from alphastream.errors import ParameterError, StorageError
from alphastream.feeds.market import MarkPrice
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from runtime.arbitrage import service as service_module
from runtime.arbitrage.costs_file import Costs, costs_file, fee_key
from runtime.arbitrage.legs import ASSUMED_DELAY_NS, assets_of
from runtime.arbitrage.service import ArbitrageService
from runtime.stores.signal_store import SignalStore
from tests.arbitrage.recorded import FUTURES, SPOT, recorded_quotes
from tests.runtime.arbitrage.venues import (
    Clock,
    RecordedIngest,
    RecordedLine,
    RecordedMarket,
    RecordedTape,
    lag_of,
    rules,
)

FREE = {fee_key("binance-usdm", is_perpetual=False): 2.0, fee_key("binance-spot", is_perpetual=False): 2.0}
CHEAP = Costs(FREE, Assumptions(transfer_bps=0.0))


def lines_at(clock: Clock, kind: str = "spot") -> list[RecordedLine]:
    """Futures and spot of one asset, by default as if both were spot."""
    found = []
    for name, quotes in recorded_quotes().items():
        venue = name.partition(":")[0]
        kinds = {name: rules("BTC", "USDT", kind if name == FUTURES else "spot")}
        ingest = RecordedIngest((name,), kinds, lag=lag_of(20))
        found.append(RecordedLine(venue, ingest, RecordedTape(), RecordedMarket(clock, quotes)))
    return found


def begin() -> int:
    return max(int(each.receive_ns[0]) for each in recorded_quotes().values())


def run(service: ArbitrageService, clock: Clock, seconds: float) -> list[Signal]:
    signals: list[Signal] = []
    until = clock.now_ns + round(seconds * SECOND)
    while clock.now_ns < until:
        clock.now_ns += 200 * MS
        signals += service.once()
    return signals


@pytest.fixture
def clock() -> Clock:
    return Clock(begin() - MS)


def test_pieces_equal_the_whole_and_are_kept(tmp_path: Path, clock: Clock) -> None:
    costs_file(tmp_path).save(CHEAP)
    lines = lines_at(clock)
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    signals = run(service, clock, 40)
    (asset,) = service.assets()
    monitor = ArbitrageMonitor("BTC/USDT", tuple(each.leg for each in asset.legs), CHEAP.after)
    assert {each.leg.alignment.error_ns for each in asset.legs} == {(20 + 100) * MS // 2}
    whole, state = monitor.run(recorded_quotes(), monitor.known_until(clock.now_ns))
    assert signals == whole
    assert len(signals) >= 10
    assert list(asset.open) == monitor.open(state)
    assert list(asset.edges) == monitor.edges(state)
    assert asset.late == 0
    kept = service.signals(1_000)
    assert [each.opened_ns for each in kept] == sorted((each.opened_ns for each in whole), reverse=True)
    history = service.history("BTC/USDT", FUTURES, SPOT)
    assert history is not None
    assert 35 <= len(history.time_ns) <= 41
    assert np.nanmax(history.worst) > 0
    assert (history.worst <= history.net + 1e-12)[~np.isnan(history.worst)].all()
    bests = service.bests("BTC/USDT", 0)
    assert len(bests) > 150
    assert service.bests("", bests[-3][0]) == bests[-2:]
    assert service.bests("", clock.now_ns) == bests[-1:]
    service.stop()
    service.stop()
    ended = SignalStore(tmp_path / "arbitrage.db").newest(1_000)
    assert len(ended) == len(whole) + len(asset.open)


def test_the_thread_looks_by_itself(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock)
    clock.now_ns += 5 * SECOND
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    looked = threading.Event()

    def seen() -> Sequence[RecordedLine]:
        looked.set()
        return lines

    service._lines = seen
    service.start()
    assert looked.wait(60)
    service.stop()
    assert service.outage is None


def test_a_look_that_fails_is_told_and_the_next_one_comes(tmp_path: Path, clock: Clock) -> None:
    calls = threading.Semaphore(0)

    def broken() -> Sequence[RecordedLine]:
        calls.release()
        raise RuntimeError("no lines")

    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), broken, clock)
    service.start()
    assert calls.acquire(timeout=60)
    assert calls.acquire(timeout=60)
    assert service.outage is not None
    assert "no lines" in service.outage
    service._lines = list
    service.stop()


def test_what_closed_is_kept_although_another_asset_cannot_be_looked_at(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs_file(tmp_path).save(CHEAP)
    lines = lines_at(clock)
    monkeypatch.setattr(service_module, "assets_of", lambda lines: {**assets_of(lines), "ETH/USDT": [None, None]})
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    for _ in range(200):
        clock.now_ns += 200 * MS
        with pytest.raises(AttributeError):
            service.once()
    assert len(service.signals(1_000)) >= 10
    service.stop()


def test_a_venue_that_is_lost_ends_its_episodes(tmp_path: Path, clock: Clock) -> None:
    costs_file(tmp_path).save(CHEAP)
    lines = lines_at(clock)
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    run(service, clock, 20)
    assert not math.isnan(service.assets()[0].edges[0].net)
    lines[0].ingest.state = "connecting"
    run(service, clock, 1)
    (asset,) = service.assets()
    assert asset.open == ()
    assert all(math.isnan(edge.net) and math.isnan(edge.worst) for edge in asset.edges)
    assert asset.legs[0].trouble == "connecting: as recorded"
    lines[0].ingest.state = "live"
    run(service, clock, 2)
    assert not math.isnan(service.assets()[0].edges[0].net)
    lines.pop()
    run(service, clock, 0.2)
    assert service.assets() == ()
    assert service.single() == ("BTC/USDT",)
    service.stop()


def test_a_venue_that_cannot_be_read_leaves_the_others_alone(tmp_path: Path, clock: Clock) -> None:
    lines = [*lines_at(clock), lines_at(clock)[1]]
    lines[2].venue = "binance-us"
    lines[2].ingest.symbols = ("binance-us:BTCUSDT",)
    lines[2].ingest.instruments = {"binance-us:BTCUSDT": rules("BTC", "USDT", "spot")}
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    run(service, clock, 3)
    assert not any(math.isnan(edge.net) for edge in service.assets()[0].edges)
    assert lines[2].market is not None
    lines[2].market.broken = True
    run(service, clock, 1)
    (asset,) = service.assets()
    assert [each.trouble for each in asset.legs] == ["", "", "the file is damaged"]
    assert [math.isnan(edge.net) for edge in asset.edges] == [False, True, False, True, True, True]
    lines[2].market.broken = False
    run(service, clock, 2)
    assert not any(math.isnan(edge.net) for edge in service.assets()[0].edges)
    service.stop()


def test_without_a_book_in_sequence_quotes_are_read(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock)
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    assert lines[0].market is not None
    lines[0].market.in_sequence = False
    run(service, clock, 3)
    assert not math.isnan(service.assets()[0].edges[0].net)
    lines[0].market.has_quote = False
    run(service, clock, 1)
    assert math.isnan(service.assets()[0].edges[0].net)
    service.stop()


def test_without_quotes_edges_are_made_of_trades_and_say_so(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock)
    lines[0].market = None
    quotes = recorded_quotes()[FUTURES]
    count = 2_000
    ones = np.ones(count)
    lines[0].store.columns = TickColumns(
        np.arange(count), quotes.bid_price[:count, 0], ones, quotes.time_ns[:count], quotes.receive_ns[:count], ones > 0
    )
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    clock.now_ns = int(quotes.receive_ns[count - 1])
    run(service, clock, 0.8)
    (asset,) = service.assets()
    assert [each.leg.prices for each in asset.legs] == ["trades", "quotes"]
    assert not math.isnan(asset.edges[0].net)
    run(service, clock, 4)
    assert math.isnan(service.assets()[0].edges[0].net)  # a trade stands for a quote for two seconds
    service.stop()


def test_a_perpetual_pays_the_funding_its_venue_says(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock, "perpetual")
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    run(service, clock, 0.4)
    assert [each.leg.funding_bps for each in service.assets()[0].legs] == [1.0, None]
    assert lines[0].market is not None
    name = InstrumentId.parse(FUTURES)
    lines[0].market.funding = MarkPrice(name, 1.0, 0, 0, funding_rate=-2e-5, interval_ns=4 * 3_600 * SECOND)
    run(service, clock, 0.4)
    assert service.assets()[0].legs[0].leg.funding_bps == pytest.approx(-0.4)
    service.stop()


def test_costs_hold_from_then_on_and_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock)
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    run(service, clock, 2)
    dear = service.assets()[0].edges[0].net
    service.costs = CHEAP
    run(service, clock, 1)
    assert service.assets()[0].edges[0].net > dear + 0.0010
    service.stop()
    again = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    assert again.costs == CHEAP
    (tmp_path / "arbitrage.json").write_text('{"half_spread_bps": -5}')
    broken = ArbitrageService(tmp_path, SignalStore(tmp_path / "other.db"), lambda: lines, clock)
    assert broken.costs == Costs()
    assert broken.notice is not None
    assert "published costs" in broken.notice
    for each in (again, broken):
        each.stop()


def test_costs_on_disk_are_plain(tmp_path: Path) -> None:
    costs_file(tmp_path).save(CHEAP)
    assert json.loads((tmp_path / "arbitrage.json").read_text())["after"] == {"transfer_bps": 0.0, "holding_h": 8.0}
    with pytest.raises(ParameterError, match="half_spread_bps"):
        Costs(half_spread_bps=math.nan)


class FullDisk(SignalStore):
    """Keeps nothing at first."""

    full = True

    def append(self, signals: Sequence[Signal]) -> bool:
        if self.full:
            raise StorageError("no room")
        return super().append(signals)


def test_signals_wait_for_the_disk(tmp_path: Path, clock: Clock) -> None:
    costs_file(tmp_path).save(CHEAP)
    lines, store = lines_at(clock), FullDisk(tmp_path / "arbitrage.db")
    service = ArbitrageService(tmp_path, store, lambda: lines, clock)
    signals = run(service, clock, 35)
    why = service.failure
    assert why is not None
    assert "no room" in why
    assert len(service.signals(100)) == len(signals) > 0
    assert store.newest(9) == []
    store.full = False
    signals += run(service, clock, 3)
    assert service.failure is None
    assert len(store.newest(1_000)) == len(signals)
    service.stop()


def test_what_is_no_asset(clock: Clock) -> None:
    lines = lines_at(clock)
    lines[0].ingest.instruments = {FUTURES: rules("BTC", "USD", "spot")}
    assert sorted(assets_of(lines)) == ["BTC/USD", "BTC/USDT"]
    lines[0].ingest.instruments = {FUTURES: rules("BTC", "USDT", "future")}
    assert len(assets_of(lines)["BTC/USDT"]) == 1
    lines[0].ingest.instruments = {}
    assert len(assets_of(lines)["BTC/USDT"]) == 1
    lines[1].ingest = dataclasses.replace(lines[1].ingest, lag=lag_of(20))
    (leg,) = assets_of(lines)["BTC/USDT"]
    assert leg.delay_ns == 20 * MS
    lines[1].ingest.lag = dataclasses.replace(lines[1].ingest.lag, counts=(0,) * len(lines[1].ingest.lag.counts))
    assert leg.delay_ns == ASSUMED_DELAY_NS


def test_who_leads_needs_time(tmp_path: Path, clock: Clock) -> None:
    lines = lines_at(clock)
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    run(service, clock, 40)
    with pytest.raises(ParameterError, match="240"):
        service.lead("BTC/USDT", FUTURES, SPOT)
    assert service.lead("BTC/USDT", FUTURES, "okx:BTC-USDT") is None
    assert service.lead("ETH/USDT", FUTURES, SPOT) is None
    service.stop()
