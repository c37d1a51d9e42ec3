"""What the page says of bars of before the tape, and of when the rest will be there."""

from dataclasses import replace
from typing import Final

import numpy as np

from alphastream.bars import PairRows, aggregate
from alphastream.heads import HeadProgress, PairHead
from alphastream.pairs import PairAnalytics, PairSpec, Progress, analyse
from alphastream.tape.repetition import Repetition
from alphastream.uploads import combine, read
from views.shared import exports
from views.shared.cards import make_card
from views.shared.head_cards import head_card, marked
from views.shared.head_words import length_text, ready_ns, waiting_text
from views.shared.waiting import waiting_words

MINUTE: Final = 60 * 10**9
SPEC: Final = PairSpec("ETHUSDT", "BTCUSDT", MINUTE, window=40)
BEGIN: Final = 1_790_000_040 * 10**9 // MINUTE * MINUTE  # 14:14 UTC


def answer(rows: int = 20, head: PairHead = PairHead()) -> PairAnalytics:  # noqa: B008 (a frozen value)
    ends = BEGIN + MINUTE * np.arange(1, rows + 1)
    y, x = 100.0 + np.cumsum(np.random.default_rng(3).normal(size=(2, rows)), axis=1) / 100
    none, ones = np.zeros(rows, dtype=np.int64), np.ones(rows)
    return replace(analyse(PairRows(ends, y, x, none, none, ones, ones), SPEC), head=head)


def test_ready_is_told_at_the_pace_of_the_newest_bars() -> None:
    early = replace(answer(20), calibration=(Progress("hedge ratio", 20, 40), Progress("z-score", 0, 40)))
    now_ns = BEGIN + 20 * MINUTE
    assert ready_ns(early) == BEGIN + 80 * MINUTE
    assert waiting_text(early, now_ns) == "ready at 15:34 UTC"
    assert waiting_text(early, now_ns - 86_400 * 10**9) == "ready at 21 Sep 15:34 UTC"
    slow = replace(early, closed={**early.closed, "time_ns": BEGIN + 2 * MINUTE * np.arange(1, 21)})
    assert ready_ns(slow) == BEGIN + (40 + 120) * MINUTE
    assert waiting_words(early, SPEC)["zscore"].endswith("the z-score needs 40 closed bars, ready at 15:34 UTC")
    assert ready_ns(replace(early, calibration=(Progress("z-score", 40, 40),))) is None
    assert ready_ns(replace(early, closed={"time_ns": early.closed["time_ns"][:1]})) is None


def test_while_history_is_fetched_that_is_said_first() -> None:
    early = answer(head=PairHead(progress=HeadProgress(3, 8)))
    assert waiting_text(early, BEGIN) == "fetching history 3/8"
    assert head_card(early, BEGIN)["sub"] == "3 of 8 answers"
    assert waiting_words(early, SPEC)["zscore"] == waiting_words(early, SPEC)["stationarity"] == "Fetching history"


def test_the_card_says_until_when_bars_were_fetched_or_why_not() -> None:
    now_ns = BEGIN + 20 * MINUTE
    found = head_card(answer(head=PairHead("klines", BEGIN + 12 * MINUTE)), now_ns)
    assert (found["value"], found["sub"]) == ("klines", "until 14:26 UTC, then trades")
    trouble = HeadProgress(trouble="Kraken gives no past bars that this program reads")
    found = head_card(answer(head=PairHead(progress=trouble)), now_ns)
    assert (found["value"], found["tone"]) == ("trades", "warn")
    assert found["title"].startswith("Kraken gives no past bars that this program reads.")
    found = head_card(answer(head=PairHead("klines", BEGIN)), now_ns)
    assert (found["value"], found["sub"]) == ("trades", "since 14:14 UTC")
    repeated = PairHead("repeated", BEGIN + 12 * MINUTE, repetition=Repetition(BEGIN, 345 * 10**9))
    assert head_card(answer(head=repeated), now_ns)["sub"] == "recorded 5 min 45 s, repeated"
    assert head_card(None, now_ns)["value"] == "–"


def test_a_file_says_of_each_row_where_it_comes_from() -> None:
    frame = exports.analytics_frame(answer(6, PairHead("klines", BEGIN + 4 * MINUTE)))
    assert frame["bars_from"].tolist() == ["klines"] * 4 + ["trades"] * 2
    assert "bars_from" not in exports.analytics_frame(answer(6))
    bars = aggregate(BEGIN + MINUTE * np.arange(6), np.full(6, 2.0), np.ones(6), MINUTE)
    file = exports.bars_csv("BTCUSDT", bars, MINUTE, answer(6, PairHead("klines", BEGIN + 4 * MINUTE)))
    assert [line.rpartition(",")[2] for line in file.decode().split()] == [
        "bars_from",
        *["klines"] * 4,
        *["trades"] * 2,
    ]
    assert len(combine(read("bars.csv", file)).frames) == 1, "the file can be brought back"


def test_over_a_repeated_recording_figures_are_marked_and_inference_is_refused() -> None:
    repeated = answer(60, PairHead("repeated", BEGIN, repetition=Repetition(BEGIN, 345 * 10**9)))
    cards = [make_card(name, name, "1.2", "below", "ok") for name in ("price-y", "zscore", "result", "cointegration")]
    found = {card["id"]: card for card in marked([*cards, make_card("carry", "carry", "–", "none")], repeated)}
    assert found["price-y"]["sub"] == "below"
    assert (found["zscore"]["value"], found["zscore"]["sub"]) == ("1.2", "recorded 5 min 45 s, repeated")
    assert found["carry"]["sub"] == "none"
    for name in ("result", "cointegration"):
        assert (found[name]["value"], found[name]["sub"]) == ("–", "not told of a repeated recording")
    assert [card["sub"] for card in marked(cards, answer(60))] == ["below"] * 4


def test_lengths_are_written_out() -> None:
    assert [length_text(seconds * 10**9) for seconds in (7, 60, 345, 3_600)] == ["7 s", "1 min", "5 min 45 s", "60 min"]
