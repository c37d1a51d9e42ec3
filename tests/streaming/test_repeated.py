"""A recording repeated before itself: its bars are those of its laps, and nothing is inferred from the repetition."""

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alphastream.bars import PairRows, aggregate
from alphastream.feeds.replay import Replay
from alphastream.heads import Need, PairHead, Seam
from alphastream.pairs import PairAnalytics, PairSpec, analyse
from alphastream.streaming.repeated_heads import RepeatedHeads
from alphastream.streaming.repeated_rows import is_of_one_lap, rests_on_repetition, without_inference, without_laps
from alphastream.tape.recordings import Recording
from alphastream.tape.repetition import Repetition, within_one_lap

SECOND: Final = 10**9
MS: Final = 10**6
START: Final = 1_790_000_000 * SECOND
SYMBOL: Final = "binance-usdm:BTCUSDT"
SPEC: Final = PairSpec("ETHUSDT", "BTCUSDT", SECOND, window=20)


def recording(seed: int, trades: int, span_ms: int) -> Recording:
    rng = np.random.default_rng(seed)
    times = START + np.sort(rng.integers(0, span_ms, trades)) * MS
    return Recording.of_table(
        "tape",
        "",
        pa.table(
            {
                "symbol": ["BTCUSDT"] * trades,
                "id": np.arange(trades),
                "price": np.round(60_000 + np.cumsum(rng.normal(size=trades)), 1),
                "quantity": rng.integers(1, 900, trades) / 1_000,
                "time_ns": times,
                "buyer_is_maker": rng.random(trades) < 0.5,
            }
        ),
    )


@given(
    st.integers(0, 10_000),
    st.integers(1, 60),
    st.integers(1, 20_000),
    st.sampled_from([SECOND, 5 * SECOND, 60 * SECOND]),
    st.integers(1, 40),
)
def test_bars_of_laps_are_the_bars_of_trades_that_were_repeated(
    seed: int, trades: int, span_ms: int, interval_ns: int, bars: int
) -> None:
    tape = recording(seed, trades, span_ms)
    played = Replay(tape, START + 10**6 * SECOND)
    repetition, until_ns = played.repetition, (START + 10**6 * SECOND) // interval_ns * interval_ns
    from_ns = until_ns - bars * interval_ns
    heads = RepeatedHeads(tape, lambda: replace(repetition, period_ns=repetition.period_ns), lambda: until_ns)
    head = heads.ask(SYMBOL, interval_ns, Need(from_ns, from_ns, Seam(until_ns, 1, until_ns)))
    if head is None:
        assert repetition.period_ns >= 300 * interval_ns
        return
    laps = np.arange(*repetition.laps(np.array([from_ns, until_ns + repetition.period_ns + 1])))
    moved = repetition.start_ns - int(tape.time_ns.min()) + laps[:, None] * repetition.period_ns
    times = (tape.time_ns[None, :] + moved).ravel()
    inside = (times >= from_ns) & (times < until_ns)
    price, size, sold = (
        np.tile(column, len(laps))[inside] for column in (tape.price, tape.quantity, tape.buyer_is_maker)
    )
    expected = aggregate(times[inside], price, size, interval_ns, sold)
    for name in ("start_ns", "open", "high", "low", "close", "trades", "first_ns", "last_ns"):
        assert_array_equal(getattr(head.bars, name), getattr(expected, name), name)
    for name in ("volume", "buy_volume"):
        assert_allclose(getattr(head.bars, name), getattr(expected, name), rtol=1e-9, atol=1e-9)


def repeated(rows: int, laps: float, offset: float = 0.0) -> PairAnalytics:
    """Rows of a second each of a recording that was played so many times."""
    lap = round(rows / laps)
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.normal(size=lap)) / 100
    y = np.cumsum(rng.normal(size=lap)) / 100
    many = int(laps) + 1
    ends = START + SECOND * np.arange(1, rows + 1)
    none, ones = np.zeros(rows, dtype=np.int64), np.ones(rows)
    pair = PairRows(ends, 100 + np.tile(y, many)[:rows], 100 + np.tile(x, many)[:rows], none, none, ones, ones)
    found = analyse(pair, SPEC)
    head = PairHead(repetition=Repetition(START + round(offset * lap) * SECOND, lap * SECOND))
    return replace(found, head=head)


def test_repetition_fakes_what_is_refused() -> None:
    """Walks without any relation, played often: the test finds one, and the evidence too. Neither is told."""
    faked = repeated(1_900, laps=60.0)
    assert faked.closed["pvalue"][-1] < 0.05
    assert faked.closed["evidence_p"][-1] < 0.05
    told = without_inference(faked)
    for name in ("pvalue", "half_life", "evidence_p", "detector", "ended", "relation"):
        assert np.isnan(told.closed[name][250:]).all(), name
    assert np.isfinite(told.closed["zscore"][-1])
    assert rests_on_repetition(told)
    assert not told.closed["relation"][-1] > 0


def test_rows_of_one_lap_keep_their_verdicts() -> None:
    alone = repeated(400, laps=1.0)
    told = without_inference(alone)
    for name, values in alone.closed.items():
        assert_array_equal(told.closed[name], values, name)
    assert not rests_on_repetition(told)


def test_sums_are_over_rows_that_happened_once_and_scores_of_one_lap() -> None:
    played = repeated(900, laps=3.0)
    head = replace(played.head, until_ns=START + 600 * SECOND)
    own = without_laps(replace(played, head=head))
    assert own.closed["time_ns"][0] == START + 601 * SECOND
    assert all(len(values) == 300 for values in own.closed.values())
    known = np.isfinite(own.closed["settled_zscore"])
    assert not known[:30].any(), "their windows reach into the lap before"
    assert known[60:].all()
    assert without_laps(repeated(400, laps=1.0)).closed["time_ns"].size == 400


def test_correlation_looks_back_as_far_as_its_window() -> None:
    told = without_inference(repeated(900, laps=3.0))
    known = np.isfinite(told.closed["correlation"])
    assert known[290], "the window lies in the first lap"
    assert not known[305:319].any(), "the window spans two"
    assert known[325]


@pytest.mark.parametrize(("offset", "within"), [(0.0, True), (0.5, False)])
def test_a_test_needs_all_its_rows_in_one_lap(offset: float, within: bool) -> None:
    answer = repeated(400, laps=1.0, offset=offset)
    assert answer.head.repetition is not None
    ends = answer.closed["time_ns"]
    ones, volume = np.ones(len(ends), dtype=np.int64), np.ones(len(ends))
    y, x = answer.closed["y"], answer.closed["x"]
    rows = PairRows(ends, y, x, ones, ones, volume, volume, ones, ones)
    assert is_of_one_lap(rows, answer.head.repetition) is within


def test_a_row_belongs_to_the_lap_in_which_its_bar_ends() -> None:
    ends = SECOND * np.array([9, 10, 11, 12, 20, 21])
    assert within_one_lap(Repetition(0, 10 * SECOND), ends, 2).tolist() == [1, 1, 0, 1, 1, 0]
    assert Repetition(0, 10 * SECOND).laps(ends).tolist() == [0, 0, 1, 1, 1, 2]


@given(st.integers(-50, 50), st.integers(1, 20), st.integers(-60, 60), st.integers(1, 120))
def test_the_longest_part_within_one_lap_is_the_newest(start: int, period: int, begin: int, length: int) -> None:
    end = begin + length
    laps = range((begin - start) // period, (end - 1 - start) // period + 1)
    parts = [(max(begin, start + lap * period), min(end, start + (lap + 1) * period)) for lap in laps]
    wanted = max(parts, key=lambda part: (part[1] - part[0], part[1]))
    assert Repetition(start, period).longest_lap(begin, end) == wanted
