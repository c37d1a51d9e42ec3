"""Bars of what was recorded: those of its ticks, read in parts, with what is missing told in words."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.bars import aggregate, align
from alphastream.core.units import DAY, HOUR, SECOND
from alphastream.history import open_tape
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.tape.columns import TickColumns
from alphastream.uploads.series import bars_of, pair_rows, spacing
from tests.history_files.trades import BTC, ETH
from views.shared.recorded_bars import missing, read_bars

BEGIN = 20_000 * DAY
NAMES = {BTC: "BTCUSDT", ETH: "ETHUSDT", "okx:BTC-USDT": "okx:BTC-USDT"}


def ticks(seed: int, days: int, per_day: int) -> TickColumns:
    """Ticks at random times of many days."""
    rng = np.random.default_rng(seed)
    time_ns = BEGIN + np.sort(rng.integers(0, days * DAY, days * per_day))
    prices = 100.0 + rng.normal(size=time_ns.size).cumsum() / 100
    return TickColumns(
        np.arange(1, time_ns.size + 1),
        prices,
        np.ones(time_ns.size),
        time_ns,
        time_ns + 5,
        rng.random(time_ns.size) < 0.5,
    )


def said_to(_: float, __: str) -> None:
    """Nobody looks."""


def test_bars_are_those_of_all_ticks_at_once(tmp_path: Path) -> None:
    place, held = Place(tmp_path), {BTC: ticks(1, 11, 700), ETH: ticks(2, 9, 500)}
    for name, columns in held.items():
        write(place, "ticks", name, columns)
    seen: list[tuple[float, str]] = []
    upload = read_bars(
        open_tape(tmp_path), [BTC, ETH], BEGIN, BEGIN + 30 * DAY, 300 * SECOND, lambda *said: seen.append(said)
    )
    assert upload is not None
    assert upload.files == ("recorded 2024-10-04 to 2024-10-14, binance-usdm",)
    assert (upload.kind, upload.interval_ns, upload.venue) == ("bars", 300 * SECOND, "binance-usdm")
    every = {}
    for name, columns in held.items():
        every[name] = aggregate(columns.time_ns, columns.price, columns.quantity, 300 * SECOND)
        bars = bars_of(upload, name, None)
        for field in ("start_ns", "open", "high", "low", "close", "volume"):
            assert getattr(bars, field).tobytes() == getattr(every[name], field).tobytes()
        assert spacing(upload, name) == 300 * SECOND  # though every second bar has no trade
    rows, wanted = pair_rows(upload, BTC, ETH, 300 * SECOND), align(every[BTC], every[ETH], 300 * SECOND)
    assert rows.y.tobytes() == wanted.y.tobytes()
    assert rows.x.tobytes() == wanted.x.tobytes()
    shares = [share for share, _ in seen]
    assert len(seen) == 3 + 3  # four days at a time
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1


def test_reading_ends_where_nobody_wants_it(tmp_path: Path) -> None:
    write(Place(tmp_path), "ticks", BTC, ticks(1, 11, 50))

    def leave(share: float, _: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_bars(open_tape(tmp_path), [BTC], BEGIN, BEGIN + 11 * DAY, HOUR, leave)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    place, whole = Place(tmp_path), ticks(1, 6, 5_000)
    gone = (whole.time_ns >= BEGIN + DAY + 2 * HOUR) & (whole.time_ns < BEGIN + 2 * DAY)
    write(place, "ticks", BTC, whole.rows(~gone))
    late = ticks(2, 6, 5_000)
    write(place, "ticks", ETH, late.rows(late.time_ns >= BEGIN + 3 * HOUR))
    asked = [BTC, ETH, "okx:BTC-USDT"]
    upload = read_bars(open_tape(tmp_path), asked, 0, BEGIN + 6 * DAY, 60 * SECOND, said_to)
    assert upload is not None
    assert missing(upload, asked, NAMES) == [
        "okx:BTC-USDT: nothing was recorded in this time",
        "BTCUSDT: no trade from 2024-10-05 02:00 to 2024-10-06 00:00",
        "ETHUSDT: no trade from 2024-10-04 00:00 to 2024-10-04 03:00",
    ]
    assert missing(upload, [], NAMES)[0].startswith("BTCUSDT")


def test_a_time_without_anything_is_none(tmp_path: Path) -> None:
    write(Place(tmp_path), "ticks", BTC, ticks(1, 2, 50))
    tape = open_tape(tmp_path)
    assert read_bars(tape, ["okx:BTC-USDT"], 0, BEGIN + DAY, HOUR, said_to) is None
    assert read_bars(tape, [BTC], BEGIN + 5 * DAY, BEGIN + 9 * DAY, HOUR, said_to) is None


def test_bars_that_were_kept_will_do(tmp_path: Path) -> None:
    columns = ticks(1, 3, 5_000)
    minutes = aggregate(columns.time_ns, columns.price, columns.quantity, 60 * SECOND)
    write(Place(tmp_path), "bars", BTC, minutes, bar_ns=60 * SECOND)
    upload = read_bars(open_tape(tmp_path), [BTC], 0, BEGIN + 9 * DAY, HOUR, said_to)
    assert upload is not None
    wanted = aggregate(columns.time_ns, columns.price, columns.quantity, HOUR)
    assert bars_of(upload, BTC, None).close.tobytes() == wanted.close.tobytes()
