"""Frames as people have them become the bars that they mean, or are refused in words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import ParameterError
from alphastream.indicators import SMA
from alphastream.strategies import Units
from alphastream.study import Study, StudyResult
from alphastream.study.frames import bars_of_frame
from alphastream.trading import BrokerRules
from tests.study.frames import walk

HOUR = 3_600 * 10**9
FRAME = walk(21, rows=96)
START_NS = np.asarray(pd.DatetimeIndex(FRAME["time"]).as_unit("ns").asi8)


def seen(frame: Any, **given: Any) -> StudyResult:
    """A run over the first instrument, whose observed series is its close."""
    study = Study()
    data = study.add_data(frame, **given)
    close = data[data.symbols[0]]["close"]
    study.add_strat(study.add_indicator(np.sign, close, look_back=1), Units(1.0), trade=data.symbols[0])
    study.add_observer("close", close)
    result: StudyResult = study.run()
    return result


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(START_NS, id="nanoseconds"),
        pytest.param(START_NS // 10**3, id="microseconds"),
        pytest.param(START_NS // 10**6, id="milliseconds"),
        pytest.param(START_NS // 10**9, id="seconds"),
        pytest.param(START_NS / 1e9, id="seconds as floats"),
        pytest.param(FRAME["time"].astype(str), id="text"),
        pytest.param(FRAME["time"].dt.tz_convert("Asia/Tokyo"), id="another zone"),
        pytest.param(FRAME["time"].dt.tz_localize(None), id="no zone"),
    ],
)
def test_times_are_what_their_size_says(times: Any) -> None:
    bars, length_ns = bars_of_frame(FRAME.assign(time=np.asarray(times)), "A", None)
    np.testing.assert_array_equal(bars.start_ns, START_NS)
    assert length_ns == HOUR


def test_days_as_numbers_and_numbers_that_are_no_times() -> None:
    days = FRAME.iloc[:3].assign(time=[20240228, 20240229, 20240301])
    assert bars_of_frame(days, "A", None)[1] == 24 * HOUR
    with pytest.raises(ParameterError, match="time 7 of A in row 2: no unit makes this a time"):
        bars_of_frame(FRAME.assign(time=np.where(np.arange(96) == 2, 7, START_NS)), "A", None)
    named = FRAME.iloc[:3].drop(columns="time").assign(time_ns=[0, 5, 10])
    assert bars_of_frame(named, "A", None)[1] == 5


def test_longer_bars_are_put_together_and_shorter_ones_refused() -> None:
    result = seen(FRAME, every="1d")
    ends = FRAME["close"].to_numpy()[23::24]
    np.testing.assert_array_equal(result.observed["close"], ends)
    assert str(result.frame().index[0]) == "2024-01-02 00:00:00+00:00"
    for every, reason in (("30m", "shorter ones cannot"), ("90m", "give a multiple")):
        with pytest.raises(ParameterError, match=reason):
            seen(FRAME, every=every)
    with pytest.raises(ParameterError, match="by itself"):
        seen({"A": FRAME, "B": FRAME.iloc[::24]})
    mixed = seen({"A": FRAME, "B": FRAME.iloc[::24]}, every="1d")
    np.testing.assert_array_equal(mixed.observed["close"], ends)


def test_bars_that_are_mostly_missing_are_as_long_as_one_says() -> None:
    some = FRAME.iloc[[0, 3, 6, 9, 10, 12, 15, 18]]
    assert bars_of_frame(some, "A", None)[1] == 3 * HOUR
    assert bars_of_frame(some, "A", HOUR)[1] == HOUR


def test_one_of_many_by_its_symbol() -> None:
    long = pd.concat([FRAME.assign(symbol="A"), walk(22, rows=96).assign(symbol="B")])
    wide = long.pivot_table(index="time", columns="symbol", values="close")
    for frame in (long, wide, long.set_index(["symbol", "time"]), long.set_index(["time", "symbol"]).unstack()):
        result = seen(frame, symbol="B")
        assert result.symbols == ("B",)
        np.testing.assert_array_equal(result.marks[:, 0], walk(22, rows=96)["close"])
    several = {"AB": FRAME, "A": walk(22), "B": walk(23)}
    assert Study().add_data(several, symbols="AB").symbols == ("AB",)  # one name, not two letters
    with pytest.raises(ParameterError, match="C is not in the data: it has A, B"):
        seen(long, symbol="C")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("close", np.nan, "close of A is nan at 2024-01-01 05:00:00"),
        ("open", -3.0, "open of A is -3 at"),
        ("volume", -1.0, "volume of A is -1 at 2024-01-01 05:00:00"),
        ("high", 0.01, "high 0.01 of A is below low .* exchange the columns"),
    ],
)
def test_what_no_bar_has_is_refused(column: str, value: float, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        bars_of_frame(FRAME.assign(**{column: FRAME[column].where(FRAME.index != 5, value)}), "A", None)


def test_columns_are_named_once() -> None:
    data = Study().add_data(FRAME, symbol="A")
    with pytest.raises(ParameterError) as error:
        Study().add_indicator(SMA(3), data["clse"])
    assert str(error.value).count(" bid") == 1


def test_a_frame_of_trades_is_trades() -> None:
    rng = np.random.default_rng(3)
    seconds = np.sort(rng.uniform(0.0, 3_600.0, 500))
    frame = pd.DataFrame(
        {
            "time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "price": 100.0 + rng.normal(0.0, 0.1, 500).cumsum(),
            "quantity": rng.uniform(0.1, 2.0, 500),
        }
    )
    closes = frame["price"].groupby((seconds // 300).astype(int)).last()
    for given in (frame, frame.sample(frac=1.0, random_state=1), {"A": frame}, frame.assign(symbol="A")):
        result = seen(given, every="5m")
        np.testing.assert_array_equal(result.observed["close"], closes)
        assert result.rules == BrokerRules()
    with pytest.raises(ParameterError, match="trades do not say how long a bar is"):
        seen(frame)
    with pytest.raises(ParameterError, match=r"quantity of data is -1 at .* a finite one of 0 or more"):
        seen(frame.assign(quantity=-1.0), every="5m")
