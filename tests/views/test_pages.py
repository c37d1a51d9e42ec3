"""What several pages share: a key has one meaning, and no number goes over into another question."""

from types import SimpleNamespace

import pytest
import streamlit as st

from tests.views.running import app, cards, words
from views.shared.fill_cost import FILL_COST_BPS

pytestmark = pytest.mark.usefixtures("replaying")
SCANNER = "views/scanner/page.py"


def test_one_cost_of_a_fill_stands_on_every_page() -> None:
    test = app()
    assert test.number_input(key="fill_cost").value == FILL_COST_BPS
    test.number_input(key="fill_cost").set_value(12.0).run()
    assert "4 fills at 12 bps, 24 bps of both legs, 48 bps of one" in words(test)
    test.switch_page(SCANNER).run()
    test.segmented_control(key="source").set_value("Bundled recording").run()
    assert test.number_input(key="fill_cost").value == 12.0
    test.number_input(key="fill_cost").set_value(3.0).run()
    for page in ("portfolio", "history", "live"):
        test.switch_page(f"views/{page}/page.py").run()
        assert test.number_input(key="fill_cost").value == 3.0
    assert any("fill_cost=3" in code.value for code in test.code)
    assert not test.exception
    assert not test.warning


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        ("cost", "cost=3, which may be the cost of one fill or of a round trip"),
        (
            "round_trip_cost",
            "round_trip_cost=3, which was a round trip of four fills in bps of one leg's notional, 0.75 bps",
        ),
        ("fee", "fee=3, which was the cost of one fill on the Portfolio page"),
        ("leg_fee", "leg_fee=3, which was the fee of one fill"),
    ],
)
@pytest.mark.parametrize("page", ["views/live/page.py", SCANNER])
def test_a_cost_in_an_old_link_is_not_used_and_that_is_said(page: str, key: str, meaning: str) -> None:
    test = app(page, source="Bundled recording", **{key: "3"})
    assert not test.exception
    assert test.number_input(key="fill_cost").value == FILL_COST_BPS
    assert meaning in words(test)
    assert meaning not in words(app(page, source="Bundled recording"))


PAGES: list[tuple[str, dict[str, str]]] = [
    ("start", {}),
    ("glossary", {}),
    ("live", {}),
    ("watchlist", {}),
    ("history", {"source": "Bundled recording"}),
    ("scanner", {"source": "Bundled recording"}),
    ("scanner", {"source": "This app's tape"}),
    ("portfolio", {}),
    ("portfolio", {"of": "symbols", "cov": "sliding window"}),
    ("backtest", {}),
    ("backtest", {"data": "Files", "source": "Bundled recording", "timeout": "5"}),
    ("backtest", {"strategy": "Kalman innovation", "filter": "given"}),  # a link of before
    ("backtest", {"strategy": "optimiser"}),
    ("backtest", {"backtest_tab": "Tear sheet"}),
    ("saved_runs", {}),
    ("paper", {"paper_tab": "Start a run"}),
    ("paper", {"paper_tab": "Start a run", "strategy": "optimiser"}),
    ("health", {}),
    ("microstructure", {}),
    ("arbitrage", {}),
]


def test_a_key_that_pages_share_has_one_meaning() -> None:
    """What is set on one page goes over to the next, so a control there must ask the same question."""
    app()
    labels: dict[str, set[str]] = {}
    for name, query in PAGES:
        test = app(f"views/{name}/page.py", **query)
        assert not test.exception
        boxes = [*test.number_input, *test.selectbox, *test.slider, *test.segmented_control, *test.multiselect]
        for box in (*boxes, *test.toggle, *test.text_input):
            if box.key is not None:
                labels.setdefault(box.key, set()).add(box.label)
    assert {key: found for key, found in labels.items() if len(found) > 1} == {}
    assert {"fill_cost", "taker", "capital", "interval", "stop"} <= labels.keys()


def test_who_is_not_logged_in_sees_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "user", SimpleNamespace(is_logged_in=False))
    test = app()
    assert not test.exception
    assert [button.label for button in test.button] == ["Log in"]
    assert words(test) == ""
    assert cards(test) == {}
