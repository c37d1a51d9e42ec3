"""One leg as a figure and cards."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from runtime.channel.topics import Topic
from tests.views.microstructure.legs import answer
from views.microstructure.cards import leg_cards
from views.microstructure.leg_frames import column_decimals, figure_columns, leg_figure, leg_frame


@pytest.mark.parametrize("with_book", [True, False])
def test_every_trace_has_its_column_and_every_column_decimals(tmp_path: Path, with_book: bool) -> None:
    found = answer(tmp_path, with_book=with_book)
    columns = figure_columns(found, 300)
    decimals = column_decimals(columns, 2)
    figure = leg_figure(columns, "ETHUSDT", decimals, has_book=with_book)
    assert {trace.meta["y"] for trace in figure.data} <= decimals.keys() == columns.keys()
    assert len(columns["time"]) == 300
    assert (np.diff(columns["time"]) > 0).all()
    assert ("quoted_spread_bps" in {trace.meta["y"] for trace in figure.data}) is with_book


def test_the_band_of_lambda_is_that_of_its_error(tmp_path: Path) -> None:
    found = answer(tmp_path)
    columns = figure_columns(found, 100)
    width = columns["impact_upper"] - columns["impact_lower"]
    np.testing.assert_allclose(width, 2 * 1.96 * found.column("price_impact_error")[-100:])


def test_a_frame_travels_by_the_channel(tmp_path: Path) -> None:
    frames = [leg_frame(answer(tmp_path, rows, with_book=True), "ETHUSDT", 150, 2) for rows in (4_000, 4_200)]
    topic = Topic("leg", lambda: frames.pop(0) if len(frames) > 1 else frames[0])
    base, delta = (orjson.loads(topic.advance() or b"null") for _ in range(2))
    assert base["base"]["layout"]["meta"]["description"].startswith("ETHUSDT: price")
    assert delta["delta"]["rows"] > 1
    assert {card["id"] for card in base["cards"]} >= {"price", "cvd", "vpin", "impact", "spread", "depth", "book"}


def test_nothing_known_is_a_figure_without_rows(tmp_path: Path) -> None:
    frame = leg_frame(answer(tmp_path, 0), "*ETH* <b>", 150, 2)
    assert len(frame.columns["time"]) == 0
    assert frame.template()["data"]
    values = {card["id"]: (card["value"], card["sub"]) for card in frame.cards}
    assert values["price"] == ("–", "")
    assert values["vpin"] == ("–", "waits for trades")
    assert values["impact"] == ("–", "needs 61 bars with trades, has 0")


def test_cards_say_what_was_computed(tmp_path: Path) -> None:
    found = answer(tmp_path, with_book=True)
    values = {card["id"]: card for card in leg_cards(found, 10_000, 2)}
    bought, sold = (found.column(side).sum() for side in ("buy_volume", "sell_volume"))
    assert values["cvd"]["value"] == f"{bought - sold:+,.4g}"
    assert values["cvd"]["tone"] == ("long" if bought > sold else "short")
    assert values["price"]["value"] == f"{found.forming['price'][-1]:,.2f}"
    assert values["impact"]["sub"].endswith("bps for a million")
    assert values["spread"]["value"] == "0.037 bps"
    assert values["book"]["value"] == "-0.33"
    assert values["depth"]["value"].startswith("≥ ")  # 20 levels of a tick do not reach 5 bps
    assert "Andersen" in values["vpin"]["title"]
    assert "spread" not in {card["id"] for card in leg_cards(answer(tmp_path), 300, 2)}
