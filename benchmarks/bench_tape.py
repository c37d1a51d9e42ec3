"""The tape from the socket to the disk, one table: speed, latency, bytes, reading, opening, memory.

    python -m benchmarks.bench_tape                  # ten to fifteen minutes
    python -m benchmarks.bench_tape --rounds 1 --no-pages --no-day
    python -m benchmarks.bench_tape --cryptofeed VENV/bin/python  # a Python that has it; default: this one, if it does

Every measure runs in a process of its own, in turn now and before (commit 742dadc in a worktree, a row a tick), and
medians are printed. Frames carry one trade each, as Binance sends them. Over sockets they come from another process, so
the two of them share the machine's cores; where others do as well, processor time tells more than ticks a second.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

from benchmarks.bench_first_line import ROOT, free_port
from tools.exchange import Tape
from tools.exchange.firehose import Frames

BEFORE = "742dadc"
MEASURES = Path(__file__).with_name("tape_measures.py")
CRYPTOFEED = Path(__file__).with_name("tape_cryptofeed.py")
PAGES = 20

Figures = dict[str, float]
Tree = Path


@contextmanager
def worktree() -> Iterator[Tree | None]:
    """The program as it was, None where its commit is not to be had."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        command = ["git", "worktree", "add", "--quiet", "--detach", str(tree), BEFORE]
        made = subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0
        try:
            yield tree if made else None
        finally:
            if made:
                subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


@contextmanager
def firehose(count: int, certificate: Path | None = None) -> Iterator[str]:
    """A peer that sends every client ``count`` trades; its address."""
    port = free_port()
    command = [sys.executable, "-m", "tools.exchange.firehose", "--port", str(port), "--count", str(count)]
    if certificate is not None:
        command += ["--certificate", str(certificate)]
    with process(command, port):
        yield f"{'ws' if certificate is None else 'wss'}://localhost:{port}"


@contextmanager
def exchange(rate: int) -> Iterator[str]:
    """The local exchange at a constant rate; its address."""
    port = free_port()
    with process([sys.executable, "-m", "tools.exchange", "--port", str(port), "--rate", str(rate)], port):
        yield f"ws://localhost:{port}"


@contextmanager
def process(command: Sequence[str], port: int) -> Iterator[None]:
    """A process, once something listens on its port."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield
        finally:
            running.terminate()


def certificate_in(folder: Path) -> Path:
    """A certificate for localhost with its key, and beside it authority.pem, whom a client has to trust."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    path = folder / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def measure(tree: Tree, name: str, *arguments: object, **environ: str) -> Figures:
    """Run one measure in a tree."""
    command = [sys.executable, str(MEASURES), name, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)} | environ, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{name} {arguments} in {tree} failed:\n{done.stderr[-3_000:]}")
    return {key: float(value) for key, value in json.loads(done.stdout).items()}


class Table:
    """Lines of the table: a measure now and before, alternating, and the goal."""

    def __init__(self, before: Tree | None, rounds: int) -> None:
        self._trees = [ROOT] if before is None else [ROOT, before]
        self._rounds = rounds
        print(f"{'':58}{'now':>12}{'before':>12}{'ratio':>8}   goal")

    def line(self, what: str, goal: str, key: str, name: str, *arguments: object, **environ: str) -> None:
        """Measure and print one line."""
        self.lines(((what, goal, key),), name, *arguments, **environ)

    def lines(self, rows: Sequence[tuple[str, str, str]], name: str, *arguments: object, **environ: str) -> None:
        """Measure once and print a line for each of some figures: what it is, its goal, its key."""
        found: list[list[Figures]] = [[] for _ in self._trees]
        for _ in range(self._rounds):
            for tree, figures in zip(self._trees, found, strict=True):
                figures.append(measure(tree, name, *arguments, **environ))
        for what, goal, key in rows:
            medians = [statistics.median(one[key] for one in figures) for figures in found if key in figures[0]]
            show(what, medians, goal)


def show(what: str, values: Sequence[float], goal: str = "") -> None:
    """Print a line: the figure now, that before, where there is one, and their ratio."""
    texts = [f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}" for value in values]
    ratio = f"{values[0] / values[1]:.2f}" if len(values) > 1 else ""
    print(f"{what:58}{texts[0]:>12}{texts[1] if len(texts) > 1 else '':>12}{ratio:>8}   {goal}", flush=True)


def pages(seconds: float) -> None:
    """Durable trades a second of the app while it serves one browser and nineteen other clients of the live page."""
    from playwright.sync_api import sync_playwright

    from benchmarks.bench_first_line import FLAGS, chromium
    from benchmarks.bench_live import Crowd, open_page, server

    with firehose(10**9) as ws_url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with server(ws_url.removeprefix("ws://")) as (host, _):
            page, seen = open_page(browser, host)
            crowd = Crowd()
            crowd.add(PAGES - 1, crowd.follow, seen["url"], seen["topics"])
            page.wait_for_timeout(3_000)
            before, begun = written(host), time.perf_counter()
            page.wait_for_timeout(seconds * 1_000)
            rate = (written(host) - before) / (time.perf_counter() - begun)
            updates = len(crowd.sizes) / seconds / (PAGES - 1)
            crowd.leave()
        browser.close()
    show(f"the same while {PAGES} pages are served, ticks/s", [rate], "≥ 100,000")
    show("  … updates a second of each page", [updates])


def written(host: str) -> float:
    """Trades that an app has made durable, as it says itself."""
    with urlopen(f"http://{host}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(r"^alphastream_store_written_ticks\S* (\S+)$", text, re.MULTILINE))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_tape", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trades", type=int, default=1_000_000, help="over a socket (default 1,000,000)")
    parser.add_argument("--no-pages", action="store_true", help="without Chromium")
    parser.add_argument("--no-day", action="store_true", help="without the 24 simulated hours")
    parser.add_argument("--no-before", action="store_true", help="without the program as it was")
    own = sys.executable if find_spec("cryptofeed") else None
    parser.add_argument("--cryptofeed", default=own, help="a Python that has cryptofeed")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        before = None if options.no_before else stack.enter_context(worktree())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        table = Table(before, options.rounds)
        speed(table, folder, options.trades, options.cryptofeed)
        if not options.no_pages:
            pages(15.0)
        kept(table)
        if not options.no_day:
            table.lines(
                [
                    ("24 simulated hours: memory after the first, MB", "", "first_mb"),
                    ("  … after the last", "", "last_mb"),
                    ("  … largest over smallest after the second, less 1", "≤ 0.05", "spread"),
                ],
                "a_day",
                24,
            )


def speed(table: Table, folder: Path, trades: int, cryptofeed: str | None) -> None:
    """How many trades a second become durable, from memory and from sockets, and how soon readers have one."""
    frames = folder / "frames"
    frames.write_bytes(b"".join(Frames(Tape.read()).chunks(200_000)))
    cpu = ("  … processor time of all threads, µs a tick", "", "cpu_us")
    rows = [("frames in memory -> ring -> durable, ticks/s", "≥ 500,000", "ticks_per_s"), cpu]
    table.lines(rows, "in_memory", frames, "idle")
    table.line("  … beside a busy Python thread", "", "ticks_per_s", "in_memory", frames, "busy")
    if cryptofeed:
        done = subprocess.run([cryptofeed, str(CRYPTOFEED), str(frames)], check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout.splitlines()[-1])
        show("  … cryptofeed, to its callback", [figures["to_callback"]])
        show("  … cryptofeed, then executemany into SQLite", [figures["ticks_per_s"]])
    with firehose(trades) as ws_url:
        rows = [("the same from a socket, ticks/s", "", "ticks_per_s"), cpu]
        table.lines(rows, "over_a_socket", ws_url, trades, "idle")
    certificate, trust = certificate_in(folder), {"SSL_CERT_FILE": str(folder / "authority.pem")}
    with firehose(trades, certificate) as ws_url:
        table.line("  … over TLS", "", "ticks_per_s", "over_a_socket", ws_url, trades, "idle", **trust)
    few = trades // 4
    with firehose(few, certificate) as ws_url:
        what = "  … over TLS beside a busy Python thread"
        table.line(what, "≥ 150,000", "ticks_per_s", "over_a_socket", ws_url, few, "busy", **trust)
    with exchange(5_000) as ws_url:
        table.lines(
            [
                ("received -> read from the ring at 5,000 ticks/s, p50 ms", "", "p50_ms"),
                ("  … p99 ms", "≤ 20", "p99_ms"),
                ("  … slowest ms", "", "worst_ms"),
            ],
            "latency",
            ws_url,
            15,
        )


def kept(table: Table) -> None:
    """What a trade takes on disk and in memory, and how soon what is there can be read."""
    table.lines(
        [
            ("bytes a tick on disk, real trades", "≤ 8", "bytes"),
            ("  … of a block of a quarter of a second, before merging", "", "live_edge_bytes"),
        ],
        "on_disk",
        100_000,
    )
    for busy, goal in (("idle", "≤ 3"), ("busy", "≤ 60")):
        rows = [(f"five minutes of a busy symbol, {busy}, ms", goal, "ms"), ("  … slowest ms", "", "slowest_ms")]
        table.lines(rows, "five_minutes", 500_000, busy)
    table.line("open with 5,000,000 ticks, s", "≤ 1", "s", "opening", 5_000_000)
    table.line("bytes of memory a tick in the ring", "≤ 64", "bytes", "ring")


if __name__ == "__main__":
    main()
