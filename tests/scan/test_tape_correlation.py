"""Correlations of a tape against pandas, and against legs that trade at different instants."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from alphastream.errors import ParameterError
from alphastream.scan import tape_correlation
from alphastream.scan.tape_correlation import pairwise_correlation

SECOND = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    time_ns: NDArray[np.int64]
    price: NDArray[np.float64]


def tape(seed: int, seconds: int, step: int = 1, noise: float = 0.3) -> Tape:
    """A leg that shares one path with all others and trades every ``step`` seconds."""
    path = np.cumsum(np.random.default_rng(0).normal(size=seconds))
    own = np.cumsum(np.random.default_rng(seed).normal(size=seconds)) * noise
    price = 100.0 * np.exp(1e-4 * (path + own))
    return Tape(np.arange(0, seconds, step, dtype=np.int64) * SECOND, price[::step])


def test_pairs_use_the_columns_they_share_as_pandas_does() -> None:
    rng = np.random.default_rng(1)
    returns = rng.normal(size=(5, 200)) + rng.normal(size=200)
    returns[rng.random(returns.shape) < 0.2] = np.nan
    matrix, count = pairwise_correlation(returns)
    frame = pd.DataFrame(returns.T)
    np.testing.assert_allclose(matrix, frame.corr(), rtol=1e-9)
    assert count[1, 2] == int(frame[[1, 2]].notna().all(axis=1).sum())


def test_bars_that_do_not_follow_each_other_make_no_return() -> None:
    whole = tape(1, 200)
    keep = np.r_[0:100, 150:200]
    gap = Tape(whole.time_ns[keep], whole.price[keep])
    found = tape_correlation({"A": gap, "B": gap}, SECOND)
    assert found.names == ("A", "B")
    assert found.n_rows.tolist() == [[148, 148], [148, 148]]
    np.testing.assert_allclose(found.matrix, 1.0)


def test_under_thirty_rows_nothing_is_said() -> None:
    found = tape_correlation({"A": tape(1, 30), "B": tape(2, 300), "C": tape(3, 300)}, SECOND)
    assert np.isnan(found.matrix[0]).all()
    assert found.matrix[1, 2] > 0.8
    assert found.n_rows[0, 1] == 29


def test_ticks_see_what_bars_do_not() -> None:
    legs = {"fast": tape(1, 20_000), "slow": tape(2, 20_000, step=7)}
    bars = tape_correlation(legs, 10 * SECOND).matrix[0, 1]
    ticks = tape_correlation(legs, 10 * SECOND, "ticks").matrix[0, 1]
    assert bars < ticks - 0.1
    assert ticks == pytest.approx(1 / 1.09, abs=0.03)


@pytest.mark.parametrize("method", ["bars", "ticks"])
def test_a_leg_that_never_moves_or_never_trades_has_no_correlation(method: str) -> None:
    flat = Tape(tape(1, 100).time_ns, np.full(100, 5.0))
    none = Tape(np.empty(0, dtype=np.int64), np.empty(0))
    found = tape_correlation({"A": tape(1, 100), "F": flat, "N": none}, SECOND, method)  # type: ignore[arg-type]
    assert found.matrix[0, 0] == pytest.approx(1.0)
    assert np.isnan(found.matrix[1:]).all()
    assert tape_correlation({}, SECOND, method).matrix.shape == (0, 0)  # type: ignore[arg-type]


def test_a_method_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParameterError, match="'bars' or 'ticks'"):
        tape_correlation({}, SECOND, "hours")  # type: ignore[arg-type]
