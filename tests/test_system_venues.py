"""Two venues of other families at once, on one port: one of them under faults, the other complete all the time."""

from pathlib import Path

from system import System
from tests.test_system import eventually, running, settings
from tools.exchange import Drop, LocalExchange, Rate, SkipIds, Stall

VENUES = ("coinbase", "kraken")
NAMES = ("coinbase:BTC-USDT", "kraken:BTC/USDT")


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
