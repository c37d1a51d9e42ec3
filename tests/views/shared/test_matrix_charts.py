"""The correlation map: a number in every cell, on a scale that is the same whatever the numbers are."""

import numpy as np
import pandas as pd
import pytest

from views.shared.matrix_charts import correlation_map, qvalue_map, return_correlation_map


def test_cells_carry_their_numbers_on_a_symmetric_scale() -> None:
    matrix = np.array([[1.0, -0.25, np.nan], [-0.25, 1.0, 0.5], [np.nan, 0.5, 1.0]])
    counts = np.array([[90, 80, 12], [80, 95, 70], [12, 70, 99]])
    heat = return_correlation_map(["A", "B", "C"], matrix, counts).data[0]
    assert (heat.zmin, heat.zmax) == (-1, 1)
    assert [list(row) for row in heat.text] == [
        ["1.00", "-0.25", "–"],
        ["-0.25", "1.00", "0.50"],
        ["–", "0.50", "1.00"],
    ]
    assert heat.texttemplate == "%{text}"
    np.testing.assert_array_equal(heat.customdata, counts)


def test_many_symbols_have_no_room_for_numbers() -> None:
    names = [f"S{i}" for i in range(40)]
    figure = return_correlation_map(names, np.eye(40), np.full((40, 40), 50))
    assert figure.data[0].texttemplate is None
    assert figure.layout.height > 40 * 12


@pytest.mark.parametrize("symbols", [2, 24, 25, 100])
def test_every_symbol_has_its_name_on_both_axes_and_room_for_it(symbols: int) -> None:
    names = [f"SYMBOL{i}" for i in range(symbols)]
    matrix = pd.DataFrame(np.eye(symbols), names, names)
    maps = [
        correlation_map(matrix, names),
        return_correlation_map(names, np.eye(symbols), np.full((symbols, symbols), 9)),
        qvalue_map(pd.DataFrame({"y": names[:1], "x": names[1:2], "qvalue_bh": [0.5]}), names),
    ]
    for figure in maps:
        layout = figure.layout
        assert list(layout.xaxis.tickvals) == list(layout.yaxis.tickvals) == names
        inner = layout.height - layout.margin.t - layout.margin.b
        assert inner / symbols >= 12  # pixels of a line of text
        assert layout.width is None or (layout.width - layout.margin.l - layout.margin.r) / symbols >= 12
        assert (layout.width is None) == (symbols <= 24)


def test_no_symbol_is_an_empty_map() -> None:
    assert return_correlation_map([], np.empty((0, 0)), np.empty((0, 0), dtype=np.int64)).layout.height == 240
