"""Rules about edges between venues: which looks they see, and that an edge has to last."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from alphastream.alerts import Rule, RuleContext, RuleState, read_edges, step
from alphastream.feeds.feed import FeedStats
from runtime.alerts.service import AlertService

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
EDGE = Rule("e", "edge", "arbitrage", "above", 0.1, 0.05, cool_down_s=0.0, asset="BTC/USDT", for_s=5.0)


def context(looks: Sequence[tuple[int, float]]) -> RuleContext:
    health = FeedStats().snapshot("one", (), ("live", "trades arrive", 0, None))

    def edges(asset: str, since_ns: int) -> list[tuple[int, float]]:
        assert asset == "BTC/USDT"
        return [look for look in looks if look[0] > since_ns] or list(looks[-1:])

    return RuleContext(lambda spec: None, NOW, health, NOW, (), follow=lambda symbol: None, recorded=False, edges=edges)


def fired_at(values: Sequence[float], rule: Rule = EDGE) -> list[int]:
    """Seconds at which a rule fires on a value a second."""
    state, found = RuleState(), []
    for second, value in enumerate(values):
        state, fires = step(rule, state, value, NOW + second * SECOND, NOW + second * SECOND)
        if fires:
            found.append(second)
    return found


def test_an_edge_has_to_last() -> None:
    assert fired_at([0.2] * 5) == []
    assert fired_at([0.2] * 8) == [5]
    assert fired_at([0.2] * 4 + [0.09] + [0.2] * 7) == [10]
    assert fired_at([0.2] * 4 + [math.nan] + [0.2] * 7) == [10]
    assert fired_at([0.2] * 7 + [0.04] + [0.2] * 7) == [5, 13]
    assert fired_at([0.2] * 3, replace(EDGE, for_s=0.0)) == [0]


def test_every_look_since_the_last_is_seen() -> None:
    looks = [(NOW + second * SECOND, float(second)) for second in range(4)]
    assert read_edges(EDGE, context(looks), 0).values == tuple(looks[-1:])
    assert read_edges(EDGE, context(looks), NOW + SECOND).values == tuple(looks[2:])
    assert read_edges(EDGE, context([]), 0).missing == "BTC/USDT is not quoted at two venues now"
    assert read_edges(EDGE, context([(NOW, math.nan)]), 0).missing == "no two venues quote it now"


def test_the_book_of_rules_fires_and_keeps_them(tmp_path: Path) -> None:
    service = AlertService(tmp_path, lambda: NOW + 60 * SECOND)
    service.add(EDGE)
    looks = [(NOW, 0.2)]
    assert service.evaluate(context(looks)) == []
    assert service.status("e").value == 0.2
    looks += [(NOW + second * SECOND // 5, 0.2) for second in range(1, 40)]
    (alert,) = service.evaluate(context(looks))
    assert alert.sentence.startswith("BTC/USDT: arbitrage edge after costs is 0.2 % (above 0.1 % for 5 s) at ")
    assert not alert.recorded
    assert service.evaluate(context(looks)) == []
    again = AlertService(tmp_path)
    assert again.rules == (EDGE,)


def test_another_asset_or_time_is_another_rule() -> None:
    assert not EDGE.watches_as(replace(EDGE, asset=""))
    assert not EDGE.watches_as(replace(EDGE, for_s=1.0))
    assert EDGE.watches_as(replace(EDGE, name="other"))
    assert replace(EDGE, asset="").subject == "any asset"
    with pytest.raises(ValueError, match=r"re-arm below 0\.1"):
        replace(EDGE, clear=0.2)
