"""JSON as venues answer and send it: documents, messages, one a line, and the rows inside of them."""

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, read

DAY = "2024-08-08 00:00:00"


def first(upload: Upload, symbol: str) -> tuple[object, ...]:
    """Kind, number of rows and the first row's prices."""
    frame = upload.frames[symbol]
    names = ["open", "high", "low", "close"] if upload.kind == "bars" else ["price", "quantity"]
    return (upload.kind, len(frame), *frame[names].iloc[0].tolist())


DOCUMENTS = {
    "Binance klines": (
        "BTCUSDT-1h.json",
        '[[1723075200000,"0.016","0.8","0.015","0.0157","148976.1",1723078799999,"2434.1",308,"1756.8","28.4","0"],'
        '[1723078800000,"0.0157","0.8","0.015","0.0158","14.1",1723082399999,"2434.1",308,"1756.8","28.4","0"]]',
        "BTCUSDT",
        ("bars", 2, 0.016, 0.8, 0.015, 0.0157),
    ),
    "Bybit klines, newest first, the symbol beside them": (
        "answer.json",
        '{"retCode":0,"result":{"symbol":"BTCUSD","list":[["1723078800000","3.72","3.75","3.6","3.73","1","372"],'
        '["1723075200000","3.7","3.75","3.6","3.72","100","372"]]},"time":1723082400000}',
        "BTCUSD",
        ("bars", 2, 3.7, 3.75, 3.6, 3.72),
    ),
    "objects in a list, over several lines": (
        "AAPL.json",
        '[\n  {"date": "2024-08-08", "open": 1, "high": 2, "low": 1, "close": 1.5},\n'
        '  {"date": "2024-08-09", "open": 1.5, "high": 2, "low": 1, "close": 1.6}\n]\n',
        "AAPL",
        ("bars", 2, 1.0, 2.0, 1.0, 1.5),
    ),
    "Polygon aggregates": (
        "answer.json",
        '{"ticker":"AAPL","queryCount":2,"results":[{"v":1,"vw":1.1,"o":1,"c":1.2,"h":1.3,"l":0.9,"t":1723075200000},'
        '{"v":1,"vw":1.1,"o":1.2,"c":1.25,"h":1.3,"l":0.9,"t":1723075260000}],"status":"OK"}',
        "AAPL",
        ("bars", 2, 1.0, 1.3, 0.9, 1.2),
    ),
    "Yahoo chart": (
        "answer.json",
        '{"chart":{"result":[{"meta":{"symbol":"AAPL"},"timestamp":[1723123800,1723127400],"indicators":{"quote":['
        '{"open":[199.1,205.3],"high":[213.5,209.9],"low":[196.0,201.1],"close":[209.2,207.2],"volume":[1,2]}]}}],'
        '"error":null}}',
        "AAPL",
        ("bars", 2, 199.1, 213.5, 196.0, 209.2),
    ),
    "lists of a charting library": (
        "ETHUSD.json",
        '{"t":[1723075200,1723075260],"o":[1,1.1],"h":[2,2],"l":[1,1],"c":[1.5,1.6],"v":[7,8],"s":"ok"}',
        "ETHUSD",
        ("bars", 2, 1.0, 2.0, 1.0, 1.5),
    ),
}


@pytest.mark.parametrize(("name", "text", "symbol", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents(name: str, text: str, symbol: str, expected: tuple[object, ...]) -> None:
    assert first(read(name, text.encode()), symbol) == expected


def test_recorded_stream_of_two_symbols() -> None:
    trade = '{{"stream":"{0}@aggTrade","data":{{"e":"aggTrade","E":1723075200100,"s":"{1}","a":{2},"p":"{3}","q":"0.1"'
    trade += ',"f":1,"l":1,"T":1723075200064,"m":true}}}}'
    lines = [
        trade.format("btcusdt", "BTCUSDT", 1, "55000.10"),
        '{"result":null,"id":1}',
        trade.format("ethusdt", "ETHUSDT", 1, "2300.1"),
        trade.format("btcusdt", "BTCUSDT", 2, "55000.2"),
    ]
    upload = read("frames.ndjson", "\n".join(lines).encode())
    assert first(upload, "BTCUSDT") == ("ticks", 2, 55000.1, 0.1)
    assert first(upload, "ETHUSDT") == ("ticks", 1, 2300.1, 0.1)
    assert upload.frames["BTCUSDT"]["id"].tolist() == [1, 2]
    assert "1 message without a price skipped" in upload.notes


def test_messages_behind_the_time_they_came() -> None:
    """The venue's own time is the trade's; a broken message names its line."""
    push = '{{"topic":"publicTrade","ts":1723075200070,"data":[{{"T":{},"s":"BTCUSDT","S":"Buy","v":"2","p":"{}"}}]}}'
    lines = [f"1723075200.1 {push.format(1723075200064, 5.5)}", f"1723075200.2 {push.format(1723075200164, 5.6)}"]
    upload = read("tape.log.txt", "\n".join(lines).encode())
    assert upload.frames["BTCUSDT"]["price"].tolist() == [5.5, 5.6]
    with pytest.raises(UploadError, match="no JSON") as caught:
        read("tape.log.txt", "\n".join([*lines, lines[0][:-9]]).encode())
    assert caught.value.line == 3


def test_rows_of_another_length_name_their_line() -> None:
    rows = ["[1723075200000,1,2,1,1.5,7]", "[1723075260000,1,2,1,1.5,7]", "[1723075320000,1,2,1,1.5]"]
    with pytest.raises(UploadError, match="5 values where other rows have 6") as caught:
        read("BTC.ndjson", "\n".join(rows).encode())
    assert caught.value.line == 3


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(UploadError, match="JSON"):
        read("BTC.json", b"[" * 50_000 + b"]" * 50_000)
    with pytest.raises(UploadError, match="JSON"):
        read("BTC.json", b"[" * 30 + b"1,2" + b"]" * 30)


def test_lists_among_messages_are_no_rows() -> None:
    """A recording begins with the channels that were asked for: a list without names was an IndexError."""
    channels = '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}\n'
    trade = '{"type":"match","trades":[{"time":"2024-08-08T00:00:0%dZ","product_id":"BTC-USD","price":"55108.7"}]}\n'
    upload = read("a.jsonl", (channels + "".join(trade % at for at in range(5))).encode())
    assert [len(frame) for frame in upload.frames.values()] == [5]
