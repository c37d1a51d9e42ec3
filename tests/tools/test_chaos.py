"""The chaos run: its comparison sees every way in which a tape can differ, its script holds what it promises."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from storage import TickStore
from tools.chaos.comparison import (
    Comparison,
    behind_ns,
    compare,
    compare_all,
    full_name,
    missing_in,
    played_trades,
    total,
)
from tools.chaos.script import KINDS, events
from tools.exchange import LocalExchange, Rate, Tape
from tools.exchange.client import BOTH, connect, receive
from tools.exchange.faults import FAULTS
from tools.exchange.playback import Playback

VENUES = ("binance-usdm", "binance-spot")


@pytest.fixture
def playback(tape: Tape) -> Playback:
    """A tape in its third lap."""
    found = Playback(tape, Rate(2_500), loop=True, already_played=0)
    found.played = 2 * len(tape) + 777
    return found


def played_ticks(playback: Playback, symbol: str, first_id: int) -> list[Tick]:
    """Trade by trade what `played_trades` gives at once."""
    start = first_id - playback.tape.first_id(symbol)
    return [
        Tick(
            symbol,
            trade.id,
            float(trade.price_text),
            float(trade.quantity_text),
            trade.time_ns // 10**6 * 10**6,
            0,
            trade.buyer_is_maker,
        )
        for trade in playback.of_symbol(symbol, start, playback.count(symbol))
    ]


def test_the_truth_is_what_was_played(playback: Playback) -> None:
    first_id = playback.tape.first_id("BTCUSDT") + 12
    (truth,) = played_trades(playback, "BTCUSDT", first_id)
    assert truth.ticks("BTCUSDT") == played_ticks(playback, "BTCUSDT", first_id)
    assert (np.diff(truth.time_ns) >= 0).all()


def test_the_truth_has_a_part_for_each_time_that_ids_begin_anew(playback: Playback) -> None:
    first_id = playback.tape.first_id("BTCUSDT")
    played = playback.played
    for more in (5_000, 7_000):
        playback.restart_ids()
        playback.played += more
    parts = played_trades(playback, "BTCUSDT", first_id)
    assert [part.id[0] for part in parts] == [first_id] * 3
    assert len(parts[0]) == playback.tape.count("BTCUSDT", playback.epochs[1]) >= playback.tape.count("BTCUSDT", played)
    assert [tick for part in parts for tick in part.ticks("BTCUSDT")] == played_ticks(playback, "BTCUSDT", first_id)
    for earlier, later in pairwise(parts):
        assert earlier.time_ns[-1] < later.time_ns[0]
    assert playback.of_symbol("BTCUSDT", playback.nth_of("BTCUSDT", first_id + 3), 10**9)[0].id == first_id + 3


def test_every_difference_is_seen(playback: Playback) -> None:
    (truth,) = played_trades(playback, "ETHUSDT", playback.tape.first_id("ETHUSDT"))
    ticks = truth.ticks("ETHUSDT")
    count, ninth = len(ticks), ticks[9]

    def counts(kept: list[Tick]) -> tuple[int, int, int, int, int]:
        def held(start_ns: int, end_ns: int) -> TickColumns:
            return TickColumns.of([tick for tick in kept if start_ns <= tick.time_ns < end_ns])

        row = compare("x", held, [truth])
        return row.sent, row.kept, row.missing, row.duplicate, row.altered

    assert counts(ticks) == (count, count, 0, 0, 0)
    assert counts([]) == (count, 0, count, 0, 0)
    assert counts(ticks[:50] + ticks[52:]) == (count, count - 2, 2, 0, 0)
    assert counts([*ticks, ticks[40]]) == (count, count, 0, 1, 0)
    for other in (
        replace(ninth, price=1.0),
        replace(ninth, quantity=1.0),
        replace(ninth, buyer_is_maker=not ninth.buyer_is_maker),
        replace(ninth, time_ns=ninth.time_ns + 1),
        replace(ninth, time_ns=0),
    ):
        assert counts([*ticks[:9], other, *ticks[10:]]) == (count, count, 0, 0, 1), other
    assert counts([*ticks, replace(ninth, id=ticks[-1].id + 10**15)]) == (count, count, 0, 0, 1)


def test_the_files_of_a_folder_are_compared_with_all_that_was_sent(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(20_000), loop=True) as exchange:
        with connect(exchange, BOTH) as client:
            receive(client, 100)
        exchange.close_market()
        assert missing_in(tmp_path) == behind_ns(tmp_path, 10**18) == 0
        sent = {
            symbol: played_ticks(exchange.playback, symbol, first_id)
            for symbol, first_id in exchange.first_sent.items()
        }
        with TickStore(tmp_path / "binance-usdm.db") as store:
            store.append([tick for ticks in sent.values() for tick in (*ticks[:3], *ticks[5:])])
        rows = compare_all(tmp_path, {"binance-usdm": exchange, "binance-spot": exchange})
        assert missing_in(tmp_path) == 4
        newest = [ticks[-1].time_ns for ticks in sent.values()]
        assert behind_ns(tmp_path, max(newest) + 7) == max(newest) + 7 - min(newest)
    found = {row.name: (row.sent, row.kept, row.missing) for row in rows}
    for symbol, ticks in sent.items():
        assert found[f"binance-usdm:{symbol}"] == (len(ticks), len(ticks) - 2, 2)
        assert found[f"binance-spot:{symbol}"] == (len(ticks), 0, len(ticks)), "a file that was never made"
    assert not any(row.equal for row in rows)
    assert total(rows).missing == sum(row.missing for row in rows)


def test_names_with_and_without_their_venue() -> None:
    assert full_name(Path("binance-spot.db"), "BTCUSDT", VENUES) == "binance-spot:BTCUSDT"
    assert full_name(Path("binance-spot@127.0.0.1.db"), "BTCUSDT", VENUES) == "binance-spot:BTCUSDT"
    assert full_name(Path("other.db"), "binance-usdm:BTCUSDT", VENUES) == "binance-usdm:BTCUSDT"


def test_an_empty_tape_is_not_equal() -> None:
    assert not Comparison("x", 0, 0, 0, 0, 0).equal
    assert Comparison("x", 5, 5, 0, 0, 0).equal


def test_a_script_has_every_kind_of_fault_and_is_drawn_by_its_seed() -> None:
    seconds = 20.0 * len(KINDS)
    script = events(5, seconds, 20.0, VENUES)
    assert script == events(5, seconds, 20.0, VENUES)
    assert script != events(6, seconds, 20.0, VENUES)
    assert {type(fault).__name__ for event in script for fault in event.faults} == set(FAULTS)
    deeds = [(event.deed, event.venue) for event in script]
    assert sum(deed == "kill" for deed, _ in deeds) == 2
    assert sum(deed == "full disk" for deed, _ in deeds) == sum(deed == "room again" for deed, _ in deeds) == 2
    assert sum(deed == "ids anew" for deed, _ in deeds) == 1
    assert {venue for deed, venue in deeds if deed == "swap"} == set(VENUES)
    assert all(0 < event.at_s < seconds for event in script)
    assert sum(event.deed == "kill" for event in events(1, 3_600.0, 20.0, VENUES)) == 12
