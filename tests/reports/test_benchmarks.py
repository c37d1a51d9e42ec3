"""What a run may be held beside, made of its own prices."""

import numpy as np
import pytest

from alphastream.reports.basis import basis_of
from alphastream.reports.benchmark_section import beside
from alphastream.reports.benchmarks import CASH, EQUALLY, benchmark_names, held_benchmark
from alphastream.reports.run_report import run_html
from tests.reports.books import made


def test_each_is_what_its_name_says() -> None:
    run = made(300, ("A", "B"))
    assert benchmark_names(run) == [EQUALLY, "A held", "B held", CASH]
    prices = run.marks / run.marks[0]
    np.testing.assert_allclose(held_benchmark(run, "B held").levels, prices[:, 1])
    np.testing.assert_allclose(held_benchmark(run, EQUALLY).levels, prices.mean(axis=1))
    assert set(held_benchmark(run, CASH).levels) == {1.0}
    assert held_benchmark(run, "no such").name == EQUALLY


def test_names_are_those_of_the_page() -> None:
    run = made(30, ("venue:A",))
    assert benchmark_names(run, {"venue:A": "A"}) == ["A held", CASH]
    assert held_benchmark(run, "A held", {"venue:A": "A"}).levels.iloc[-1] == pytest.approx(
        run.marks[-1, 0] / run.marks[0, 0]
    )


def test_a_report_says_what_the_comparison_means() -> None:
    run = made(300, ("A", "B"))
    text = run_html(run, benchmark=held_benchmark(run, EQUALLY))
    assert f">Beside {EQUALLY}</h2>" in text
    assert "so no market is its natural yardstick" in text
    assert "does not move: there is no beta" in run_html(run, benchmark=held_benchmark(run, CASH))


def test_cash_leaves_what_is_not_defined_undefined() -> None:
    run = made(300, ("A", "B"))
    found = {name: (value, words) for name, value, words in beside(
        run, basis_of(run), held_benchmark(run, CASH).levels, annual=True).rows}  # fmt: skip
    assert found["Beta"] == ("–", "not defined: the benchmark does not move")
    assert found["Correlation"][0] == "–"
    assert found["Tracking error"][0].endswith("%")
