"""Real servers on the loopback interface for tests: NATS, PostgreSQL, and moto's S3; each started by the test.

A test whose server or package is not here is skipped with a sentence. Where the variable CI is set it fails instead:
there all of them are installed, and a skipped test would prove nothing.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

import pytest

START_S: Final = 60.0  # for a server to answer
POSTGRES_BINS: Final = Path("/usr/lib/postgresql")  # where Debian keeps what is not on the path, by version


def need(name: str) -> str:
    """Return the path of a program, or of an installed package's file; without it the test ends here.

    Parameters
    ----------
    name : a program, looked for beside Python, in the folder that TEST_SERVERS names, on the path, and among
        PostgreSQL's own; or a package as it is imported.
    """
    folders = [str(Path(sys.executable).parent), os.environ.get("TEST_SERVERS", ""), os.environ.get("PATH", "")]
    folders += [str(found) for found in sorted(POSTGRES_BINS.glob("*/bin"), reverse=True)]
    if found := shutil.which(name, path=os.pathsep.join(filter(None, folders))):
        return found
    if name.isidentifier() and (spec := find_spec(name)) is not None:
        return spec.origin or name
    why = f"needs {name}, which is not installed here: requirements-dev.txt and TEST_SERVERS name what tests use"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def need_module(name: str, file: str) -> Any:
    """Import what a whole file of tests needs; without it the file ends here, skipped or, in CI, failed.

    Parameters
    ----------
    file : of requirements that names it.
    """
    if find_spec(name) is None and not os.environ.get("CI"):
        pytest.skip(f"needs {name}, which is not installed here: pip install -r {file}", allow_module_level=True)
    return import_module(name)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on, each another one."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", timeout_s: float = START_S) -> None:
    """Wait until a server answers on its port. Raises RuntimeError where it ends instead, or takes too long."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it answered")
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not answer on port {port} after {timeout_s:g} s")


class Server:
    """A server process on a port of 127.0.0.1, that can be stopped, killed as by a power cut, and started again.

    Parameters
    ----------
    command : program and arguments.
    port : where it answers.
    log : file that its output is added to.
    user : whom it runs as; None for who runs the tests.
    """

    def __init__(self, command: Sequence[str], port: int, log: Path, user: str | None = None) -> None:
        self.command, self.port, self._log, self._user = list(command), port, log, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self._user,
                cwd="/",  # another user may not enter the checkout
            )
        try:
            wait_for_port(self.port, self.process)
        except RuntimeError as error:
            self.kill()
            raise RuntimeError(f"{error}; it said: {self._log.read_text(errors='replace')[-1_000:]}") from error
        return self

    def kill(self) -> None:
        """End it by SIGKILL: it has no chance to write anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGINT)

    def _end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start() if self.process is None else self

    def __exit__(self, *_: object) -> None:
        self.stop()


def nats_server(folder: Path, port: int | None = None) -> Server:
    """A NATS server with JetStream that is not started yet. Nothing that it has acknowledged is lost by a kill.

    Parameters
    ----------
    folder : keeps its streams; a server started again on it has them.
    """
    port = port or free_ports(1)[0]
    return _nats(folder, port, "")


def nats_cluster(folder: Path, nodes: int = 3) -> list[Server]:
    """Nodes of one NATS cluster with JetStream, not started yet: any majority of them serves."""
    ports = free_ports(2 * nodes)
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports[nodes:])
    return [
        _nats(
            folder / f"node{at}",
            ports[at],
            f'cluster {{ name: "test", listen: "127.0.0.1:{ports[nodes + at]}", routes: [{routes}] }}\n',
        )
        for at in range(nodes)
    ]


def _nats(folder: Path, port: int, more: str) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'server_name: "{folder.name}-{port}"\n'
        f'listen: "127.0.0.1:{port}"\n'
        f'jetstream {{ store_dir: "{folder / "streams"}", sync_interval: always }}\n'
        f"{more}",
        encoding="utf-8",
    )
    return Server([need("nats-server"), "-c", str(configuration)], port, folder / "nats.log")


def redis_server(folder: Path, *options: str) -> Server:
    """A Redis server that is not started yet, with options such as "--appendonly", "yes"."""
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    command = [need("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), *options]
    return Server(command, port, folder / "redis.log")


def moto_s3(folder: Path) -> Server:
    """A server that speaks S3 as moto does, in memory, not started yet; any credentials will do."""
    (port,) = free_ports(1)
    return Server([need("moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, folder / "moto.log")


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server with an empty database; gives its address, and ends with the block."""
    program, initdb = need("postgres"), need("initdb")
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="alphastream-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        made = [initdb, "-D", str(folder / "data"), "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd="/")
        command = [program, "-D", str(folder / "data"), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
        with Server([*command, "-c", "fsync=off"], port, folder / "postgres.log", user):
            address = f"postgresql://test@127.0.0.1:{port}/postgres"
            ready = [need("pg_isready"), "-q", "-d", address]
            deadline = time.monotonic() + START_S
            while subprocess.run(ready, check=False).returncode != 0:  # it listens before it serves
                if time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL does not serve after {START_S:g} s")
                time.sleep(0.05)
            yield address
