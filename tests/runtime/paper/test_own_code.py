"""Paper runs of a user's strategy: they name its code, go on after a restart, and wait where it is another."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphastream.backtest import Definition
from alphastream.backtest.own_code import AbsentStrategy
from alphastream.bar_rows import BarsSpec
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.registry import find
from runtime.paper.journal import RunFile
from runtime.paper.service import PaperService
from runtime.user_folder import UserFolder
from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import (
    RULES,
    SECOND,
    Pipelines,
    TapePipeline,
    eventually,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, same_as_history
from tests.views.user_files import ONE

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "user_strategy.py"
SPEC = PairSpec("ETH", "BTC", SECOND, "ols", 20)
FILE = "user/breakout.py"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[UserFolder]:
    (tmp_path / "user").mkdir()
    made = UserFolder(tmp_path / "user")
    yield made
    shutil.rmtree(made.path)
    made.load()


def write(folder: UserFolder, version: str = "1", **instead: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('version = "1"', f'version = "{version}"')
    for old, new in instead.items():
        assert old in text
        text = text.replace(old, new)
    (folder.path / "breakout.py").write_text(text, encoding="utf-8")
    folder.load()
    assert not folder.troubles


def definition() -> Definition:
    strategy = find("strategies", "SpreadBreakout").made(SPEC, breakout=1.2, back=0.5)
    return Definition(strategy, RULES)


def begun(service: PaperService, pipeline: TapePipeline) -> str:
    """A run with some fills."""
    warm, rest = before_and_after(tape(3))
    pipeline.feed(warm)
    name = service.open(definition(), "live")
    pipeline.feed(rest[:300])
    view = played(service, name, end_of(rest[:300]))
    assert view.fills
    return name


def waits_for_trades(service: PaperService, name: str) -> None:
    """Its code is there, and the next trades will let it go on."""
    eventually(lambda: see(service, name).why.startswith("for the next trades"))


def test_it_is_the_backtest_and_goes_on_after_a_restart(
    tmp_path: Path, pipeline: TapePipeline, folder: UserFolder
) -> None:
    write(folder)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        name = begun(service, pipeline)
        before = see(service, name)
        same_as_history(before, pipeline.store)
    begin = RunFile(tmp_path / "paper" / f"{name}.jsonl").read().begin
    (code,) = begin.code
    assert (code.kind, code.name, code.home, code.version) == ("strategies", "SpreadBreakout", FILE, "1")
    assert code.code == find("strategies", "SpreadBreakout").code
    assert (begin.strategy, begin.symbols) == ("breakout ETH/BTC", ("ETH", "BTC"))
    folder.load()  # as the app does when it starts
    with running(tmp_path / "paper", pipelines) as service:
        goes_on(service, pipeline, name)
        after = see(service, name)
        assert after.fills[: len(before.fills)] == before.fills
        assert after.definition.strategy == definition().strategy


def test_one_instrument_is_kept_as_well(tmp_path: Path, pipeline: TapePipeline, folder: UserFolder) -> None:
    (folder.path / "up.py").write_text(ONE.replace("FAULT", "pass"), encoding="utf-8")
    folder.load()
    strategy = find("strategies", "UpBars").made(BarsSpec(("ETH",), SECOND), 3)
    warm, rest = before_and_after(tape(3))
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(Definition(strategy, RULES), "live")
        pipeline.feed(rest[:300])
        before = played(service, name, end_of(rest[:300]))
        assert before.fills
        same_as_history(before, pipeline.store)
    folder.load()
    with running(tmp_path / "paper", pipelines) as service:
        goes_on(service, pipeline, name)
        after = see(service, name)
        assert after.fills[: len(before.fills)] == before.fills
        assert after.definition.strategy == find("strategies", "UpBars").made(BarsSpec(("ETH",), SECOND), 3)


def test_another_version_waits_and_is_told(tmp_path: Path, pipeline: TapePipeline, folder: UserFolder) -> None:
    write(folder)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        name = begun(service, pipeline)
        before = see(service, name)
    path = tmp_path / "paper" / f"{name}.jsonl"
    kept, old = path.read_bytes(), find("strategies", "SpreadBreakout").code[:8]
    write(folder, "2")
    new = find("strategies", "SpreadBreakout").code[:8]
    with running(tmp_path / "paper", pipelines) as service:
        service.notify()
        eventually(lambda: see(service, name).status == "waiting")
        view = see(service, name)
        assert view.why == (
            f"written by SpreadBreakout 1 (hash {old}), {FILE} now has 2 (hash {new}): restore the file, "
            "go on with it as it is, or stop this run"
        )
        assert isinstance(view.definition.strategy, AbsentStrategy)
        assert (view.fills, view.cash, view.symbols) == (before.fills, before.cash, before.symbols)
        assert view.definition.rules == RULES
        assert path.read_bytes() == kept
        write(folder, "1")  # restored, and loaded again
        service.notify()
        waits_for_trades(service, name)
        goes_on(service, pipeline, name)
        assert see(service, name).fills[: len(before.fills)] == before.fills
    write(folder, "3")
    with running(tmp_path / "paper", pipelines) as service:
        eventually(lambda: see(service, name).status == "waiting")
        service.adopt_code(name)
        waits_for_trades(service, name)
        goes_on(service, pipeline, name)
        with pytest.raises(ParameterError, match="still runs on the code"):
            service.adopt_code(name)
    record = RunFile(path).read()
    assert record.code[0].version == "3"
    assert not record.lacks_code()


def test_a_file_that_is_gone(tmp_path: Path, pipeline: TapePipeline, folder: UserFolder) -> None:
    write(folder)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        name = begun(service, pipeline)
    (folder.path / "breakout.py").unlink()
    folder.load()
    with running(tmp_path / "paper", pipelines) as service:
        eventually(lambda: see(service, name).status == "waiting")
        assert see(service, name).why.startswith(f"for {FILE}, which has SpreadBreakout 1 (hash ")
        assert service.notices == []
        with pytest.raises(ParameterError, match="put that file back"):
            service.adopt_code(name)
        service.end(name, flatten=False)
        eventually(lambda: see(service, name).status == "stopped")


def test_code_that_trades_something_else_is_not_gone_on_with(
    tmp_path: Path, pipeline: TapePipeline, folder: UserFolder
) -> None:
    write(folder)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        name = begun(service, pipeline)
    write(folder, "2", **{"return self.pair.y, self.pair.x": "return self.pair.x, self.pair.y"})
    with running(tmp_path / "paper", pipelines) as service:
        eventually(lambda: see(service, name).status == "waiting")
        with pytest.raises(ParameterError, match="now trades BTC, ETH and the run holds ETH, BTC"):
            service.adopt_code(name)
