"""Bursts of frames as columns: what parsing them one by one gives, whatever the bytes."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec
from alphastream.instruments import bare
from alphastream.tape.columns import TickColumns

MUTATED_FRAMES: Final = int(os.environ.get("MUTATED_FRAMES", "2000"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
RECORDED: Final = Path(__file__).parents[1] / "data" / "binance"
BURST: Final = 20

each = pytest.mark.parametrize("codec", FEEDS.values(), ids=FEEDS.keys())


def recorded(codec: Codec) -> list[bytes]:
    return (RECORDED / f"{codec.name.removeprefix('binance-')}.jsonl").read_bytes().splitlines()


def one_by_one(codec: Codec, frames: Sequence[bytes]) -> dict[str, list[Tick]]:
    found: dict[str, list[Tick]] = {}
    for time_ns, frame in enumerate(frames):
        for tick in codec.parse(frame, time_ns):
            found.setdefault(tick.symbol, []).append(tick)
    return found


def check(codec: Codec, frames: Sequence[bytes]) -> dict[str, list[Tick]]:
    alone, burst = codec.fresh(), codec.fresh()
    groups = burst.parse_columns(frames, range(len(frames)))
    found = {symbol: ticks.ticks(symbol) for symbol, ticks in groups.items()}
    assert found == one_by_one(alone, frames)
    assert burst.rejected == alone.rejected
    return found


def trade(**changes: Any) -> bytes:
    event = {"e": "aggTrade", "a": 7, "s": "A", "p": "1.5", "q": "2", "T": 1_723_161_256_322, "m": True, **changes}
    return msgspec.json.encode({"stream": "x", "data": event})


@each
def test_recorded_frames_in_one_burst(codec: Codec) -> None:
    assert sum(map(len, check(codec, recorded(codec)).values())) >= 2
    assert check(codec, []) == {}


def test_a_frame_that_is_none_takes_no_other_along() -> None:
    codec = FEEDS["binance-usdm"].fresh()
    frames = [
        trade(a=1),
        trade(a=2, s="B"),
        b"garbage",
        trade(a=3, p="NaN"),
        trade(a=2**63),
        trade(a=2**200),
        trade(a=4, T=2**62),
        trade(a=5, s=""),
        trade(a=6, s="C\n"),
        trade(a=7, m="perhaps"),
        b'{"result":null,"id":1}',
        msgspec.json.encode([msgspec.json.decode(trade(a=8))["data"], msgspec.json.decode(trade(a=9, s="B"))["data"]]),
        trade(a=10, s="B"),
        trade(a=11),
    ]
    groups = codec.parse_columns(frames, range(len(frames)))
    ids = {bare(symbol): ticks.id.tolist() for symbol, ticks in groups.items()}
    assert ids == {"A": [1, 8, 11], "B": [2, 9, 10]}
    assert groups[next(iter(groups))].receive_ns.tolist() == [0, 11, 13]
    check(codec, frames)


EVENT = st.fixed_dictionaries(
    {
        "e": st.sampled_from(["aggTrade", "aggTrade", "trade"]),
        "a": st.integers(-2, 2**70) | st.sampled_from(["9", 1.0, None]),
        "s": st.sampled_from(["A", "B", "C", "", "x:y", " D"]) | st.text(max_size=3),
        "p": st.sampled_from(["1.5", "0", "NaN", "inf", "-1", 2.5, "x"]),
        "q": st.sampled_from(["1", "1e308", "1e400", 3]),
        "T": st.integers(-1, 2**63) | st.just(1_723_161_256_322),
        "m": st.booleans() | st.none(),
    }
)
FRAME = (
    st.binary(max_size=60)
    | EVENT.map(lambda event: msgspec.json.encode({"data": event}))
    | st.lists(EVENT, max_size=3).map(msgspec.json.encode)
    | st.builds(trade, a=st.integers(0, 30), s=st.sampled_from("ABC"))
)


@each
@given(frames=st.lists(FRAME, max_size=12))
def test_a_burst_gives_what_its_frames_give(codec: Codec, frames: list[bytes]) -> None:
    check(codec, frames)


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """A frame with some bytes altered, cut out, doubled or put in."""
    changed = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at, length = chance.randrange(len(changed) + 1), chance.choice((1, 1, 2, 8, 40))
        kind = chance.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        elif kind == 3:
            changed[at:at] = chance.choice((b'"', b",", b"}", b"[", b"-", b"9" * 19, b"e999", b"NaN", b"null"))
        else:
            changed[at:at] = chance.randbytes(length)
    return bytes(changed)


@each
def test_mutated_frames_give_sound_ticks_or_are_counted(codec: Codec) -> None:
    """No exception, no number that a trade cannot have, no frame that is neither taken nor counted."""
    originals = recorded(codec)
    for seed in range(FIRST_SEED, FIRST_SEED + MUTATED_FRAMES // BURST):
        chance = random.Random(seed)
        frames = [mutated(chance.choice(originals), chance) for _ in range(BURST)]
        frames[chance.randrange(BURST)] = chance.choice(originals)
        own = codec.fresh()
        groups = own.parse_columns(frames, range(BURST))
        assert all(ticks.sound().all() for ticks in groups.values()), seed
        assert sum(map(len, groups.values())) + sum(own.rejected.values()) >= BURST, seed
        check(codec, frames)


def test_a_burst_is_columns_whatever_it_holds() -> None:
    groups = FEEDS["binance-usdm"].fresh().parse_columns([trade(), trade(a=8)], [1, 2])
    assert {symbol: type(ticks) for symbol, ticks in groups.items()} == {"binance-usdm:A": TickColumns}
