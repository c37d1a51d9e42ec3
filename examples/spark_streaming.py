"""Pairs and strategies in Spark Structured Streaming: bars from a folder of Parquet files, rows of pairs into another.

    python -m examples.spark_streaming --files 12

Stop it at any moment, start it again on the same folder: it goes on from its checkpoint.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession, functions
from pyspark.sql.streaming.stateful_processor import StatefulProcessor

from alphastream.sinks.stream_folds import BAR_COLUMNS
from examples.pair_streams import FOLDS, differences, write_bars

ROOT = Path(__file__).resolve().parent.parent  # workers import the library and the examples
SQL_TYPES = {"int64": "bigint", "float64": "double"}
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


class PairProcessor(StatefulProcessor):  # type: ignore[misc]  # a base without types
    """One state of bytes a pair."""

    def init(self, handle: Any) -> None:
        """Name the state."""
        self.state = handle.getValueState("fold", "state binary")

    def handleInputRows(self, key: tuple[str], rows: Iterator[pd.DataFrame], timer: object) -> Iterator[pd.DataFrame]:  # noqa: N802 - Spark's name
        """Fold the new bars of a pair."""
        (pair,), bars = key, pd.concat(rows)
        before = bytes(self.state.get()[0]) if self.state.exists() else None
        out, after = FOLDS.step(pair, before, {name: bars[name].to_numpy() for name in ("symbol", *BAR_COLUMNS)})
        self.state.update((after,))
        yield pd.DataFrame({"pair": pair, **out})


def session(master: str = "local[2,4]") -> SparkSession:
    """Spark on this machine alone, a task tried four times; a cluster is another master."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    local = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    small = {"spark.driver.memory": "700m", "spark.sql.shuffle.partitions": "2"}
    quiet = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    options = {**local, **small, **quiet, "spark.sql.streaming.stateStore.providerClass": ROCKSDB}
    return SparkSession.builder.master(master).config(map=options).getOrCreate()


def stream(spark: SparkSession, folder: Path) -> None:
    """Run everything that has come into ``folder``/bars through the folds, a file at a time."""
    types = {"symbol": "string", **{name: SQL_TYPES[kind.name] for name, kind in BAR_COLUMNS.items()}}
    source = spark.readStream.schema(", ".join(f"{name} {kind}" for name, kind in types.items()))
    bars = source.option("maxFilesPerTrigger", 1).parquet(str(folder / "bars"))
    routes = spark.createDataFrame(FOLDS.routes(), "symbol string, pair string")
    out = ", ".join(["pair string", *(f"{name} {SQL_TYPES[kind.name]}" for name, kind in FOLDS.columns().items())])
    keyed = bars.join(functions.broadcast(routes), "symbol").groupBy("pair")
    rows = keyed.transformWithStateInPandas(PairProcessor(), out, "Append", "None")
    sink = rows.writeStream.option("checkpointLocation", str(folder / "checkpoint")).trigger(availableNow=True)
    sink.start(str(folder / "rows"), format="parquet").awaitTermination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run pairs in Spark on the bundled recordings.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("var/spark_streaming"))
    parser.add_argument("--files", type=int, default=6, help="files that the bars are written to, where there are none")
    arguments = parser.parse_args()
    if not (arguments.folder / "bars").exists():
        (arguments.folder / "bars").mkdir(parents=True)
        write_bars(arguments.folder / "bars", arguments.files)
    stream(session(), arguments.folder)
    found = session().read.parquet(str(arguments.folder / "rows")).toArrow()
    print(f"{len(found)} rows; {differences(found) or 'the bits of one process'}")
