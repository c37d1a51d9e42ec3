"""Files that cannot be read: the error names file, line and column, and nothing is skipped."""

import gzip

import pytest

from alphastream.errors import ParameterError, UploadError
from alphastream.uploads import check_size, combine, inspect, read, require_pair
from tests.uploads.test_formats import zipped

TICKS = b"timestamp,symbol,price,size\n"
ROW = b"2024-08-08 00:00:00,BTCUSDT,55108.7,0.004\n"
BARS = b"time,open,high,low,close,volume\n1722470400,10,12,9,11,1\n"
AGG = b"agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
MANY = 30_000  # rows enough for the fault to lie behind the part of the file that is looked at first


def refused(data: bytes, name: str = "a.csv") -> UploadError:
    with pytest.raises(UploadError) as caught:
        read(name, data)
    assert caught.value.file.startswith(name)
    assert str(caught.value).startswith(name)
    return caught.value


@pytest.mark.parametrize(
    ("cell", "bad", "column", "word"),
    [
        (b"55108.7", b"abc", "price", "'abc': a number is needed"),
        (b"55108.7", b"", "price", "the cell is empty: a price above zero"),
        (b"55108.7", b"NaN", "price", "'NaN': a price above zero"),
        (b"55108.7", b"inf", "price", "above zero"),
        (b"55108.7", b"0", "price", "above zero"),
        (b"55108.7", b"-55108.7", "price", "above zero"),
        (b"0.004", b"-0.004", "size", "zero or more"),
        (b"0.004", b"lots", "size", "'lots'"),
        (b"BTCUSDT", b" ", "symbol", "a symbol is needed"),
        (b"2024-08-08 00:00:00", b"yesterday", "timestamp", "'yesterday': a time is needed"),
        (b"2024-08-08", b"2024-02-30", "timestamp", "no such day"),
        (b"2024-08-08 00:00:00", b"", "timestamp", "the cell is empty: a time is needed"),
    ],
)
@pytest.mark.parametrize("before", [0, 2, MANY])
def test_bad_cell_is_named(cell: bytes, bad: bytes, column: str, word: str, before: int) -> None:
    error = refused(TICKS + ROW * before + b"\n" * 3 + ROW.replace(cell, bad) + ROW)
    assert (error.line, error.column) == (before + 5, column)
    assert word in str(error)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (TICKS, "only a header"),
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
        (b"%PDF-1.7", "a PDF document"),
        (b'[{"price": 1}]', "no column for time"),
        (b'[{"price": 1}', "no JSON document"),
        (b"foo,bar,baz\n1,2,3\n", "no column for time: found 'foo', 'bar', 'baz'"),
        (b"timestamp,symbol,pricee,size\n" + ROW, "no column for price: found .* \\(did you mean 'pricee'\\?\\)"),
        (b"date,prise\n2024-01-01,2\n", "did you mean 'prise'"),
        (b"date,open,hihg,low,close\n2024-01-01,2,3,1,2\n", "no column for high: .*did you mean 'hihg'"),
        (b"symbol,price\nBTC,2\nETH,3\n", "no column for time"),
        (b"price\n1\n2\n", "no column for time"),
        (b"date,price\n45512.5,2\n", "spreadsheet's day number"),
        (b"date,price\n12,2\n", "no unit makes this a time"),
        (b"ts,price\n1723075200,2\n", "says which symbol this is"),
    ],
)
def test_file_is_refused_in_words(data: bytes, word: str) -> None:
    with pytest.raises(UploadError, match=word):
        read("data.csv", data)


@pytest.mark.parametrize("before", [1, MANY])
def test_number_of_cells_changes(before: int) -> None:
    error = refused(TICKS + ROW * before + b"2024-08-08,BTC\n" + ROW)
    assert error.line == before + 2
    assert "2 of 4 cells ('2024-08-08,BTC')" in str(error)
    assert "5 of 4 cells" in str(refused(TICKS + ROW * before + ROW.replace(b"\n", b",1\n")))


@pytest.mark.parametrize("before", [1, MANY])
def test_other_encodings_are_named_by_line(before: int) -> None:
    error = refused(TICKS + ROW * before + ROW.replace(b"BTC", b"\x81TC"))  # no letter of Windows-1252 either
    assert error.line == before + 2
    assert "0x81 is not UTF-8" in str(error)


@pytest.mark.parametrize(
    ("encoding", "header", "said"),
    [
        ("cp1252", "Datum;Eröffnung;Hoch;Tief;Schlußkurs", "Windows-1252"),
        ("cp932", "日付;始値;高値;安値;終値", "Shift-JIS"),
        ("gb18030", "日期;开盘;最高;最低;收盘", "GB 18030"),
        ("cp1251", "Дата;Открытие;Максимум;Минимум;Закрытие", "Windows-1251"),
        ("utf-16-le", "Date;Open;High;Low;Close", None),
    ],
)
def test_other_encodings_are_read_where_the_header_shows_them(encoding: str, header: str, said: str | None) -> None:
    rows = "\n2024-08-07;10;12;9;11\n2024-08-08;11;13;10;12\n"
    upload = read("X.csv", (header + rows).encode(encoding))
    assert upload.frames["X"]["close"].tolist() == [11.0, 12.0]
    assert said is None or any(said in note and "not UTF-8" in note for note in upload.notes)


def test_bars_upside_down() -> None:
    error = refused(BARS + b"1722474000,10,8,9,11,1\n", "BTC.csv")
    assert error.line == 3
    assert "high 8 is below low 9" in str(error)


def test_one_id_for_two_trades() -> None:
    rows = [b"%d,5510%d,1,1,1,%d,true\n" % (at, at, 1723075200064 + at) for at in range(3)]
    error = refused(AGG + b"".join(rows) + b"1,55107,1,1,1,1723075200065,true\n", "BTCUSDT.csv")
    assert error.line == 5
    assert "line 3 has another trade" in str(error)
    maybe = refused(AGG + b"".join(rows) + b"9,1,1,1,1,1723075200065,maybe\n", "BTCUSDT.csv")
    assert (maybe.line, maybe.column) == (5, "is_buyer_maker")
    text = refused(AGG + b"".join(rows) + b"x9,1,1,1,1,1723075200065,true\n", "BTCUSDT.csv")
    assert (text.line, text.column) == (5, "agg_trade_id")


def test_ndjson_lines() -> None:
    good = b'{"symbol":"BTC","ts":1723075200,"price":1}\n'
    cut = refused(good + b"\n" + good[:-5], "t.ndjson")
    assert cut.line == 3
    assert "no JSON object" in str(cut)
    missing = refused(good * 200 + b'{"symbol":"BTC","ts":1723075200}\n', "t.ndjson")
    assert (missing.line, missing.column) == (201, "price")


def test_archives_that_cannot_be_unpacked() -> None:
    inside = zipped({"a.csv": TICKS + ROW * 1000})
    assert "cut off or damaged" in str(refused(inside[:-40], "a.zip"))
    broken = bytearray(inside)
    broken[60] ^= 0xFF
    assert "cut off or damaged" in str(refused(bytes(broken), "a.zip"))
    assert "cut off or damaged" in str(refused(gzip.compress(TICKS + ROW * 1000)[:-20], "a.csv.gz"))
    assert "holds no CSV, but photo.png" in str(refused(zipped({"photo.png": b"x"}), "a.zip"))
    assert "holds no CSV, but nothing" in str(refused(zipped({}), "a.zip"))
    assert "a spreadsheet" in str(refused(zipped({"[Content_Types].xml": b"", "xl/sheet1.xml": b""}), "a.xlsx"))
    locked = bytearray(inside)
    for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(sign) + flags] |= 1
    assert "encrypted" in str(refused(bytes(locked), "a.zip"))


def test_member_of_an_archive_is_named() -> None:
    error = refused(zipped({"x/b.csv": TICKS + ROW + ROW.replace(b"55108.7", b"?")}), "a.zip")
    assert error.file == "a.zip/x/b.csv"
    assert error.line == 3


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_small_archives_of_huge_files(name: str) -> None:
    """100,000 equal rows shrink to a few kilobytes: refused by what is declared or by what comes out."""
    rows = TICKS + ROW * 100_000
    data = gzip.compress(rows) if name.endswith("gz") else zipped({"a.csv": rows})
    assert len(data) < 50_000
    with pytest.raises(UploadError, match=r"unpacks to|more comes out"):
        read(name, data, max_bytes=50_000)


def test_size_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UploadError, match=r"5\.0 GB is too large: at most 256\.0 MB"):
        check_size("huge.csv", 5 * 2**30)
    with pytest.raises(UploadError, match="too large"):
        inspect("a.csv", TICKS + ROW, max_bytes=10)


def test_a_pair_needs_two_symbols_and_common_time() -> None:
    bitcoin = read("BTCUSDT.csv", BARS)
    with pytest.raises(UploadError, match=r"only BTCUSDT is in there.*add a second file"):
        require_pair(bitcoin)
    later = read("ETHUSDT.csv", BARS.replace(b"1722470400", b"1822470400"))
    with pytest.raises(UploadError, match=r"BTCUSDT ends 2024-08-01 00:00, before ETHUSDT begins 2027-10-02"):
        require_pair(combine(bitcoin, later))
    pair = combine(bitcoin, read("ETHUSDT.csv", BARS))
    assert require_pair(pair) is pair


def test_kinds_and_names_are_not_mixed() -> None:
    ticks = zipped({"BTC.csv": BARS, "ETH.csv": b"time,price\n1722470400,1\n"})
    assert "upload them apart" in str(refused(ticks, "a.zip"))
    with pytest.raises(UploadError, match="one kind"):
        combine(read("BTC.csv", BARS), read("ETH.csv", b"time,price\n1722470400,1\n"))
    two = TICKS + ROW + ROW.replace(b"BTC", b"ETH")
    with pytest.raises(UploadError, match="cannot all be SOLUSDT"):
        read("a.csv", two, symbol="SOLUSDT")
    with pytest.raises(UploadError, match="cannot all be SOLUSDT"):
        read("a.zip", zipped({"BTC.csv": BARS, "ETH.csv": BARS}), symbol="SOLUSDT")


def test_mapping_of_unknown_things() -> None:
    with pytest.raises(ParameterError, match=r"no column 'pric' for price: .*did you mean 'price'"):
        read("a.csv", TICKS + ROW, {"price": "pric"})
    with pytest.raises(ParameterError, match="role 'prise' is unknown"):
        read("a.csv", TICKS + ROW, {"prise": "price"})


def test_inspect_describes_what_read_refuses() -> None:
    layout = inspect("a.csv", b"foo,bar\n1,2\n")
    assert layout.problem is not None
    assert layout.columns == ("foo", "bar")
    assert len(layout.preview) == 1
