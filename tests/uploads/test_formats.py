"""Files as venues and programs write them (tests/data/uploads: a few rows in each real shape)."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, inspect, read

FOLDER = Path(__file__).parent.parent / "data" / "uploads"
HOUR = 3600 * 10**9
DAY = 24 * HOUR


class Expected(NamedTuple):
    """What a file is, and the first row of its first symbol (time, then the columns in their order)."""

    kind: str
    shape: str
    header_line: int | None
    symbols: dict[str, int]
    first: tuple[object, ...]
    interval_ns: int | None = None


EXPECTED = {
    "BTCUSDT-aggTrades-2024-08-08.csv": Expected(
        "ticks", "single", 1, {"BTCUSDT": 4}, ("2024-08-08 00:00:00.064", 55108.7, 0.004, 2310521731, False)
    ),
    "ETHUSDT-aggTrades-2021-03-01.csv": Expected(
        "ticks", "single", None, {"ETHUSDT": 3}, ("2021-03-01 00:00:00.012", 1419.35, 4.021, 387460211, True)
    ),
    "BTCUSDT-aggTrades-2025-01-02.csv": Expected(
        "ticks", "single", None, {"BTCUSDT": 3}, ("2025-01-02 00:00:00.012345", 94591.78, 0.00021, 3359424123, True)
    ),
    "ETHUSDT-trades-2024-08-08.csv": Expected(
        "ticks", "single", 1, {"ETHUSDT": 2}, ("2024-08-08 00:00:00.011", 2342.11, 0.5, 4123000001, True)
    ),
    "BTCUSDT-1h-2024-08.csv": Expected(
        "bars", "single", 1, {"BTCUSDT": 3}, ("2024-08-01", 64631.9, 64822.0, 64452.1, 64548.7, 9183.412), HOUR
    ),
    "ETHUSDT-1m-2020-06-01.csv": Expected(
        "bars", "single", None, {"ETHUSDT": 2}, ("2020-06-01", 231.41, 231.6, 231.25, 231.58, 1208.44011), 60 * 10**9
    ),
    "Binance_BTCUSDT_1h.csv": Expected(
        "bars", "long", 2, {"BTCUSDT": 3}, ("2020-04-15 23:00", 6660.0, 6668.02, 6610.15, 6621.24, 2980.76), HOUR
    ),
    "XBTUSD_60.csv": Expected(
        "bars", "single", None, {"XBTUSD": 3}, ("2024-08-01", 64620.1, 64830.0, 64440.0, 64550.2, 101.53310212), HOUR
    ),
    "ETHUSD.csv": Expected("ticks", "single", None, {"ETHUSD": 3}, ("2015-08-07 14:03:00", 3.0, 81.85727776)),
    "coinbase_BTC-USD.csv": Expected(
        "bars", "single", 1, {"BTCUSD": 3}, ("2024-08-01", 64631.9, 64822.0, 64452.1, 64548.7, 355.75), HOUR
    ),
    "coinbase_ETH-USD_60.csv": Expected(
        "bars", "single", None, {"ETHUSD": 2}, ("2024-08-01", 3230.1, 3244.8, 3201.5, 3218.0, 5120.25), HOUR
    ),
    "BINANCE_ETHUSDT, 60.csv": Expected(
        "bars", "single", 1, {"ETHUSDT": 2}, ("2024-08-01", 3231.0, 3245.9, 3202.1, 3219.45, 40122.7), HOUR
    ),
    "GLD.csv": Expected(
        "bars", "single", 1, {"GLD": 3}, ("2015-08-24", 110.82, 111.010002, 110.0, 110.529999, 11302200.0), DAY
    ),
    "yahoo_three_headers.csv": Expected(
        "bars", "single", 1, {"GLD": 2}, ("2015-08-24", 110.82, 111.01, 110.0, 110.52999, 11302200.0), DAY
    ),
    "yahoo_two_headers.csv": Expected(
        "bars", "wide", 1, {"GDX": 2, "GLD": 2}, ("2015-08-24", *[13.68765] * 4, 81000100.0), DAY
    ),
    "crude.csv": Expected("bars", "wide", 1, {"BRENT": 3, "WTI": 3}, ("1987-05-15", *[18.58] * 4, np.nan), 30 * DAY),
    "closes.csv": Expected(
        "bars", "wide", 1, {"BTCUSDT": 3, "ETHUSDT": 2}, ("2017-08-17 04:00", *[4308.83] * 4, 190952.85), 2 * HOUR
    ),
    "us_dates.csv": Expected("bars", "wide", 1, {"GDX": 3, "GLD": 3}, ("2015-08-24", *[13.68765831] * 4, np.nan), DAY),
    "original.csv": Expected(
        "ticks", "long", 1, {"BTCUSDT": 2, "ETHUSDT": 1}, ("2024-08-08 00:00:00.064", 55108.7, 0.004)
    ),
    "german.csv": Expected("ticks", "long", 1, {"BTCUSDT": 2, "ETHUSDT": 1}, ("2024-08-08 13:00:00", 55108.7, 0.004)),
    "utf16_XAUUSD.txt": Expected(
        "bars", "single", 1, {"XAUUSD": 2}, ("2024-08-08 13:00", 2398.1, 2401.2, 2395.0, 2399.9, np.nan), HOUR
    ),
    "metatrader_EURUSD.csv": Expected(
        "bars", "single", 1, {"EURUSD": 2}, ("2024-08-08 13:00", 1.0921, 1.09305, 1.0918, 1.0929, 5120.0), HOUR
    ),
    "trades.ndjson": Expected(
        "ticks", "long", None, {"BTCUSDT": 2, "ETHUSDT": 1}, ("2024-08-08 00:00:00.064", 55108.7, 0.004)
    ),
    "stream.ndjson": Expected(
        "ticks", "long", None, {"BTCUSDT": 2}, ("2024-08-08 00:00:00.064", 55108.7, 0.004, 3000000001, False)
    ),
}


def load(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_every_sample_is_checked() -> None:
    assert {path.name for path in FOLDER.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_sample(name: str) -> None:
    expected = EXPECTED[name]
    layout = inspect(name, load(name))
    assert (layout.kind, layout.shape, layout.header_line) == (expected.kind, expected.shape, expected.header_line)
    assert layout.problem is None
    upload = read(name, load(name))
    assert upload.kind == expected.kind
    assert {symbol: len(frame) for symbol, frame in upload.frames.items()} == expected.symbols
    assert upload.interval_ns == expected.interval_ns
    time, *values = expected.first
    frame = upload.frames[upload.symbols[0]]
    assert frame["time_ns"].iloc[0] == pd.Timestamp(str(time)).as_unit("ns").value
    np.testing.assert_array_equal(frame.iloc[0, 1:].astype(float), np.array(values, dtype=float))
    check_shape(upload)


def check_shape(upload: Upload) -> None:
    """What every upload promises."""
    columns = ["price", "quantity"] if upload.kind == "ticks" else ["open", "high", "low", "close", "volume"]
    for frame in upload.frames.values():
        assert list(frame.columns)[: len(columns) + 1] == ["time_ns", *columns]
        assert frame["time_ns"].dtype == np.int64
        assert frame["time_ns"].is_monotonic_increasing
        assert all(frame[column].dtype == np.float64 for column in columns)


def test_preview_shows_rows_as_they_are_written() -> None:
    layout = inspect("Binance_BTCUSDT_1h.csv", load("Binance_BTCUSDT_1h.csv"))
    assert list(layout.preview.columns) == list(layout.columns)
    assert layout.preview["unix"].tolist() == ["1586998800.0", "1586995200000", "1586991600000"]
    assert layout.first_line == 3


def test_certainty_tells_names_from_guesses() -> None:
    named = inspect("GLD.csv", load("GLD.csv")).roles
    assert {match.certainty for match in named.values()} == {"named"}
    bare = inspect("XBTUSD_60.csv", load("XBTUSD_60.csv")).roles
    assert {match.certainty for match in bare.values()} == {"likely"}


def test_notes_say_what_was_decided() -> None:
    notes = read("Binance_BTCUSDT_1h.csv", load("Binance_BTCUSDT_1h.csv")).notes
    assert "times read as seconds and milliseconds mixed" in notes
    assert "rows were newest first: sorted" in notes
    assert "columns not used: 'date', 'Volume USDT', 'tradecount'" in notes
    assert "1 empty price: no bar there" in read("closes.csv", load("closes.csv")).notes


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_archives_give_what_is_inside(pack: str) -> None:
    name = "BTCUSDT-aggTrades-2024-08-08.csv"
    plain = read(name, load(name))
    if pack == "gz":
        packed = read(f"{name}.gz", gzip.compress(load(name)))
    else:
        packed = read("BTCUSDT-aggTrades-2024-08-08.zip", zipped({name: load(name)}))
    pd.testing.assert_frame_equal(packed.frames["BTCUSDT"], plain.frames["BTCUSDT"])


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_all_files_of_a_zip_are_read() -> None:
    """Days come in any order, overlap, and belong to different symbols; a Mac leaves its shadow files."""
    rows = load("BTCUSDT-aggTrades-2024-08-08.csv").splitlines(keepends=True)
    files = {
        "BTCUSDT-b.csv": rows[0] + rows[1] + rows[2],
        "BTCUSDT-a.csv": rows[0] + rows[2] + rows[3] + rows[4],
        "ETHUSDT-trades-2024-08-08.csv": load("ETHUSDT-trades-2024-08-08.csv"),
        "__MACOSX/._BTCUSDT-a.csv": b"\0\0",
    }
    upload = read("days.zip", zipped(files))
    assert upload.frames["BTCUSDT"]["id"].tolist() == [2310521731, 2310521732, 2310521733, 2310521734]
    assert upload.symbols == ("BTCUSDT", "ETHUSDT")
    assert "1 trade that two files have is kept once" in upload.notes
    assert "3 files inside" in inspect("days.zip", zipped(files)).notes[0]


def test_a_stream_is_read_in_place_and_stays_open() -> None:
    stream = io.BytesIO(load("GLD.csv"))
    stream.seek(7)
    inspect("GLD.csv", stream)
    assert len(read("GLD.csv", stream).frames["GLD"]) == 3
    assert not stream.closed


def test_companies_named_like_our_words_are_symbols() -> None:
    """C, O, L, T, LOW, COIN and ALL are listed companies; a wide file of them is no file of bars."""
    header = "Date,A,ALL,C,COIN,L,LOW,O,SIZE,T,V"
    rows = "\n".join(f"2024-01-0{day}," + ",".join(str(10 * day + at) for at in range(10)) for day in (1, 2, 3))
    upload = read("stocks.csv", f"{header}\n{rows}\n".encode())
    assert upload.symbols == tuple(header.split(",")[1:])
    assert upload.frames["LOW"]["close"].tolist() == [15.0, 25.0, 35.0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks(end: str, bom: str) -> None:
    text = bom + end.join(["# exported", "ts,price", "1723075200,2", "", "1723075201,3", ""])
    assert read("BTC.csv", text.encode()).frames["BTC"]["price"].tolist() == [2.0, 3.0]


def test_a_persons_mapping_wins() -> None:
    data = b"Zeit,Kurs,Menge\n2024-08-08,1.5,2\n"
    upload = read("x.csv", data, {"time": "Zeit", "price": "Kurs", "quantity": "Menge"}, symbol="btc/usdt")
    assert upload.frames["BTCUSDT"][["price", "quantity"]].to_numpy().tolist() == [[1.5, 2.0]]
    trades = load("BTCUSDT-aggTrades-2024-08-08.csv")
    assert "id" not in read("BTCUSDT.csv", trades, {"id": None}).frames["BTCUSDT"]


def test_one_column_of_a_wide_file_can_be_chosen() -> None:
    upload = read("crude.csv", load("crude.csv"), {"close": "WTI"})
    assert upload.symbols == ("WTI",)
    assert upload.frames["WTI"]["close"].tolist() == [19.44, 20.07, 21.34]


def test_the_volume_in_base_units_is_chosen() -> None:
    """Of "Volume USDT" and "Volume BTC" the second counts for BTC/USDT, in whatever order they stand."""
    data = b"date,symbol,open,high,low,close,Volume USDT,Volume BTC\n2020-04-16,BTC/USDT,2,4,1,3,30,10\n"
    assert read("x.csv", data).frames["BTCUSDT"]["volume"].tolist() == [10.0]


def test_commas_of_semicolon_files_are_decimal_marks() -> None:
    """Even where every number has three digits behind it; between other separators they part thousands, and say so."""
    assert read("BTC.csv", b"ts;price\n1723075200;100\n1723075201;100,500\n").frames["BTC"]["price"].tolist() == [
        100,
        100.5,
    ]
    grouped = read("BTC.csv", b"ts\tprice\n1723075200\t100\n1723075201\t100,500\n")
    assert grouped.frames["BTC"]["price"].tolist() == [100, 100_500]
    assert "commas in numbers read as thousands separators" in grouped.notes


def test_a_whole_bar_chosen_by_hand_is_of_the_symbol_of_the_file() -> None:
    data = b"day,k1,k2,k3,k4\n" + b"".join(b"2024-01-%02d,4,6,3,5\n" % day for day in range(1, 20))
    whole = read("DAX.csv", data, {"time": "day", "open": "k1", "high": "k2", "low": "k3", "close": "k4"})
    assert whole.symbols == ("DAX",)
    assert read("DAX.csv", data, {"time": "day", "close": "k4"}).symbols == ("K4",)


def test_prices_are_adjusted_where_the_file_says_how() -> None:
    """Over a split of five to one the unadjusted price falls by four fifths, and no volume is touched."""
    rows = "2020-08-28,2200,2300,2100,2250,450,100\n2020-08-31,440,500,430,480,480,900\n"
    upload = read("TSLA.csv", f"Date,Open,High,Low,Close,Adj Close,Volume\n{rows}".encode())
    frame = upload.frames["TSLA"]
    assert frame.iloc[:, 1:].to_numpy().tolist() == [[440, 460, 420, 450, 100], [440, 500, 430, 480, 900]]
    assert any(
        note.startswith("prices are adjusted: open, high, low and close are multiplied") for note in upload.notes
    )
    with pytest.raises(UploadError, match="an adjusted close is needed") as caught:
        read("TSLA.csv", f"Date,Open,High,Low,Close,Adj Close,Volume\n{rows.replace(',480,480', ',480,')}".encode())
    assert (caught.value.line, caught.value.column) == (3, "Adj Close")


def test_quotes_are_read_as_their_middle() -> None:
    rows = "2024-08-08 00:00:00,1.2,1.0\n2024-08-08 00:00:01,1.4,\n2024-08-08 00:00:02,1.4,1.2\n"
    upload = read("EURUSD.csv", f"Gmt time,Ask,Bid\n{rows}".encode())
    frame = upload.frames["EURUSD"]
    np.testing.assert_allclose(frame["price"], [1.1, 1.3])
    assert frame[["bid", "ask"]].to_numpy().tolist() == [[1.0, 1.2], [1.2, 1.4]]
    assert "1 row without bid or ask dropped" in upload.notes
    names = "BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose"
    bars = read("EURUSD.csv", f"DateTime,{names}\n2024-08-08 00:00:00,1,3,1,2,2,4,2,3\n".encode()).frames["EURUSD"]
    assert bars[["open", "high", "low", "close", "bid", "ask"]].to_numpy().tolist() == [[1.5, 3.5, 1.5, 2.5, 2, 3]]


def test_kinds_of_rows_are_asked_about() -> None:
    rows = "2014-01-28,09:30:00.101,{},AAPL,505.1,200\n2014-01-28,09:30:00.250,TRADE,AAPL,505.3,100\n"
    header = "Date,Timestamp,EventType,Ticker,Price,Quantity\n"
    with pytest.raises(UploadError, match=r"rows are of several kinds \('QUOTE BID' 1, 'TRADE' 1\)"):
        read("AAPL.csv", (header + rows.format("QUOTE BID")).encode())
    assert len(read("AAPL.csv", (header + rows.format("TRADE NB")).encode()).frames["AAPL"]) == 2


def test_sides_of_makers_are_turned_and_billionths_scaled() -> None:
    matches = b"time,trade_id,price,size,side,product_id\n2024-08-08T00:00:00Z,7,55120.11,0.012,sell,BTC-USD\n"
    assert read("cb.csv", matches).frames["BTCUSD"]["buyer_is_maker"].tolist() == [False]
    fixed = b"ts_event,rtype,publisher_id,price,size,symbol\n1722816000000000000,0,2,5300250000000,1,ESU4\n"
    assert read("es.csv", fixed).frames["ESU4"]["price"].tolist() == [5300.25]


def test_suffixes_belong_to_the_symbol() -> None:
    rows = (
        "2020-01-02,9:30:00.012,BRK,B,100,226.5\n2020-01-02,9:30:00.5,BRK,A,1,339000\n2020-01-02,9:30:01,T,,100,39.1\n"
    )
    upload = read("taq.csv", f"DATE,TIME_M,SYM_ROOT,SYM_SUFFIX,SIZE,PRICE\n{rows}".encode())
    assert upload.symbols == ("BRK.B", "BRK.A", "T")


def test_midnights_beside_a_time_of_day_are_dates() -> None:
    rows = b"2024-08-08 00:00:00,09:30:00,2.5\n2024-08-08 00:00:00,09:31:00,2.6\n"
    frame = read("MSFT.csv", b"Date,Time,Close\n" + rows).frames["MSFT"]
    assert pd.to_datetime(frame["time_ns"]).dt.strftime("%H:%M").tolist() == ["09:30", "09:31"]
