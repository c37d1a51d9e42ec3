"""Dask and Ray on 127.0.0.1 for tests: a scheduler and two workers, each a process."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tests.servers import Server, free_ports, need

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Give the address of a scheduler; a worker that dies is not started again."""
    with dask_scheduler(folder, workers) as (address, _):
        yield address


@contextmanager
def dask_scheduler(folder: Path, workers: int = 2) -> Iterator[tuple[str, Server]]:
    """The same, with the scheduler itself, which a test may kill."""
    need("distributed")
    first, *others = free_ports(1 + workers)
    address = f"tcp://127.0.0.1:{first}"
    python = ["env", f"PYTHONPATH={ROOT}", f"DASK_TEMPORARY_DIRECTORY={folder}", sys.executable, "-m"]
    scheduler = [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(first)]
    worker = [*python, "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1"]
    with ExitStack() as running:
        server = Server([*scheduler, "--no-dashboard", "--no-show"], first, folder / "scheduler.log")
        running.enter_context(server)
        for port in others:
            command = [*worker, "--worker-port", str(port), "--no-dashboard"]
            running.enter_context(Server(command, port, folder / f"worker{port}.log"))
        yield address, server


@contextmanager
def ray_cluster(workers: int = 2) -> Iterator[str]:
    """Start Ray for this process and its workers; sends no usage report."""
    need("ray")
    with mock.patch.dict(os.environ, {"RAY_USAGE_STATS_ENABLED": "0"}):
        ray: Any = import_module("ray")
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            object_store_memory=80 << 20,
        )
        try:
            yield "ray"
        finally:
            ray.shutdown()
