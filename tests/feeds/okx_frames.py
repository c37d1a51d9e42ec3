"""Constructed messages and answers of OKX, as its documents give them."""

from typing import Any

import msgspec

from alphastream.instruments import InstrumentId

BTC, SWAP = InstrumentId("okx", "BTC-USDT"), InstrumentId("okx", "BTC-USDT-SWAP")
ROW: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "tradeId": "130639474",
    "px": "42219.9",
    "sz": "3",
    "side": "sell",
    "source": "0",
    "ts": "1630048897897",
}
LISTED = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "ctType": "linear",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "settleCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "state": "live",
    "baseCcy": "",
    "quoteCcy": "",
}
LISTING = msgspec.json.encode({"code": "0", "msg": "", "data": [LISTED]})


def trade(**changes: Any) -> bytes:
    row = ROW | changes
    return msgspec.json.encode({"arg": {"channel": "trades-all", "instId": row["instId"]}, "data": [row]})


def push(channel: str, symbol: str, row: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"arg": {"channel": channel, "instId": symbol}, **more, "data": [row]})


def answer(*rows: Any, code: str = "0", msg: str = "") -> bytes:
    return msgspec.json.encode({"code": code, "msg": msg, "data": rows})


def book(symbol: str = "BTC-USDT-SWAP", action: str = "update", seq: int = 20, previous: int = 10) -> bytes:
    row = {
        "asks": [["8476.98", "415", "0", "13"], ["8477", "0", "0", "0"]],
        "bids": [["8476.97", "256.5", "0", "12"]],
        "ts": "1597026383085",
        "checksum": 0,
        "seqId": seq,
        "prevSeqId": previous,
    }
    return push("books", symbol, row, action=action)


def quote(symbol: str = "BTC-USDT-SWAP") -> bytes:
    row = {"asks": [["111234.5", "12.3", "0", "5"]], "bids": [["111234.4", "8.1", "0", "3"]], "ts": "1785548167559",
           "seqId": 123456789}  # fmt: skip
    return push("bbo-tbt", symbol, row)


def mark() -> bytes:
    row = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "50123.4", "ts": "1800000000100"}
    return push("mark-price", "BTC-USDT-SWAP", row)


def index() -> bytes:
    return push("index-tickers", "BTC-USDT", {"instId": "BTC-USDT", "idxPx": "50120.1", "ts": "1800000000200"})


def funding(**changes: Any) -> bytes:
    row = {
        "fundingRate": "0.00010000", "fundingTime": "1800003600000", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
        "nextFundingRate": "", "nextFundingTime": "1800018000000", "ts": "1800000000300",
    }  # fmt: skip
    return push("funding-rate", "BTC-USDT-SWAP", row | changes)
