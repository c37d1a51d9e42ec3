"""The figures of scans, small: a few of the scans of `python -m calibration`."""

import numpy as np

from alphastream.scan import scan_pairs, summarise
from calibration.scans import CONDITIONS, SYMBOLS, scans, universe


def test_scans_of_nothing_rarely_turn_green() -> None:
    """21 scans: more than 5 green ones have a chance of 1 % where one in ten is green."""
    green = [scans(condition, 3)[1] for condition in CONDITIONS]
    assert 3 * sum(green) <= 5.001


def test_the_one_pair_there_is_turns_a_scan_green() -> None:
    _, green = scans("one factor", 4, half_life=5.0, common_rows=1_000)
    assert green >= 0.75


def test_plain_pvalues_would_turn_green_where_volatility_falls() -> None:
    """What the rescaled test is for: Benjamini-Hochberg of MacKinnon's p-values passes pairs in nine scans of ten."""
    prices = universe("volatility ÷ 4", np.random.default_rng(1))
    table = scan_pairs(prices)
    assert len(table) == SYMBOLS * (SYMBOLS - 1) // 2
    assert np.count_nonzero(table["pvalue"] < 0.05) > 1.5 * np.count_nonzero(table["pvalue_rescaled"] < 0.05)
    assert summarise(table).confirmed == 0
