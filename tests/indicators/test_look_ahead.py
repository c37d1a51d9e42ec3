"""``check_look_ahead`` on demand, over functions and estimators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Floats
from alphastream.errors import LookAheadError, NotEnoughObservations, ParameterError
from alphastream.estimators import KalmanHedge, ZScore
from alphastream.indicators import INDICATORS, FunctionIndicator, check_look_ahead
from tests.indicators import own_functions as own
from tests.indicators.samples import SAMPLES, columns_of, market

PRICE = market(300)["close"]


@pytest.mark.parametrize("name", INDICATORS)
def test_no_indicator_looks_ahead(name: str) -> None:
    check_look_ahead(SAMPLES[name], *columns_of(SAMPLES[name], market(200)))


def test_estimators_and_functions_that_do_not_peek_pass() -> None:
    check_look_ahead(ZScore(window=5), PRICE)
    check_look_ahead(KalmanHedge(), PRICE, PRICE[::-1])
    check_look_ahead(own.window_mean, PRICE, window=9)
    check_look_ahead(own.price_and_volume, PRICE, PRICE)
    check_look_ahead(own.carried_mean, PRICE)
    check_look_ahead(FunctionIndicator.of(own.window_mean, window=9), PRICE)


def peek(x: Floats) -> Floats:
    return np.append(x[1:], 0.0)


def test_the_first_row_that_changed_is_named_with_both_values() -> None:
    with pytest.raises(LookAheadError, match=r"peek, column 'value' looks ahead: row 199 was 0.0 while 200") as found:
        check_look_ahead(peek, PRICE, cuts=[250, 200])
    assert found.value.row == 199
    assert found.value.values == (0.0, PRICE[200])


@dataclass(frozen=True)
class Peeking:
    """An estimator of somebody who wants to be right."""

    @dataclass(frozen=True)
    class Rows:
        value: Floats

    def run(self, value: Floats, state: None = None) -> tuple[Any, None]:
        return Peeking.Rows(value - value.max()), None

    def progress(self, state: None) -> tuple[int, int]:
        return 1, 1


def test_an_estimator_that_peeks_is_refused() -> None:
    rising = np.arange(50.0)
    with pytest.raises(LookAheadError, match=r"Peeking\(\), column 'value' looks ahead: row 0"):
        check_look_ahead(Peeking(), rising)


def test_what_cannot_be_checked_is_told() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 4 observations, has 3"):
        check_look_ahead(ZScore(window=2), PRICE[:3])
    with pytest.raises(ParameterError, match="inputs need one length"):
        check_look_ahead(ZScore(window=2), PRICE, PRICE[1:])
    with pytest.raises(ParameterError, match="need numbers of rows from 1 to 299"):
        check_look_ahead(ZScore(window=2), PRICE, cuts=[300])
    with pytest.raises(ParameterError, match="has its parameters already"):
        check_look_ahead(ZScore(window=2), PRICE, window=3)


def filled_from_behind(x: Floats, window: int = 20) -> Floats:
    return np.asarray(pd.Series(x).rolling(window).mean().bfill(), dtype=np.float64)


def less_the_first_change(x: Floats, state: float | None = None) -> tuple[Floats, float]:
    begin = x[min(1, len(x) - 1)] if state is None else state
    return x - begin, float(begin)


@pytest.mark.parametrize("function", [filled_from_behind, less_the_first_change])
def test_a_warm_up_that_is_filled_from_behind_is_found(function: Any) -> None:
    """The rows before a window is full are no place for what only the full window knows."""
    for indicator in (function, FunctionIndicator.of(function)):
        with pytest.raises(LookAheadError, match="row 0 was"):
            check_look_ahead(indicator, PRICE)
    with pytest.raises(LookAheadError, match="row 0 was"):
        FunctionIndicator.of(function).run(PRICE)
