"""What it costs to be watched: counting lags where ticks arrive, and one scrape of /metrics by instruments."""

import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np

import config
from alphastream.core.durations import DurationHistogram
from health import report
from metrics import metrics_text
from pipelines import replay_pipeline

BATCH = 1_000
ROUNDS = 200


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return median(times)


def main() -> None:
    """Print one table."""
    histogram, lags = DurationHistogram(), np.random.default_rng(0).lognormal(-3, 1, BATCH)
    print(f"{BATCH:,} lags into a histogram: {milliseconds(lambda: histogram.add(lags)):.3f} ms")
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load({"ALPHASTREAM_DATA_DIR": folder, "ALPHASTREAM_FEED": "replay"})
        pipeline = replay_pipeline(settings)
        pipeline.lines[0].ingest.start()
        while pipeline.lines[0].ingest.health.ticks < BATCH:
            time.sleep(0.05)
        scrape = milliseconds(lambda: metrics_text(report(settings, [pipeline])))
        size = len(metrics_text(report(settings, [pipeline])))
        count = len(pipeline.store.symbols())
        print(f"a scrape of {count} instruments: {scrape:.2f} ms, {size:,} bytes")
        pipeline.stop()


if __name__ == "__main__":
    main()
