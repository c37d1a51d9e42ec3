"""Processes and clusters of Dask and Ray: the bits of one thread, also when a worker is killed in the middle."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.compute import JobCancelled, run
from alphastream.compute.engines import engine_of
from alphastream.errors import ComputeError
from alphastream.scan import ScanCancelled, scan_pairs
from alphastream.scan.work import Pairs
from tests.compute.clusters import dask_cluster, dask_scheduler, ray_cluster
from tests.compute.jobs import Range, fails, squares, traced

ENGINES = ("processes", "dask", "ray")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The address of an engine, which is started when it is first asked for."""
    started: dict[str, str] = {}
    with ExitStack() as running:

        def of(engine: str) -> str:
            if engine not in started:
                if engine == "dask":
                    cluster = running.enter_context(dask_cluster(tmp_path_factory.mktemp("dask")))
                    started[engine] = f"dask:{cluster}"
                elif engine == "ray":
                    started[engine] = running.enter_context(ray_cluster())
                else:
                    started[engine] = engine
            return started[engine]

        yield of


def universe() -> pd.DataFrame:
    """60 symbols, some listed later, some with gaps, one that never moves: large blocks and small ones."""
    rng = np.random.default_rng(4)
    prices = pd.DataFrame(np.exp(np.cumsum(rng.normal(size=(200, 60)), axis=0) / 100.0)).add_prefix("S")
    prices.iloc[:50, 40:] = np.nan
    prices.iloc[:, :4] = prices.iloc[:, :4].mask(rng.random((200, 4)) < 0.3)
    prices["CONSTANT"] = 1.0
    return prices


@pytest.fixture(scope="module")
def alone() -> pd.DataFrame:
    """The table of one thread."""
    return scan_pairs(universe(), threads=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_scans_are_those_of_one_thread(engine: str, address: Callable[[str], str], alone: pd.DataFrame) -> None:
    seen: list[tuple[int, int]] = []
    table = scan_pairs(
        universe(), threads=2, backend=address(engine), progress=lambda done, total: seen.append((done, total))
    )
    pd.testing.assert_frame_equal(alone, table, check_exact=True)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == (1_830, 1_830)


@dataclass(frozen=True, slots=True)
class Deadly:
    """A call whose worker is killed in the middle of a chunk, the first time."""

    call: Callable[[Any], Any]
    folder: Path

    def __call__(self, named: tuple[str, Pairs]) -> Any:
        killed = self.folder / "killed"
        if named[1].pairs[0] == 500 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.call(named)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_worker_killed_in_a_scan_changes_nothing(
    engine: str, address: Callable[[str], str], alone: pd.DataFrame, tmp_path: Path
) -> None:
    compute = engine_of(address(engine), 2)
    table = scan_pairs(universe(), backend=lambda call, chunks: compute(Deadly(call, tmp_path), chunks))
    pd.testing.assert_frame_equal(alone, table, check_exact=True)
    assert (tmp_path / "killed").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stopped_scan_goes_on_elsewhere(
    engine: str, address: Callable[[str], str], alone: pd.DataFrame, tmp_path: Path
) -> None:
    done: list[int] = []
    with pytest.raises(ScanCancelled):
        scan_pairs(
            universe(),
            threads=1,
            folder=str(tmp_path),
            progress=lambda pairs, total: done.append(pairs),
            cancelled=lambda: len(done) == 2,
        )
    again: list[int] = []
    table = scan_pairs(
        universe(),
        threads=2,
        backend=address(engine),
        folder=str(tmp_path),
        progress=lambda pairs, _: again.append(pairs),
    )
    pd.testing.assert_frame_equal(alone, table, check_exact=True)
    assert again[0] == done[1], "finished parts are not done again"


@pytest.mark.parametrize("engine", ENGINES)
def test_errors_and_cancellations_come_through(engine: str, address: Callable[[str], str]) -> None:
    chunks = [Range(at, at + 2) for at in range(0, 40, 2)]
    with pytest.raises(ValueError, match="no square of 2"):
        run(fails, chunks, address(engine), workers=2)
    done: list[int] = []
    with pytest.raises(JobCancelled, match="after 1 of 20"):
        run(
            squares,
            chunks,
            address(engine),
            workers=2,
            progress=lambda finished, total: done.append(finished),
            cancelled=lambda: bool(done),
        )
    assert len(run(squares, chunks, address(engine), workers=2)) == 20, "the engine can be used after that"


def test_a_dask_scheduler_that_ends_in_mid_job_is_told(tmp_path: Path) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()
    with dask_scheduler(tmp_path, workers=1) as (place, scheduler):

        def kill_it(done: int, _: int) -> None:
            if done == 1:
                scheduler.kill()

        chunks = [Range(at, at + 1, str(traces)) for at in range(3_000)]
        with pytest.raises(ComputeError, match=r"the Dask scheduler at tcp://.* has ended: start the job again"):
            run(traced, chunks, f"dask:{place}", progress=kill_it)
