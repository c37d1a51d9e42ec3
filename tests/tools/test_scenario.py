"""From a trade to answers at three sizes, each by configuration only: the answers are the same, bit for bit."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import need
from tools.scenario.answers import Answers
from tools.scenario.sizes import SIZES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_laptop_server_and_cluster_answer_alike() -> None:
    for program in ("nats-server", "moto_server", "distributed"):
        need(program)
    found = {}
    for size in SIZES:
        command = [sys.executable, "-m", "tools.scenario", size]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found[size] = done.stdout.split()[-1]
    assert len(set(found.values())) == 1, found


def test_a_digest_changes_with_any_answer() -> None:
    one, other = Answers(), Answers()
    for answers, value in ((one, 1.0), (other, 1.0 + 2**-52)):
        answers.add("dashboard", [1, 2, 3])
        answers.add("scan", ["a", "b"], [value])
    assert one.parts["dashboard"] == other.parts["dashboard"]
    assert one.digest != other.digest
