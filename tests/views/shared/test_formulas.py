"""No text in a file is a formula for a spreadsheet, and no number is text."""

import numpy as np
import pandas as pd
import pytest

from views.shared.exports import csv_bytes


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_formulas_are_text_in_cells_and_headers_and_numbers_stay(kind: str) -> None:
    texts = pd.Series(["=1+1", "@x", "-1.5", "BTCUSDT", "=1+1"], dtype=kind)
    frame = pd.DataFrame({"@net": [-1.5, 2.0, np.nan, np.inf, -1e-9], "+symbol": texts, "-n": range(-2, 3)})
    header, *rows = csv_bytes(frame).decode().splitlines()
    assert header == "'@net,'+symbol,'-n"
    assert [row.split(",") for row in rows] == [
        ["-1.5", "'=1+1", "-2"],
        ["2.0", "'@x", "-1"],
        ["", "-1.5", "0"],
        ["inf", "BTCUSDT", "1"],
        ["-1e-09", "'=1+1", "2"],
    ]
    assert list(frame["+symbol"]) == ["=1+1", "@x", "-1.5", "BTCUSDT", "=1+1"]  # the frame itself has not changed


def test_a_column_that_mixes_text_and_numbers_keeps_its_numbers() -> None:
    frame = pd.DataFrame({"value": ["=x", -1.5, None, 3]}, dtype="object")
    assert csv_bytes(frame).decode().split() == ["value", "'=x", "-1.5", '""', "3"]
