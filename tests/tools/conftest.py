"""Fixtures of the local exchange: recorded tapes."""

import pytest

from tools.exchange import (
    Tape,
)


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.read()


@pytest.fixture(scope="module")
def short_tape(tape: Tape) -> Tape:
    return Tape(tape.trades[:100])
