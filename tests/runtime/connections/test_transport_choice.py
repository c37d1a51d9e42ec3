"""Which transport runs: the setting, and what is installed."""

import sys
from contextlib import closing

import pytest

from alphastream.errors import SettingError
from runtime.connections.transport_choice import TRANSPORTS, transport_named
from tests.test_config import ROOT


def names(choice: str) -> str:
    with closing(transport_named(choice)(1.0)) as transport:
        return transport.title.split(" ")[0]


def test_auto_is_picows_and_each_can_be_asked_for() -> None:
    assert [names(choice) for choice in TRANSPORTS] == ["picows", "picows", "websocket-client"]


def test_without_picows_auto_falls_back_and_picows_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picows", None)
    monkeypatch.delitem(sys.modules, "runtime.connections.picows_client", raising=False)
    assert names("auto") == "websocket-client"
    with pytest.raises(SettingError, match=r"picows cannot be loaded .*ALPHASTREAM_TRANSPORT=auto"):
        transport_named("picows")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SettingError, match="needs one of auto, picows, websocket-client"):
        transport_named("carrier pigeon")


def test_the_settings_offer_what_there_is() -> None:
    assert f"one of {', '.join(TRANSPORTS)}" in (ROOT / "docs/settings.md").read_text(encoding="utf-8")
