"""Several venues at once: one of them under faults or not to be had, the other complete all the time."""

import math
import threading
import time
from pathlib import Path

import pytest

from alphastream.pairs import PairSpec
from health import report_of, troubles
from pipelines import Pipeline
from runtime.arbitrage.service import AssetView
from system import System
from tests.test_system import BTC, SPOT_BTC, eventually, running, settings, several, two_venues
from tools.exchange import Drop, LocalExchange, Rate, Refuse451, SkipIds, Stall

VENUES = ("coinbase", "kraken")
NAMES = ("coinbase:BTC-USDT", "kraken:BTC/USDT")


def test_where_one_venue_refuses_this_place_the_next_is_live(tmp_path: Path) -> None:
    with (
        LocalExchange(faults=[Refuse451()]) as futures,
        LocalExchange(market="spot", pace=Rate(500), loop=True) as spot,
        running(System(several(tmp_path, {"binance-usdm": futures, "binance-spot": spot}, FEED="live"))) as system,
    ):
        eventually(lambda: (live := system.live) is not None and live.ticks > 0)
        pipeline = system.pipeline
        assert pipeline is not None
        assert pipeline.venue == "binance-spot"
        assert pipeline.first_pair.y == "binance-spot:ETHUSDT"
        assert system.choice is not None
        eventually(lambda: system.choice is not None and system.choice.is_settled)
        assert "Binance USDS-M Futures refuses this computer's location (HTTP 451)" in system.choice.why


def test_where_the_first_venue_serves_this_place_it_is_chosen(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=Rate(500), loop=True) as futures,
        running(System(several(tmp_path, {"binance-usdm": futures}))) as system,
    ):
        eventually(lambda: system.choice is not None and system.choice.is_settled)
        assert system.pipeline is not None
        assert system.pipeline.venue == "binance-usdm"
        assert system.choice is not None
        assert system.choice.why == ""


def test_one_venue_in_trouble_does_not_touch_another(tmp_path: Path) -> None:
    names = f"binance-usdm:BTCUSDT,{SPOT_BTC}"
    with (
        LocalExchange(pace=Rate(500), loop=True) as futures,
        LocalExchange(market="spot", pace=Rate(500), loop=True) as spot,
        running(
            System(several(tmp_path, {"binance-usdm": futures, "binance-spot": spot}, SYMBOLS=names, FEED="live"))
        ) as system,
    ):
        pipeline = system.pipeline
        assert pipeline is not None
        assert [line.venue for line in pipeline.lines] == ["binance-usdm", "binance-spot"]
        assert pipeline.first_pair == PairSpec(SPOT_BTC, BTC, pipeline.first_pair.interval_ns, window=100)
        eventually(lambda: all(line.ingest.health.state == "live" for line in pipeline.lines))
        spot.inject(Refuse451())
        spot.inject(Drop())
        eventually(lambda: pipeline.lines[1].ingest.health.state == "blocked")
        assert pipeline.health.state == "blocked"
        before = pipeline.lines[0].ingest.health.ticks

        def has_answer() -> bool:
            answer = pipeline.engine.snapshot(pipeline.first_pair)
            return answer is not None and answer.last_x is not None and answer.last_y is not None

        eventually(has_answer)
        eventually(lambda: pipeline.lines[0].ingest.health.ticks > before + 500)
        assert pipeline.lines[0].ingest.health.reconnects == 0
        assert pipeline.store.gaps(BTC) == []
        (words,) = troubles(report_of(system))
        assert words.startswith("the live feed of binance-spot is blocked: Binance spot refuses")


def test_one_venue_under_faults_leaves_another_complete_and_becomes_so_itself(tmp_path: Path) -> None:
    with LocalExchange(market=VENUES, pace=Rate(200), loop=True) as exchange:
        ends = {
            name: ",".join(f"{venue}={getattr(exchange.at(venue), name.lower())}" for venue in VENUES)
            for name in ("WS_URL", "REST_URL")
        }
        knobs = {"VENUE": ",".join(VENUES), "SYMBOLS": ",".join(NAMES), "FEED": "live"}
        with running(System(settings(tmp_path, None, 0, **knobs, **ends))) as system:
            pipeline = system.pipeline
            assert pipeline is not None
            coinbase, kraken = pipeline.lines
            eventually(lambda: all(line.ingest.health.state == "live" for line in pipeline.lines))
            for fault in (SkipIds(count=40), Drop(), SkipIds(count=3), Stall(seconds=1.0), Drop()):
                before = kraken.ingest.health.ticks
                exchange.at("kraken").inject(fault)
                eventually(lambda before=before: kraken.ingest.health.ticks > before + 200)  # type: ignore[misc]
            eventually(lambda: kraken.ingest.health.state == "live" and kraken.ingest.health.backfilled > 0)
            eventually(lambda: all(pipeline.store.gaps(name) == [] for name in NAMES))
            assert kraken.ingest.health.unfillable == coinbase.ingest.health.unfillable == ()
            untouched = coinbase.ingest.health
            assert (untouched.reconnects, untouched.renewals, untouched.backfilled) == (0, 0, 0)
            for name, line in zip(NAMES, pipeline.lines, strict=True):
                ids = pipeline.store.columns(name, 0, 2**63 - 1).id.tolist()
                assert ids == list(range(ids[0], ids[0] + len(ids)))
                assert line.ingest.health.rejected == {}


def test_one_venue_that_cannot_be_opened_leaves_the_others_alone_and_comes_later(tmp_path: Path) -> None:
    in_the_way = tmp_path / "var" / "binance-usdm@127.0.0.1.db"
    in_the_way.mkdir(parents=True)
    (tmp_path / "var" / "binance-usdm.db").mkdir()
    names = f"binance-usdm:BTCUSDT,{SPOT_BTC},binance-spot:ETHUSDT"
    with (
        LocalExchange(pace=Rate(500), loop=True) as futures,
        LocalExchange(market="spot", pace=Rate(500), loop=True) as spot,
        running(
            System(several(tmp_path, {"binance-usdm": futures, "binance-spot": spot}, SYMBOLS=names, FEED="live"))
        ) as system,
    ):
        eventually(lambda: (live := system.live) is not None and live.ticks > 0)
        pipeline = system.pipeline
        assert pipeline is not None
        assert [line.venue for line in pipeline.lines] == ["binance-spot"]
        assert (pipeline.first_pair.y, pipeline.first_pair.x) == ("binance-spot:ETHUSDT", SPOT_BTC)
        assert pipeline.store.last(BTC) is None
        (words,) = troubles(report_of(system))
        assert words.startswith("the feed of binance-usdm could not be opened: ")
        for folder in in_the_way.parent.glob("binance-usdm*.db"):
            folder.rmdir()
        eventually(lambda: pipeline.store.last(BTC) is not None)
        assert [line.venue for line in pipeline.lines] == ["binance-spot", "binance-usdm"]
        assert pipeline.absent == {}
        assert pipeline.lines[0].ingest.health.reconnects == 0
        eventually(lambda: troubles(report_of(system)) == ())


def test_where_the_file_of_one_venue_cannot_be_used_the_next_is_tried(tmp_path: Path) -> None:
    for name in ("binance-usdm.db", "binance-usdm@127.0.0.1.db"):
        (tmp_path / "var" / name).mkdir(parents=True)
    with (
        LocalExchange(pace=Rate(500), loop=True) as futures,
        LocalExchange(market="spot", pace=Rate(500), loop=True) as spot,
        running(System(several(tmp_path, {"binance-usdm": futures, "binance-spot": spot}))) as system,
    ):
        eventually(lambda: (live := system.live) is not None and live.ticks > 0)
        eventually(lambda: (pipeline := system.pipeline) is not None and pipeline.venue == "binance-spot")
        assert system.choice is not None
        assert "binance-usdm.db" in system.choice.why
        assert system.failure is None


def test_edges_between_two_venues_are_seen_in_their_books(tmp_path: Path) -> None:
    with two_venues(tmp_path) as (system, spot):
        assert system.arbitrage.outage is None

        found: list[AssetView] = []

        def has_edges() -> bool:
            found[:] = [
                each
                for each in system.arbitrage.assets()
                if each.asset == "BTC/USDT"
                and len(each.edges) == 2
                and all(math.isfinite(edge.worst) and math.isfinite(edge.value) for edge in each.edges)
            ]
            return bool(found)

        eventually(has_edges)
        (asset,) = found
        assert {(edge.buy, edge.sell) for edge in asset.edges} == {(BTC, SPOT_BTC), (SPOT_BTC, BTC)}
        assert {(leg.leg.instrument, leg.venue, leg.is_perpetual) for leg in asset.legs} == {
            (BTC, "binance-usdm", True),
            (SPOT_BTC, "binance-spot", False),
        }
        assert all(leg.leg.prices == "quotes" and leg.trouble == "" for leg in asset.legs)
        assert all(edge.net <= edge.gross and edge.worst <= edge.net for edge in asset.edges), (
            "costs and errors only take"
        )
        spot.inject(Refuse451())
        spot.inject(Drop(on="trades"))
        eventually(lambda: any(leg.trouble for each in system.arbitrage.assets() for leg in each.legs))
        assert {leg.venue for each in system.arbitrage.assets() for leg in each.legs if leg.trouble} == {"binance-spot"}

        def has_none() -> bool:
            return all(math.isnan(edge.net) for each in system.arbitrage.assets() for edge in each.edges)

        eventually(has_none)
        assert system.arbitrage.outage is None


def test_a_venue_that_is_being_left_is_stopped_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave, leaves, left = System._leave, threading.Event(), list[Pipeline]()

    def slowly(self: System, pipeline: Pipeline) -> None:
        leaves.set()
        assert self._stopping.wait(60)
        time.sleep(1.0)
        leave(self, pipeline)
        left.append(pipeline)

    monkeypatch.setattr(System, "_leave", slowly)
    monkeypatch.setattr("system.CHOOSER_S", 60.0)
    with (
        LocalExchange(faults=[Refuse451()]) as futures,
        running(System(several(tmp_path, {"binance-usdm": futures}, FEED="live"))),
    ):
        assert leaves.wait(60)
    (pipeline,) = left
    assert pipeline.lines[0].ingest.state == "stopped"
