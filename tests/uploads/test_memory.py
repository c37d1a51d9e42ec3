"""Memory of uploads: shared, given back, bounded by what is free; bombs end in a sentence in a small address space."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import combine, memory, read, upload
from alphastream.uploads.cells import CellError
from alphastream.uploads.memory import Memory, free_bytes
from tests.uploads.test_errors import ROW, TICKS

MB: Final = 2**20
ROOT: Final = Path(__file__).resolve().parents[2]


def test_readings_share_what_is_free() -> None:
    shared = Memory(lambda: 100 * MB)
    with shared.reading("a.csv") as one:
        one.grow(60 * MB)
        with shared.reading("b.csv") as other:
            other.grow(40 * MB - 1)
            with pytest.raises(UploadError, match=r"b\.csv: reading this takes more memory than the 100\.0 MB"):
                other.grow(2)
            assert shared.reserved == 100 * MB
        one.grow(40 * MB)
    assert shared.reserved == 0


def test_memory_is_given_back_when_reading_fails() -> None:
    shared = Memory(lambda: 100 * MB)
    with pytest.raises(UploadError, match=r"100\.0 MB that are free"), shared.reading("a.csv") as reading:
        reading.grow(101 * MB)
    assert shared.reserved == 0


def test_what_is_free_is_asked_every_time() -> None:
    free = [100 * MB, 10 * MB]
    shared = Memory(lambda: free[0])
    with shared.reading("a.csv") as reading:
        reading.grow(50 * MB)
        free.pop(0)
        with pytest.raises(UploadError, match=r"10\.0 MB that are free"):
            reading.grow(1)
        reading.resize(5 * MB)
        reading.grow(1)


def test_threads_share_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit are read; whatever the order, nothing stays reserved."""
    small = Memory(lambda: 200 * MB)
    monkeypatch.setattr(upload, "MEMORY", small)
    data = TICKS + ROW * 400_000

    def rows(_: int) -> int:
        try:
            return sum(map(len, read("a.csv", data).frames.values()))
        except UploadError as error:
            return "more memory than" in str(error)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(rows, range(8)))
    assert set(results) <= {1, 400_000}
    assert 400_000 in results
    assert small.reserved == 0


def test_machine_has_some_memory_free() -> None:
    assert free_bytes() > 100 * MB


@pytest.mark.parametrize(
    ("cgroup", "files", "free"),
    [
        ("0::/\n", {"memory.max": "900", "memory.current": "500", "memory.stat": "anon 1\ninactive_file 50\n"}, 450),
        ("0::/\n", {"memory.max": "max", "memory.current": "500"}, None),
        ("0::/app/web\n", {"app/memory.max": "700", "app/memory.current": "100", "app/web/memory.max": "max"}, 600),
        (
            "5:cpu:/\n4:memory:/app\n",
            {"memory/app/memory.limit_in_bytes": "300", "memory/app/memory.usage_in_bytes": "100"},
            200,
        ),
        ("", {}, None),
    ],
)
def test_control_groups_are_counted(
    cgroup: str, files: dict[str, str], free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers and services are limited by a group; the machine's memory is not theirs."""
    written = {"proc/self/cgroup": cgroup, **{f"groups/{name}": text for name, text in files.items()}}
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "groups")
    assert memory._group_bytes() == free


def test_files_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Memory(lambda: 60 * MB)
    monkeypatch.setattr(upload, "MEMORY", small)
    few = read("few.csv", TICKS + ROW * 1_000)
    with pytest.raises(UploadError, match=r"many\.csv: reading this takes more memory than the 60\.0 MB that are free"):
        read("many.csv", TICKS + ROW * 500_000)
    assert small.reserved == 0
    combine(few, few)
    monkeypatch.setattr(upload, "MEMORY", Memory(lambda: 1))
    with pytest.raises(UploadError, match="more memory than the 1 bytes"):
        combine(few, few)


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError(), "takes more memory than is free"), (CellError(3, "x", "a number is needed"), "'x': a number")],
)
def test_what_has_no_place_in_the_file_names_the_file(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(upload, "gather", refuse)
    with pytest.raises(UploadError, match=said) as caught:
        read("few.csv", TICKS + ROW)
    assert caught.value.file == "few.csv"


BOMBS: Final = {
    "a line of 200 MB": ("a.csv", "b'time,price\\n' + b'1' * 200 * MB", "this is no table"),
    "a late line of 50 MB": ("a.csv", "TICKS + ROW * 9000 + b'1' * 50 * MB + b'\\n' + ROW", "line 9002"),
    "a million columns": (
        "a.csv",
        "b','.join(b'%d' % at for at in range(1_000_000)) + b'\\n' + ROW",
        "this is no table",
    ),
    "a hundred thousand columns": (
        "a.csv",
        "(b'date,' + b','.join(b'S%d' % at for at in range(100_000)) + b'\\n2024-01-02' + b',1' * 100_000) + b'\\n'",
        "100,001 columns, at most 10,000",
    ),
    "a million symbols": (
        "a.csv",
        "b'date,symbol,close\\n' + b''.join(b'2024-01-02,X%d,1\\n' % at for at in range(1_000_000))",
        "20,000 other symbols come before",
    ),
    "a quotation mark never closed": ("a.csv", "TICKS + ROW * 9000 + b'\"' + ROW * 400_000", "line 9002"),
    "an object of a million keys": (
        "a.ndjson",
        "b'{' + b','.join(b'\"%d\":1' % at for at in range(1_000_000)) + b'}\\n'",
        "1,000,000 columns, at most 10,000",
    ),
    "keys that differ in every line": (
        "a.ndjson",
        "b''.join(b'{' + b','.join(b'\"%d-%d\":1' % (row, at) for at in range(1000)) + b'}\\n' for row in range(2000))",
        "at most 10,000",
    ),
    "deep nesting": ("a.ndjson", "b'{\"time\":1723075200,\"price\":' + b'[' * 2_000_000", "line"),
    "empty objects and many keys": (
        "a.ndjson",
        "b'{\"ts\":1723075200,' + b','.join(b'\"S%d\":1' % at for at in range(9_000)) + b'}\\n' + b'{}\\n' * 9_000_000",
        "few of them in each line",
    ),
    "two thousand tables of many cells": (
        "a.zip",
        "zipped({'%d.csv' % at: (b'date' + b',1' * 500 + b'\\n') * 100 for at in range(2_000)})",
        "0.csv",
    ),
    "a gzip of a gigabyte": (
        "a.csv.gz",
        "gzip.compress(TICKS + ROW * 9) + gzip.compress(ROW * 90_000) * 300",
        "256.0 MB",
    ),
}
SCRIPT: Final = """
    import gzip
    import resource
    from tests.uploads.test_packing import zipped
    from alphastream.errors import UploadError
    from alphastream.uploads import inspect, read
    MB, TICKS, ROW = 2**20, {TICKS!r}, {ROW!r}
    data = {make}
    resource.setrlimit(resource.RLIMIT_AS, (2_500 * MB, 2_500 * MB))
    for entrance in (inspect, read):
        try:
            entrance({name!r}, data)
        except UploadError as error:
            said = str(error)
    print(said)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address spaces are limited on Linux")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_end_in_a_sentence(bomb: str) -> None:
    name, make, sentence = BOMBS[bomb]
    script = textwrap.dedent(SCRIPT).format(make=make, name=name, TICKS=TICKS, ROW=ROW)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sentence in done.stdout


REFUSED: Final = """
    from alphastream.errors import UploadError
    from alphastream.uploads import read
    row = b"1723075200,1.5,1,2,3\\n"
    errors = []
    for bad in (b"1723075200,x,1,2,3\\n", b"1,2\\n", b'"', b"\\xff,1,1,1,1\\n"):
        for before in (10, 500_000):
            try:
                read("a.csv", b"time,price,a,b,c\\n" + row * before + bad + row * 1_000_000)
            except UploadError as error:
                errors.append(error)  # and all that its traceback holds
    print(*sorted({error.line for error in errors}), len(errors))
"""


def test_refused_files_leave_no_thread_behind() -> None:
    """A reader that was left open once ended the process: "terminate called without an active exception"."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REFUSED)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "12 500002 8\n"
