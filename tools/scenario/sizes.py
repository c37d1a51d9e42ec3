"""Three sizes of one program: who records, who shows, where history lies and what computes. Configuration only."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import config
from pipelines import Pipeline
from system import System
from tests.compute.clusters import dask_cluster
from tests.servers import moto_s3, nats_cluster, nats_server
from tools.exchange import LocalExchange
from tools.scenario.market import SYMBOLS

Name = Literal["laptop", "server", "cluster"]
SIZES: Final[tuple[Name, ...]] = ("laptop", "server", "cluster")
ROOT: Final = Path(__file__).resolve().parents[2]
WAIT_S: Final = 300.0


@dataclass(frozen=True)
class Size:
    """How one size runs.

    Parameters
    ----------
    recording : folder of who records.
    showing : folder of the dashboard: the same, but where a bus lies between.
    recorder, dashboard : their settings, as variables of the environment.
    separate : whether a process of its own records; else the dashboard does.
    backend : what computes scans.
    """

    recording: Path
    showing: Path
    recorder: Mapping[str, str]
    dashboard: Mapping[str, str]
    separate: bool
    backend: str


@contextmanager
def size_of(name: Name, folder: Path) -> Iterator[Size]:
    """Start what a size needs beside our own processes, and say how these are set."""
    data = folder / "data"
    with ExitStack() as running:
        if name == "laptop":
            yield Size(data, data, {}, {}, False, "threads")
        elif name == "server":
            broker = running.enter_context(nats_server(folder / "nats"))
            publish = {"ALPHASTREAM_PUBLISH": f"nats://127.0.0.1:{broker.port}"}
            yield Size(data, data, publish, {}, True, "processes")
        else:
            nodes = [running.enter_context(node) for node in nats_cluster(folder / "nats")]
            bus = "nats://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)
            store = running.enter_context(moto_s3(folder))
            bucket = {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.port}",
                "AWS_ACCESS_KEY_ID": "scenario",
                "AWS_SECRET_ACCESS_KEY": "scenario",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            os.environ.update(bucket)  # this process reads the history
            make_bucket("scenario")
            history = {**bucket, "ALPHASTREAM_HISTORY": "s3://scenario/history"}
            workers = running.enter_context(dask_cluster(folder))
            yield Size(
                data,
                folder / "dashboard",
                {**history, "ALPHASTREAM_PUBLISH": bus},
                {**history, "ALPHASTREAM_BUS": bus},
                True,
                f"dask:{workers}",
            )


def make_bucket(name: str) -> None:
    """Make a bucket of the object store that the environment names."""
    import pyarrow.fs

    pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], allow_bucket_creation=True).create_dir(
        name
    )


def environment(size: Size, settings: Mapping[str, str], folder: Path, exchange: LocalExchange) -> dict[str, str]:
    """The variables of one of our processes."""
    common = {
        "ALPHASTREAM_DATA_DIR": str(folder),
        "ALPHASTREAM_FEED": "live",
        "ALPHASTREAM_VENUE": "binance-usdm",
        "ALPHASTREAM_SYMBOLS": ",".join(SYMBOLS),
        "ALPHASTREAM_BOOKS": "off",
        "ALPHASTREAM_RETENTION_HOURS": "87600",
        "ALPHASTREAM_LOG_LEVEL": "WARNING",
        **exchange.settings,
    }
    return {**common, **settings}


@contextmanager
def recorder(size: Size, exchange: LocalExchange, log: Path) -> Iterator[None]:
    """Record in a process of its own, where the size has one."""
    if not size.separate:
        yield
        return
    given = {**os.environ, **environment(size, size.recorder, size.recording, exchange)}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "ingest.py"], cwd=ROOT, env=given, stdout=out, stderr=out)
    try:
        # Who opens the tape first records; the other one follows.
        wait_until(lambda: any(size.recording.glob("*.db")) or process.poll() is not None, "nothing is recorded")
        yield
    finally:
        process.terminate()
        if process.wait(60) != 0:
            raise RuntimeError(f"the recorder ended with {process.returncode}: {log.read_text()[-2_000:]}")


@contextmanager
def dashboard(size: Size, exchange: LocalExchange) -> Iterator[Pipeline]:
    """Run what stands behind the pages, in this process; its live pipeline, once it is there."""
    given = environment(size, size.dashboard, size.showing, exchange)
    system = System(config.load(given))
    system.start()
    try:
        wait_until(lambda: system.pipeline_of("live") is not None, "the dashboard has no pipeline")
        pipeline = system.pipeline_of("live")
        assert pipeline is not None
        yield pipeline
    finally:
        system.stop()


def seal(size: Size, exchange: LocalExchange, until: str) -> None:
    """Move what is older to the history."""
    given = {**os.environ, **environment(size, size.recorder, size.recording, exchange)}
    subprocess.run([sys.executable, "ingest.py", "--seal", until], cwd=ROOT, env=given, check=True)


def wait_until(happened: Callable[[], bool], otherwise: str) -> None:
    """Wait; RuntimeError where that takes too long."""
    deadline = time.monotonic() + WAIT_S
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} after {WAIT_S:g} s")
        time.sleep(0.1)
