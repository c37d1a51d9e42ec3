"""Bursts of frames as columns: what parsing them one by one gives, whatever the bytes, compiled or not."""

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.core.units import MAX_TIME_MS
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.binance import bursts, frame_kernel
from alphastream.instruments import InstrumentId, bare
from alphastream.tape.columns import TickColumns
from tests.feeds import recordings

MUTATED_FRAMES: Final = int(os.environ.get("MUTATED_FRAMES", "2000"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
BURST: Final = 20

each = pytest.mark.parametrize("codec", FEEDS.values(), ids=FEEDS.keys())


def one_by_one(codec: Codec, frames: Sequence[bytes]) -> dict[str, list[Tick]]:
    found: dict[str, list[Tick]] = {}
    for time_ns, frame in enumerate(frames):
        for tick in codec.parse(frame, time_ns):
            found.setdefault(tick.symbol, []).append(tick)
    return found


def check(codec: Codec, frames: Sequence[bytes]) -> dict[str, list[Tick]]:
    alone = codec.fresh()
    wanted = one_by_one(alone, frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bursts, "FEWEST", 1)
        for kernel in (None, frame_kernel):
            patch.setattr(bursts, "_kernel", kernel)
            burst = codec.fresh()
            groups = burst.parse_columns(frames, range(len(frames)))
            found = {symbol: ticks.ticks(symbol) for symbol, ticks in groups.items()}
            assert found == wanted
            assert (burst.rejected, burst.endings) == (alone.rejected, alone.endings)
    return wanted


def is_usual(*frames: bytes) -> bool:
    """Whether compiled code reads these frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bursts, "FEWEST", 1)
        patch.setattr(bursts, "_kernel", frame_kernel)
        return bursts.read(frames, range(len(frames)), defaultdict(lambda: InstrumentId("v", "A"))) is not None


def trade(**changes: Any) -> bytes:
    event = {"e": "aggTrade", "a": 7, "s": "A", "p": "1.5", "q": "2", "T": 1_723_161_256_322, "m": True, **changes}
    return msgspec.json.encode({"stream": "x", "data": event})


@each
def test_recorded_frames_in_one_burst(codec: Codec) -> None:
    assert sum(map(len, check(codec, recordings.trades(codec)).values())) >= 2
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


@pytest.mark.parametrize("codec", [codec for codec in FEEDS.values() if codec.name.startswith("binance-")])
@given(frames=st.lists(FRAME, max_size=12))
def test_a_burst_gives_what_its_frames_give(codec: Codec, frames: list[bytes]) -> None:
    check(codec, frames)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 2.5, 2**63, 2**70, 1e308, "", "x", "9", "NaN", "inf", "-1", "1e400", [], {}]
)


def altered(message: Any, choose: st.DataObject) -> Any:
    """A message with another value at one place."""
    places = list(message) if isinstance(message, dict) else list(range(len(message)))
    place = choose.draw(st.sampled_from(places))
    inner = message[place]
    goes_deeper = isinstance(inner, dict | list) and inner and choose.draw(st.integers(0, 3))
    message[place] = altered(inner, choose) if goes_deeper else choose.draw(ODD)
    return message


@each
@given(choose=st.data())
def test_a_burst_of_altered_recordings_gives_what_its_frames_give(codec: Codec, choose: st.DataObject) -> None:
    frames = choose.draw(st.lists(st.sampled_from(recordings.trades(codec)[:40]), min_size=1, max_size=6))
    wrong = [msgspec.json.encode(altered(msgspec.json.decode(frame), choose)) for frame in frames]
    check(codec, [*wrong, frames[0], *wrong])


@each
def test_mutated_frames_give_sound_ticks_or_are_counted(codec: Codec) -> None:
    """No exception, no number that a trade cannot have, no frame that is neither taken nor counted."""
    frames = recordings.trades(codec)
    originals = [frame for frame in frames if (own := codec.fresh()).parse(frame) or own.rejected]
    for seed in range(FIRST_SEED, FIRST_SEED + MUTATED_FRAMES // BURST):
        chance = random.Random(seed)
        frames = [recordings.mutated(chance.choice(originals), chance) for _ in range(BURST)]
        frames[chance.randrange(BURST)] = chance.choice(originals)
        own = codec.fresh()
        groups = own.parse_columns(frames, range(BURST))
        assert all(ticks.sound().all() for ticks in groups.values()), seed
        assert sum(map(len, groups.values())) + sum(own.rejected.values()) >= BURST, seed
        check(codec, frames)


def test_a_burst_is_columns_whatever_it_holds() -> None:
    groups = FEEDS["binance-usdm"].fresh().parse_columns([trade(), trade(a=8)], [1, 2])
    assert {symbol: type(ticks) for symbol, ticks in groups.items()} == {"binance-usdm:A": TickColumns}


def test_nothing_is_read_by_compiled_code_before_it_is_loaded_nor_of_few_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bursts, "_kernel", None)
    names: defaultdict[str, InstrumentId] = defaultdict(lambda: InstrumentId("v", "A"))
    assert bursts.read([trade()] * 100, range(100), names) is None
    bursts.warm_up()
    assert bursts.read([trade()] * (bursts.FEWEST - 1), range(bursts.FEWEST - 1), names) is None
    assert bursts.read([trade()] * bursts.FEWEST, range(bursts.FEWEST), names) is not None


def test_what_a_venue_sends_is_read_by_compiled_code() -> None:
    """A frame of 2026-09-27 of each kind; key order, other plain keys and the side of the envelope do not matter."""
    usdm = (
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1790526539033,"a":3466782974,"s":"BTCUSDT",'
        b'"p":"84551.10","q":"0.030","nq":"0.030","f":8123344783,"l":8123344783,"T":1790526538883,"m":true,"st":1}}'
    )
    event = {**msgspec.json.decode(usdm)["data"], "M": None, "q": "100"}
    turned = msgspec.json.encode({"data": dict(reversed(event.items())), "stream": "x"})
    assert is_usual(usdm, turned)
    check(FEEDS["binance-usdm"], [usdm, turned, trade(s="B"), usdm])


@pytest.mark.parametrize(
    "frames",
    [
        [trade(a=1) + b"\n" + trade(a=2), b""],
        [b"", trade(a=1) + b"\n" + trade(a=2)],
        [trade(a=1) + b"\n", trade(a=2)],
        [trade(a=1)[:40], trade(a=1)[40:]],
        [trade(a=1) + b"," + trade(a=2)],
        [trade(a=1)[:-1], b"}"],
        [trade(a=1) + b"}", trade(a=2)],
        [trade(a=1)[:-2] + b',"a":3}}'],
        [trade(a=1)[:-1] + b',"data":{}}'],
        [trade(a=1, p="01.5"), trade(a=2, p="1."), trade(a=3, p=".5"), trade(a=4, p="-1"), trade(a=5, p="1e3")],
        [trade(a=1, p="1\x00")],
        [trade(a=1).replace(b'"a":1', b'"a":01')],
        [trade(a=1, s="A\n")],
        [trade(a=1, s="A ")],
        [trade(a=1, s="")],
        [trade(a=1, s="\u4e2d")],
        [trade(a=1, s="A" * 65)],
        [trade(a=10**18 - 1)],
        [trade(a=10**18), trade(a=2**63 - 1)],
        [trade(a=1, T=MAX_TIME_MS), trade(a=2, T=MAX_TIME_MS - 1), trade(a=3, T=0)],
        [b"{" * 100, b'{"data":' * 40],
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_each_frame_counts_for_itself(frames: list[bytes], alone: bool) -> None:
    """Also where two of them would make one that is good, or one would make two."""
    check(FEEDS["binance-usdm"], frames if alone else [trade(a=100), *frames, trade(a=101)])


@given(
    digits=st.integers(1, 10**17 - 1),
    decimals=st.integers(0, 18),
    zeros=st.integers(0, 4),
)
def test_decimal_numbers_are_the_floats_of_their_text(digits: int, decimals: int, zeros: int) -> None:
    text = str(digits).rjust(decimals + 1, "0")
    text = (text[: len(text) - decimals] + "." + text[len(text) - decimals :] if decimals else text) + zeros * (
        "0" if decimals else ""
    )
    frame = trade(p=text, q=text)
    (tick,) = check(FEEDS["binance-usdm"], [frame])["binance-usdm:A"]
    assert tick.price == tick.quantity == float(text)
    assert is_usual(frame) == (sum(map(str.isdigit, text)) <= 15)


def test_a_mutated_frame_alone_is_what_it_is_elsewhere() -> None:
    """Alone, so that no other frame of the burst keeps it from compiled code."""
    codec, usual = FEEDS["binance-usdm"], 0
    originals = [frame for frame in recordings.trades(codec) if is_usual(frame)]
    assert len(originals) > 1
    for seed in range(FIRST_SEED, FIRST_SEED + MUTATED_FRAMES):
        chance = random.Random(seed)
        frame = recordings.mutated(chance.choice(originals), chance)
        check(codec, [frame])
        usual += is_usual(frame)
    assert 0 < usual < MUTATED_FRAMES


def test_a_burst_of_many_symbols() -> None:
    codec = FEEDS["binance-usdm"]
    frames = [trade(a=number, s=f"A{number % 300}") for number in range(900)]
    assert is_usual(*frames)
    assert len(check(codec, frames)) == 300
