"""The controls of the live page, and how an address restores them."""

import pytest
from streamlit.testing.v1 import AppTest

from alphastream.feeds.backfill import Unfillable
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from tests.views.running import app, words
from views.shared.pair_view import PairView, link_to
from views.shared.system import get_settings, get_system

pytestmark = pytest.mark.usefixtures("replaying")


def test_live_page_says_that_it_replays() -> None:
    test = app()
    assert not test.exception
    assert "2024-08-08" in words(test)
    assert [box.label for box in test.selectbox if box.key != "tz"][:5] == [
        "Preset",
        "Dependent leg (y)",
        "Hedge leg (x)",
        "Bar",
        "Model",
    ]
    assert test.selectbox(key="y").value == "ETHUSDT"
    assert test.selectbox(key="x").value == "BTCUSDT"


def test_the_address_restores_every_setting() -> None:
    query = {"interval": "5s", "model": "Huber", "window": "60", "entry": "2.5", "exit": "0.25", "price": "price"}
    test = app(y="BTCUSDT", x="ETHUSDT", **query)
    assert not test.exception
    for key, value in {"y": "BTCUSDT", "x": "ETHUSDT", "interval": "5s", "model": "Huber", "price": "price"}.items():
        assert test.selectbox(key=key).value == value
    assert test.slider(key="window").value == 60
    assert test.number_input(key="entry").value == 2.5
    assert any("model=Huber" in code.value and "interval=5s" in code.value for code in test.code)


def test_the_model_of_a_link_of_before_is_found_by_its_old_name() -> None:
    test = app(model="Kalman", interval="5s")
    assert not test.exception
    assert not test.warning
    assert test.selectbox(key="model").value == "Kalman (discounted)"
    assert any("model=Kalman+%28discounted%29" in code.value for code in test.code)
    test.selectbox(key="model").select("TLS").run()
    assert test.selectbox(key="model").value == "TLS"


def standing(test: AppTest) -> dict[str, object]:
    """Where the controls of the pair stand."""
    boxes = {key: test.selectbox(key=key).value for key in ("preset", "interval", "model", "price")}
    numbers = {key: test.number_input(key=key).value for key in ("entry", "exit")}
    return {**boxes, **numbers, "window": test.slider(key="window").value}


def test_thresholds_of_cost_say_what_they_come_from_or_why_there_are_none() -> None:
    test = app(window="60")
    test.session_state["thresholds"] = True
    said = words(test.run())
    assert not test.exception
    assert any(part in said for part in ("One z of this model stands for", "needs", "hardly follows"))


def test_an_exit_beyond_the_other_entry_is_refused_in_words() -> None:
    test = app(entry="1.0", exit="-1.5")
    assert not test.exception
    assert "Exit -1.5 is beyond -1, where a position turns" in words(test)
    turning = app(entry="1.0", exit="-1.0")
    assert not turning.exception
    assert "is beyond" not in words(turning)


SCALP = {"interval": "1s", "model": "OLS", "price": "log", "entry": 2.5, "exit": 0.5, "window": 120}


def test_a_preset_in_the_address_sets_every_control_and_the_rest_of_the_address_wins() -> None:
    assert standing(app(preset="Scalp")) == {"preset": "Scalp", **SCALP}
    test = app(preset="Scalp", window="60", exit="1.0")
    assert not test.exception
    assert standing(test) == {"preset": "Scalp", **SCALP, "window": 60, "exit": 1.0}
    assert any("window=60" in code.value and "entry=2.5" in code.value for code in test.code)


def test_choosing_a_preset_moves_every_control_and_they_move_on_from_there() -> None:
    test = app(window="60")
    test.selectbox(key="preset").select("Swing").run()
    swing = {"interval": "5m", "model": "Huber", "price": "log", "entry": 2.0, "exit": 0.0, "window": 290}
    assert standing(test) == {"preset": "Swing", **swing}
    test.slider(key="window").set_value(100).run()
    assert standing(test) == {"preset": "Swing", **swing, "window": 100}
    test.selectbox(key="preset").select("Standard").run()
    assert standing(test)["window"] == get_settings().window_bars
    assert not test.exception
    assert not test.warning


def test_an_unknown_preset_is_the_standard() -> None:
    assert standing(app(preset="Moon"))["preset"] == "Standard"


def test_a_pair_of_one_symbol_is_refused_in_words() -> None:
    test = app()
    test.selectbox(key="x").select("ETHUSDT").run()
    assert not test.exception
    assert "choose two different symbols" in words(test)


def test_thresholds_the_wrong_way_round_are_refused_in_words() -> None:
    test = app()
    test.number_input(key="exit").set_value(3.0).run()
    assert not test.exception
    assert "not inside entry" in words(test)


def test_links_carry_every_control() -> None:
    spec = PairSpec("A", "B", 5 * 10**9, "huber", 50, "price", 2.5, 0.25)
    link = link_to(PairView(spec, 6.5), "http://host/live?old=1")
    pair = "y=A&x=B&interval=5s&model=Huber&window=50&entry=2.5&exit=0.25&price=price"
    assert link == f"http://host/live?{pair}&fill_cost=6.5"


def test_what_is_quiet_and_what_is_lost_is_told_with_times() -> None:
    pipeline = get_system().pipeline
    assert pipeline is not None
    eth = InstrumentId(pipeline.venue, "ETHUSDT")
    stats, at_ns = pipeline.lines[0].ingest.stats, 1_723_161_256_322_000_000
    stats.quiet, stats.unfillable = {eth: at_ns}, (Unfillable(eth, 7, 9, "the venue no longer keeps them", at_ns),)
    try:
        test = app()
        test.session_state["tape"] = True
        said = words(test.run())
        assert not test.exception
        assert "No trade since 23:54:16 UTC" in said
        assert "trades 7 to 9, before 2024-08-08 23:54:16 UTC: the venue no longer keeps them" in said
    finally:
        stats.quiet, stats.unfillable = {}, ()
