"""Symbols as venues write them, and in names of files."""

import pytest

from alphastream.uploads import read
from alphastream.uploads.symbols import distinct, normalise, symbol_in

FILES = {
    "BTC_USDT-202201.csv": "BTCUSDT",
    "BTC-USDT-SWAP-trades-2024-08-08.csv": "BTCUSDTSWAP",
    "BTC-USDT-240927-trades-2024-08-08.csv": "BTCUSDT240927",
    "EURUSD60.csv": "EURUSD",
    "EURUSD1440.csv": "EURUSD",
    "EURUSD_M15.csv": "EURUSD",
    "EUR_USD_H1.csv": "EURUSD",
    "DAT_ASCII_EURUSD_M1_2012.csv": "EURUSD",
    "XBTUSD_bitmex.csv": "XBTUSD",
    "Quote-Equity-RELIANCE-EQ.csv": "RELIANCE",
    "AAPL_nasdaq.csv": "AAPL",
    "aapl.us.txt": "AAPL.US",
    "7203.T.csv": "7203.T",
    "7203.csv": "7203",
    "005930.csv": "005930",
    "005930.KS.csv": "005930.KS",
    "BRK-B.csv": "BRKB",
    "^GSPC.csv": "^GSPC",
    "ES=F.csv": "ES=F",
    "CAC40.csv": "CAC40",
    "T.csv": "T",
    "BTCUSDT2024-08-08.csv": "BTCUSDT",
    "Crude Oil WTI Futures Historical Data.csv": "WTI",
    "btc-usd-max.csv": "BTCUSD",
    "nk225_desc.csv": "NK225",
    "adj.csv": None,
    "prices.csv": None,
    "2024-08-08.csv": None,
    "240808.csv": None,
    "2024.csv": None,
    "SBER_GAZP_240808.txt": None,
    "AAPL_MSFT.csv": None,
    "table (3).csv": None,
}


@pytest.mark.parametrize("file", FILES)
def test_symbols_in_names_of_files(file: str) -> None:
    assert symbol_in(file) == FILES[file]


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("BTC/USDT:USDT", "BTCUSDT:USDT"),
        ("BTC/USDT:USDT-240927", "BTCUSDT:USDT-240927"),
        ("BINANCE:ETHUSDT", "ETHUSDT"),
        ("NASDAQ:AAPL", "AAPL"),
        ("C:EURUSD", "EURUSD"),
        ("DUSK:USD", "DUSKUSD"),
        ("AAPL:US", "AAPL:US"),
        ("7203:JP", "7203:JP"),
        ("005930", "005930"),
        ("sh.600000", "SH.600000"),
        ("BTC-27SEP24-60000-C", "BTC27SEP2460000C"),
    ],
)
def test_what_stands_before_and_behind_a_colon(written: str, symbol: str) -> None:
    assert normalise(written) == symbol


def test_different_names_never_become_one() -> None:
    assert distinct(["BTC-USD", "BTC/USD"]) == {"BTC-USD": "BTC-USD", "BTC/USD": "BTC/USD"}
    assert distinct(["btcusd", " BTCUSD "]) == {"btcusd": "BTCUSD", " BTCUSD ": "BTCUSD"}
    rows = "".join(
        f"{1_722_470_400 + at // 2},{'BINANCE' if at % 2 else 'OKX'}:BTCUSDT,{60_000 + at}\n" for at in range(8)
    )
    assert read("x.csv", f"time,symbol,price\n{rows}".encode()).symbols == ("OKX:BTCUSDT", "BINANCE:BTCUSDT")
