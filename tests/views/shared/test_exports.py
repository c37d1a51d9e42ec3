"""The file of a pair says of every column how it was computed."""

import numpy as np

from alphastream.cointegration import LEAST_ROWS
from alphastream.estimators import ResidualHalfLife, RollingEngleGranger
from tests.views.shared.test_cards import answer
from views.shared.exports import analytics_frame


def test_the_rolling_test_is_exported_under_its_own_name() -> None:
    found = answer()
    frame = analytics_frame(found)
    estimators = {
        "pvalue": RollingEngleGranger(LEAST_ROWS, rescaled=True, keeps_last=True),
        "half_life": ResidualHalfLife(LEAST_ROWS, corrected=True, keeps_last=True),
    }
    for name, estimator in estimators.items():
        column = frame[f"{name}: {estimator!r}.{name}"]
        np.testing.assert_array_equal(column, found.closed[name])
        assert column.isna().sum() == LEAST_ROWS - 1
