"""What may be added as data, and what is said of what may not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.backtest import TickMarket, backtest
from alphastream.bars import aggregate
from alphastream.errors import ParameterError
from alphastream.indicators import SMA
from alphastream.strategies import Units
from alphastream.study import Data, Study, instruments
from alphastream.uploads import read
from tests.backtest.test_live import SECOND, columns, tape
from tests.study.frames import walk


def observed(source: Any, column: str = "close", name: str | None = None, **more: Any) -> Any:
    """A column of the data as a run sees it."""
    study = Study()
    data = study.add_data(source, **more)
    found = data[name] if name else data
    study.add_observer("seen", found[column])
    study.add_strat(study.add_indicator(np.sign, found["close"], look_back=1), Units(1.0), trade=name)
    return study.run().observed["seen"]


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_a_file_is_the_frame_that_was_written(tmp_path: Path, column: str) -> None:
    frame = walk(1, rows=50)
    path = tmp_path / "BTCUSDT.csv"
    frame.to_csv(path, index=False)
    np.testing.assert_array_equal(observed(path, column, symbol="BTCUSDT"), frame[column])
    np.testing.assert_array_equal(observed(read(path), column), frame[column])
    np.testing.assert_array_equal(observed(frame, column), frame[column])
    np.testing.assert_array_equal(observed(frame.iloc[::-1], column), frame[column])
    np.testing.assert_array_equal(observed(frame.set_index("time").rename(columns=str.title), column), frame[column])


def test_many_symbols_long_wide_and_by_name() -> None:
    first, second = walk(1, rows=50), walk(2, rows=50)
    long = pd.concat([first.assign(symbol="A"), second.assign(symbol="B")])
    wide = pd.concat({"A": first.set_index("time"), "B": second.set_index("time")}, axis=1)
    for source in (long, wide, wide.swaplevel(axis=1), {"A": first, "B": second}):
        np.testing.assert_array_equal(observed(source, "high", "B"), second["high"])
    closes = pd.DataFrame({"A": first["close"].to_numpy(), "B": second["close"].to_numpy()}, index=first["time"])
    np.testing.assert_array_equal(observed(closes, "close", "B"), second["close"])
    assert np.isnan(observed(closes, "volume", "B")).all()  # nobody knows


def test_ticks_become_bars_of_a_length() -> None:
    ticks = columns(tape(1))
    found = observed(ticks, "close", "ETH", every="5s", symbols=("ETH",))
    own = ticks["ETH"]
    np.testing.assert_array_equal(found, aggregate(own.time_ns, own.price, own.quantity, 5 * SECOND).close)
    np.testing.assert_array_equal(observed(ticks["ETH"], symbol="ETH", every="5s"), found)
    np.testing.assert_array_equal(observed(TickMarket(ticks), "close", "ETH", every="5s", symbols=["ETH"]), found)

    class Tape:
        def columns(self, symbol: str, start_ns: int, end_ns: int) -> Any:
            assert start_ns == 0 < end_ns
            return ticks[symbol]

    np.testing.assert_array_equal(observed(Tape(), every="5s", symbols=["ETH"]), found)
    with pytest.raises(ParameterError, match="give every="):
        Study().add_data(ticks)


def test_data_of_several_sources_and_lengths() -> None:
    hours, days = walk(1, rows=24 * 20), walk(2, rows=20, freq="D")
    study = Study()
    fast, slow = study.add_data(hours, symbol="FAST"), study.add_data(days, symbol="SLOW")
    same = study.add_data(walk(3, rows=24 * 20), symbol="SAME")
    mean = study.add_indicator(SMA(3), slow["close"])

    def ahead(close: Any, mean: Any, other: Any) -> Any:
        return np.sign(close - mean + 0.0 * other)

    pulse = study.add_indicator(ahead, fast["close"], mean, same["close"], look_back=1)
    strategy = study.add_strat(pulse, Units(1.0))
    study.add_observer("mean", mean)
    study.add_observer("pulse of mean", pulse)
    result = study.run()
    assert result.symbols == ("FAST",)
    means = days["close"].rolling(3).mean().to_numpy()
    known = np.concatenate(([np.nan], means))[np.arange(1, 24 * 20 + 1) // 24]
    np.testing.assert_allclose(result.observed["pulse"], np.sign(hours["close"].to_numpy() - known))
    assert backtest(study.market, strategy, study.rules).fills == result.fills


def test_longer_bars_of_the_same_data() -> None:
    frame = walk(4, rows=48)
    study = Study()
    data = study.add_data(frame, symbol="A")
    assert data.every("1d") == Data(data.every("1d").spec)
    assert data.every("4h") == instruments("A", every="4h")
    study.add_strat(study.add_indicator(np.sign, data["close"], look_back=1), Units(1.0))
    study.add_observer("high", study.add_indicator(np.positive, data.every("4h")["high"], look_back=1))
    highs = frame["high"].to_numpy().reshape(-1, 4).max(axis=1)
    seen = study.run().observed["high"]  # on its own rows: where the long bars end
    np.testing.assert_array_equal(seen[3::4], highs)
    with pytest.raises(ParameterError, match="no whole number"):
        data.every("90m")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.drop(columns="time"), "no times"),
        (lambda f: pd.concat([f, f.iloc[[3]]]), "twice"),
        (lambda f: f.assign(close=f["close"].where(f.index != 4)), "close of data is nan"),
        (lambda f: f.assign(low=-1.0), "above 0"),
        (lambda f: f.iloc[:1], "give every="),
        (lambda f: f.assign(open="x"), "more than numbers"),
        (lambda f: f.assign(time="yesterday?"), "cannot be read"),
        (lambda f: f.rename(columns={"close": "last"}), "give time, open, high, low, close, volume"),
        (lambda f: 3, "data is a int"),
        (lambda f: {}, "data is a dict"),
    ],
)
def test_what_cannot_be_data_is_said(change: Any, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        Study().add_data(change(walk(5, rows=20)))


def test_names_that_are_not_there() -> None:
    both = {"A": walk(1, rows=20), "B": walk(2, rows=20)}
    with pytest.raises(ParameterError, match="C is not in the data"):
        Study().add_data(both, symbols=["C"])
    data = Study().add_data(both)
    with pytest.raises(ParameterError, match='write data\\["NAME"\\]\\["close"\\]'):
        data["close"]
    with pytest.raises(ParameterError, match="shorter ones cannot"):
        Study().add_data(walk(1, rows=20), every="1m")
    with pytest.raises(ParameterError, match="write such as '1s'"):
        Study().add_data(walk(1, rows=20), every="hourly")
