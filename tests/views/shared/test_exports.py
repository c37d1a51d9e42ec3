"""The file of a pair says of every column how it was computed."""

import numpy as np

from alphastream.estimators import ResidualHalfLife, RollingEngleGranger
from tests.views.shared.test_cards import answer
from views.shared.exports import analytics_frame


def test_the_rolling_test_is_exported_under_its_own_name() -> None:
    found = answer()
    frame = analytics_frame(found)
    for name, estimator in (("pvalue", RollingEngleGranger(40)), ("half_life", ResidualHalfLife(40))):
        column = frame[f"{name}: {estimator!r}.{name}"]
        np.testing.assert_array_equal(column, found.closed[name])
        assert column.isna().sum() == 39
