"""Files say of every column how it was computed and which time of a bar is meant, and uploads read them back."""

import io

import numpy as np
import pandas as pd
import pytest

from alphastream.bars import aggregate
from alphastream.cointegration import LEAST_ROWS
from alphastream.core.units import SECOND
from alphastream.estimators import ResidualHalfLife, RollingEngleGranger
from alphastream.instruments import venue_of
from alphastream.pairs import PairSpec, analyse
from alphastream.uploads import Upload, combine, read
from alphastream.uploads.series import bars_together, pair_rows
from tests.views.shared.test_cards import answer
from views.shared.escaping import in_file_name
from views.shared.exports import analytics_csv, analytics_frame, bars_csv, file_name


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


def test_rows_name_the_start_and_the_end_of_their_bar() -> None:
    found = answer()
    frame = analytics_frame(found)
    ends = pd.DatetimeIndex(frame["bar_end_utc"]).as_unit("ns").asi8
    np.testing.assert_array_equal(ends, found.closed["time_ns"])
    assert set(frame["bar_end_utc"] - frame["bar_start_utc"]) == {pd.Timedelta("1s")}


def months(symbol: str) -> Upload:
    """Closes of two years of months."""
    frame = pd.DataFrame({"Date": pd.date_range("2022-01-01", periods=24, freq="MS").strftime("%Y-%m-%d")})
    frame["Close"] = np.random.default_rng(len(symbol)).lognormal(size=24)
    return read(f"{symbol}.csv", frame.to_csv(index=False).encode())


def test_a_month_ends_where_the_next_one_begins() -> None:
    upload = combine(months("AA"), months("BBB"))
    bars, length_ns = bars_together(upload, ("AA", "BBB"), SECOND)
    spec = PairSpec("AA", "BBB", length_ns, window=20)
    found = analyse(pair_rows(upload, "AA", "BBB", SECOND), spec)
    frames = [
        analytics_frame(found, (bars["AA"], bars["BBB"], length_ns)),
        pd.read_csv(io.BytesIO(bars_csv("AA", bars["AA"], length_ns)), parse_dates=["bar_start_utc", "bar_end_utc"]),
    ]
    for frame in frames:
        assert len(frame) == 24
        start, end = (frame[name].dt.strftime("%Y-%m-%d").tolist() for name in ("bar_start_utc", "bar_end_utc"))
        assert end[:-1] == start[1:]


def test_uploads_read_our_own_files_back() -> None:
    rng = np.random.default_rng(5)
    for interval_ns, first in ((SECOND, 0), (86_400 * SECOND, 10**17 // (86_400 * SECOND))):
        time_ns = (first + np.arange(40)) * interval_ns
        bars = aggregate(time_ns, rng.lognormal(size=40), rng.lognormal(size=40), interval_ns)
        upload = read("bars.csv", bars_csv("BTCUSDT", bars, interval_ns))
        frame = upload.frames["BTCUSDT"]
        assert upload.interval_ns == interval_ns
        np.testing.assert_array_equal(frame["time_ns"], bars.start_ns)
        for name in ("open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(frame[name], getattr(bars, name))


def test_uploads_read_the_prices_of_analytics_back() -> None:
    found = answer()
    upload = read("analytics.csv", analytics_csv(found))
    assert set(upload.frames) == {"ETHUSDT", "BTCUSDT"}
    for symbol, leg in (("ETHUSDT", "y"), ("BTCUSDT", "x")):
        np.testing.assert_array_equal(upload.frames[symbol]["time_ns"], found.closed["time_ns"] - SECOND)
        np.testing.assert_array_equal(upload.frames[symbol]["close"], found.closed[leg])


PAIRS = [
    ("binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT"),
    ("binance-usdm:BTCUSDT", "binance-spot:BTCUSDT"),
    ("kraken:ETH/USD", "kraken:BTC/USD"),
    ("okx:BTC-USDT-SWAP", "okx:BTC-USDT"),
    ("hyperliquid:xyz:XYZ100", "hyperliquid:BTC"),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_files_of_tapes_carry_full_names_and_come_back_with_them(pair: tuple[str, str]) -> None:
    found = answer(PairSpec(*pair, window=40))
    upload = read(in_file_name(file_name(found.spec, "analytics")), analytics_csv(found))
    assert upload.symbols == pair
    assert upload.venue == venue_of(pair)
    for symbol, leg in zip(pair, ("y", "x"), strict=True):
        np.testing.assert_array_equal(upload.frames[symbol]["close"], found.closed[leg])
        np.testing.assert_array_equal(upload.frames[symbol]["volume"], found.closed[f"{leg}_volume"])


@pytest.mark.parametrize("pair", PAIRS)
def test_bars_of_one_symbol_at_two_venues_stay_apart(pair: tuple[str, str]) -> None:
    rng, uploads = np.random.default_rng(5), []
    for symbol in pair:
        bars = aggregate(np.arange(40) * SECOND, rng.lognormal(size=40), rng.lognormal(size=40), SECOND)
        uploads.append(read(in_file_name(f"{symbol}-1s-bars.csv"), bars_csv(symbol, bars, SECOND)))
    together = combine(*uploads)
    assert together.symbols == pair
    assert all(together.frames[symbol].equals(each.frames[symbol]) for symbol, each in zip(pair, uploads, strict=True))


def test_names_of_files_hold_no_colon() -> None:
    name = in_file_name(file_name(PairSpec(*PAIRS[1]), "analytics"))
    assert name == "binance-usdm-BTCUSDT-binance-spot-BTCUSDT-1s-ols-100-analytics.csv"
