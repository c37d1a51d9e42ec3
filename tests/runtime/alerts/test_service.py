"""The alert service: rules and their states, kept over restarts, shared by threads, cheap."""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.alerts import Rule, RuleContext
from alphastream.errors import FeedBlocked, ParameterError
from alphastream.microstructure.leg import Columns, LegSpec
from alphastream.pairs import PairAnalytics, PairSpec, Progress, alarm_rows
from runtime.alerts.service import MAX_RULES, AlertService
from tests.alerts.test_rules import FEED, NOW, PAIR, SECOND, answer, context, health
from tests.runtime.alerts.books import RULE, Clock, look, states, write_first_format


def test_states_in_words(book: AlertService, clock: Clock) -> None:
    assert book.status(RULE.id).words == "not evaluated yet"
    book.evaluate(context(answer([math.nan], calibration=(Progress("z-score", 37, 100),))))
    assert book.status(RULE.id).words == "calibrating: z-score 37/100"
    assert states(book, clock, 1.5) == "armed"
    status = book.status(RULE.id)
    assert (status.value, status.distance, status.data_ns) == (1.5, 0.5, NOW)
    assert states(book, clock, 2.5) == "fired"
    assert book.status(RULE.id).fired_ns == NOW
    clock.now_ns += 10 * SECOND
    assert states(book, clock, 0.5) == "cooling down"
    assert book.status(RULE.id).words == "cooling down: 50 s left"
    clock.now_ns += 50 * SECOND
    assert states(book, clock, 0.5) == "armed"
    book.replace(replace(RULE, on=False))
    assert states(book, clock, 5.0) == "off"


def test_bars_between_two_evaluations_are_not_lost(book: AlertService, clock: Clock) -> None:
    assert look(book, clock, 0.0) == []
    clock.now_ns += 3 * SECOND
    (alert,) = look(book, clock, 0.0, 0.0, 2.5, 0.0)
    assert alert.data_ns == clock.now_ns - SECOND
    assert book.status(RULE.id).state == "cooling down"


def test_an_alert_is_told_once_over_restarts(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    (alert,) = look(book, clock, 2.5)
    assert alert.channels == ("desk",)
    clock.now_ns += 3_600 * SECOND
    again = AlertService(tmp_path / "var", clock)
    assert again.rules == (RULE,)
    assert again.history() == (alert,)
    assert look(again, clock, 2.5) == []
    assert look(again, clock, 0.5) == []
    third = AlertService(tmp_path / "var", clock)
    assert len(look(third, clock, 2.5)) == 1
    assert len(third.history()) == 2


def test_the_cool_down_outlives_a_restart(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    look(book, clock, 2.5)
    look(book, clock, 0.5)
    again = AlertService(tmp_path / "var", clock)
    assert look(again, clock, 2.5) == []
    clock.now_ns += 60 * SECOND
    assert len(look(again, clock, 2.5)) == 1


def test_a_replay_does_not_disarm_a_rule_for_live_trades(book: AlertService, clock: Clock) -> None:
    (alert,) = look(book, clock, 2.5, recorded=True)
    assert alert.recorded
    assert "Recorded trades" in alert.sentence
    (alert,) = look(book, clock, 2.5)
    assert not alert.recorded


def test_edited_rules(book: AlertService, clock: Clock) -> None:
    look(book, clock, 2.5)
    book.replace(replace(RULE, name="another name", channels=()))
    clock.now_ns += 60 * SECOND
    assert look(book, clock, 2.5) == []  # the same rule under another name
    book.replace(replace(RULE, level=2.2, clear=1.0))
    (alert,) = look(book, clock, 2.5)
    assert alert.level == 2.2
    with pytest.raises(ParameterError, match="removed meanwhile"):
        book.replace(replace(RULE, id="unknown"))
    with pytest.raises(ParameterError, match="exists"):
        book.add(RULE)
    book.remove(RULE.id)
    assert book.rules == ()
    assert len(book.history()) == 2
    with pytest.raises(ParameterError, match="removed meanwhile"):
        book.remove(RULE.id)


def test_switched_on_again_a_rule_is_armed(book: AlertService, clock: Clock) -> None:
    look(book, clock, 2.5)
    book.replace(replace(RULE, on=False))
    clock.now_ns += 60 * SECOND
    assert look(book, clock, 2.5) == []
    book.replace(RULE)
    assert len(look(book, clock, 2.5)) == 1


def test_silence_of_the_feed_fires_and_clears(tmp_path: Path, clock: Clock) -> None:
    book = AlertService(tmp_path, clock)
    book.add(FEED)
    begun, fired = clock.now_ns, []
    for seconds in (0, 29, 30, 31, 60):
        clock.now_ns = begun + seconds * SECOND
        feed = health(0, "stalled", "no answer")
        fired += [seconds] * len(book.evaluate(context(feed=feed, feed_now_ns=clock.now_ns)))
    assert fired == [30]
    book.evaluate(context(feed=health(clock.now_ns), feed_now_ns=clock.now_ns))
    assert book.status(FEED.id).state == "cooling down"


def test_symbols_are_asked_for_once(book: AlertService, clock: Clock) -> None:
    asked: list[str] = []

    def follow(symbol: str) -> None:
        asked.append(symbol)
        raise FeedBlocked(f"{symbol} is not listed")

    for _ in range(3):
        look(book, clock, 2.5, symbols=("BTCUSDT",), follow=follow)
    assert asked == ["ETHUSDT"]
    assert book.status(RULE.id).words == "ETHUSDT is not listed"


def test_one_rule_that_fails_leaves_the_others(
    book: AlertService, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    broken = PairSpec("SOLUSDT", "BTCUSDT")
    book.replace(replace(RULE, spec=broken))
    book.add(replace(RULE, id="b"))

    def answer_for(spec: PairSpec) -> PairAnalytics:
        if spec == broken:
            raise RuntimeError("no bars")
        return answer([2.5])

    with caplog.at_level(logging.ERROR):
        everything = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
        alerts = [book.evaluate(context(answer_for=answer_for, symbols=everything)) for _ in range(3)]
    assert [[alert.rule_id for alert in found] for found in alerts] == [["b"], [], []]
    assert book.status(RULE.id).state == "failed"
    assert "RuntimeError: no bars" in book.status(RULE.id).words
    assert len(caplog.records) == 1


def test_a_failure_with_other_numbers_is_logged_once(
    book: AlertService, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counts = iter((599, 600, 601))

    def answer_for(spec: PairSpec) -> PairAnalytics:
        raise ParameterError(f"Own.values gave (1,) for {next(counts)} bars: one number a bar is needed")

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            book.evaluate(context(answer_for=answer_for))
    words = book.status(RULE.id).words
    assert words.startswith("cannot be evaluated (Own.values gave (1,) for 601 bars")
    assert len(caplog.records) == 1


def test_too_many_rules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.alerts.service.MAX_RULES", 2)
    book = AlertService(tmp_path)
    book.add(RULE)
    book.add(replace(RULE, id="b"))
    with pytest.raises(ParameterError, match="2 rules"):
        book.add(replace(RULE, id="c"))
    assert MAX_RULES >= 100


def test_edits_and_evaluations_at_once(tmp_path: Path) -> None:
    book = AlertService(tmp_path)
    errors: list[BaseException] = []

    def guarded(work: Callable[[int], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                for index in range(30):
                    work(index)
            except BaseException as error:  # noqa: BLE001 (handed to the test)
                errors.append(error)

        return run

    def edit(name: str) -> Callable[[int], object]:
        def work(index: int) -> None:
            rule = replace(RULE, id=f"{name}{index}", cool_down_s=0.0)
            book.add(rule)
            book.replace(replace(rule, name="edited"))
            if index % 2:
                book.remove(rule.id)

        return work

    def evaluate(index: int) -> None:
        book.evaluate(context(answer([2.5 if index % 2 else 0.0], NOW + index * SECOND)))

    work = [guarded(edit("p")), guarded(edit("q")), guarded(evaluate), guarded(lambda _: book.history())]
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {rule.id for rule in book.rules} == {f"{name}{index}" for name in "pq" for index in range(0, 30, 2)}
    assert AlertService(tmp_path).rules == book.rules


def test_a_hundred_rules_are_all_looked_at(tmp_path: Path, clock: Clock) -> None:
    book, found = hundred(tmp_path, clock)
    assert book.evaluate(found) == []
    assert all(book.status(rule.id).state == "armed" for rule in book.rules)


def test_rules_about_one_pair_ask_for_it_once(tmp_path: Path, clock: Clock) -> None:
    book, seen = hundred(tmp_path, clock)
    asked: list[PairSpec] = []

    def answer_for(spec: PairSpec) -> PairAnalytics | None:
        asked.append(spec)
        return seen.answer_for(spec)

    for _ in range(2):
        book.evaluate(replace(seen, answer_for=answer_for))
    assert len(book.rules) == 100
    assert len(asked) == 2 * 20


def hundred(folder: Path, clock: Callable[[], int]) -> tuple[AlertService, RuleContext]:
    book = AlertService(folder, clock)
    pairs = [PairSpec(f"SYM{i}", "BTCUSDT") for i in range(20)]
    for index in range(100):
        book.add(replace(RULE, id=f"r{index}", spec=pairs[index % 20]))
    rows = answer([0.5] * 2_000)
    answers = {pair: replace(rows, spec=pair) for pair in pairs}
    symbols = ("BTCUSDT", *(pair.y for pair in pairs))
    return book, context(answer_for=answers.get, symbols=symbols)


def test_a_rule_on_a_one_look_p_value_is_not_taken_in_untold(book: AlertService) -> None:
    naive = replace(RULE, id="p", measure="pvalue", when="below", level=0.01, clear=0.5)
    with pytest.raises(ParameterError, match=r"say that you know .* come up every day"):
        book.add(naive)
    with pytest.raises(ParameterError, match="say that you know"):
        book.replace(replace(naive, id=RULE.id))
    book.add(replace(naive, told=True))
    assert book.rules[-1].told


def test_a_rule_of_before_that_was_made_untold_stays_and_can_be_switched_off(tmp_path: Path, clock: Clock) -> None:
    naive = replace(RULE, id="p", measure="pvalue", when="below", level=0.01, clear=0.5)
    path = write_first_format(tmp_path, [naive], {})
    again = AlertService(tmp_path, clock)
    (rule,) = again.rules
    assert not rule.told
    write_first_format(tmp_path, [naive], {})
    path.write_text(path.read_text().replace(',\n   "told": false', ""))
    (rule,) = AlertService(tmp_path, clock).rules  # as older versions wrote it
    assert not rule.told
    again = AlertService(tmp_path, clock)
    again.replace(replace(rule, on=False))
    assert not again.rules[0].on


def test_rules_on_evidence_share_one_budget(tmp_path: Path, clock: Clock) -> None:
    book = AlertService(tmp_path, clock)
    for number in range(4):
        book.add(Rule(str(number), f"pair {number}", "evidence", "above", 20.0, 1.0, PAIR, cool_down_s=0.0))

    def evaluate(days: float) -> list[str]:
        found = answer([0.0])
        column = np.array([days * alarm_rows(PAIR.interval_ns) / 20.0])
        clock.now_ns += SECOND
        alerts = book.evaluate(context(replace(found, closed={**found.closed, "detector": column})))
        return [alert.rule_id for alert in alerts]

    assert evaluate(50.0) == []
    assert book.status("0").words == "armed: fires above 80 days (its 20 beside others that share the budget)"
    assert evaluate(81.0) == ["0", "1", "2", "3"]
    assert evaluate(500.0) == []
    assert evaluate(0.5) == []  # the relation ended and its detector began anew: armed again
    book.replace(replace(book.rules[3], on=False))
    assert evaluate(61.0) == ["0", "1", "2"]


def test_a_rule_on_the_flow_of_a_leg(tmp_path: Path, clock: Clock) -> None:
    asked: list[LegSpec] = []

    def flow_of(spec: LegSpec) -> Columns:
        asked.append(spec)
        return {"time_ns": np.array([NOW]), "vpin": np.array([0.9])}

    book = AlertService(tmp_path, clock)
    book.add(replace(RULE, measure="vpin_x", when="above", level=0.6, clear=0.4, spec=PAIR))
    assert [alert.value for alert in book.evaluate(context(flow_of=flow_of))] == [0.9]
    assert asked == [LegSpec("BTCUSDT", PAIR.interval_ns, PAIR.window)]
    assert book.evaluate(context(flow_of=flow_of)) == []
