"""What is kept of a run: all of it comes back, and what is not a run is refused with the reason."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from alphastream.backtest import Definition
from alphastream.backtest.saved_run import MOST_POINTS, SavedRun, changes_of_code, library_code, saved_run
from alphastream.errors import ParameterError
from alphastream.strategies import ZScoreThreshold
from tests.reports.books import made
from tests.views.runs import PAIR, RULES, played
from tests.views.user_files import EXAMPLE, user_files

DEFINITION = Definition(ZScoreThreshold(PAIR), RULES, 5e4)


def kept(name: str = "one", digits: str = "0123456789abcdef", **changes: object) -> SavedRun:
    """A run of a pair, as it is kept."""
    run, _ = played()
    found = saved_run(
        run,
        DEFINITION,
        run_id=digits,
        name=name,
        saved_ns=1_700_000_000 * 10**9,
        data="a tape",
        extent="600 trades",
        settings=[("capital", "50,000")],
        figures=[("Total return", "+1.000%", "of 50.00 k, after all costs")],
        controls={"entry": 1.5, "window": 20, "observe": ["spread"], "rebalance": False, "x": "BTCUSDT"},
    )
    return msgspec.structs.replace(found, **changes) if changes else found


def test_everything_comes_back() -> None:
    run, found = played()[0], kept()
    again = SavedRun.from_json(found.as_json())
    assert again == found
    assert Definition.of(again.definition) == DEFINITION
    assert again.profit == float(run.equity[-1]) - run.capital
    assert (again.start_ns, again.end_ns, again.rows) == (run.time_ns[0], run.time_ns[-1], len(run))
    assert again.growth[-1] == pytest.approx(run.equity[-1] / run.capital - 1.0)
    assert again.controls == {"entry": 1.5, "window": 20, "observe": ["spread"], "rebalance": False, "x": "BTCUSDT"}
    assert changes_of_code(again) == []


def test_a_long_curve_keeps_its_ends_and_extremes() -> None:
    run = made(200_000, ("ETHUSDT", "BTCUSDT"), interval_ns=10**9, every=500)
    found = saved_run(
        run, DEFINITION, run_id="0" * 16, name="long", saved_ns=1, data="", extent="", settings=[], figures=[],
        controls={},
    )  # fmt: skip
    assert len(found.time_ns) <= MOST_POINTS
    assert (found.time_ns[0], found.time_ns[-1]) == (run.time_ns[0], run.time_ns[-1])
    assert (min(found.equity), max(found.equity)) == (run.equity.min(), run.equity.max())
    assert len(found.as_json()) < 60_000
    with pytest.raises(ParameterError, match="no row"):
        saved_run(
            replace(run, time_ns=run.time_ns[:0]), DEFINITION, run_id="0" * 16, name="none", saved_ns=1, data="",
            extent="", settings=[], figures=[], controls={},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "it is of format 2"),
        ({"id": "../../etc/passwd"}, "16 digits of hexadecimal"),
        ({"name": "  "}, "give 1 to 80"),
        ({"name": "x" * 81}, "the name has 81 characters"),
        ({"time_ns": [3, 2], "equity": [1.0, 1.0]}, "times do not rise"),
        ({"time_ns": [1], "equity": [1.0, 2.0]}, "1 times and 2 values"),
        ({"capital": 0.0}, "equity is no number"),
        ({"time_ns": list(range(3_000)), "equity": [1.0] * 3_000}, "3,000 points"),
    ],
)
def test_what_is_no_run_is_refused(change: dict[str, object], said: str) -> None:
    plain = msgspec.json.decode(kept().as_json()) | change
    with pytest.raises(ParameterError, match=said):
        SavedRun.from_json(msgspec.json.encode(plain))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"[" * 100_000, b'{"id": 3}', np.random.default_rng(0).bytes(99)])
def test_any_bytes_are_refused_in_words(text: bytes) -> None:
    with pytest.raises(ParameterError, match="no saved run that can be read"):
        SavedRun.from_json(text)


def test_other_code_is_told(tmp_path: Path) -> None:
    assert changes_of_code(kept(library="0" * 16)) == [
        "AlphaStream's own code for runs has changed since: the same settings may come to another result."
    ]
    assert len(library_code()) == 16
    from alphastream.registry import find

    with user_files(tmp_path / "user", breakout=EXAMPLE):
        strategy = find("strategies", "SpreadBreakout").made(PAIR)
        run, _ = played()
        found = saved_run(
            run, Definition(strategy, RULES), run_id="1" * 16, name="own", saved_ns=1, data="", extent="",
            settings=[], figures=[], controls={},
        )  # fmt: skip
        assert changes_of_code(SavedRun.from_json(found.as_json())) == []
        (code,) = found.code
    with user_files(tmp_path / "other", breakout=EXAMPLE.replace("back", "returned")):
        (said,) = changes_of_code(found)
        assert said.startswith(f"The code of {code.words} has changed since: ")
    (said,) = changes_of_code(found)
    assert "is not loaded now" in said
