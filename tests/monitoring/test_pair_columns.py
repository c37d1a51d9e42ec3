"""What a pair's page gets: evidence from the bars in which both legs traded, kept while one of them waits."""

import numpy as np

from alphastream.core.units import SECOND
from alphastream.monitoring import RelationMonitor
from alphastream.pairs import EVIDENCE_COLUMNS, PairSpec, analyse
from calibration.markets import Market

PAIR = PairSpec("ETHUSDT", "BTCUSDT", interval_ns=SECOND, price="price")


def test_evidence_counts_rows_in_which_both_legs_traded() -> None:
    rows = Market(correlation=0.9, y_trades=0.4).rows(np.random.default_rng(3), 2_000, half_life=5.0)
    closed = analyse(rows, PAIR).closed
    both = rows.both_traded
    alone, _ = RelationMonitor(alarm_rows=20.0 * 86_400).run(rows.x[both], rows.y[both])
    for column, field in EVIDENCE_COLUMNS.items():
        np.testing.assert_array_equal(closed[column][both], getattr(alone, field))
        held = closed[column][1:][~both[1:]]
        np.testing.assert_array_equal(held, closed[column][:-1][~both[1:]])
    assert closed["evidence_rows"][-1] == both.sum()


def test_a_second_model_of_a_pair_shares_its_evidence() -> None:
    found = [
        analyse(Market().rows(np.random.default_rng(1), 300), PairSpec("A", "B", model=model))
        for model in ("ols", "tls")
    ]
    np.testing.assert_array_equal(found[0].closed["evidence_p"], found[1].closed["evidence_p"])
