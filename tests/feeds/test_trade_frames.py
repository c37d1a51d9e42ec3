"""Trades of any venue as ticks and columns, counted rejects, times as text."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.events import Tick
from alphastream.feeds import names
from alphastream.feeds.answers import decimals
from alphastream.feeds.iso_times import MAX_KEPT, iso_ns, iso_times
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.feeds.trade_frames import TradeFrames, TradeNumbers
from alphastream.instruments import InstrumentId


class Row(msgspec.Struct):
    symbol: str
    id: int
    price: float
    time: str = "2023-10-06T17:35:55.440295Z"


class Rows(TradeFrames[Row]):
    """A venue whose frames are lists of rows."""

    def trades(self, frame: bytes) -> Sequence[Row]:
        try:
            return msgspec.json.decode(frame, type=list[Row])
        except PROBLEMS:
            self.rejected.add("not_json", frame)
            return ()

    def numbers(self, trades: Sequence[Row]) -> TradeNumbers:
        price = np.array([row.price for row in trades])
        ids = np.array([row.id for row in trades], dtype=np.int64)
        return TradeNumbers(ids, price, price, iso_times([row.time for row in trades]), price > 10)


def frame(*rows: tuple[object, ...]) -> bytes:
    return msgspec.json.encode([Row(*row) for row in rows])  # type: ignore[arg-type]


FRAMES = [
    frame(("A", 1, 2.5), ("B", 7, 11.0), ("A", 2, 2.5)),
    b"garbage",
    frame(("A", 3, -1.0), ("A", 4, 3.5), ("A", 5, 3.5, "yesterday"), ("", 6, 1.0), ("A", 2**63, 1.0)),
    frame(("A", 6, 1.0, "1969-12-31T23:59:59Z"), ("A", 7, 1.0, "9999-12-31T23:59:59Z"), ("A", 8, 2.0)),
]
AT = 1_696_613_755_440_295_000


def test_a_bad_trade_takes_no_other_along() -> None:
    rows = Rows("okx")
    columns = rows.parse_columns(FRAMES, range(4))
    assert {name: group.ticks(name) for name, group in columns.items()} == {
        "okx:A": [
            Tick("okx:A", 1, 2.5, 2.5, AT, 0, False),
            Tick("okx:A", 2, 2.5, 2.5, AT, 0, False),
            Tick("okx:A", 4, 3.5, 3.5, AT, 2, False),
            Tick("okx:A", 8, 2.0, 2.0, AT, 3, False),
        ],
        "okx:B": [Tick("okx:B", 7, 11.0, 11.0, AT, 0, True)],
    }
    assert rows.rejected == {"not_json": 1, "absurd": 6}


def test_one_by_one_gives_the_same() -> None:
    alone, together = Rows("okx"), Rows("okx")
    ticks = [tick for at, each in enumerate(FRAMES) for tick in alone.parse(each, at)]
    columns = together.parse_columns(FRAMES, range(4))
    assert sorted(ticks, key=lambda tick: tick.symbol) == [
        tick for name in sorted(columns) for tick in columns[name].ticks(name)
    ]
    assert alone.rejected == together.rejected


def test_past_trades_come_oldest_first() -> None:
    rows = Rows("okx")
    found = rows.past([Row("", 9, 1.0), Row("", 8, 0.0), Row("", 7, 1.0)], InstrumentId("okx", "A"))
    assert [(tick.symbol, tick.id, tick.receive_ns) for tick in found] == [("okx:A", 7, 0), ("okx:A", 9, 0)]
    assert rows.past([], InstrumentId("okx", "A")) == []
    assert rows.rejected == {"absurd": 1}


def test_names_are_made_once_and_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MAX_NAMES", 10)
    made = names.Names("okx")
    assert made["A"] is made["A"]
    assert [made[f"S{number}"].symbol for number in range(50)] == [f"S{number}" for number in range(50)]
    assert len(made) <= 10


def test_a_kind_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    rejects = Rejects("okx")
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            rejects.add("not_json", b"\xff" * 1_000)
            rejects.add("foreign", {"a": 1})
    assert rejects == {"not_json": 50, "foreign": 50}
    assert len(caplog.records) == 2
    assert all(len(record.getMessage()) < 400 for record in caplog.records)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1)), st.integers(0, 9))  # noqa: DTZ001  of no zone, for text
def test_a_time_is_exact_to_the_last_digit(at: datetime, digits: int) -> None:
    fraction = f"{at.microsecond:06d}789"[:digits]
    text = at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"
    whole = (at.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert iso_ns(text) == whole * 10**9 + int(f"{fraction:0<9}")
    assert iso_times([text, text]).tolist() == [iso_ns(text)] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2023-10-06",
        "2023-10-06T17:35:55",
        "2023-10-06 17:35:55Z",
        "2023-10-06T17:35:55.Z",
        "2023-10-06T17:35:55.4",
        "2023-10-06T17:35:55.1234567890Z",
        "2023-10-06T17:35:55.1_0Z",
        "2023-10-06T17:35:55.-10Z",
        "2023-10-06T17:35:55,440295Z",
        "2023-10-06T17:35:55.44029٣Z",
        "2023-10-06T17:35:55+01:00",
        "2023-13-06T17:35:55Z",
        "2023-10-06T24:35:55Z",
        "٢٠٢٣-10-06T17:35:55Z",
    ],
)
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|must be in|out of range"):
        iso_ns(text)


@given(
    st.lists(st.datetimes(datetime(1969, 12, 31), datetime(2262, 4, 12)), min_size=16, max_size=20),  # noqa: DTZ001
    st.sampled_from([None, "2023-10-06T17:35:55Z", "1969-12-31T23:59:59.999999Z", "9999-01-01T00:00:00.000000Z"])
    | st.sampled_from([f"2023-{day}.440295Z" for day in ("02-30T00:00:00", "10-06T24:00:00", "10-06T23:59:60")])
    | st.sampled_from(["2023-10-06T17:35:55.44029٣Z", "2023-10-06T17:35:55.4402955", "2023-10-06 17:35:55.440295Z"]),
)
def test_many_times_are_what_each_is_by_itself(times: list[datetime], odd: str | None) -> None:
    texts = [f"{each:%Y-%m-%dT%H:%M:%S.%f}Z" for each in times]
    texts += [] if odd is None else [odd]

    try:
        wanted = np.array([iso_ns(text) for text in texts], dtype=np.int64).tolist()
    except (ValueError, OverflowError) as error:
        with pytest.raises(type(error)):
            iso_times(texts)
    else:
        assert iso_times(texts).tolist() == wanted


def test_seconds_do_not_pile_up() -> None:
    assert [
        iso_ns(f"2023-10-06T{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z") for at in range(MAX_KEPT + 9)
    ] == [1_696_550_400 * 10**9 + at * 10**9 for at in range(MAX_KEPT + 9)]


@pytest.mark.parametrize(("step", "digits"), [("0.00000001", 8), ("0.10", 1), ("5", 0), ("1e-05", 5), ("0.5e-2", 3)])
def test_digits_of_a_step(step: str, digits: int) -> None:
    assert decimals(step) == digits
