"""Settings: good values arrive, bad ones are one clear error."""

from pathlib import Path

import pytest

import config
from alphastream.errors import SettingError
from alphastream.feeds import FEEDS
from config import Settings

ROOT = Path(config.__file__).resolve().parent


def test_defaults_need_no_environment() -> None:
    settings = config.load({})
    assert settings.symbols == Settings().symbols == ("binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT")
    assert settings.feed == "auto"
    assert settings.webhook_private is False
    assert settings.replay_tape.name.endswith(".parquet")


@pytest.mark.parametrize("venue", FEEDS)
def test_every_registered_venue_can_be_chosen(venue: str) -> None:
    settings = config.load({"ALPHASTREAM_VENUE": venue})
    assert settings.venue == venue
    assert settings.symbols == tuple(f"{venue}:{symbol}" for symbol in FEEDS[venue].usual)


def test_symbols_are_of_the_venue_chosen_whatever_the_order_of_variables() -> None:
    asked = {"ALPHASTREAM_SYMBOLS": "ethusdt, binance-spot:BTCUSDT", "ALPHASTREAM_VENUE": "binance-spot"}
    assert config.load(asked).symbols == ("binance-spot:ETHUSDT", "binance-spot:BTCUSDT")
    both = config.load({**asked, "ALPHASTREAM_VENUE": "binance-usdm"})
    assert both.symbols == ("binance-usdm:ETHUSDT", "binance-spot:BTCUSDT")
    assert both.venues == ("binance-usdm", "binance-spot")


def test_a_bare_name_is_meant_at_every_venue_and_a_whole_one_at_its_own() -> None:
    asked = {"ALPHASTREAM_SYMBOLS": "BTC-USDT,binance-us:ETHUSDT", "ALPHASTREAM_VENUE": "binance-usdm,binance-spot"}
    settings = config.load(asked)
    assert settings.symbols == ("binance-usdm:BTCUSDT", "binance-spot:BTCUSDT", "binance-us:ETHUSDT")
    assert settings.venues == ("binance-usdm", "binance-spot", "binance-us")
    with pytest.raises(SettingError, match="names nothing of binance-spot"):
        config.load({**asked, "ALPHASTREAM_SYMBOLS": "binance-usdm:BTCUSDT,binance-usdm:ETHUSDT"})


def test_the_venue_is_chosen_unless_one_is_named() -> None:
    settings = config.load({"ALPHASTREAM_SYMBOLS": "SOLUSDT,BTCUSDT"})
    assert settings.chooses_venue
    assert settings.home == settings.venues[0] == "binance-usdm"
    assert ("binance-us:SOLUSDT", "binance-us:BTCUSDT") in settings.candidates
    assert ("coinbase:SOL-USDT", "coinbase:BTC-USDT") in settings.candidates
    assert all(len({name.venue for name in names}) == 1 for names in settings.candidates)
    assert len({names[0].venue for names in settings.candidates}) == len(settings.candidates) == len(settings.venues)


def test_a_venue_is_asked_for_what_trades_often_there_and_then_for_the_usual_names() -> None:
    at_coinbase = [names for names in config.load({}).candidates if names[0].venue == "coinbase"]
    assert at_coinbase == [("coinbase:BTC-USD", "coinbase:ETH-USD"), ("coinbase:BTC-USDT", "coinbase:ETH-USDT")]
    assert config.load({}).candidates[0] == ("binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT")
    assert config.load({"ALPHASTREAM_VENUE": "coinbase"}).candidates == (("coinbase:BTC-USD", "coinbase:ETH-USD"),)
    named = config.load({"ALPHASTREAM_SYMBOLS": "binance-us:SOLUSDT,binance-us:BTCUSDT"})
    assert not named.chooses_venue
    assert named.venues == ("binance-us",)


def test_each_venue_can_have_an_address_of_its_own() -> None:
    settings = config.load({"ALPHASTREAM_WS_URL": "ws://127.0.0.1:1, binance-us=ws://127.0.0.1:2/"})
    assert settings.ws_url_of("binance-spot") == "ws://127.0.0.1:1"
    assert settings.ws_url_of("binance-us") == "ws://127.0.0.1:2"
    assert settings.rest_url_of("binance-us") is None
    for wrong in ("binance-uk=ws://127.0.0.1:2", "binance-us=http://127.0.0.1:2", "127.0.0.1"):
        with pytest.raises(SettingError, match="or venue=address"):
            config.load({"ALPHASTREAM_WS_URL": wrong})


def test_values_arrive_typed() -> None:
    settings = config.load(
        {
            "ALPHASTREAM_SYMBOLS": " btcusdt, solusdt ,BTCUSDT",
            "ALPHASTREAM_RING_TICKS": "2000",
            "ALPHASTREAM_COMPUTE": "dask:tcp://10.0.0.5:8786",
            "ALPHASTREAM_REPLAY_LOOP": "no",
            "ALPHASTREAM_WS_URL": "ws://127.0.0.1:8900/",
            "ALPHASTREAM_DATA_DIR": "elsewhere",
            "ALPHASTREAM_SECRETS_FILE": "/run/secrets/alphastream.toml",
            "ALPHASTREAM_WEBHOOK_PRIVATE": "on",
            "UNRELATED": "left alone",
        }
    )
    assert settings.symbols == ("binance-usdm:BTCUSDT", "binance-usdm:SOLUSDT")
    assert settings.ring_ticks == 2000
    assert (settings.compute, config.load({}).compute) == ("dask:tcp://10.0.0.5:8786", "threads")
    assert settings.replay_loop is False
    assert settings.ws_url == "ws://127.0.0.1:8900"
    assert settings.data_dir == ROOT / "elsewhere"
    assert settings.secrets_file == Path("/run/secrets/alphastream.toml")
    assert settings.webhook_private is True


@pytest.mark.parametrize(
    ("variable", "value", "needs"),
    [
        ("ALPHASTREAM_COMPUTE", "spark", "threads, processes, dask:ADDRESS or ray:ADDRESS"),
        ("ALPHASTREAM_WINDOW_BARS", "7", "a whole number from 20 to 500 (bars)"),
        ("ALPHASTREAM_WINDOW_BARS", "many", "a whole number from 20 to 500 (bars)"),
        ("ALPHASTREAM_STALL_S", "nan", "a number from 1 to 600 (s)"),
        ("ALPHASTREAM_STALL_S", "inf", "a number from 1 to 600 (s)"),
        ("ALPHASTREAM_FEED", "LIVE!", "one of auto, live, replay"),
        ("ALPHASTREAM_SYMBOLS", "BTCUSDT", "2 to 200 names"),
        ("ALPHASTREAM_SYMBOLS", "BTC USDT,ETHUSDT", "2 to 200 names"),
        ("ALPHASTREAM_WS_URL", "http://127.0.0.1", "ws:// or wss://"),
        ("ALPHASTREAM_REPLAY_LOOP", "maybe", "true or false"),
        ("ALPHASTREAM_WEBHOOK_PRIVATE", "10.0.0.0/8", "true or false"),
    ],
)
def test_bad_value_names_knob_value_and_range(variable: str, value: str, needs: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.load({variable: value})
    message = str(caught.value)
    assert variable in message
    assert repr(value) in message
    assert needs in message


def test_unknown_variable_offers_close_matches() -> None:
    with pytest.raises(SettingError, match="ALPHASTREAM_WINDOW_BARS"):
        config.load({"ALPHASTREAM_WINDOW_BAR": "50"})


def test_exit_must_lie_inside_entry() -> None:
    with pytest.raises(SettingError, match="ALPHASTREAM_EXIT_Z"):
        config.load({"ALPHASTREAM_ENTRY_Z": "1", "ALPHASTREAM_EXIT_Z": "1.5"})


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        config.load({}).feed = "live"  # type: ignore[misc]


def test_document_lists_every_knob() -> None:
    assert config.table() in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), "run: make settings"
