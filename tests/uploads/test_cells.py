"""Numbers as people of many countries write them: read as they are meant, or refused; never another number."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.uploads.cells import CellError, decimal_of, floats

READ = {
    "lakhs and crores": (["33,64,092", "8,60,37,60,000.00", "2,545.10"], [3364092.0, 8603760000.0, 2545.1]),
    "spaces": (["7 530,86", "12", "1 234 567,5"], [7530.86, 12.0, 1234567.5]),
    "narrow and no-break spaces": (["7\u202f530,86", "7\u00a0531,5"], [7530.86, 7531.5]),
    "apostrophes": (["11'700.10", "9\u2019812.44", "4'512'300"], [11700.1, 9812.44, 4512300.0]),
    "points": (["1.234.567", "12,5", "1.234"], [1234567.0, 12.5, 1234.0]),
    "currencies": (["$ 420.10", "$1,234", "USD 7", "7.5 \u20ac", "\u20b9 8"], [420.1, 1234.0, 7.0, 7.5, 8.0]),
    "comma and currency": (["R$ 12,5", "1.234,00 kr"], [12.5, 1234.0]),
    "negatives": (["(1,234.5)", "\u22121.5", "12-"], [-1234.5, -1.5, -12.0]),
    "nothing": ([".", "-", "n.a.", "#N/A", "\\N", "1"], [math.nan] * 5 + [1.0]),
    "spreadsheet text": (['="123.5"', "'7"], [123.5, 7.0]),
    "short": (["1.21M", "155.12K", "5.5B", "2 Mio"], [1210000.0, 155120.0, 5.5e9, 2e6]),
}


@pytest.mark.parametrize(("cells", "numbers"), READ.values(), ids=READ)
def test_numbers_are_read(cells: list[str], numbers: list[float]) -> None:
    read = floats(pa.array(cells), decimal_of(cells) or ".").tolist()
    assert read == pytest.approx(numbers, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize(
    "cells", [["112'160", "113'080"], ["101-16"], ["5%"], ["1.2.3"], ["1,23,4"], ["10 20"], ["0x12"], ["1,2345,678"]]
)
def test_what_may_be_another_number_is_refused(cells: list[str]) -> None:
    with pytest.raises(CellError, match="a number is needed"):
        floats(pa.array(cells), decimal_of(cells) or ".")


@given(
    st.lists(st.decimals(0, 10**9, places=2, allow_nan=False), min_size=1, max_size=5),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ","), ("", "."), ("", ",")]),
)
def test_every_number_comes_back(numbers: list[float], marks: tuple[str, str]) -> None:
    group, point = marks
    cells = [f"{number:,.2f}".replace(",", "g").replace(".", point).replace("g", group) for number in numbers]
    assert floats(pa.array(cells), decimal_of(cells) or ".").tolist() == [float(number) for number in numbers]
