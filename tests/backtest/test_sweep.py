import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.backtest.sweep import grid_of, sweep
from alphastream.backtest.vectorised import run_pair
from alphastream.compute import JobCancelled
from alphastream.errors import ParameterError
from alphastream.performance import deflated_sharpe, lo_sharpe, moments, returns
from alphastream.strategies import FixedNotional, ThresholdRule, VolatilityTarget
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.margin import Margin
from tests.backtest.histories import bands, history, prices

WINDOWS, ENTRIES = (10, 25, 40), (1.0, 1.5, 2.0, 6.0)
RULES = BrokerRules(fill="next_open", half_spread_bps=1.0)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("sizer", [FixedNotional(500.0), VolatilityTarget(0.01)])
def test_every_combination_is_a_single_run(workers: int, sizer: FixedNotional | VolatilityTarget) -> None:
    found, strategy = history(*prices(600), RULES), bands()
    strategy = type(strategy)(strategy.pair, sizer=sizer, rule=ThresholdRule(6.5, 5, 3))
    swept = sweep(found, strategy, WINDOWS, ENTRIES, exits=(0.0, 0.5, 0.5, 0.5), workers=workers)
    assert swept.sharpe.shape == swept.grid.shape == (3, 4)
    for place in np.ndindex(3, 4):
        one = swept.grid.strategy(place)
        assert (one.pair.window, one.pair.entry) == (WINDOWS[place[0]], ENTRIES[place[1]])
        run = run_pair(found, one)
        assert swept.final_equity[place] == run.equity[-1]
        assert swept.trades[place] == run.trades
        expected = moments(returns(run.equity))
        assert swept.rows == expected.rows == 599
        assert swept.sharpe[place] == pytest.approx(expected.sharpe, rel=1e-9, nan_ok=True)
        assert swept.kurtosis[place] == pytest.approx(expected.kurtosis, rel=1e-6, nan_ok=True)
    assert swept.trades[:, 0].min() > 10
    assert not swept.trades[:, 3].any()
    assert np.isnan(swept.sharpe[:, 3]).all()
    assert (swept.turnover[:, 3] == 0.0).all()


@pytest.mark.parametrize("backend", ["sequential", "processes"])
def test_a_sweep_elsewhere_has_the_same_bits(backend: str, tmp_path: Path) -> None:
    found, strategy = history(*prices(600), RULES), bands()
    here = sweep(found, strategy, WINDOWS, ENTRIES)
    seen: list[tuple[int, int]] = []
    there = sweep(
        found,
        strategy,
        WINDOWS,
        ENTRIES,
        backend=backend,
        workers=2,
        folder=str(tmp_path),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for name in ("final_equity", "sharpe", "kurtosis", "turnover", "end_row"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
    assert len(list(tmp_path.iterdir())) == 3, "results of three windows stay, the history does not"
    with pytest.raises(JobCancelled):
        sweep(found, strategy, WINDOWS, ENTRIES, cancelled=lambda: True)


def test_the_best_is_measured_against_all_that_were_tried() -> None:
    found = history(*prices(600), RULES)
    swept = sweep(found, bands(), WINDOWS, ENTRIES)
    best = swept.best()
    assert swept.sharpe[best] == np.nanmax(swept.sharpe)
    equity = run_pair(found, swept.grid.strategy(best)).equity
    expected = deflated_sharpe(returns(equity), swept.sharpe)
    deflated = swept.deflated()
    assert deflated.trials == expected.trials == 9  # those that never traded are none
    assert deflated.probability == pytest.approx(expected.probability, rel=1e-9)
    assert swept.deflated((2, 0)).sharpe == pytest.approx(float(swept.sharpe[2, 0]))


def test_the_best_is_measured_over_the_autocorrelation_of_its_rows() -> None:
    found = history(*prices(600), RULES)
    swept = sweep(found, bands(), WINDOWS, ENTRIES)
    run = run_pair(found, swept.grid.strategy(swept.best()))
    held = np.count_nonzero(run.positions.any(axis=1)) / run.trades
    assert run.sharpe == lo_sharpe(returns(run.equity), holding_rows=held)
    deflated = swept.deflated(factor=run.sharpe.factor)
    assert deflated.sharpe == pytest.approx(run.sharpe.sharpe)
    assert deflated.expected_maximum == pytest.approx(swept.deflated().expected_maximum / run.sharpe.factor)
    idle = run_pair(found, swept.grid.strategy((0, 3)))
    assert np.isnan(idle.sharpe.sharpe)


def test_the_best_of_none_that_traded_is_the_first() -> None:
    swept = sweep(history(*prices(100), RULES), bands(), (10,), (50.0, 60.0))
    assert swept.best() == (0, 0)
    assert np.isnan(swept.deflated().probability)
    assert swept.final_equity.tolist() == [[100_000.0, 100_000.0]]
    assert swept.drawdown.tolist() == [[0.0, 0.0]]


def test_what_cannot_be_combined() -> None:
    for windows, entries in (((), ENTRIES), (WINDOWS, ())):
        with pytest.raises(ParameterError, match="give at least one of each"):
            grid_of(bands(), windows, entries)
    with pytest.raises(ParameterError, match="3 exits for 4 entries"):
        grid_of(bands(), WINDOWS, ENTRIES, (0.1, 0.2, 0.3))
    with pytest.raises(ParameterError, match=r"entry is 1.0, needs to be ≥ exit"):
        grid_of(bands(), WINDOWS, ENTRIES, 1.2)
    assert grid_of(bands(leave=0.25), WINDOWS, ENTRIES).exits == (0.25,) * 4


def test_a_combination_that_was_liquidated_says_so_and_has_no_sharpe_ratio() -> None:
    """A spread of 0.2 on legs of 100 with 18 times the capital: some of the thresholds outlive it, some do not."""
    rules = BrokerRules(fill="next_open", margin=Margin(20.0, 0.045))
    found = history(*prices(600), rules)
    strategy = replace(bands(), sizer=FixedNotional(1_200.0))
    swept = sweep(found, strategy, WINDOWS, ENTRIES, capital=100.0)
    assert swept.ended.any()
    assert not swept.ended.all()
    for place in np.ndindex(3, 4):
        run = run_pair(found, swept.grid.strategy(place), capital=100.0)
        assert swept.ended[place] == (run.ended is not None)
        assert swept.final_equity[place] == run.equity[-1] >= 0.0
        if run.ended is not None:
            assert run.ended.time_ns == found.rows.end_ns[swept.end_row[place]]
            assert np.isnan(swept.sharpe[place])
            assert not run.positions[-1].any()
    assert not swept.ended[swept.best()]


def test_orders_beyond_the_limit_are_refused_with_the_numbers() -> None:
    found, much = history(*prices(600), RULES), replace(bands(), sizer=FixedNotional(1e9))
    swept = sweep(found, much, WINDOWS, ENTRIES, capital=1_000.0)
    assert not swept.trades.any()
    assert (swept.final_equity == 1_000.0).all()
    assert (swept.refused[:, 0] > 0).all()
    assert not swept.refused[:, 3].any()  # never asked
    assert not swept.ended.any()
    run = run_pair(found, swept.grid.strategy((0, 0)), capital=1_000.0)
    assert run.refused == swept.refused[0, 0]
    assert run.refusal is not None
    assert "on an equity of 1,000.00" in run.refusal
    assert "the limit is 20 times, 20,000.00" in run.refusal
    assert run_pair(found, bands()).refusal is None


def test_backtests_in_memory_import_neither_arrow_nor_processes() -> None:
    """They are 31 MB, more than a sweep takes."""
    show = "import sys, alphastream.backtest; print(*{name.partition('.')[0] for name in sys.modules})"
    command, root = [sys.executable, "-c", show], Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=True)
    assert "alphastream" in done.stdout.split()
    assert not {"pyarrow", "joblib", "pandas"} & set(done.stdout.split())
