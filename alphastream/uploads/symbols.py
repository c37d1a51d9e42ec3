"""Symbols as the project spells them, and the symbol a file's name speaks of."""

import re
from pathlib import PurePosixPath
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUOTES: Final = _words("USD USDT USDC BUSD FDUSD EUR GBP JPY CHF AUD CAD KRW BTC ETH XBT")
_NOISE: Final = _words(
    """
    aggtrade aggtrades agg trade trades tick ticks kline klines candle candles ohlc ohlcv ohlcvt bar bars price prices
    history historical data dataset export download quotes sample test file upload csv txt gz zip tape live chart
    binance binanceus bitstamp bitfinex bitmex bybit coinbase coinbasepro gdax cryptodatadownload cdd deribit gemini
    huobi kraken kucoin okx yahoo finance stooq tradingview futures future spot perp perpetual swap um cm usdm coinm
    d h m w day days daily hour hours hourly min minute minutes minutely week weekly month monthly sec second seconds
    nasdaq nyse amex arca bats intraday utc new copy final raw full adjusted adj close
    """
)
_INTERVAL: Final = re.compile(r"\d+([smhdw]|min|hour|day|sec|mo)?|(tick|minute|hour)s?\d*")
_HASH: Final = re.compile(r"(?=.*\d)[0-9a-f]{5,}")  # TradingView's and browsers' endings


def normalise(name: str) -> str:
    """A symbol in capitals, without what venues put between base and quote.

    >>> [normalise(name) for name in ("btc/usdt", "BTC-USD", "BINANCE:ETHUSDT", " brk.b ", "Crude oil")]
    ['BTCUSDT', 'BTCUSD', 'ETHUSDT', 'BRK.B', 'CRUDE OIL']
    """
    return re.sub(r"\s+", " ", re.sub(r"[/_\-]", "", name.strip().rpartition(":")[2]).strip()).upper()


def symbol_in(file: str) -> str | None:
    """The symbol in a file's name, or None where it names none.

    >>> symbol_in("BTCUSDT-aggTrades-2024-08-08.zip"), symbol_in("Binance_ETHUSDT_1h.csv"), symbol_in("XBTUSD_60.csv")
    ('BTCUSDT', 'ETHUSDT', 'XBTUSD')
    >>> symbol_in("BINANCE_BTCUSDT, 60 (1).csv"), symbol_in("btc-usd daily.csv"), symbol_in("prices 2024.csv")
    ('BTCUSDT', 'BTCUSD', None)

    Where some words stand in capitals, one of them is the symbol.

    >>> symbol_in("my gold XAUUSD.csv")
    'XAUUSD'
    """
    stem = PurePosixPath(file.replace("\\\\", "/")).name
    stem = re.sub(r"(?i)(\.(csv|txt|tsv|dat|gz|zip|bz2|xz|zst|json|jsonl|ndjson))+$", "", stem)
    words = [word for word in re.split(r"[-_,\s()\[\]/]+", stem) if word and not _is_noise(word)]
    capitals = [word for word in words if word.isupper() and len(word) > 1]
    words = capitals or words
    if not words:
        return None
    if len(words) > 1 and words[1].upper() in _QUOTES and words[0].upper() != words[1].upper():
        return normalise(words[0] + words[1])
    return normalise(words[0])


def _is_noise(word: str) -> bool:
    low = word.lower()
    return low in _NOISE or bool(_INTERVAL.fullmatch(low)) or bool(_HASH.fullmatch(word))
