"""What an address asks for and does not get is told, on every page, by one piece of code."""

import pytest
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

from tests.views.running import app, page_of, read, words

pytestmark = pytest.mark.usefixtures("replaying")


def told(test: AppTest) -> list[str]:
    """Sentences of the notice."""
    assert not test.exception
    assert words(test)
    lines = [line.strip() for box in test.warning for line in read(str(box.value)).split("\n")]
    return [line for line in lines if line.startswith("The address ")]


def page(name: str) -> str:
    return f"views/{name}/page.py"


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("live", {"window": "9000"}, "window=9000; Window (bars) goes from 20 to 500: 100 is shown."),
        (
            "live",
            {"model": "Hubre"},
            "Model is one of OLS, Kalman (discounted), Huber, TLS, Frozen OLS, did you mean Hub",
        ),
        ("live", {"entry": "wide"}, "entry=wide, which is no number: 2 is shown."),
        ("live", {"y": "NOPEUSDT"}, "Dependent leg (y) is one of BTCUSDT, ETHUSDT: ETHUSDT is shown."),
        ("live", {"interval": "7s"}, "interval=7s; Bar is one of 1s, 5s, 15s, 1m, 5m, 15m, 1h, 4h, 1d: 1s is shown."),
        ("live", {"preset": "Moon"}, "Preset is one of Standard, Scalp, Intraday, Swing: Standard is shown."),
        ("live", {"fill_cost": "-3"}, "Cost per fill, bps goes from 0 to 1,000: 5.5 is shown."),
        ("history", {"source": "Moon"}, "source=Moon; Source is one of Upload,"),
        ("history", {"history_tab": "Sequel"}, "history_tab=Sequel; This page is one of Pair, SQL"),
        ("history", {"source": "Bundled recording", "x": "KO"}, "Hedge leg (x) is one of BTCUSDT, ETHUSDT"),
        (
            "scanner",
            {"source": "Bundled recording", "lags": "9"},
            "lags=9; Lags is one of AIC, 0, 1, 2, 4: AIC is shown.",
        ),
        ("portfolio", {"cov": "none"}, "Covariance is one of EWMA, sliding window: EWMA is shown."),
        ("portfolio", {"corr": "2.5"}, "Correlation is a whole number: 2 is shown."),
        (
            "backtest",
            {"strategy": "nosuch"},
            "Strategy is one of z-score threshold, basket, optimiser: z-score threshold",
        ),
        ("backtest", {"backtest_tab": "Swep"}, "did you mean Sweep? Result is shown."),
        ("backtest", {"rebalance": "maybe"}, "rebalance=maybe; Rebalance is one of true, false: False is shown."),
        (
            "backtest",
            {"backtest_tab": "Walk-forward", "folds": "900"},
            "folds=900; Folds goes from 1 to 50: 4 is shown.",
        ),
        ("paper", {"paper_tab": "Start a run", "stop": "99"}, "stop=99; Stop |z| goes from 0 to 20: 0 is shown."),
        ("alerts", {"window": "9000", "y": "BTCUSDT", "x": "ETHUSDT"}, "window goes from 20 to 500: 100 is shown."),
        ("backtest", {"fill_cost": "-3"}, "fill_cost=-3; the cost per fill goes from 0 to 1,000: 5.5 is shown."),
        (
            "backtest",
            {"fill_cost": "8", "taker": "2"},
            "fill_cost=8 and for its parts: the fee and the half spread are",
        ),
        ("microstructure", {"interval": "9s"}, "interval=9s; Bar is one of 1s"),
        (
            "history",
            {"source": "Recorded history", "history_time": "Dates", "history_from": "noon"},
            "which is no time for",
        ),
    ],
)
def test_a_value_that_is_not_taken_is_told_with_what_is_shown(name: str, query: dict[str, str], sentence: str) -> None:
    found = told(page_of(name, **query))
    assert len(found) == 1
    assert sentence in found[0]


def test_what_is_taken_is_not_told() -> None:
    query = {"y": "binance-usdm:btcusdt", "x": "ethusdt", "model": "Kalman", "window": "60", "price": "price"}
    assert told(app(**query, entry="2.5", interval="5s", bars="600", utm_source="mail")) == []


def test_a_key_that_is_nearly_one_of_the_page_is_told() -> None:
    test = app(widnow="60", utm_source="mail")
    assert [each.partition(":")[0] for each in told(test)] == [
        "The address says widnow=60, which nothing on this page is called"
    ]
    test.switch_page(page("health")).run()
    assert told(test) == []


def test_a_sentence_stays_until_its_control_is_moved_and_goes_with_the_page() -> None:
    test = app(window="9000", model="Moon")
    assert len(told(test)) == 2
    test.selectbox(key="price").select("price").run()
    assert len(told(test)) == 2
    test.slider(key="window").set_value(60).run()
    assert ["model=Moon" in each for each in told(test)] == [True]
    test.switch_page(page("health")).run()
    assert told(test) == []


def test_a_control_that_is_drawn_later_is_told_then() -> None:
    test = app(page("backtest"), data="Files", source="Bundled recording", window="20", folds="900")
    assert told(test) == []
    test.session_state["backtest_tab"] = "Walk-forward"
    assert ["folds=900" in each for each in told(test.run())] == [True]


def test_an_unknown_indicator_is_told_as_soon_as_the_link_is_page_of() -> None:
    for name in ("live", "history"):
        test = page_of(name, indicator="EMMA", source="Bundled recording", window="20")
        assert ["indicator=EMMA; Indicator does not offer that among its" in each for each in told(test)] == [True]
        assert test.selectbox(key="indicator").value == "SMA"


def test_what_controls_tell_the_browser_can_still_be_read() -> None:
    """One private attribute of Streamlit's: where it has another name, every link would be silent again."""
    assert "_enqueue" in ScriptRunContext.__dataclass_fields__


def test_a_cost_per_fill_in_the_address_fills_both_parts() -> None:
    for name, query in (("backtest", {}), ("paper", {"paper_tab": "Start a run"})):
        test = page_of(name, fill_cost="8", **query)
        assert told(test) == []
        assert (test.number_input(key="taker").value, test.number_input(key="half_spread").value) == (7.5, 0.5)
