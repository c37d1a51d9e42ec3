"""The watchlist's page: a list to begin with, an address that restores it, lists that are kept."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.views.running import page_of, words
from views.shared.system import get_system

pytestmark = pytest.mark.usefixtures("replaying")
PAGE = "watchlist"


def held(test: AppTest) -> str:
    return str(test.session_state["watched_pairs"])


def address(test: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in test.query_params.items()}


def test_it_begins_with_the_pairs_of_the_feed_and_takes_those_of_an_address() -> None:
    test = page_of(PAGE)
    assert not test.exception
    assert held(test) == "ETHUSDT~BTCUSDT"
    assert "2024-08-08" in words(test)
    test = page_of(PAGE, pairs="BTCUSDT~ETHUSDT", window="60")
    assert held(test) == "BTCUSDT~ETHUSDT"
    assert test.slider(key="window").value == 60


def test_pairs_are_added_by_name_and_what_is_none_is_said() -> None:
    test = page_of(PAGE)
    test.text_input(key="add_pair").set_value("btcusdt/ethusdt").run()
    assert held(test) == "ETHUSDT~BTCUSDT BTCUSDT~ETHUSDT"
    assert address(test)["pairs"] == held(test)
    test.text_input(key="add_pair").set_value("foo").run()
    assert "foo is not a pair" in words(test)
    assert held(test) == "ETHUSDT~BTCUSDT BTCUSDT~ETHUSDT"
    assert not test.exception


def test_an_empty_list_says_how_to_fill_it_and_stays_empty() -> None:
    test = page_of(PAGE, pairs="none")
    assert not test.exception
    assert "Type two symbols as y/x" in words(test)
    assert address(test)["pairs"] == "none"


def test_a_list_is_kept_by_name_with_its_settings() -> None:
    test = page_of(PAGE, pairs="BTCUSDT~ETHUSDT", window="60")
    test.text_input(key="list_name").set_value("mine").run()
    test.button(key="keep_list").click().run()
    assert not test.exception
    assert address(test)["list"] == "mine"
    assert "pairs" not in address(test)
    assert get_system().watchlists.names == ("mine",)
    again = page_of(PAGE, list="mine")
    assert held(again) == "BTCUSDT~ETHUSDT"
    assert again.slider(key="window").value == 60
    again.slider(key="window").set_value(80).run()
    again.button(key="undo_list").click().run()
    assert again.slider(key="window").value == 60
    assert "in the data folder" in words(again)
    again.button(key="delete_list").click().run()
    assert not again.exception
    assert get_system().watchlists.names == ()
    assert held(again) == "BTCUSDT~ETHUSDT"


def test_a_list_that_is_not_there_is_said() -> None:
    test = page_of(PAGE, list="nothing")
    assert not test.exception
    assert "No list is kept by the name nothing" in words(test)


def test_thresholds_that_no_position_can_follow_are_said() -> None:
    test = page_of(PAGE, exit="2.5")
    assert not test.exception
    assert "not inside entry" in words(test)


def test_without_a_feed_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_data.clear()
    monkeypatch.setattr(type(get_system()), "pipeline", None)
    test = page_of(PAGE)
    assert not test.exception
    assert test.error
