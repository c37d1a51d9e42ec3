"""Pairs in Flink: the bits of one process, also when it is killed in the middle.

Flink's Python has an environment of its own, which `make stream-engines` makes and names in FLINK_PYTHON.
"""

import json
import os
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from examples.pair_streams import differences
from tests.examples.killed import kill_when, run

PYTHON = os.environ.get("FLINK_PYTHON", "")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not PYTHON, reason="Flink has an environment of its own: make stream-engines runs this")
def test_a_killed_job_goes_on_with_the_bits_of_one_process(tmp_path: Path) -> None:
    folder, log = tmp_path / "pairs", tmp_path / "log"
    command = [PYTHON, "-m", "examples.flink_streaming", str(folder)]
    for kill in (1, 2):
        assert kill_when(command, log, partial(_went_on, folder, _done(folder))), f"it ended before kill {kill}"
    run(command, log)
    lines = [line for path in folder.glob("rows/*/part-*") for line in path.read_text().splitlines()]
    assert differences(pa.Table.from_pylist([json.loads(line) for line in lines])) == []


def _done(folder: Path) -> tuple[set[Path], set[Path]]:
    """Checkpoints, and files of rows that belong to one."""
    return set(folder.glob("checkpoints/*/chk-*/_metadata")), set(folder.glob("rows/*/part-*"))


def _went_on(folder: Path, before: tuple[set[Path], set[Path]]) -> bool:
    return all(now - then for now, then in zip(_done(folder), before, strict=True))
