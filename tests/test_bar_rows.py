"""Rows of any number of instruments: against pandas, and what columns are called."""

import numpy as np
import pandas as pd
import pytest

from alphastream.bar_rows import BarsSpec, align_bars, bar_columns
from alphastream.bars import Bars, aggregate, align, empty_bars
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import ZScore
from alphastream.graph import Graph, Node, Series, as_of

SECOND = 10**9


def _bars(seed: int, trades: int = 60, seconds: int = 100) -> Bars:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, seconds * SECOND, trades))
    price = 100 + np.cumsum(rng.normal(size=trades))
    return aggregate(times, price, rng.uniform(0.1, 2.0, trades), SECOND, rng.random(trades) < 0.5)


def _frame(bars: Bars) -> pd.DataFrame:
    names = ("open", "high", "low", "close", "volume", "trades", "buy_volume", "last_ns")
    return pd.DataFrame({name: getattr(bars, name) for name in names}, index=bars.start_ns + SECOND)


def test_rows_are_those_of_pandas() -> None:
    legs = {name: _bars(seed) for seed, name in enumerate("ABC")}
    rows = align_bars(legs, SECOND)
    frames = {name: _frame(bars) for name, bars in legs.items()}
    ends = sorted(set().union(*(frame.index for frame in frames.values())))
    first = max(int(frame.index[0]) for frame in frames.values())
    assert rows.end_ns.tolist() == [end for end in ends if end >= first]
    for place, frame in enumerate(frames.values()):
        filled = frame.reindex(ends)
        close = filled.close.ffill()
        for name in ("open", "high", "low", "close"):
            expected = filled[name].fillna(close).loc[first:]
            np.testing.assert_array_equal(getattr(rows, name)[:, place], expected)
        for name in ("volume", "buy_volume", "trades"):
            np.testing.assert_array_equal(getattr(rows, name)[:, place], filled[name].fillna(0).loc[first:])
        np.testing.assert_array_equal(rows.age_ns[:, place], rows.end_ns - filled.last_ns.ffill().loc[first:])


def test_two_instruments_have_the_rows_of_a_pair() -> None:
    y, x = _bars(1), _bars(2)
    rows, pair = (
        align_bars({"Y": y, "X": x}, SECOND, after_ns=20 * SECOND, until_ns=80 * SECOND),
        align(y, x, SECOND, after_ns=20 * SECOND, until_ns=80 * SECOND),
    )
    assert len(rows)
    np.testing.assert_array_equal(rows.end_ns, pair.end_ns)
    np.testing.assert_array_equal(rows.close, np.column_stack((pair.y, pair.x)))
    np.testing.assert_array_equal(rows.trades, np.column_stack((pair.y_trades, pair.x_trades)))
    assert len(align_bars({"Y": y, "X": empty_bars()}, SECOND)) == 0


def test_columns_have_the_names_of_fields_and_of_instruments_where_there_are_several() -> None:
    one = bar_columns(align_bars({"A": _bars(1)}, SECOND))
    several = bar_columns(align_bars({"A": _bars(1), "B": _bars(2)}, SECOND))
    assert set(one) == {
        *("time_ns", "open", "high", "low", "close", "volume", "trades"),
        *("buy_volume", "sell_volume", "signed_volume", "age_ns", "bid", "ask"),
    }
    assert {"time_ns", "A close", "B signed_volume"} <= set(several)
    np.testing.assert_allclose(one["buy_volume"] + one["sell_volume"], one["volume"])
    np.testing.assert_allclose(one["buy_volume"] - one["sell_volume"], one["signed_volume"])


def test_a_column_that_is_not_there_is_named_with_what_is() -> None:
    source = BarsSpec(("A",), SECOND).source
    columns = bar_columns(align_bars({"A": _bars(1)}, SECOND))
    with pytest.raises(ParameterError, match=r"A,1s,bars has no column 'closse': .*did you mean 'close'\?"):
        Graph([Node(ZScore(5), (source["closse"],))]).run(source, columns)
    node = Node(ZScore(5), (Node(ZScore(5), (source["close"],))["zscor"],))
    with pytest.raises(ParameterError, match=r"has no column 'zscor': .*did you mean 'zscore'\?"):
        Graph([node]).run(source, columns)


@pytest.mark.parametrize(("symbols", "interval"), [((), 1), (("A", "A"), 1), (("A",), 0)])
def test_what_cannot_be_asked_for_is_refused(symbols: tuple[str, ...], interval: int) -> None:
    with pytest.raises(ParameterError):
        BarsSpec(symbols, interval)


def test_longer_bars_have_to_end_where_rows_are() -> None:
    short, odd = BarsSpec(("A",), 2 * SECOND).source, BarsSpec(("A",), 5 * SECOND).source
    with pytest.raises(ParameterError, match="bars of 5s do not end where bars of 2s do"):
        as_of(odd["close"], short)
    held = as_of(BarsSpec(("A",), 4 * SECOND).source["close"], short)
    assert held == Series(short, "[A,4s,bars.close]", held.held)
    assert as_of(short["close"], short) == short["close"]


def test_no_array_is_shared_with_the_bars() -> None:
    bars = _bars(3)
    before: Floats = bars.close.copy()
    rows = align_bars({"A": bars}, SECOND)
    rows.close[:] = 0.0
    np.testing.assert_array_equal(bars.close, before)


def test_symbols_are_names_not_letters() -> None:
    with pytest.raises(ParameterError, match="symbols='BTC': give a tuple of names"):
        BarsSpec("BTC", 10**9)  # type: ignore[arg-type]
    assert BarsSpec(["BTC"], 10**9) == BarsSpec(("BTC",), 10**9)  # type: ignore[arg-type]
    assert hash(BarsSpec(["BTC"], 10**9))  # type: ignore[arg-type]
