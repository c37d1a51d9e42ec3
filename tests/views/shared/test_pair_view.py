"""A view in an address, and back; and what other pages are given of it."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from alphastream.core.units import SECOND
from alphastream.pairs import MODELS, PairSpec
from alphastream.uploads import Upload
from views.shared.controls import INTERVALS_S
from views.shared.fill_cost import FILL_COST_BPS, Parts
from views.shared.pair_view import KEYS, PairView, link_to
from views.shared.recordings import BUNDLED, FILES, LAST, OWN, TAPE, UPLOADED
from views.shared.workflow import START_RUN, WATCHED, cannot, taken

VENUE = "binance-usdm"
BEGIN = PairView(PairSpec(f"{VENUE}:ETHUSDT", f"{VENUE}:BTCUSDT"))
specs = some.builds(
    PairSpec,
    some.just(f"{VENUE}:SOLUSDT"),
    some.just("binance-spot:ETHUSDT"),
    some.sampled_from([length * SECOND for length in INTERVALS_S]),
    some.sampled_from(list(MODELS)),
    some.integers(20, 500),
    some.sampled_from(["log", "price"]),
    some.sampled_from([0.5, 1.25, 2.0, 5.75]),
    some.sampled_from([-0.5, 0.0, 0.25]),
)
moments = some.none() | some.integers(0, 4_000_000_000).map(lambda seconds: seconds * SECOND)
views = some.builds(
    PairView, specs, some.sampled_from([0.0, 0.75, 12.5]), some.sampled_from([OWN, BUNDLED]), moments, moments
)


@given(views)
def test_an_address_gives_back_the_view(view: PairView) -> None:
    link = link_to(view, "http://host/live?old=1", venue=VENUE)
    found, told = PairView.from_query(dict(parse_qsl(urlsplit(link).query)), BEGIN, VENUE)
    assert (found, told) == (view, {})
    assert set(view.query(VENUE)) <= set(KEYS)


def test_an_empty_address_gives_what_stands() -> None:
    assert PairView.from_query({}, BEGIN, VENUE) == (BEGIN, {})
    assert PairView.from_query({"model": "Kalman"}, BEGIN, VENUE)[0].spec.model == "kalman"  # a link of before


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("window", "9000", "window goes from 20 to 500: 100 is shown."),
        ("window", "wide", "which is no number: 100 is shown."),
        ("model", "Hubre", "did you mean Huber? OLS is shown."),
        ("interval", "7s", "interval is one of 1s, 5s"),
        ("price", "cash", "price is one of log, price: log is shown."),
        ("fill_cost", "-3", "goes from 0 to 1,000: 5.5 is shown."),
        ("entry", "0.4", "exit=0.5, which is not inside it: 2 and 0.5 are shown."),
        ("exit", "-3", "entry=2 with exit=-3"),
        ("y", "nowhere:KO", "venue 'nowhere' is not known"),
        ("x", "ETHUSDT", "asks for ETHUSDT on both legs"),
        ("start", "yesterday", "which is no time like 2024-08-08T00:00:00"),
        ("entry", "nan", "goes from 0.05 to 6"),
    ],
)
def test_what_cannot_be_is_told_and_the_rest_taken(key: str, text: str, words: str) -> None:
    found, told = PairView.from_query({"source": BUNDLED, key: text}, BEGIN, VENUE)
    assert found.source == BUNDLED
    assert found.spec == BEGIN.spec
    assert words in " ".join(told.values())


def upload(venue: str = "") -> Upload:
    return Upload(("a.csv",), "bars", {"KO": pd.DataFrame(), "PEP": pd.DataFrame()}, (), 86_400 * SECOND, venue)


FILE = PairView(PairSpec("KO", "PEP", 86_400 * SECOND, "huber", 60), 4.0, UPLOADED, upload=upload())


@pytest.mark.parametrize(
    ("view", "page", "values"),
    [
        (BEGIN, "live", {"y": "ETHUSDT", "x": "BTCUSDT", "fill_cost": FILL_COST_BPS, "window": 100}),
        (BEGIN, "history", {"source": OWN, "fill_cost": FILL_COST_BPS}),
        (BEGIN, "backtest", {"data": TAPE, "taker": 5.0, "half_spread": 0.5, "strategy": "z-score threshold"}),
        (BEGIN, "paper", {"paper_tab": START_RUN, "taker": 5.0, "half_spread": 0.5}),
        (BEGIN, "alerts", {WATCHED: BEGIN}),
        (FILE, "history", {"y": "KO", "source": LAST, "last_upload": FILE.upload, "model": "Huber", "interval": "1d"}),
        (FILE, "backtest", {"data": FILES, "source": LAST, "last_upload": FILE.upload, "taker": 3.5}),
    ],
)
def test_each_page_is_given_what_its_controls_ask_for(view: PairView, page: Any, values: dict[str, Any]) -> None:
    found = taken(view, page, VENUE)
    assert {key: found[key] for key in values} == values
    if page in ("backtest", "paper"):
        assert "fill_cost" not in found


def test_rows_that_are_gone_cannot_be_shown_and_a_page_of_the_feed_needs_one() -> None:
    gone = PairView(FILE.spec, source=LAST)
    assert cannot(gone, "history", None) == "The rows are no longer here: bring the files again."
    assert cannot(FILE, "history", None) is None
    assert cannot(FILE, "backtest", None) is None
    assert cannot(FILE, "live", None, "Another process holds the file") == "Another process holds the file"
    assert cannot(BEGIN, "backtest", None) == "No feed is configured, so nothing is recorded."


def test_parts_go_over_as_they_are_and_a_rebate_stays_where_parts_are_asked_for() -> None:
    rebate = PairView.of_parts(BEGIN.spec, Parts(-0.3, 0.5))
    assert rebate.fill_cost == 0.2
    assert {key: taken(rebate, "paper", VENUE)[key] for key in ("taker", "half_spread")} == {
        "taker": -0.3,
        "half_spread": 0.5,
    }
    assert taken(rebate, "live", VENUE)["fill_cost"] == 0.2
    below = PairView.of_parts(FILE.spec, Parts(-1.0, 0.5), UPLOADED, FILE.upload)
    said = cannot(below, "history", None)
    assert said == "A fee of -1 and a half spread of 0.5 bps are -0.5 bps a fill: other pages take 0 to 1000."
    assert cannot(below, "backtest", None) is None
