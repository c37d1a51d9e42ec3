"""The recipe of docs/study.md: registered, written down, run in history and live."""

import re
from pathlib import Path
from typing import Any

import pytest

from alphastream.backtest import Definition, LiveRun, TickMarket, backtest
from alphastream.bar_rows import BarsSpec
from alphastream.registry import find, forget, loading, parameters_of
from alphastream.trading import BrokerRules
from tests.backtest.test_live import START, columns, play, split, tape

DOCS = Path(__file__).resolve().parents[2] / "docs" / "study.md"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "documented_recipe.py").write_text(blocks[-1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with loading("test"):
        import documented_recipe  # type: ignore[import-not-found]
    yield documented_recipe.LowIsLong
    forget("test")


def test_a_recipe_is_a_strategy_of_its_fields(recipe: Any) -> None:
    assert find("strategies", "LowIsLong").made is recipe
    assert [each.name for each in parameters_of(recipe)] == ["bars", "window"]
    strategy = recipe(BarsSpec(("ETH",), 10**9), window=5)
    assert strategy.name == "low is long ETH"
    assert Definition.of(Definition(strategy).plain()).strategy == strategy

    ticks = tape(7)
    begin_ns, rules = START + 30 * 10**9, BrokerRules(fill="next_open")
    run = LiveRun(strategy, rules)
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], [40, 41, 500]))
    seen = [tick for tick in ticks if tick.time_ns < run.until_ns]
    history = backtest(TickMarket(columns(seen), run.until_ns), strategy, rules, begin_ns=begin_ns)
    assert len(history.fills) > 20
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns < run.until_ns]
