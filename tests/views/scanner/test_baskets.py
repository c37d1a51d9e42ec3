"""The scanner's baskets: what it finds, in a table and a file, and what it refuses in words."""

import io

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import app, words
from views.scanner.basket_tables import basket_csv

pytestmark = pytest.mark.usefixtures("replaying")
SCANNER = "views/scanner/page.py"


def universe(symbols: int = 7, rows: int = 600) -> bytes:
    """Wide daily prices: walks, and one that follows two of them."""
    rng = np.random.default_rng(4)
    walks = np.cumsum(rng.normal(size=(rows, symbols)), axis=0) / 100
    walks[:, -1] = walks[:, : min(2, symbols)] @ [1.0, 0.5][: min(2, symbols)] + rng.normal(size=rows) / 100
    frame = pd.DataFrame(100.0 * np.exp(walks), columns=[f"SYM{i}" for i in range(symbols)])
    frame.insert(0, "Date", pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"))
    return frame.to_csv(index=False).encode()


def scanned(content: bytes, **query: str) -> AppTest:
    test = app(SCANNER, look_for="Baskets", source="Upload", **query)
    test.file_uploader[0].upload("universe.csv", content)
    test.run()
    assert "Nothing scanned yet." in words(test)
    test.button(key="scan_baskets").click().run()
    assert not test.exception, test.exception
    return test


def test_the_basket_that_belongs_together_is_found() -> None:
    test = scanned(universe(), legs_to="3", judged="3")
    table = test.dataframe[-1].value
    assert set(table["legs"].iloc[0].split(" + ")) == {"SYM0", "SYM1", "SYM6"}
    assert table["weights"].iloc[0].startswith("1, ")
    assert len(test.success) == 1
    said = words(test)
    assert "chosen on the first rows" in said
    assert "after Benjamini-Hochberg" in said
    assert len(test.get("download_button")) == 1
    held = test.session_state["basket_scan_result"].table
    read = pd.read_csv(io.BytesIO(basket_csv(held)))
    assert read["symbols"].str.split(" ").map(tuple).tolist() == held["symbols"].tolist()
    assert [tuple(map(float, text.split(" "))) for text in read["weights"]] == held["weights"].tolist()
    test.segmented_control(key="look_for").set_value("Pairs").run()
    assert not test.exception
    assert test.button(key="scan")


def test_too_little_is_told() -> None:
    assert "a basket of 3 legs needs as many" in words(scanned(universe(2)))
    assert "needs 200" in words(scanned(universe(rows=150)))
    test = scanned(universe(), legs_from="6", legs_to="4")
    assert "give the fewest and the most" in words(test)
    assert not test.dataframe
