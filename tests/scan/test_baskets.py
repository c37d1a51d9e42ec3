"""Baskets of a universe: found where they are, as many as chance gives where they are not, the same on any backend."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import basket_weights, spread_wild
from alphastream.scan import ScanCancelled, qvalues, scan_baskets, summarise_baskets


def walks(rows: int, symbols: int, rng: np.random.Generator) -> Floats:
    return np.asarray(np.cumsum(rng.normal(size=(rows, symbols)), axis=0) / 100.0)


def frame(levels: Floats) -> pd.DataFrame:
    return pd.DataFrame(np.exp(levels), columns=[f"S{place}" for place in range(levels.shape[1])])


def planted(rng: np.random.Generator, rows: int = 700) -> pd.DataFrame:
    """Ten walks and an eleventh symbol that is a combination of three of them and noise that returns."""
    levels = walks(rows, 10, rng)
    noise = np.convolve(rng.normal(size=rows + 99), 0.5 ** (np.arange(100) / 4.0), "valid") / 100.0
    return frame(np.column_stack([levels, levels[:, 2] - 0.8 * levels[:, 5] + 0.6 * levels[:, 7] + noise]))


def test_on_independent_walks_what_was_chosen_on_one_half_finds_nothing_on_the_other() -> None:
    """One basket a universe, so that repeats are independent: of 200, 5 % are 10; a binomial exceeds 20 in .1 %."""
    rng = np.random.default_rng(12)
    hits = survivors = best = 0
    for _ in range(200):
        table = scan_baskets(frame(walks(300, 6, rng)), legs=(3, 4), judged=1, backend="sequential")
        hits += int((table["pvalue"] < 0.05).sum())
        survivors += int((table["qvalue_bh"] < 0.05).sum())
        best += int((table["pvalue_chosen_on"] < 0.05).sum())
    assert hits <= 20
    assert survivors <= 20
    assert best > 40  # in sample the best of six looks good far more often: that is what the split is for


def test_a_planted_basket_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    found = others = 0
    for _ in range(10):
        table = scan_baskets(planted(rng), judged=5)
        significant = table[table["qvalue_bh"] < 0.05]
        true = {"S2", "S5", "S7", "S10"}
        found += any(true <= set(symbols) for symbols in significant["symbols"])
        others += sum(not true & set(symbols) for symbols in significant["symbols"])
    assert found >= 9
    assert others <= 1


def test_weights_are_of_the_first_part_and_the_verdict_of_the_second() -> None:
    prices = planted(np.random.default_rng(5))
    table = scan_baskets(prices, judged=4, split=0.6)
    levels = {symbol: np.log(prices[symbol].to_numpy()) for symbol in prices}
    for row in table.to_dict("records"):
        own = np.column_stack([levels[symbol] for symbol in row["symbols"]])
        np.testing.assert_allclose(row["weights"], basket_weights(own[:420], "ols").weights)
        spread = own[420:] @ np.array(row["weights"])
        assert row["statistic"] == pytest.approx(spread_wild(spread).statistic, rel=1e-9)
        assert row["rows"] == 280
    np.testing.assert_allclose(table["qvalue_bh"], qvalues(table["pvalue"].to_numpy()))
    assert table["pvalue"].is_monotonic_increasing


def test_the_second_part_has_no_say_in_the_choice() -> None:
    rng = np.random.default_rng(6)
    prices = planted(rng)
    other = prices.copy()
    other.iloc[350:] = frame(walks(350, 11, rng)).to_numpy()
    one, two = (scan_baskets(each, judged=6).set_index("symbols").sort_index() for each in (prices, other))
    assert one["weights"].equals(two["weights"])
    assert not one["pvalue"].equals(two["pvalue"])


@pytest.mark.parametrize("method", ["ols", "johansen", "sparse"])
def test_the_table_does_not_depend_on_how_the_work_is_done(method: Any, tmp_path: Path) -> None:
    prices = planted(np.random.default_rng(7))
    arguments: dict[str, Any] = {"method": method, "judged": 4}
    expected = scan_baskets(prices, backend="sequential", **arguments)
    threads = scan_baskets(prices, backend="threads", workers=2, **arguments)
    kept = scan_baskets(prices, folder=str(tmp_path), backend="sequential", **arguments)
    pd.testing.assert_frame_equal(threads, expected)
    pd.testing.assert_frame_equal(kept, expected)


def test_gaps_and_symbols_that_never_move_are_left_out_where_they_are() -> None:
    prices = planted(np.random.default_rng(8))
    prices["FLAT"] = 5.0
    prices.iloc[40:60, 3] = np.nan
    prices.iloc[500:510, 10] = np.nan
    table = scan_baskets(prices, judged=8)
    assert not any("FLAT" in symbols for symbols in table["symbols"])
    with_gap = table[["S10" in symbols for symbols in table["symbols"]]]
    assert len(with_gap)
    assert (with_gap["rows"] == 340).all()


def test_progress_counts_first_legs_and_a_scan_can_be_cancelled() -> None:
    prices, seen = planted(np.random.default_rng(9)), list[tuple[int, int]]()
    scan_baskets(prices, progress=lambda done, total: seen.append((done, total)), backend="sequential")
    assert seen[-1] == (11, 11)
    with pytest.raises(ScanCancelled, match="cancelled"):
        scan_baskets(prices, cancelled=lambda: True, backend="sequential")


def test_the_sentence_says_what_chance_would_give() -> None:
    table = scan_baskets(frame(walks(400, 12, np.random.default_rng(10))), judged=10)
    summary = summarise_baskets(table)
    assert summary.judged == 10
    assert summary.expected_hits == pytest.approx(0.5)
    assert summary.most_by_chance == 2  # P(more than 1 of 10) is 8.6 %, P(more than 2) 1.2 %
    assert "about as many as chance would give (0.5)" in summary.sentence
    found = summarise_baskets(pd.DataFrame({"pvalue": [0.001, 0.002, 0.003, np.nan], "qvalue_bh": [0.003] * 4}))
    assert found.sentence.startswith("Of 3 baskets chosen on the first rows 3 pass at 5% on the others, more than")
    assert summarise_baskets(pd.DataFrame({"pvalue": [], "qvalue_bh": []})).sentence == "No basket could be judged."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"legs": (2, 4)}, "fewest legs is 2"),
        ({"legs": (4, 3)}, "from 3 to 10"),
        ({"method": "pca"}, "choose 'ols', 'johansen' or 'sparse'"),
        ({"split": 1.0}, "between 0 and 1"),
        ({"judged": 0}, "judged is 0"),
        ({"neighbours": 1}, "neighbours is 1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        scan_baskets(frame(walks(300, 5, np.random.default_rng(1))), **arguments)


def test_too_little_is_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(NotEnoughObservations, match="scan of baskets"):
        scan_baskets(frame(walks(199, 5, rng)))
    with pytest.raises(ParameterError, match="a basket of 3 legs needs as many"):
        scan_baskets(frame(walks(300, 2, rng)))
