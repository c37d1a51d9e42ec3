"""The alerts page, empty and full, on the bundled recording."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

import config
import views.shared.rights
from alphastream.alerts import MEASURES, Rule, is_one_look
from alphastream.errors import StorageError
from alphastream.pairs import PairSpec
from pipelines import Pipeline
from runtime.alerts.service import AlertService
from runtime.alerts.targets import WebhookTarget
from runtime.alerts.webhooks import Webhooks
from tests.alerts.test_rules import NOW, answer, context
from tests.views.running import Running, page_in, page_of, replay, show_to_pages, words
from views.alerts.tables import history_csv
from views.shared.controls import LAST_PAIR

Y, X = "binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT"
PAIR = PairSpec(Y, X)
RULE = Rule("a", "z is far out", "zscore", "outside", 2.0, 1.0, PAIR, 60.0, True, ("desk",))
ADDRESS = "https://hooks.slack.com/services/T0K3N5ECRET"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One replay for all tests of the page."""
    with replay(tmp_path_factory.mktemp("var")) as pipeline:
        yield pipeline


@pytest.fixture
def system(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    found = Running(
        pipeline=pipeline,
        settings=config.load({}),
        alerts=AlertService(tmp_path, lambda: NOW),
        webhooks=Webhooks(),
        arbitrage=SimpleNamespace(assets=lambda: (SimpleNamespace(asset="BTC/USDT"),)),
        failure=None,
    )
    show_to_pages(found, monkeypatch)
    return found


@pytest.fixture
def full(system: Running) -> Running:
    """A rule that fired, one that is off, one about the feed; two webhooks."""
    system.webhooks = Webhooks([WebhookTarget("desk", "slack", ADDRESS), WebhookTarget("phone", "json", ADDRESS)])
    for rule in (
        RULE,
        replace(RULE, id="b", name="off", on=False),
        Rule("f", "silence", "feed", "above", 30.0, 5.0),
        replace(RULE, id="c", name="calibrates", measure="correlation", when="below", level=0.1, clear=0.5),
    ):
        system.alerts.add(rule)
    system.alerts.evaluate(context(answer([2.5]), recorded=True))
    return system


def shown() -> AppTest:
    return page_of("alerts")


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click()
    test.run()
    assert not test.exception, test.exception
    return test


def test_empty(system: Running) -> None:
    test = shown()
    said = words(test)
    assert "No rule yet" in said
    assert "Nothing has fired yet" in said
    assert "None configured" in said
    assert "[webhooks.desk]" in said
    assert not test.dataframe
    assert [box.value for box in test.subheader] == ["Rules", "History", "Webhooks"]


def test_a_rule_is_added(system: Running) -> None:
    test = press(shown(), "Add rule")
    (rule,) = system.alerts.rules
    assert (rule.measure, rule.when, rule.level, rule.clear) == ("zscore", "outside", 2.0, 1.0)
    assert rule.spec == PAIR
    assert "Saved: z-score: z-score outside ±2" in words(test)
    assert test.dataframe[0].value["state"].tolist() == ["not evaluated yet"]


def test_an_edge_of_an_asset_has_to_last(system: Running) -> None:
    test = shown()
    next(box for box in test.selectbox if box.label == "Watch").set_value("arbitrage").run()
    next(box for box in test.selectbox if box.label == "Asset").set_value("BTC/USDT")
    next(box for box in test.number_input if box.label == "For at least, s").set_value(5.0)
    press(test, "Add rule")
    (rule,) = system.alerts.rules
    assert (rule.asset, rule.for_s, rule.spec) == ("BTC/USDT", 5.0, None)
    assert rule.condition == "above 0.05 % for 5 s"


def test_every_measure_begins_with_a_rule_that_can_be(system: Running) -> None:
    for number, measure in enumerate(MEASURES):
        test = shown()
        test.selectbox(key="rule-0-measure").select(measure).run()
        if is_one_look(measure):  # a p-value of a window: not without having been told
            said = words(press(test, "Add rule"))
            assert "come up every day on two independent random walks" in said
            assert "say that you know how often it fires by chance" in said
            assert len(system.alerts.rules) == number
            test.checkbox(key=f"rule-0-{measure}-told").check().run()
        press(test, "Add rule")
        assert system.alerts.rules[number].measure == measure
    assert system.alerts.rules[-1].spec is None


def test_a_price_rule_begins_near_the_price_and_keeps_what_is_typed(system: Running, pipeline: Pipeline) -> None:
    test = shown()
    test.selectbox(key="rule-0-measure").select("price_x").run()
    tick = pipeline.store.last("BTCUSDT")
    assert tick is not None
    level = test.number_input(key=f"rule-0-price_x-{X}-level")
    assert level.value == pytest.approx(1.01 * tick.price, rel=0.01)
    level.set_value(12_345.5).run()
    test.run()
    clear = test.number_input(key=f"rule-0-price_x-{X}-clear")
    assert clear.value == pytest.approx(12_345.5 / 1.01, rel=1e-3)  # it went along
    clear.set_value(13_000.0).run()
    press(test, "Add rule")
    assert "it fires above 12345.5 and re-arms at 13000: re-arm below 12345.5" in words(test)  # said, not saved
    test.number_input(key=f"rule-0-price_x-{X}-clear").set_value(12_000.0).run()
    press(test, "Add rule")
    assert system.alerts.rules[0].level == 12_345.5


def test_the_signal_is_watched_with_its_thresholds(system: Running) -> None:
    test = shown()
    test.selectbox(key="rule-0-measure").select("position").run()
    test.number_input(key="rule-0-entry").set_value(3.0).run()
    test.selectbox(key="rule-0-interval").select(60).run()
    press(test, "Add rule")
    assert system.alerts.rules[0].spec == replace(PAIR, entry=3.0, interval_ns=60 * 10**9)


def test_what_cannot_be_is_a_sentence(system: Running) -> None:
    test = shown()
    test.number_input(key="rule-0-zscore-clear").set_value(3.0).run()
    test = press(test, "Add rule")
    assert "it fires outside ±2 and re-arms within ±3: re-arm from 0 to below 2" in words(test)
    test.selectbox(key="rule-0-x").select("ETHUSDT").run()
    assert "both legs are ETHUSDT" in words(test)
    assert system.alerts.rules == ()


def test_a_small_level_takes_along_where_the_rule_arms_again(system: Running) -> None:
    test = shown()
    test.number_input(key="rule-0-zscore-level").set_value(0.3).run()
    press(test, "Add rule")
    assert [(rule.level, rule.clear) for rule in system.alerts.rules] == [(0.3, 0.15)]


def test_the_form_begins_with_the_pair_that_was_looked_at(system: Running) -> None:
    looked_at = replace(PAIR, y=X, x=Y, interval_ns=60 * 10**9, window=240, model="huber")
    test = page_in({LAST_PAIR: looked_at}, "alerts")
    press(test, "Add rule")
    assert [rule.spec for rule in system.alerts.rules] == [looked_at]


def test_who_may_not_change_sees_all_and_changes_nothing(full: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    before = full.alerts.rules
    monkeypatch.setattr(views.shared.rights, "_obstacle", lambda: "elsewhere")
    test = shown()
    assert "You come from another machine and are not logged in" in words(test)
    assert len(test.dataframe) == 2
    named = [button for button in test.button if button.label in ("Add rule", "Send a test")]
    assert len(named) == 3
    assert all(button.disabled for button in named)
    test.selectbox(key="alerts_chosen").select("a").run()
    changing = {"Save", "Switch off", "Delete it", "Send a test"}
    assert {button.label for button in test.button if button.disabled} == changing
    assert full.alerts.rules == before


def test_full(full: Running) -> None:
    test = shown()
    rules, history = test.dataframe[0].value, test.dataframe[1].value
    assert rules["rule"].tolist() == ["z is far out", "off", "silence", "calibrates"]
    assert rules["state"].tolist() == [
        "fired: armed again when within ±1",
        "switched off",
        "armed: fires above 30 s",
        "undefined on the last closed bar",
    ]
    assert rules["now"].tolist()[0] == 2.5
    assert rules["distance"].tolist()[0] == -0.5
    assert math.isnan(rules["now"].tolist()[3])
    assert rules["fires by chance"].tolist() == ["", "", "", ""]
    assert rules["notifies"].tolist()[:3] == ["desk", "desk", "this app"]
    assert "outside ±2" in history["sentence"].tolist()[0]
    assert history["trades"].tolist() == ["recorded"]
    assert str(history["time"].dt.tz) == "UTC"
    assert "**desk**, slack" in words(test)
    assert "T0K3N5ECRET" not in str(test)


def test_a_rule_is_edited_switched_off_and_deleted(full: Running) -> None:
    test = shown()
    test.selectbox(key="alerts_chosen").select("a").run()
    test.number_input(key="rule-a-zscore-level").set_value(3.0).run()
    test.multiselect(key="rule-a-hooks").set_value(["desk", "phone"]).run()
    press(test, "Save")
    assert full.alerts.rules[0] == replace(RULE, level=3.0, channels=("desk", "phone"))
    press(test, "Switch off")
    assert [rule.on for rule in full.alerts.rules][:2] == [False, False]
    press(test, "Switch on")
    assert [rule.on for rule in full.alerts.rules][:2] == [True, False]
    press(test, "Delete it")
    assert [rule.id for rule in full.alerts.rules] == ["b", "f", "c"]
    assert "Deleted: z is far out" in words(test)
    assert len(full.alerts.history()) == 1


def test_a_rule_removed_meanwhile_is_a_sentence(full: Running) -> None:
    test = shown()
    test.selectbox(key="alerts_chosen").select("a").run()
    full.alerts.remove("a")
    test.run()
    assert not test.exception
    assert test.selectbox(key="alerts_chosen").value == "new"


def test_a_disk_that_refuses_is_a_sentence(full: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(full.alerts, "add", refuse)
    assert "the disk is full" in words(press(shown(), "Add rule"))


def test_troubles_are_shown(system: Running) -> None:
    system.alerts.notice, system.alerts.failure = "the file was damaged", "the disk is full"
    system.alerts.held = "process 7 has the book"
    system.alerts.outage = "the rules are in disorder"
    system.webhooks = Webhooks(problems=["secrets.toml: webhook 'desk': needs kind"])
    said = words(shown())
    assert "the file was damaged" in said
    assert "the disk is full" in said
    assert "the rules are in disorder" in said
    assert "process 7 has the book" in said
    assert "needs kind" in said


def test_a_test_message_is_logged(full: Running) -> None:
    test = press(shown(), "Send a test")
    assert full.webhooks.waiting == 1
    full.webhooks.stop()
    test.run()
    assert not test.exception
    table = test.dataframe[-1].value
    assert table["webhook"].tolist() == ["desk"]
    assert table["detail"].tolist() == ["the application stops"]


def test_history_as_a_file(full: Running) -> None:
    test = shown()
    test.session_state["alerts_download"] = True
    test.run()
    assert not test.exception
    assert [button.label for button in test.download_button] == ["History as CSV"]
    alert = replace(full.alerts.history()[0], rule="=HYPERLINK(1)", value=math.inf)
    rows = list(csv.DictReader(io.StringIO(history_csv((alert,)).decode())))
    assert rows[0]["rule"] == "'=HYPERLINK(1)"
    assert rows[0]["time"] == "2023-11-14T22:13:20.000000+0000"
    assert rows[0]["value"] == "inf"
    assert rows[0]["trades"] == "recorded"
