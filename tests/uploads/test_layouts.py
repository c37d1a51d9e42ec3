"""Layouts that exporters, brokers, vendors, exchanges and spreadsheets write: read rightly, or asked about.

tests/data/layouts.ndjson has one case a line: files, what is right (symbol, rows, first time in UTC, first
close or price), null where only a refusal is right, and whether a question is right too. Prices are invented.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, combine, read

LINES = (Path(__file__).parent.parent / "data" / "layouts.ndjson").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]


def plain(symbol: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())


def upload_of(files: dict[str, Any]) -> Upload:
    contents = {
        name: base64.b64decode(text["base64"]) if isinstance(text, dict) else text.encode()
        for name, text in files.items()
    }
    return combine(*(read(name, content) for name, content in contents.items()))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['kind']}-{'+'.join(case['files'])}" for case in CASES])
def test_layout(case: dict[str, Any]) -> None:
    try:
        upload = upload_of(case["files"])
    except UploadError:
        assert case["may_ask"]
        return
    assert case["right"] is not None, "only a refusal is right"
    found = {
        plain(symbol): (
            len(frame),
            pd.Timestamp(int(frame["time_ns"].iloc[0])),
            float(frame["close" if upload.kind == "bars" else "price"].iloc[0]),
        )
        for symbol, frame in upload.frames.items()
    }
    assert len(found) == len(case["right"])
    for symbol, rows, time, price in case["right"]:
        own = found.get(plain(symbol)) or next(seen for name, seen in found.items() if name.startswith(plain(symbol)))
        assert own[:2] == (rows, pd.Timestamp(time))
        assert own[2] == pytest.approx(price, rel=1e-9)


SILENT = {
    "fractions with a point": ("a.csv", "Data;Close\n2024-08-13 9.30;10,1\n2024-08-13 9.31;10,2\n", "09:30", 10.1),
    "a zone in the header": (
        "a.csv",
        "Time (UTC+3),Close\n2024-08-13 12:30:00,10\n2024-08-13 12:31:00,11\n",
        "09:30",
        10.0,
    ),
    "three decimals behind a comma": (
        "a.csv",
        "Datum;Schlusskurs;Volumen\n13.08.2024 09:30;180,125;1.234\n13.08.2024 09:31;181,375;1.534\n",
        "09:30",
        180.125,
    ),
}


@pytest.mark.parametrize(("name", "text", "clock", "price"), SILENT.values(), ids=SILENT)
def test_nothing_is_altered_in_silence(name: str, text: str, clock: str, price: float) -> None:
    (frame,) = read(name, text.encode(), symbol="X").frames.values()
    assert pd.Timestamp(int(frame["time_ns"].iloc[0])) == pd.Timestamp(f"2024-08-13 {clock}")
    assert frame["close" if "close" in frame else "price"].iloc[0] == price


ASKED = {
    "dates of several currencies": (
        "Date,Currency,Rate\n2024-08-07,USD,1.0922\n2024-08-07,GBP,0.8585\n2024-08-08,USD,1.092\n",
        "share theirs|other prices",
    ),
    "halves of a day apart": ("Date,Time,AM/PM,Close\n08/13/2024,9:30,AM,10\n08/13/2024,1:30,PM,10.5\n", "am or pm"),
    "sides of a book": (
        "time,side,price,size\n1723075200000,bid,10.0,5\n1723075200001,ask,10.2,5\n1723075200002,bid,9.9,5\n",
        "bid or ask",
    ),
    "hundredths": (
        "Date,Time,Price (cents),Volume\n2024-08-07,10:00:00,10010,5\n2024-08-07,10:00:01,10020,5\n",
        "hundredths",
    ),
    "a path that is none": ("", "cannot be opened"),
}


@pytest.mark.parametrize(("text", "word"), ASKED.values(), ids=ASKED)
def test_what_would_be_altered_is_asked(text: str, word: str) -> None:
    with pytest.raises(UploadError, match=word):
        read("BTCUSDT.csv", text.encode() if text else None)


def test_a_path_and_the_order_of_dates(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv"
    path.write_text("Date,Close\n03/04/2024,10\n05/06/2024,11\n", encoding="utf-8")
    with pytest.raises(UploadError, match="the rows do not tell which"):
        read(path)
    frame = read(path, order="DMY").frames["BTCUSDT"]
    assert pd.Timestamp(int(frame["time_ns"].iloc[0])) == pd.Timestamp("2024-04-03")
    assert read(str(path), order="MDY").files == ("BTCUSDT.csv",)
