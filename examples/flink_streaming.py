"""Pairs and strategies in Flink: bars from a file of JSON lines, rows of each pair into files of JSON lines.

    python -m examples.flink_streaming

Stop it at any moment, start it again on the same folder: it goes on from its newest checkpoint. It runs in an
environment of its own, see ``make stream-engines``: Flink's Python wants older numpy and pandas than the library.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSink, FileSource, RollingPolicy, StreamFormat
from pyflink.datastream.state import ValueStateDescriptor

from examples.pair_streams import FOLDS, bars, table_of


class PairFunction(KeyedProcessFunction):  # type: ignore[misc]  # a base without types
    """One state of bytes a pair."""

    def open(self, runtime_context: RuntimeContext) -> None:
        """Name the state."""
        kind = ValueStateDescriptor("fold", Types.PRIMITIVE_ARRAY(Types.BYTE()))
        self.state = runtime_context.get_state(kind)

    def process_element(self, value: tuple[str, str], ctx: Any) -> Iterator[str]:
        """Fold a new bar of a pair."""
        pair, bar = value[0], json.loads(value[1])
        out, after = FOLDS.step(pair, self.state.value(), {name: np.array([each]) for name, each in bar.items()})
        self.state.update(after)
        for row in zip(*(values.tolist() for values in out.values()), strict=True):
            yield json.dumps({"pair": pair, **dict(zip(out, row, strict=True))})


def routed(line: str) -> Iterator[tuple[str, str]]:
    """A bar for each pair that it is a leg of."""
    symbol = json.loads(line)["symbol"]
    yield from ((pair, line) for leg, pair in FOLDS.routes() if leg == symbol)


def environment(folder: Path) -> StreamExecutionEnvironment:
    """Flink on this machine alone, with checkpoints in the folder; begins with the newest there is."""
    checkpoints = {path.parent for path in folder.glob("checkpoints/*/chk-*/_metadata")}
    options = {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "rest.bind-address": "127.0.0.1",
        "execution.checkpointing.interval": "500ms",
        "python.fn-execution.bundle.size": "20",  # a checkpoint waits for a bundle, and for what is on its way
        "taskmanager.memory.segment-size": "4kb",
        "execution.checkpointing.dir": (folder / "checkpoints").absolute().as_uri(),
    }
    if checkpoints:
        newest = max(checkpoints, key=lambda path: path.stat().st_mtime_ns)
        options["execution.state-recovery.path"] = newest.absolute().as_uri()
    configuration = Configuration()
    for name, value in options.items():
        configuration.set_string(name, value)
    return StreamExecutionEnvironment.get_execution_environment(configuration).set_parallelism(1)


def stream(folder: Path) -> None:
    """Run ``folder``/bars.jsonl through the folds."""
    flink = environment(folder)
    lines = FileSource.for_record_stream_format(StreamFormat.text_line_format(), str(folder / "bars.jsonl")).build()
    sink = FileSink.for_row_format(str(folder / "rows"), Encoder.simple_string_encoder())
    sink = sink.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy()).build()
    read = flink.from_source(lines, WatermarkStrategy.no_watermarks(), "bars").uid("bars")
    keyed = read.flat_map(routed, Types.TUPLE([Types.STRING(), Types.STRING()])).key_by(lambda each: each[0])
    keyed.process(PairFunction(), Types.STRING()).uid("pairs").sink_to(sink).uid("rows")
    flink.execute("pairs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run pairs in Flink on the bundled recordings.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("var/flink_streaming"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "bars.jsonl").exists():
        (folder / "bars.jsonl").write_text("\n".join(map(json.dumps, table_of(bars()).to_pylist())), encoding="utf-8")
    stream(folder)
    print(f"{sum(path.read_text().count(chr(10)) for path in folder.glob('rows/*/part-*'))} rows")
