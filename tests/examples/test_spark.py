"""Spark on this machine: pairs as a stream that is killed, scans as jobs, all with the bits of one process."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alphastream.compute.engines import engine_of
from alphastream.scan import scan_pairs
from tests.compute.test_engines import Deadly, universe
from tests.examples.killed import kill_when
from tests.servers import need

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """One session for all tests, of two cores."""
    need("pyspark"), need("java")
    from examples.spark_streaming import session  # without Spark it cannot be imported

    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYSPARK_PYTHON", "SPARK_LOCAL_IP", "PYTHONPATH"):
            patch.setenv(name, "")  # put back as it was afterwards
        started = session()
        yield started
        started.stop()


def test_a_killed_stream_goes_on_with_the_bits_of_one_process(spark: Any, tmp_path: Path) -> None:
    from examples.pair_streams import differences
    from examples.spark_streaming import stream

    folder = tmp_path / "pairs"
    command = [sys.executable, "-m", "examples.spark_streaming", str(folder), "--files", "3"]
    assert kill_when(command, tmp_path / "log", lambda: (folder / "checkpoint" / "commits" / "0").exists())
    assert not (folder / "checkpoint" / "commits" / "2").exists(), "it was killed after all was done"
    stream(spark, folder)
    assert differences(spark.read.parquet(str(folder / "rows")).toArrow()) == []


def test_a_scan_of_a_history_is_that_of_one_process(spark: Any, tmp_path: Path) -> None:
    from examples.spark_scan import scan, write_walks

    history = str(tmp_path / "history")
    write_walks(history, symbols=33, days=1)
    table = scan(history, 1, "spark")
    pd.testing.assert_frame_equal(table, scan(history, 1, "sequential"), check_exact=True)
    assert len(table) == 528
    assert (table["note"] == "").all()


def test_a_worker_killed_in_a_scan_changes_nothing(spark: Any, tmp_path: Path) -> None:
    compute = engine_of("spark", None)
    table = scan_pairs(universe(), backend=lambda call, chunks: compute(Deadly(call, tmp_path), chunks))
    pd.testing.assert_frame_equal(table, scan_pairs(universe(), threads=1), check_exact=True)
    assert (tmp_path / "killed").exists()
