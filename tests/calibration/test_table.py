"""The counting is right, and its tables say what was counted."""

import math
from pathlib import Path

from alphastream.bars import PairRows
from alphastream.cointegration import TEST_ROWS
from calibration.markets import CONDITIONS, Market
from calibration.table import WALKS, Count, bars_needed, count, count_all, percent, power_table, verdict_table
from calibration.verdicts import CARD, Answers


def test_answers_are_counted_with_refusals_apart() -> None:
    said = iter([True, False, None, True])

    def question(rows: PairRows) -> Answers:
        assert len(rows) == 40
        return {CARD: next(said)}

    counted = count(question, "any", Market(), WALKS, runs=4, bars=40)
    assert counted == {CARD: Count(runs=4, said_yes=2, refused=1)}
    assert (counted[CARD].share, counted[CARD].error, percent(counted[CARD])) == (0.5, 0.25, "50.0 (25)")


def y_above(rows: PairRows) -> Answers:
    """Whether y ended above x."""
    return {CARD: bool(rows.y[-1] > rows.x[-1])}


def test_each_condition_draws_the_same_numbers_whatever_else_is_counted(tmp_path: Path) -> None:
    runs = {WALKS: 20, 5.0: 10}
    both = count_all(y_above, runs, {"a": Market(), "b": Market(correlation=0.9)}, bars=50)
    assert count_all(y_above, runs, {"b": Market(correlation=0.9)}, bars=50) == {
        key: counts for key, counts in both.items() if key[0] == "b"
    }
    seen: list[tuple[int, int]] = []
    kept = {"workers": 2, "folder": str(tmp_path), "progress": lambda done, total: seen.append((done, total))}
    for _ in range(2):
        again = count_all(y_above, runs, {"a": Market(), "b": Market(correlation=0.9)}, bars=50, **kept)  # type: ignore[arg-type]
        assert again == both, "in processes, and read again"
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4), (4, 4)]
    lines = power_table(both, CARD).splitlines()
    assert lines[0] == "| condition | walks | half-life 5 |"
    assert lines[2].startswith("| a | ")
    assert verdict_table(both, 5.0, [CARD]).splitlines()[3] == f"| b | {percent(both['b', 5.0][CARD])} |"


def test_bars_suffice_for_the_rows_that_are_tested() -> None:
    assert bars_needed(Market()) == TEST_ROWS
    for market in CONDITIONS.values():
        expected = bars_needed(market) * market.share_of_both
        assert expected >= TEST_ROWS + 3.0 * math.sqrt(TEST_ROWS * (1.0 - market.share_of_both))
