"""A measure of a user's file: chosen on the alerts page, watched, kept, and waited for where its file is gone."""

from pathlib import Path

from alphastream.alerts import Rule
from alphastream.pairs import PairSpec
from runtime.alerts.service import AlertService
from tests.alerts.test_rules import NOW, answer, context
from tests.views.alerts.test_page import full, pipeline, press, shown, system
from tests.views.running import Running, words
from tests.views.user_files import user_files

__all__ = ["full", "pipeline", "system"]

FILE = """
from dataclasses import dataclass
import numpy as np
from alphastream.registry import parameter, register

@register("alerts")
@dataclass(frozen=True)
class ZSpeed:
    '''How far z moved over some bars.'''

    unit = "sd"
    bars: int = parameter(1, minimum=1, maximum=100)

    def values(self, closed):
        z = closed["settled_zscore"]
        moved = np.full(len(z), np.nan)
        moved[self.bars :] = z[self.bars :] - z[: -self.bars]
        return moved
"""
WRONG = FILE.replace("return moved", "return moved[:1]")


def test_it_is_chosen_watched_kept_and_waited_for(tmp_path: Path, system: Running) -> None:
    with user_files(tmp_path / "user", speed=FILE) as folder:
        test = shown()
        next(box for box in test.selectbox if box.label == "Watch").set_value("ZSpeed").run()
        assert "How far z moved over some bars. (user/speed.py)" in words(test)
        next(box for box in test.number_input if box.label == "Bars").set_value(2)
        next(box for box in test.number_input if box.label == "Level, sd").set_value(1.5)
        press(test, "Add rule")
        (rule,) = system.alerts.rules
        assert (rule.measure, rule.home, rule.parameters) == ("ZSpeed", "user/speed.py", {"bars": 2})
        assert rule.condition == "above 1.5 sd"
        (alert,) = system.alerts.evaluate(context(answer([0.0, 0.5, 2.0]), recorded=True))
        assert alert.value == 2.0
        assert "ZSpeed is 2 sd" in alert.sentence
        kept = AlertService(tmp_path, lambda: NOW)
        assert kept.rules == (rule,)

        (folder.path / "speed.py").write_text(WRONG, encoding="utf-8")
        folder.load()
        system.alerts.evaluate(context(answer([0.0, 0.5, 2.0, 3.0]), recorded=True))
        assert "ZSpeed.values gave (1,) for 4 bars" in system.alerts.status(rule.id).words

        (folder.path / "speed.py").unlink()
        folder.load()
        system.alerts.evaluate(context(answer([0.0, 0.5, 2.0, 3.0]), recorded=True))
        assert "waits for user/speed.py, which has ZSpeed" in system.alerts.status(rule.id).words
        assert AlertService(tmp_path, lambda: NOW).rules == (rule,)
        assert not shown().exception


def test_other_parameters_watch_something_else() -> None:
    rule = Rule("a", "a", "Own", "above", 1.0, 0.0, PairSpec("y", "x"), home="user/own.py", parameters={"bars": 1})
    other = Rule("a", "a", "Own", "above", 1.0, 0.0, PairSpec("y", "x"), home="user/own.py", parameters={"bars": 2})
    assert not rule.watches_as(other)
    assert hash(rule) == hash(other)
