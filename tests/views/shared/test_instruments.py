"""Names of instruments in forms, links and on pages: bare ones of the venue shown, full ones of others."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from alphastream.errors import ParameterError
from alphastream.feeds import FEEDS, Instrument, WireSymbol
from alphastream.instruments import InstrumentId, in_words
from alphastream.pairs import PairSpec
from views.shared.cards import pair_cards
from views.shared.instruments import as_shown, asked, label, labels, legs
from views.shared.series import pair_series, price_decimals

HERE = "binance-usdm"
OTHER = "binance-spot"
Y, X = f"{HERE}:ETHUSDT", f"{HERE}:BTCUSDT"
BESIDE = f"{OTHER}:BTCUSDT"
"""The symbol of X at another venue."""


def instrument(decimals: int) -> Instrument:
    return Instrument(WireSymbol("BTCUSDT"), 10.0**-decimals, 0.001, decimals, 100.0, "TRADING")


@pytest.mark.parametrize("text", ["BTCUSDT", " btcusdt ", X, "Binance-USDM:btcusdt", "binance-usdm : BTCUSDT"])
def test_a_bare_and_a_full_name_mean_the_same(text: str) -> None:
    assert asked(text, HERE) == X
    assert isinstance(asked(text, HERE), InstrumentId)


@given(
    st.sampled_from(sorted(FEEDS)),
    st.from_regex(r"[A-Z0-9]{1,10}([-_./][A-Z0-9]{1,6})?(:[A-Z0-9]{1,6})?", fullmatch=True),
)
def test_every_full_name_comes_back_from_what_is_printed_of_it(venue: str, symbol: str) -> None:
    symbol = FEEDS[venue].spelt(symbol)
    name = InstrumentId(venue, symbol)
    assert asked(name, HERE) == name
    assert venue != HERE or ":" in symbol or asked(label(name, HERE), HERE) == name


@given(st.sampled_from([(Y, X), (X, Y), (Y, BESIDE), (BESIDE, X)]), st.sampled_from([HERE, OTHER, "binance-us"]))
def test_a_pair_comes_back_from_what_is_printed_of_it(pair: tuple[str, str], venue: str) -> None:
    assert legs("/".join(label(leg, venue) for leg in pair), venue) == pair
    assert legs("/".join(pair), venue) == pair


def test_an_unknown_venue_is_named_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"^venue 'binanc-usdm' is not known: did you mean binance-usdm\?$"):
        asked("binanc-usdm:BTCUSDT", HERE)
    with pytest.raises(ParameterError, match="did you mean binance-spot or binance-us or binance-usdm"):
        asked("kucoin:BTCUSDT", HERE)
    with pytest.raises(ParameterError, match="binanc-usdm"):
        legs("binanc-usdm:ETHUSDT/BTCUSDT", HERE)


@pytest.mark.parametrize(
    ("text", "known", "pair"),
    [
        ("kraken:ETH/USD/kraken:BTC/USD", (), ("kraken:ETH/USD", "kraken:BTC/USD")),
        ("ETH/USD/BTC/USD", (), ("kraken:ETH/USD", "kraken:BTC/USD")),
        ("ETH/USD / SOL", ("kraken:ETH/USD", "kraken:SOL"), ("kraken:ETH/USD", "kraken:SOL")),
        ("SOL/binance-spot:BTC/USD", (), ("kraken:SOL", "binance-spot:BTCUSD")),
    ],
)
def test_symbols_may_hold_a_slash(text: str, known: tuple[str, ...], pair: tuple[str, str]) -> None:
    assert legs(text, "kraken", known) == pair


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("BTCUSDT/kraken:BTC/USD", ("binance-usdm:BTCUSDT", "kraken:BTC/USD")),
        ("kraken:BTC/USD/binance-spot:BTCUSDT", ("kraken:BTC/USD", "binance-spot:BTCUSDT")),
        ("okx:BTC-USDT/BTCUSDT", ("okx:BTC-USDT", "binance-usdm:BTCUSDT")),
    ],
)
def test_legs_may_be_of_two_venues(text: str, pair: tuple[str, str]) -> None:
    assert legs(text, HERE) == pair


def test_a_slash_of_one_venue_does_not_end_in_a_symbol_of_another() -> None:
    with pytest.raises(ParameterError, match="is not a pair"):
        legs("kraken:BTC/USD/BTCUSDT", HERE)
    known = ("kraken:BTC/USD", "binance-usdm:BTCUSDT")
    assert legs("kraken:BTC/USD/BTCUSDT", HERE, known) == known


@pytest.mark.parametrize("text", ["ETHUSDT", "/BTCUSDT", "A/B/C", "", "kraken:A/kraken:B/kraken:C"])
def test_what_is_no_pair_is_said(text: str) -> None:
    with pytest.raises(ParameterError, match="is not a pair: write it as y/x"):
        legs(text, "kraken")


def test_names_without_venues_stay_as_they_are() -> None:
    assert asked("btc-usd", "") == "BTC-USD"
    assert as_shown("btcusdt", "") == "btcusdt"
    assert labels([X, "KO"], "") == {X: X, "KO": "KO"}
    assert in_words(f"{X} is silent", "") == f"{X} is silent"


def test_side_by_side_all_are_bare_or_none() -> None:
    assert labels([Y, X], HERE) == {Y: "ETHUSDT", X: "BTCUSDT"}
    assert labels([X, BESIDE], HERE) == {X: X, BESIDE: BESIDE}
    assert in_words(f"{Y}/{X} has ended", HERE) == "ETHUSDT/BTCUSDT has ended"
    assert in_words(f"{X}/{BESIDE} has ended", HERE) == f"{X}/{BESIDE} has ended"
    assert in_words(f"not-{X}", HERE) == f"not-{X}"


def test_a_tick_size_is_found_by_the_full_name() -> None:
    prices = np.array([60_000.0, 60_000.5])
    both = {X: instrument(2), BESIDE: instrument(3)}
    assert price_decimals(X, prices, both) == 2
    assert price_decimals(BESIDE, prices, both) == 3
    series = pair_series(None, PairSpec(X, BESIDE), both, venue=HERE)
    assert (series.y_decimals, series.x_decimals) == (2, 3)
    assert (series.y_symbol, series.x_symbol) == (X, BESIDE)
    assert pair_series(None, PairSpec(Y, X), both, venue=HERE).y_symbol == "ETHUSDT"


def test_cards_name_the_legs() -> None:
    shown = [card["label"] for card in pair_cards(None, PairSpec(Y, X), {}, 0, venue=HERE)]
    assert shown[:2] == ["ETHUSDT last trade", "BTCUSDT last trade"]
    shown = [card["label"] for card in pair_cards(None, PairSpec(X, BESIDE), {}, 0, venue=HERE)]
    assert shown[:2] == [f"{X} last trade", f"{BESIDE} last trade"]


# ---- controls ----------------------------------------------------------------------------------------------------


def pair_script() -> None:
    import streamlit as st

    import config
    from views.shared.controls import pair_controls

    names = ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT", "binance-spot:BTCUSDT"]
    st.session_state["found"] = pair_controls(names, config.Settings(), venue="binance-usdm", open_list=True)


def closed_pair_script() -> None:
    import streamlit as st

    import config
    from views.shared.controls import pair_controls

    names = ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT", "binance-spot:BTCUSDT"]
    st.session_state["found"] = pair_controls(names, config.Settings(), venue="binance-usdm")


def portfolio_script() -> None:
    import streamlit as st

    import config
    from views.shared.portfolio_controls import portfolio_controls

    names = ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT", "binance-spot:BTCUSDT"]
    st.session_state["found"] = portfolio_controls(names, config.Settings(), venue="binance-usdm")


def costs_script() -> None:
    import streamlit as st

    from alphastream.trading.broker.costs import Contract
    from views.shared.cost_controls import broker_rules

    known = {"binance-usdm:BTCUSDT": Contract(lot=0.001, tick=0.1), "binance-spot:BTCUSDT": Contract(lot=0.00001)}
    names = ["binance-usdm:BTCUSDT", "binance-spot:BTCUSDT", "binance-usdm:KO"]
    st.session_state["found"] = broker_rules("ticks", names, known, "binance-usdm")


def opened(script: Any, **query: str | list[str]) -> AppTest:
    test = AppTest.from_function(script)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


@pytest.mark.parametrize("script", [pair_script, closed_pair_script])
@pytest.mark.parametrize(
    ("y", "x", "spec", "shown"),
    [
        ("ETHUSDT", "BTCUSDT", (Y, X), ["ETHUSDT", "BTCUSDT"]),
        (Y, X, (Y, X), ["ETHUSDT", "BTCUSDT"]),
        ("Binance-USDM:ethusdt", BESIDE, (Y, BESIDE), ["ETHUSDT", BESIDE]),
        ("btcusdt", BESIDE, (X, BESIDE), ["BTCUSDT", BESIDE]),
    ],
)
def test_a_link_with_bare_and_with_full_names_opens_the_same_pair(
    script: Any, y: str, x: str, spec: tuple[str, str], shown: list[str]
) -> None:
    test = opened(script, y=y, x=x)
    found = test.session_state["found"]
    assert (found.y, found.x) == spec
    assert [test.selectbox(key=key).value for key in ("y", "x")] == shown
    assert test.selectbox(key="y").options == ["BTCUSDT", "ETHUSDT", BESIDE]


def test_a_symbol_that_is_not_listed_yet_may_be_full() -> None:
    test = opened(pair_script, y="binance-usdm:solusdt")
    assert test.session_state["found"].y == "binance-usdm:SOLUSDT"
    assert test.session_state["y"] == "SOLUSDT"


def test_an_unknown_venue_is_said_on_the_page() -> None:
    test = opened(pair_script, y="binanc-usdm:SOLUSDT")
    assert test.session_state["found"] is None
    assert "Venue 'binanc-usdm' is not known: did you mean binance-usdm?" in test.warning[0].value.replace("\\", "")


@pytest.mark.parametrize("pairs", [["ETHUSDT/BTCUSDT", f"BTCUSDT/{BESIDE}"], [f"{Y}/{X}", f"{X}/{BESIDE}"]])
def test_a_list_of_pairs_takes_bare_and_full_names(pairs: list[str]) -> None:
    test = opened(portfolio_script, pairs=pairs)
    assert [(spec.y, spec.x) for spec in test.session_state["found"].pairs] == [(Y, X), (X, BESIDE)]
    assert test.multiselect(key="pairs").value == ["ETHUSDT/BTCUSDT", f"BTCUSDT/{BESIDE}"]
    assert test.session_state["found"].assets == (Y, X, BESIDE)


@pytest.mark.parametrize("symbols", [["ETHUSDT", BESIDE], [Y, BESIDE]])
def test_a_list_of_symbols_takes_bare_and_full_names(symbols: list[str]) -> None:
    test = opened(portfolio_script, of="symbols", symbols=symbols)
    assert test.session_state["found"].symbols == (Y, BESIDE)
    assert test.multiselect(key="symbols").value == ["ETHUSDT", BESIDE]


@pytest.mark.parametrize("script", [pair_script, closed_pair_script])
def test_the_address_of_a_page_opened_with_full_names_opens_it_again(script: Any) -> None:
    test = opened(script, y=X, x=Y)
    assert [test.selectbox(key=key).value for key in ("y", "x")] == ["BTCUSDT", "ETHUSDT"]
    again = opened(script, **{key: test.query_params[key] for key in ("y", "x")})
    found = again.session_state["found"]
    assert (found.y, found.x) == (X, Y)


def test_steps_of_a_symbol_are_those_of_its_venue() -> None:
    contracts = opened(costs_script).session_state["found"].contracts
    assert {name: each.lot for name, each in contracts.items()} == {X: 0.001, BESIDE: 0.00001, f"{HERE}:KO": 0.0}
    assert contracts[X].tick == 0.1


@pytest.mark.parametrize("key", ["lot_BTCUSDT", f"lot_{X}"])
def test_a_link_with_a_lot_of_a_bare_or_a_full_name_sets_it(key: str) -> None:
    contracts = opened(costs_script, **{key: "0.5"}).session_state["found"].contracts
    assert (contracts[X].lot, contracts[BESIDE].lot) == (0.5, 0.00001)


def test_a_lot_of_another_venue_is_its_own() -> None:
    contracts = opened(costs_script, **{f"lot_{BESIDE}": "2"}).session_state["found"].contracts
    assert (contracts[X].lot, contracts[BESIDE].lot) == (0.001, 2.0)


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf"])
def test_a_link_with_no_sound_lot_sets_none(text: str) -> None:
    assert opened(costs_script, **{f"lot_{X}": text}).session_state["found"].contracts[X].lot == 0.001


def test_prices_of_four_bytes_show_the_decimals_they_were_made_of() -> None:
    """A file of daily closes often went through four bytes: 179.31 stands in it as 179.309998."""
    assert price_decimals("DIA", np.array([176.639999, 179.0, 179.309998]), {}) == 2
    assert price_decimals("CMG", np.array([1243.709961, 1238.02002, 1254.800049]), {}) == 2
    assert price_decimals("EEM", np.array([34.540000915527344, 34.31999969482422]), {}) == 2
    assert price_decimals("A", np.array([34.123457, 34.123458]), {}) == 6  # these were no such prices
