"""Text in other encodings than UTF-8: read where words of its header tell which, or where it looks western."""

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, inspect, read
from alphastream.uploads.forms.encodings import NAMES

SEEN = "for it is not UTF-8"
GERMAN = (
    "Datum;Eröffnung;Höchst;Tiefst;Schlußkurs;Stück\n07.08.2024;10,5;11;10;10,75;7\n08.08.2024;10,75;12;10;11,5;8\n"
)
JAPANESE = "日付,始値,高値,安値,終値,出来高\n2024/08/07,100,110,90,105,7\n2024/08/08,105,111,99,110,8\n"
CHINESE = "日期,开盘,最高,最低,收盘,成交量\n2024-08-07,100,110,90,105,7\n2024-08-08,105,111,99,110,8\n"
TAIWANESE = "日期,開盤價,最高價,最低價,收盤價,成交股數\n2024-08-07,100,110,90,105,7\n2024-08-08,105,111,99,110,8\n"
KOREAN = "날짜,시가,고가,저가,종가,거래량\n2024-08-07,100,110,90,105,7\n2024-08-08,105,111,99,110,8\n"
RUSSIAN = "Дата;Открытие;Максимум;Минимум;Закрытие\n07.08.2024;100;110;90;105\n08.08.2024;105;111;99;110\n"
POLISH = "Data,Otwarcie,Najwyższy,Najniższy,Zamknięcie\n2024-08-07,100,110,90,105\n2024-08-08,105,111,99,110\n"


def notes_of(upload: Upload) -> str:
    return "; ".join(upload.notes)


def test_german_windows_text_is_read_and_said() -> None:
    upload = read("SAP.csv", GERMAN.encode("cp1252"))
    assert upload.frames["SAP"].equals(read("SAP.csv", GERMAN.encode()).frames["SAP"])
    assert f"read as {NAMES['cp1252']}, {SEEN}: see whether 'Eröffnung', 'Höchst', 'Schlußkurs'" in notes_of(upload)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        (TAIWANESE, "cp950"),
        (KOREAN, "cp949"),
        (RUSSIAN, "cp1251"),
        (POLISH, "cp1250"),
        (GERMAN, "mac_roman"),
        (GERMAN, "cp850"),
    ],
)
def test_words_of_headers_tell_the_encoding(text: str, encoding: str) -> None:
    upload = read("X.csv", text.encode(encoding))
    assert upload.frames["X"].equals(read("X.csv", text.encode()).frames["X"])
    assert NAMES[encoding] in notes_of(upload)


def test_a_title_before_the_header_is_no_hindrance() -> None:
    text = "銘柄名 : トヨタ\n" + JAPANESE
    upload = read("7203.csv", text.encode("cp932"))
    assert list(upload.frames["7203"]["close"]) == [105, 110]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_with_and_without_its_mark(encoding: str, mark: str) -> None:
    for text in (GERMAN, JAPANESE):
        upload = read("X.csv", (mark + text).encode(encoding))
        assert upload.frames["X"].equals(read("X.csv", text.encode()).frames["X"])
        assert SEEN not in notes_of(upload)


def test_signs_and_words_of_western_europe_are_read_anywhere() -> None:
    text = "date,symbol,close,temp °C,comment\n2024-08-07,Nestlé,1,20°,Señor\n2024-08-08,Nestlé,2,21°,à\n"
    upload = read("a.csv", text.encode("cp1252"))
    assert upload.symbols == ("NESTLÉ",)
    assert "'Nestlé'" in notes_of(upload), "a symbol in a guessed encoding is shown"


def test_labels_of_unknown_letters_are_shown_but_not_read() -> None:
    text = "date,symbol,close\n2024-08-07,京都,1\n2024-08-07,東京,2\n".encode("cp932")
    assert list(inspect("a.csv", text).preview["close"]) == ["1", "2"]
    with pytest.raises(UploadError, match=r"line 2.*byte 0x8B is not UTF-8: save the file as CSV UTF-8"):
        read("a.csv", text)


def test_headers_of_unknown_letters_say_what_to_do() -> None:
    with pytest.raises(UploadError, match=r"line 1: byte 0x8B is not UTF-8: save the file as CSV UTF-8"):
        read("A.csv", "date,京都,東京\n2024-08-07,1,2\n".encode("cp932"))


def test_a_damaged_first_line_of_plain_letters_is_no_other_encoding() -> None:
    """A byte before the header, and a space of Windows behind a name that everybody knows."""
    text = b"time,price\n1723075200,1\n1723075201,2\n"
    with pytest.raises(UploadError, match="0xFF is not UTF-8"):
        read("BTC.csv", b"\xff" + text)
    assert len(read("BTC.csv", text.replace(b"price", b"price\xa0")).frames["BTC"]) == 2


def test_damaged_utf8_is_no_other_encoding() -> None:
    text = GERMAN.replace("Eröffnung", "open").replace("Höchst", "high").replace("Schlußkurs", "close")
    for damaged in (text.encode().replace(b"\xc3\xbc", b"\xc3\xbc\xfc"), text.encode().replace(b"\xbc", b"")):
        with pytest.raises(UploadError, match="is not UTF-8"):
            read("SAP.csv", damaged)


def test_what_the_encoding_does_not_know_is_named_by_line() -> None:
    text = GERMAN.encode("cp1252") + b"08.08.2024;10,75;12;10;11,5;8\n" * 20_000 + b"\x81;1;1;1;1;1\n"
    with pytest.raises(UploadError, match=r"line 20004: byte 0x81 is neither UTF-8 nor Windows-1252"):
        read("SAP.csv", text)


def test_json_in_windows_text() -> None:
    text = '[{"date":"2024-08-07","Schlußkurs":1},{"date":"2024-08-08","Schlußkurs":2}]'
    upload = read("SAP.json", text.encode("cp1252"))
    assert list(upload.frames["SAP"]["close"]) == [1, 2]
    assert SEEN in notes_of(upload)
