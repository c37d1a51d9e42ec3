"""The table of a scan: p in words, digits by size, and no column that says one thing of every pair."""

import numpy as np
import pandas as pd
import pytest

from alphastream.scan import scan_pairs
from views.scanner.tables import COLUMNS, decimals, pair_table


def scanned(symbols: int = 5, rows: int = 260) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    walks = 100 * np.exp(np.cumsum(rng.normal(size=(rows, symbols)), axis=0) / 100)
    walks[:, -1] = walks[:, 0] * np.exp(rng.normal(size=rows) / 1000)
    index = pd.date_range("2020-01-01", periods=rows, tz="UTC")
    panel = pd.DataFrame(walks, index=index, columns=[f"S{at}" for at in range(symbols)])
    return scan_pairs(panel), panel


def test_no_p_is_a_zero_and_what_is_the_same_for_all_is_said_once() -> None:
    table, panel = scanned()
    names = {name: f"venue:{name}" for name in panel.columns}
    shown = pair_table(table, panel, names)
    first = shown.frame.iloc[0]
    assert (first["y"], first["x"]) == ("venue:S0", "venue:S4")
    assert first["pvalue"] == "< 0.0001"
    assert first["pvalue_wild"].startswith(("≤", "<"))
    assert "cost_bps" not in shown.frame
    assert "cost (bps) 10" in shown.same
    assert "note" not in shown.frame
    assert not [name for name in shown.frame if shown.frame[name].nunique(dropna=False) < 2 and name not in ("y", "x")]
    assert not shown.frame.isin([np.inf]).any(axis=None)
    assert shown.at(np.array([1], dtype=np.int64)).iloc[0].equals(shown.frame.iloc[1])
    assert set(shown.frame) <= set(COLUMNS)


@pytest.mark.parametrize(
    ("values", "digits"),
    [([1.0, 1.01, 0.99], 2), ([1234.5, 900.0], 0), ([0.0123], 4), ([np.nan], 0), ([0.0, 0.0], 0), ([45.6, 30.0], 1)],
)
def test_digits_follow_the_size_of_a_column(values: list[float], digits: int) -> None:
    assert decimals(np.array(values)) == digits


def test_a_single_pair_keeps_its_columns() -> None:
    table, panel = scanned(2)
    assert len(pair_table(table, panel, {name: name for name in panel.columns}).frame.columns) == len(COLUMNS)
