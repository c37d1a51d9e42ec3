"""The risk page on the recording: nothing held, positions of a file, limits that are passed, what-if."""

from collections.abc import Iterator

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from alphastream.risk import Limits
from runtime.risk.watched import Watched
from tests.views.running import app, cards, words
from views.shared.system import get_system

pytestmark = pytest.mark.usefixtures("replaying")
PAGE = "views/risk/page.py"
POSITIONS = "symbol,quantity,price,pair\nETHUSDT,10,2500,ETH and BTC\nBTCUSDT,-0.4,60000,ETH and BTC\nXRPUSDT,5,,\n"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    get_system().risk.watch(Watched())
    get_system().risk.once()


def test_with_nothing_held_it_says_where_to_begin() -> None:
    app()
    get_system().risk.once()
    test = app(PAGE)
    assert not test.exception
    assert "Nothing is held. Start a run on the Paper page" in words(test)
    assert cards(test)["Gross exposure"] == "0.00"
    assert "Nothing is held that could be closed or doubled." in words(test)


def test_a_file_is_measured_and_limits_are_told() -> None:
    app()
    monitor = get_system().risk
    monitor.watch(Watched(Limits(gross=1_000.0), POSITIONS, interval_s=1, level=0.9))
    report = monitor.once()
    assert report is not None
    test = app(PAGE)
    assert not test.exception
    said = words(test)
    assert "Gross exposure is" in said
    assert "the limit is 1,000.00" in said
    assert "No trade of binance-usdm:XRPUSDT is known here" in said
    assert cards(test)["Value at risk 90 %"] != "–"
    tables = {str(frame.proto.alt): frame.value for frame in test.dataframe}
    assert list(tables["Exposure"]["account"]) == ["file of positions"]
    assert set(tables["Correlation of each pair lately and before"]["pair"]) == {"ETH and BTC"}
    assert _figures(test)["gross exposure"][1] == 0.0
    test.selectbox(key="risk_deed").select("Double").run()
    now, then = _figures(test)["gross exposure"]
    assert then == pytest.approx(2.0 * now, rel=1e-3)
    body = orjson.loads(orjson.dumps({"report": monitor.report, "breaches": monitor.breaches}))
    assert body["report"]["holdings"][0]["units"] == 10.0
    assert body["breaches"][0]["limit"] == "gross"


def _figures(test: AppTest) -> dict[str, tuple[float, float]]:
    """What is, and what would be."""
    (frame,) = (each.value for each in test.dataframe if each.proto.alt == "Figures now, and after that")
    return {name: (now, then) for name, now, then in zip(frame["figure"], frame["now"], frame["then"], strict=True)}


@pytest.mark.parametrize("group", ["pair", "venue", "instrument", "asset"])
def test_exposure_is_shown_by_every_group(group: str) -> None:
    app()
    monitor = get_system().risk
    monitor.watch(Watched(positions=POSITIONS, interval_s=1))
    monitor.once()
    test = app(PAGE)
    test.button_group(key="risk_group").set_value(group).run()
    assert not test.exception
    tables = {str(frame.proto.alt): frame.value for frame in test.dataframe}
    shown = {"pair": "ETH and BTC", "venue": "binance-usdm", "instrument": "ETHUSDT", "asset": "ETHUSDT"}[group]
    assert shown in set(tables["Exposure"][group])


def test_limits_of_the_form_are_kept() -> None:
    app()
    test = app(PAGE)
    test.number_input(key="risk_gross").set_value(5_000.0)
    test.selectbox(key="risk_bars").select(10)
    next(button for button in test.button if button.label == "Keep these").click().run()
    assert not test.exception
    assert "The limits hold from now on." in words(test)
    assert get_system().risk.watched.limits == Limits(gross=5_000.0)
    assert get_system().risk.watched.interval_s == 10


def test_a_limit_of_nothing_is_no_limit_left_out_in_silence() -> None:
    app()
    test = app(PAGE)
    test.number_input(key="risk_gross").set_value(0.0)
    next(button for button in test.button if button.label == "Keep these").click().run()
    assert not test.exception
    assert "the limit of gross exposure is 0.0: give a number above 0, or none" in words(test)
    assert get_system().risk.watched.limits == Limits()


def test_what_if_follows_what_is_held() -> None:
    app()
    monitor = get_system().risk
    monitor.once()
    test = app(PAGE)
    monitor.watch(Watched(positions=POSITIONS, interval_s=1))
    monitor.once()
    test.run()
    assert not test.exception
    assert _figures(test)["gross exposure"][1] == 0.0
