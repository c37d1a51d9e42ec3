"""What pages say of their feed."""

from types import SimpleNamespace
from typing import cast

import pytest

from pipelines import Pipeline
from views.shared.notices import engine_notices, feed_notices, no_feed, origin, venue_notices


def pipeline(kind: str = "live", state: str = "live", failure: str | None = None) -> Pipeline:
    health = SimpleNamespace(state=state, reason="no address of binance-usdm:ETHUSDT")
    parts = SimpleNamespace(
        kind=kind,
        venue="binance-usdm",
        title="Binance USDⓈ-M Futures",
        engine=SimpleNamespace(failure=failure),
        health=health,
        absent={},
    )
    return cast(Pipeline, parts)


@pytest.mark.parametrize("state", ["live", "backfilling"])
def test_live_trades_need_no_words(state: str) -> None:
    assert feed_notices(pipeline(state=state)) == []
    assert engine_notices(pipeline(), "prices") == []
    assert origin(pipeline()) == "Binance USDS-M Futures"  # many fonts lack the sign


def test_recorded_trades_are_called_so() -> None:
    (notice,) = feed_notices(pipeline("replay"), "Refused. Shown instead: ", " More.")
    assert (notice.kind, notice.title) == ("note", "Recorded trades, not live ones")
    moved = "Binance USDS-M Futures, played again with its times moved to now"
    assert notice.text == f"Refused. Shown instead: {moved}. More."


def test_what_is_wrong_is_a_sentence() -> None:
    (silent,) = feed_notices(pipeline(state="reconnecting"))
    assert (silent.kind, silent.title, silent.text) == ("warning", "Feed: reconnecting", "no address of ETHUSDT")
    (stopped,) = engine_notices(pipeline(failure="a bug"), "positions")
    assert (stopped.kind, stopped.text) == ("error", "a bug")
    assert stopped.title == "The engine stopped computing; positions may be old"
    assert no_feed(None).text == "No feed is configured."
    assert no_feed("the tape is not there").text == "the tape is not there"


def test_a_chosen_venue_is_told_with_the_reason() -> None:
    (chosen,) = venue_notices(pipeline(), "Another refuses this place")
    assert chosen.title == "Trades of Binance USDS-M Futures"
    assert chosen.text.startswith("Another refuses this place. ")
    assert venue_notices(pipeline(), "") == venue_notices(pipeline("replay"), "Another refuses this place") == []
