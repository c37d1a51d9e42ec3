"""What /healthz and /metrics answer: read back by Prometheus' parser, and equal to what the store says."""

import http.client
import re
import signal
import subprocess
from pathlib import Path
from typing import get_args

import orjson
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from alphastream.books.health import MarketState
from alphastream.instruments import bare
from health import Report, report_of
from ingest import FeedState
from metrics import STATES, STATES_OF_BOOKS, health_answer, metrics_text
from runtime.writer_lock import WriterLock
from storage import TickStore
from system import System
from tests.test_recorder import record_command
from tests.test_system import BTC, ROOT, eventually, running, settings
from tools.exchange import LocalExchange, Rate


def families_of(written: bytes) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(written.decode())}


def by_symbol(families: dict[str, Metric], name: str) -> dict[str, float]:
    return {sample.labels["symbol"]: sample.value for sample in families[name].samples}


def total(families: dict[str, Metric], name: str, sample: str) -> float:
    return sum(each.value for each in families[name].samples if each.name == sample)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[str, Metric], dict[str, object]]:
    """A live run that has ended, its metrics, and what its store says of itself."""
    folder = tmp_path_factory.mktemp("metrics")
    with LocalExchange(pace=Rate(500), loop=True) as exchange, running(System(settings(folder, exchange))) as system:
        eventually(lambda: bool((found := report_of(system).pipelines) and found[0].feed.ticks > 300))
        pipeline = system.pipeline
        assert pipeline is not None
        pipeline.lines[0].ingest.stop()
        pipeline.lines[0].store.flush()
        found = report_of(system)
        held = {symbol: pipeline.store.coverage(symbol) for symbol in pipeline.store.symbols()}
        return found, families_of(metrics_text(found)), dict(held)


def test_figures_are_those_of_the_store(
    stopped: tuple[Report, dict[str, Metric], dict[str, object]], tmp_path: Path
) -> None:
    found, families, held = stopped
    (pipeline,) = found.pipelines
    for name, field in (("tape_ticks", "ticks"), ("tape_first_id", "first_id"), ("tape_last_id", "last_id")):
        expected = {bare(symbol): getattr(coverage, field) for symbol, coverage in held.items()}
        assert by_symbol(families, f"alphastream_{name}") == expected
    delivered = by_symbol(families, "alphastream_ticks")
    assert sum(delivered.values()) == pipeline.feed.ticks
    written = total(families, "alphastream_store_written_ticks", "alphastream_store_written_ticks_total")
    assert written == pipeline.store.written == sum(delivered.values())
    assert total(families, "alphastream_durable_lag_seconds", "alphastream_durable_lag_seconds_count") == written
    arrived = total(families, "alphastream_receive_lag_seconds", "alphastream_receive_lag_seconds_count")
    cut_off = arrived - (pipeline.feed.ticks - pipeline.feed.backfilled)
    assert cut_off == 0
    received = total(families, "alphastream_feed_received_bytes", "alphastream_feed_received_bytes_total")
    assert received == pipeline.feed.traffic.bytes_received


def test_names_follow_the_conventions(stopped: tuple[Report, dict[str, Metric], dict[str, object]]) -> None:
    _, families, _ = stopped
    ours = {name: family for name, family in families.items() if name.startswith("alphastream_")}
    assert len(ours) > 30
    for name, family in ours.items():
        assert re.fullmatch(r"[a-z_]+", name), name
        assert family.documentation.endswith("."), name
        if family.type == "counter":
            assert all(sample.name == f"{name}_total" for sample in family.samples)
        for sample in family.samples:
            assert sample.labels.keys() <= {"kind", "venue", "symbol", "state", "reason", "transport", "task", "le"}


def test_one_state_is_one(stopped: tuple[Report, dict[str, Metric], dict[str, object]]) -> None:
    _, families, _ = stopped
    states = {sample.labels["state"]: sample.value for sample in families["alphastream_feed_state"].samples}
    assert states["stopped"] == sum(states.values()) == 1


def test_the_verdict_says_why_only_to_those_who_may_know(
    stopped: tuple[Report, dict[str, Metric], dict[str, object]],
) -> None:
    found, families, _ = stopped
    status, body = health_answer(found, with_reasons=True)
    assert status == 503
    assert orjson.loads(body)["reasons"] == ["the live feed is stopped: stopped on request"]
    assert orjson.loads(body)["feeds"][0]["ticks"] == found.pipelines[0].feed.ticks
    assert health_answer(found, with_reasons=False) == (503, b'{"status":"failing"}')
    assert families["alphastream_healthy"].samples[0].value == 0


def test_books_are_told_with_their_file(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=Rate(500), loop=True) as exchange,
        running(System(settings(tmp_path, exchange, BOOKS="on"))) as system,
    ):
        eventually(lambda: (market := report_of(system).pipelines[0].market) is not None and market.state == "live")
        pipeline = system.pipeline
        assert pipeline is not None
        (line,) = pipeline.lines
        assert line.market is not None
        assert line.kept is not None
        eventually(lambda: (book := pipeline.market.book(BTC)) is not None and book.in_sequence)  # type: ignore[union-attr]
        line.ingest.stop()
        line.market.stop()
        line.kept.flush()
        found = report_of(system)
        families = families_of(metrics_text(found))
    states = {sample.labels["state"]: sample.value for sample in families["alphastream_books_state"].samples}
    assert set(states) == set(get_args(MarketState)) == set(STATES_OF_BOOKS)
    assert states["stopped"] == sum(states.values()) == 1
    written = total(families, "alphastream_books_written_samples", "alphastream_books_written_samples_total")
    assert found.pipelines[0].kept is not None
    assert written == found.pipelines[0].kept.written > 0
    for name in ("pending_samples", "unavailable", "store_failing", "connections"):
        assert [sample.value for sample in families[f"alphastream_books_{name}"].samples] == [0.0], name


def test_a_system_that_does_what_it_was_asked_for_is_ok(tmp_path: Path) -> None:
    with running(System(settings(tmp_path, FEED="replay"))) as system:
        eventually(lambda: health_answer(report_of(system), with_reasons=False) == (200, b'{"status":"ok"}'))


def metrics_port(process: "subprocess.Popen[bytes]") -> int:
    """Where a recorder with ``--metrics 0`` answers, as its log says."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(rb"metrics at http://127\.0\.0\.1:(\d+)/metrics", line):
            return int(found[1])
    raise AssertionError("it ended without saying where it answers")


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    with connection.getresponse() as response:
        return response.status, response.read()


def test_the_recorder_answers_where_it_was_told_to(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        process = record_command(tmp_path, exchange, "--metrics", "0")
        port = metrics_port(process)

        def held() -> dict[str, float]:
            families = families_of(ask(port, "/metrics")[1])
            return by_symbol(families, "alphastream_tape_ticks") if "alphastream_tape_ticks" in families else {}

        eventually(lambda: ask(port, "/healthz")[0] == 200, 120)
        eventually(lambda: sum(held().values()) > 100)
        seen = held()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    with TickStore(tmp_path / "binance-usdm.db", read_only=True) as store:
        for symbol, count in seen.items():
            coverage = store.coverage(symbol)
            assert coverage is not None
            assert coverage.ticks >= count > 0


def test_a_recorder_that_waits_says_so(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "binance-usdm.db", "wait")  # of a process that has not made the file yet
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        process = record_command(tmp_path, exchange, "--metrics", "0")
        port = metrics_port(process)
        status, body = ask(port, "/healthz")
        reasons = orjson.loads(body)["reasons"]
        assert (status, reasons) == (503, ["there is no feed: the tape could not be opened yet, the log says why"])
        lock.release()
        eventually(lambda: ask(port, "/healthz")[0] == 200, 120)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_wrong_place_for_metrics_is_one_sentence(tmp_path: Path) -> None:
    with LocalExchange() as exchange:
        process = record_command(tmp_path, exchange, "--metrics", "nowhere")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert log == b"error: --metrics nowhere: needs HOST:PORT or PORT, such as 127.0.0.1:9464\n"


def test_operations_alerts_on_metrics_that_exist(
    stopped: tuple[Report, dict[str, Metric], dict[str, object]],
) -> None:
    found, families, _ = stopped
    known = {name for family in families.values() for name in (family.name, *(each.name for each in family.samples))}
    known |= {f"{family.name}_total" for family in families.values() if family.type == "counter"}
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"alphastream_[a-z_]+\b(?<!_)", text))
    assert len(named) > 12
    assert named - known == set()
    labels = {label for family in families.values() for each in family.samples for label in each.labels}
    assert set(re.findall(r"(\w+)=\"", text)) - {"job"} <= labels
    assert found.pipelines


def test_operations_explains_every_state_and_sentence() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [state for state in get_args(FeedState) if f"| {state} |" not in text] == []
    assert "feed is" in text
    for words in ("there is no feed:", "ticks cannot be saved:", "has waited"):
        assert words in (ROOT / "health.py").read_text(encoding="utf-8")
        assert words in text
    assert set(STATES) == set(get_args(FeedState))
