"""False discovery rates against statsmodels and scipy, and the sentence that sums a scan up."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from alphastream.errors import ParameterError
from alphastream.scan import ScanSummary, qvalues, scan_pairs, summarise
from tests.scan.panels import frame, mixed, walks


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_qvalues_equal_scipy(pvalues: list[float]) -> None:
    np.testing.assert_allclose(qvalues(pvalues), false_discovery_control(pvalues), rtol=1e-12)
    np.testing.assert_allclose(
        qvalues(pvalues, dependent=True), false_discovery_control(pvalues, method="by"), rtol=1e-12
    )


def test_table_equals_statsmodels() -> None:
    table = scan_pairs(mixed())
    for column, method in (("qvalue_bh", "fdr_bh"), ("qvalue_by", "fdr_by")):
        np.testing.assert_allclose(table[column], multipletests(table["pvalue_rescaled"], method=method)[1], rtol=1e-12)


def test_missing_pvalues_are_no_tests() -> None:
    np.testing.assert_array_equal(qvalues([np.nan, 0.02, np.nan, 0.5]), [np.nan, 0.04, np.nan, 0.5])
    assert np.isnan(qvalues([np.nan])).all()
    assert qvalues([]).size == 0


@pytest.mark.parametrize("bad", [[1.5], [-0.1], [[0.1]]])
def test_no_pvalues(bad: object) -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        qvalues(bad)  # type: ignore[arg-type]


SP100 = ScanSummary(
    pairs=4950,
    tested=4950,
    hits=490,
    expected_hits=247.5,
    survive_bh=0,
    survive_by=0,
    first_half_hits=283,
    persisting=15,
    expected_persisting=15.3,
)


def test_sentence_where_chance_explains_all() -> None:
    assert SP100.sentence == (
        "490 of 4,950 pairs pass at 5%, where chance alone gives about 248; "
        "after Benjamini-Hochberg none remains, after Benjamini-Yekutieli none; "
        "of the first half's 283 hits 5.3% pass in the second, as many as chance would give (5.4%)."
    )


def test_sentence_of_few_hits_counts_them() -> None:
    few = dataclasses.replace(SP100, first_half_hits=4, persisting=1, expected_persisting=0.05)
    assert few.verdict == "as many as"
    assert few.sentence.endswith(
        "of the first half's 4 hits 1 passes in the second, where chance would give 0.05: too few to tell."
    )


@pytest.mark.parametrize(
    ("persisting", "verdict"), [(0, "fewer than"), (8, "as many as"), (23, "as many as"), (60, "more than")]
)
def test_verdict(persisting: int, verdict: str) -> None:
    summary = dataclasses.replace(SP100, persisting=persisting)
    assert summary.verdict == verdict
    assert f"{verdict} chance would give" in summary.sentence


def test_summary_counts_the_table() -> None:
    table = scan_pairs(mixed(seed=3, rows=800))
    summary = summarise(table)
    first, second = table["pvalue_first_half"] < 0.05, table["pvalue_second_half"] < 0.05
    assert (summary.pairs, summary.tested, summary.expected_hits) == (45, 45, 2.25)
    assert summary.hits == (table["pvalue"] < 0.05).sum()
    assert (summary.survive_bh, summary.survive_by) == ((table["qvalue_bh"] < 0.05).sum(), 6)
    assert (summary.first_half_hits, summary.persisting) == (first.sum(), (first & second).sum())
    assert summary.expected_persisting == pytest.approx(first.sum() * second.mean())
    assert summary.verdict == "more than"


def test_summary_of_walks_promises_nothing() -> None:
    summary = summarise(scan_pairs(frame(walks(7, 400, 40)), log=False))
    assert summary.survive_by == 0
    assert summary.verdict == "as many as"


def test_nothing_tested() -> None:
    levels = np.ones((40, 3))
    summary = summarise(scan_pairs(frame(levels)))
    assert summary.sentence == "None of 3 pairs could be tested."
