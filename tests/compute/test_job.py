"""Jobs: same result on every backend, finished chunks are kept, dead workers' chunks done again, data is refused."""

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from alphastream.compute import JobCancelled, WorkersLost, named_arrays, open_arrays, run
from alphastream.errors import ComputeError, ParameterError
from tests.compute.jobs import Range, fails, kills_itself, squares, traced, waits_to_be_killed
from tests.servers import free_ports, moto_s3, need


def ranges(count: int, folder: Path | None = None) -> list[Range]:
    """Chunks of two numbers each, from 0 on."""
    return [Range(at, at + 2, "" if folder is None else str(folder)) for at in range(0, 2 * count, 2)]


def backwards(call: Any, chunks: Sequence[Any]) -> Iterator[Any]:
    """A backend of one's own that answers in another order, and some twice."""
    for chunk in reversed(chunks):
        yield call(chunk)
    yield call(chunks[0])


@pytest.mark.parametrize("backend", ["sequential", "threads", "processes", backwards])
def test_results_stand_in_the_order_of_the_chunks(backend: Any) -> None:
    seen: list[tuple[int, int]] = []
    found = run(squares, ranges(20), backend, workers=2, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(np.concatenate(found), np.arange(40) ** 2)
    assert seen[-1] == (20, 20)
    assert seen == sorted(seen)


def test_equal_chunks_are_done_once(tmp_path: Path) -> None:
    found = run(traced, [Range(0, 2, str(tmp_path))] * 3, "sequential")
    assert len(found) == 3
    assert len(list(tmp_path.iterdir())) == 1


def test_a_restart_does_what_is_left_and_no_more(tmp_path: Path) -> None:
    kept, traces = tmp_path / "job", tmp_path / "traces"
    traces.mkdir()
    chunks = ranges(10, traces)
    with pytest.raises(JobCancelled, match="cancelled after 3 of 10"):
        run(traced, chunks, "sequential", folder=str(kept), cancelled=lambda: len(list(traces.iterdir())) >= 3)
    first: list[tuple[int, int]] = []
    whole = run(
        traced, chunks, "threads", workers=2, folder=str(kept), progress=lambda done, total: first.append((done, total))
    )
    assert [table["square"].to_pylist() for table in whole] == [[at**2, (at + 1) ** 2] for at in range(0, 20, 2)]
    assert first[0][0] == 3, "what was finished is counted at once"
    again = run(traced, chunks, "sequential", folder=str(kept))
    assert len(list(traces.iterdir())) == 10
    assert all(one.equals(other) for one, other in zip(whole, again, strict=True))


def test_results_are_kept_whole_and_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(squares, ranges(3), "sequential", folder=str(tmp_path / name))
        run(traced, ranges(3, tmp_path), "sequential", folder=str(tmp_path / name))
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert sorted(Path(name).suffix for name in one) == [".arrow"] * 3 + [".npy"] * 3


def test_what_a_power_cut_damaged_is_computed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for function in (squares, traced):
        folder = tmp_path / function.__name__
        whole = run(function, ranges(2, tmp_path), "sequential", folder=str(folder))
        kept = sorted(folder.iterdir())
        before = [path.read_bytes() for path in kept]
        kept[0].write_bytes(before[0][:20])
        kept[1].write_bytes(b"")
        again = run(function, ranges(2, tmp_path), "sequential", folder=str(folder))
        assert all(
            np.asarray(one).tolist() == np.asarray(other).tolist() for one, other in zip(whole, again, strict=True)
        )
        assert [path.read_bytes() for path in kept] == before
    assert caplog.text.count("damaged, computed again") == 4


def test_another_function_or_chunk_finds_nothing_of_this_one(tmp_path: Path) -> None:
    run(squares, ranges(3), "sequential", folder=str(tmp_path))
    run(fails, [Range(4, 6)], "sequential", folder=str(tmp_path))
    run(squares, [Range(4, 7)], "sequential", folder=str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 5


def test_an_error_of_the_function_is_the_job_s() -> None:
    for backend in ("sequential", "threads", "processes"):
        with pytest.raises(ValueError, match="no square of 2"):
            run(fails, ranges(4), backend, workers=2)


def test_a_killed_process_leaves_the_result_as_it_is(tmp_path: Path) -> None:
    def kill() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = run(waits_to_be_killed, ranges(20, tmp_path), "processes", workers=2)
    killer.join()
    np.testing.assert_array_equal(np.concatenate(found), np.arange(40) ** 2)


def test_a_chunk_that_kills_its_workers_ends_the_job() -> None:
    with pytest.raises(WorkersLost, match=r"3 attempts finished nothing, \d of 3 chunks left") as caught:
        run(kills_itself, ranges(3), "processes", workers=1)
    assert isinstance(caught.value.__cause__, BrokenExecutor)


def test_a_backend_that_leaves_chunks_out_is_asked_again_and_no_more() -> None:
    with pytest.raises(WorkersLost, match="3 of 3 chunks left: the backend gave no answers"):
        run(squares, ranges(3), lambda call, chunks: [])


@dataclass(frozen=True)
class Anything:
    """A chunk with whatever it is given."""

    value: Any


def anything(chunk: Anything) -> NDArray[Any]:
    """Never called."""
    raise AssertionError(chunk)


@dataclass
class Changing:
    """A dataclass that can change."""

    value: int


@pytest.mark.parametrize(
    "value",
    [
        np.arange(3),
        pd.DataFrame({"a": [1]}),
        pa.table({"a": [1]}),
        b"bytes",
        [1, 2],
        {"a": 1},
        (1, (np.arange(3),)),
        Changing(1),
        Anything(np.zeros(1)),
        "0" * 300_000,
        tuple(range(50_000)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_chunk_that_carries_its_data_is_refused(value: Any) -> None:
    with pytest.raises(ParameterError, match="write "):
        run(anything, [Anything(value)])


def test_a_function_that_carries_data_is_refused() -> None:
    data = np.arange(3)

    def closure(chunk: Range) -> Any:
        return data[chunk.start]

    functions: tuple[Any, ...] = (closure, lambda chunk: data, partial(squares), data.sum, np.sum)
    for function in functions:
        with pytest.raises(ParameterError, match="plain function of a module"):
            run(function, ranges(1))


@pytest.mark.parametrize("backend", ["thread", "threads:2", "", "dsak:tcp://127.0.0.1:1"])
def test_an_unknown_backend_is_refused(backend: str) -> None:
    with pytest.raises(ParameterError, match="backend is"):
        run(squares, ranges(1), backend)


@pytest.mark.parametrize("backend", ["threads", "processes"])
@pytest.mark.parametrize("kept", [False, True])
def test_named_arrays_are_what_they_were(backend: str, kept: bool, tmp_path: Path) -> None:
    given = {
        "levels": np.random.default_rng(1).normal(size=(3, 5)),
        "times": np.arange(4, dtype=np.int64),
        "none": np.empty((0, 3)),
    }
    with named_arrays(given, backend, str(tmp_path) if kept else None) as name:
        found = open_arrays(name)
        assert list(found) == list(given)
        for each, array in given.items():
            np.testing.assert_array_equal(found[each], array)
            assert (found[each].dtype, found[each].shape) == (array.dtype, array.shape)
        if kept:
            assert [path.name for path in tmp_path.iterdir()] == [name.rpartition("/")[2]]
    assert not list(tmp_path.iterdir())


def test_a_name_in_a_folder_is_the_same_at_a_restart(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        with named_arrays({"a": np.arange(3.0)}, "processes", str(tmp_path)) as name:
            names.append(name)
    with named_arrays({"a": np.arange(4.0)}, "processes", str(tmp_path)) as name:
        assert names[0] == names[1] != name


def test_the_same_job_twice_in_one_folder_lets_the_other_one_end(tmp_path: Path) -> None:
    arrays, (first, second) = {"a": np.arange(3.0)}, (ExitStack(), ExitStack())
    with second, first:
        name = first.enter_context(named_arrays(arrays, "processes", str(tmp_path)))
        assert second.enter_context(named_arrays(arrays, "processes", str(tmp_path))) == name
        first.close()
        assert list(tmp_path.iterdir()) == [Path(name)]
        Path(name).unlink()  # as another process with the same job does
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    with pytest.raises(ComputeError, match=r"file/kept cannot be written on .*Give another folder"):
        run(squares, ranges(1), "sequential", folder=str(file / "kept"))


def test_spark_without_a_session_says_what_it_needs() -> None:
    need("pyspark")
    with pytest.raises(ComputeError, match=r"needs a session that is open: SparkSession\.builder"):
        run(squares, ranges(1), "spark")


def test_arrays_that_a_worker_cannot_see_are_named(tmp_path: Path) -> None:
    with pytest.raises(ComputeError, match="give a folder all workers share"):
        open_arrays(str(tmp_path / "elsewhere.arrow"))


def test_a_scheduler_that_does_not_answer_is_said() -> None:
    need("distributed")
    import_module("distributed")  # brings its settings
    dask: Any = import_module("dask")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ComputeError, match="no Dask scheduler answers at tcp://127"),
    ):
        run(squares, ranges(1), f"dask:tcp://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(ComputeError, match="no Dask scheduler answers at an open client"):
        run(squares, ranges(1), "dask")


def test_results_are_kept_in_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with moto_s3(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        made = urllib.request.Request(f"http://127.0.0.1:{server.port}/jobs", method="PUT")
        urllib.request.urlopen(made).close()
        traces = tmp_path / "traces"
        traces.mkdir()
        with named_arrays({"a": np.arange(3.0)}, "processes", "s3://jobs/one") as name:
            np.testing.assert_array_equal(open_arrays(name)["a"], [0.0, 1.0, 2.0])
        for _ in range(2):
            found = run(traced, ranges(4, traces), "threads", workers=2, folder="s3://jobs/one")
            assert [table["square"].to_pylist() for table in found] == [[0, 1], [4, 9], [16, 25], [36, 49]]
        assert len(list(traces.iterdir())) == 4, "nothing is done twice"
