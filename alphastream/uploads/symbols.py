"""Symbols as the project spells them, and the symbol a file's name speaks of."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

from alphastream.instruments import split
from alphastream.uploads.words import word_set

_QUOTES: Final = word_set(
    "USD USDT USDC BUSD FDUSD TUSD DAI EUR GBP JPY CHF AUD CAD NZD KRW BTC ETH BNB XBT TRY BRL SEK NOK SGD CNH ZAR MXN"
)
_CONTRACTS: Final = word_set("SWAP PERP PERPETUAL PERPETUALS")
_PAIR: Final = re.compile(
    rf"[A-Z0-9_]*?[A-Z0-9]{{2}}[-_/]?(({'|'.join(sorted(_QUOTES))})([-_:][A-Z0-9]+)*|(?<=[-_/])({'|'.join(sorted(_CONTRACTS))}))"
)
# What may follow a colon and is no instrument: venues and countries (AAPL:US, VWRL:LSE).
_PLACES: Final = word_set(
    "US UN UW UQ LN GR JP JT HK CH CN FP IM SM NA SS SW AU KS TT LSE NSQ NYQ NYSE NASDAQ LON GER PAR AMS FRA TYO HKG"
)
_NOISE: Final = word_set(
    """
    aggtrade aggtrades agg trade trades tick ticks kline klines candle candles candlestick ohlc ohlcv ohlcvt bar bars
    price prices history historical historic data dataset export download downloads quotes quote sample test file upload
    csv txt gz zip tape live chart table report series timeseries time values value closes returns daten historische
    kurse kursdaten historie historique cours cotations donnees historicos historico dati storici dane historyczne
    stock stocks etf etfs equity eq fx forex crypto coin market markets index indices panel wide long all my pair pairs
    binance binanceus bitstamp bitfinex bitmex bittrex bybit coinbase coinbasepro gdax cryptodatadownload cdd deribit
    gemini huobi kraken kucoin okx okex gate gateio mexc ftx poloniex upbit hitbtc dukascopy oanda histdata metatrader
    mt4 mt5 yahoo finance stooq tradingview investing com barchart alphavantage polygon quandl nse bse bhavcopy fxcm
    candlesticks bid ask offer nymex comex cbot cme eurex xetra lse ice fut opt mw yf tv av
    historicalprices historicaldata split
    weekends weekend weekday weekdays shortened chris cme liquid
    databento tardis kaiko coinapi algoseek kibot finam tushare akshare ibkr ib tws firstrate
    futures future spot perp perpetual perpetuals swap um cm usdm coinm dat ascii bookticker bbo nbbo book depth
    m h w d day days daily hour hours hourly min mins minute minutes minutely week weekly month monthly year yearly sec
    second seconds annual eod intraday utc gmt est nasdaq nyse amex arca bats new copy final raw full adjusted adj
    unadjusted close open last max desc asc sorted train original merged combined output clean cleaned resampled
    jan feb mar apr may jun jul aug sep oct nov dec
    """
)
_INTERVAL: Final = re.compile(
    r"\d+([smhdw]|min|mins|minute|minutes|hour|hours|day|days|sec|mo|month|yr|yrs|y|year|years)?"
    r"|(tick|minute|hour|min|hr|day)s?\d*|[mhdw]n?\d{1,5}|t\d?|ohlcv-\d[smhd]|\d{1,2}[a-z]{3}\d{2,4}"
    r"|\d{1,4}\.\d{1,2}\.\d{1,4}"
)
_HISTDATA: Final = re.compile(r"^DAT_(ASCII|MT|NT|MS|XLSX)_")
_HASH: Final = re.compile(r"(?=.*\d)[0-9a-f]{5,}")  # TradingView's and browsers' endings
_CURRENCY_PAIR: Final = re.compile(r"([A-Z]{6,}?)(1|5|15|30|60|240|1440|10080|43200)")  # MT4: minutes behind the pair
_DELIVERED: Final = ("USD", "USDT", "USDC", "BTC", "ETH", "SOL", "XRP")
_FRIDAY: Final = 4
_DAY_NS: Final = 86_400 * 10**9
_EXTENSIONS: Final = re.compile(
    r"(?i)(\.(csv|txt|tsv|dat|data|gz|zip|bz2|xz|zst|json|jsonl|ndjson|parquet|arrow|feather|log|prn|asc))+$"
)


def normalise(name: str) -> str:
    """A symbol in capitals, without what venues put between base and quote; the contract behind a quote stays.

    >>> [normalise(name) for name in ("btc/usdt", "BTC-USD", "BINANCE:ETHUSDT", " brk.b ", "Crude oil")]
    ['BTCUSDT', 'BTCUSD', 'ETHUSDT', 'BRK.B', 'CRUDE OIL']
    >>> [normalise(name) for name in ("BTC/USDT:USDT", "BTC/USDT:USDT-240927", "DUSK:USD", "AAPL:US", "NASDAQ:AAPL")]
    ['BTCUSDT:USDT', 'BTCUSDT:USDT-240927', 'DUSKUSD', 'AAPL:US', 'AAPL']

    A full name, as our own files have it, stays: the same symbol at another venue is another instrument.

    >>> normalise("okx:BTC-USDT"), is_full("binance-usdm:BTCUSDT"), is_full("binance:btcusdt")
    ('okx:BTC-USDT', True, False)
    """
    if is_full(name):
        return name.strip()
    head, colon, tail = name.strip().rpartition(":")
    if not colon:
        return _joined(tail)
    head, tail = head.strip(), tail.strip()
    if "/" in head:  # base/quote:settlement
        return f"{_joined(head)}:{tail.upper()}"
    if tail.upper() in _QUOTES:
        return _joined(head + tail)
    if not tail or tail.upper() in _PLACES or not re.fullmatch(r"[A-Za-z][\w .!-]*", head):
        return f"{_joined(head)}:{tail.upper()}"
    return _joined(tail)


def distinct(names: Iterable[str]) -> dict[str, str]:
    """Each name of one file with its symbol: different names never become one.

    Names that differ in more than case and spaces and would be spelt alike stay as they are written, in capitals.

    >>> distinct(["BINANCE:BTCUSDT", "COINBASE:BTCUSDT", "eth-usd"])
    {'BINANCE:BTCUSDT': 'BINANCE:BTCUSDT', 'COINBASE:BTCUSDT': 'COINBASE:BTCUSDT', 'eth-usd': 'ETHUSD'}
    """
    written = {name: name.strip() if is_full(name) else _spaced(name).upper() for name in names}
    owners: dict[str, set[str]] = {}
    for as_is in written.values():
        owners.setdefault(normalise(as_is), set()).add(as_is)
    return {name: spelt if len(owners[spelt := normalise(as_is)]) == 1 else as_is for name, as_is in written.items()}


def is_full(name: str) -> bool:
    """Whether a name is written as ``InstrumentId`` writes it: a venue in small letters, a symbol with capitals."""
    venue, symbol = split(name.strip())
    return bool(venue) and re.search("[A-Z]", symbol) is not None


def is_pair(text: str) -> bool:
    """Whether a text is something against a currency, or a perpetual contract of it.

    >>> [is_pair(text) for text in ("btcusdt", "XBT/USD", "BTC-USDT-SWAP", "BTC-PERPETUAL", "trades", "AAPL")]
    [True, True, True, True, False, False]
    """
    return _PAIR.fullmatch(text.upper()) is not None


def symbol_in(file: str) -> str | None:
    """The symbol in a file's name, or None where it names none, or more than one.

    >>> symbol_in("BTCUSDT-aggTrades-2024-08-08.zip"), symbol_in("Binance_ETHUSDT_1h.csv"), symbol_in("XBTUSD_60.csv")
    ('BTCUSDT', 'ETHUSDT', 'XBTUSD')
    >>> symbol_in("BINANCE_BTCUSDT, 60 (1).csv"), symbol_in("btc-usd daily.csv"), symbol_in("prices 2024.csv")
    ('BTCUSDT', 'BTCUSD', None)
    >>> symbol_in("EURUSD1440.csv"), symbol_in("aapl.us.txt"), symbol_in("005930.csv"), symbol_in("AAPL_MSFT.csv")
    ('EURUSD', 'AAPL.US', '005930', None)

    Where some words stand in capitals, one of them is the symbol.

    >>> symbol_in("my gold XAUUSD.csv")
    'XAUUSD'

    A settlement that repeats the quote belongs to the contract; a range of dates, to nothing.

    >>> symbol_in("ETH_USDT_USDT-1h-futures.feather"), symbol_in("EURUSD_Candlestick_1_D_BID_01.09.2024-03.09.2024.csv")
    ('ETHUSDT:USDT', 'EURUSD')
    >>> symbol_in("DAT_MT_EURUSD_M1_202408.csv"), symbol_in("DAT_NT_EURUSD_T_LAST_202408.csv")
    ('EURUSD', 'EURUSD')
    """
    stem = _EXTENSIONS.sub("", PurePosixPath(file.replace("\\", "/")).name).strip()
    if re.fullmatch(r"[A-Z]{1,2}", stem):
        return stem
    if re.fullmatch(r"\d{4,6}", stem):
        return None if _is_date(stem) else stem
    stem = _HISTDATA.sub("", stem)
    stem = re.sub(r"(?<=[A-Za-z])(?=(19|20)\d{2}[-_.]\d{2}[-_.]\d{2})", "-", stem)  # BTCUSDT2024-08-08
    whole = [word for word in re.split(r"[_,\s()\[\]/]+", stem) if word.strip("-")]
    dashed = [word for word in whole if re.fullmatch(r"[A-Z]{1,5}-[A-Z]{1,2}", word)]
    if len(dashed) == 1 and all(_is_noise(word) for word in whole if word != dashed[0]):
        return normalise(dashed[0])  # BRK-B
    words = re.split(r"[-_,\s()\[\]/]+", stem)
    kept = [(at, word) for at, word in enumerate(words) if word and not _is_noise(word)]
    capitals = [(at, word) for at, word in kept if word.upper() == word and len(word) > 1 and not word.isdigit()]
    kept = capitals or kept
    if not kept:
        return None
    at, first = kept[0]
    rest = [word for _, word in kept[1:]]
    if rest and rest[0].upper() in _QUOTES and rest[0].upper() != first.upper() and kept[1][0] == at + 1:
        contract = words[at + 2 : at + 3]
        first, rest = first + rest[0], rest[1:]
        if rest == [kept[1][1]] and kept[2][0] == at + 2:  # base, quote, settlement
            first, rest = f"{first}:{rest[0]}", []
        if contract and (contract[0].upper() in _CONTRACTS or re.search(rf"-{contract[0]}-(?=.)", stem) is not None):
            first += contract[0] if contract[0].upper() in _CONTRACTS or re.fullmatch(r"\d{6}", contract[0]) else ""
    contract = words[at + 1 : at + 2]
    if contract and contract[0] in _CONTRACTS and first.upper().endswith(_DELIVERED):  # BTCUSD_PERP
        first += contract[0]
    if rest:
        return None
    minutes = _CURRENCY_PAIR.fullmatch(first)
    return minutes[1] if minutes else first.upper() if ":" in first else normalise(first)


def contract_in(file: str, symbol: str, first_ns: int, last_ns: int) -> str | None:
    """The delivery date behind a symbol in a file's name, as it is written; None where that is a day of the rows.

    Crypto futures are delivered on Fridays, and their rows end before that day, or on the last Friday of a quarter.

    Parameters
    ----------
    symbol : what ``symbol_in`` finds.
    first_ns, last_ns : times of the first and the last row.

    >>> contract_in("BTCUSDT_240927-1m-2024-08.csv", "BTCUSDT", 1_722_470_400 * 10**9, 1_725_148_740 * 10**9)
    '240927'
    """
    stem = _EXTENSIONS.sub("", PurePosixPath(file.replace("\\", "/")).name).strip()
    for found in re.finditer(r"(?i)(?<![a-z0-9])([a-z0-9]+)[-_](\d{6}|\d{1,2}[a-z]{3}\d{2})(?![a-z0-9])", stem):
        if normalise(found[1]) != symbol or not symbol.endswith(_DELIVERED):
            continue
        try:
            day = datetime.strptime(found[2], "%y%m%d" if found[2].isdigit() else "%d%b%y")  # noqa: DTZ007 (a date)
        except ValueError:
            continue
        day_ns = (day - datetime(1970, 1, 1)).days * _DAY_NS  # noqa: DTZ001 (a date)
        quarterly = day.month % 3 == 0 and (day + timedelta(7)).month != day.month and first_ns < day_ns - _DAY_NS
        if day.weekday() == _FRIDAY and last_ns < day_ns + (_DAY_NS if quarterly else 0):
            return found[2].upper()
    return None


def _joined(name: str) -> str:
    return _spaced(re.sub(r"[/_\-]", "", name)).upper()


def _spaced(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip())


def _is_noise(word: str) -> bool:
    low = word.strip("-.").lower()
    return not low or low in _NOISE or bool(_INTERVAL.fullmatch(low)) or bool(_HASH.fullmatch(word))


def _is_date(digits: str) -> bool:
    """Whether digits may be a year, a month of a year, or a day."""
    if len(digits) == 4:
        return 1990 <= int(digits) <= 2035
    for form in ("%y%m%d", "%d%m%y", "%Y%m"):
        try:
            year = datetime.strptime(digits, form).year  # noqa: DTZ007 (a date has no zone)
        except ValueError:
            continue
        if 1990 <= year <= 2035:
            return True
    return False
