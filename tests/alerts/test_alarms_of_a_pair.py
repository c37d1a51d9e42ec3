"""How often rules fire on a pair that is held together, and on its end: once each, and a p-value all the time."""

import math
from dataclasses import fields, replace
from functools import cache

import numpy as np

from alphastream.alerts import Rule, RuleState, step
from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.core.units import DAY, SECOND
from alphastream.estimators import RollingEngleGranger
from alphastream.monitoring import RelationMonitor
from alphastream.pairs import PairSpec, alarm_rows
from calibration.markets import Market

MINUTE = 60 * SECOND
PAIR = PairSpec("ETHUSDT", "BTCUSDT", interval_ns=MINUTE, price="price")
EVIDENCE = Rule("e", "it reverts", "evidence", "above", 20.0, 1.0, PAIR)
ENDED = Rule("n", "it ended", "ended", "above", 20.0, 1.0, PAIR)
HELD, FREE = 8_000, 6_000


@cache
def rows() -> PairRows:
    """A pair with a half-life of 20 bars, then two walks, then a pair again."""
    rng = np.random.default_rng(12)
    parts = [Market().rows(rng, bars, each) for bars, each in ((HELD, 20.0), (FREE, math.inf), (HELD, 20.0))]
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(PairRows)}
    for leg in ("x", "y"):
        for seam in (HELD, HELD + FREE):  # the next part goes on where the one before ended
            joined[leg][seam:] -= joined[leg][seam] - joined[leg][seam - 1]
    joined["end_ns"] = MINUTE * np.arange(1, len(joined["x"]) + 1)
    return PairRows(**joined)


def fired(rule: Rule, values: Floats) -> list[int]:
    """Rows at which a rule fires, a value a bar."""
    state, at = RuleState(), []
    rule = replace(rule, cool_down_s=0.0)
    for row, value in enumerate(values.tolist()):
        state, fires = step(rule, state, value, (row + 1) * MINUTE)
        if fires:
            at.append(row)
    return at


def test_a_relation_is_told_once_and_so_is_its_end() -> None:
    found, _ = RelationMonitor(alarm_rows(MINUTE)).run(rows().x, rows().y)
    days = MINUTE / DAY
    shown, ended = fired(EVIDENCE, found.detector * days), fired(ENDED, found.ended * days)
    assert len(shown) == 2
    assert shown[0] < 3_000
    assert len(ended) == 1
    assert HELD < ended[0] < HELD + FREE
    assert HELD + FREE < shown[1] < HELD + FREE + 3_000


def test_a_rule_on_p_fires_again_and_again_on_the_same_pair() -> None:
    """What such a rule began with before: p of 500 bars at .1 or above, armed again at .05."""
    first = rows()
    held, _ = RollingEngleGranger(500).run(first.x[:HELD], first.y[:HELD])
    naive = Rule("p", "p is high", "pvalue", "above", 0.1, 0.05, PAIR)
    assert len(fired(naive, held.pvalue)) > 5
