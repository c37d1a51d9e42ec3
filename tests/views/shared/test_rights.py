"""Who may change what all visitors share."""

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from views.shared import rights

HOST = {"Host": "127.0.0.1:8501"}


@pytest.fixture(autouse=True)
def _on_this_machine() -> None:
    """As it is: these tests say where the visitor is."""


class Headers(dict[str, str]):
    """Headers as Streamlit gives them, by any spelling of their names."""

    def get(self, name: str, default: Any = None) -> Any:
        return next((value for key, value in self.items() if key.lower() == name.lower()), default)


def visit(
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    *,
    peer: str | None = None,
    logged_in: bool = False,
    setting: str = "auto",
) -> bool:
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=Headers(headers), ip_address=peer))
    monkeypatch.setattr(st, "user", {"is_logged_in": True} if logged_in else {})
    monkeypatch.setattr(rights, "get_settings", lambda: SimpleNamespace(who_may_change=setting))
    return rights.may_change()


def test_a_browser_on_this_machine_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert visit(monkeypatch, HOST)
    assert visit(monkeypatch, {"Host": "localhost:8501"}, peer="::1")


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        (HOST, "192.168.1.7"),
        ({"Host": "desk.example"}, None),  # a proxy beside the app, which keeps the name
        ({**HOST, "X-Forwarded-For": "203.0.113.9"}, None),
        ({"Host": "alpha.streamlit.app"}, "10.0.0.4"),
        ({}, None),  # it has gone, and may have sent a click before
    ],
)
def test_one_from_elsewhere_may_not_without_a_login(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], peer: str | None
) -> None:
    assert not visit(monkeypatch, headers, peer=peer)
    assert "another machine" in rights.why_not()
    assert visit(monkeypatch, headers, peer=peer, logged_in=True)
    assert rights.why_not() == ""


def test_the_setting_decides_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert visit(monkeypatch, HOST, peer="192.168.1.7", setting="everybody")
    assert not visit(monkeypatch, HOST, setting="logged_in")
    assert visit(monkeypatch, HOST, peer="192.168.1.7", logged_in=True, setting="logged_in")
    assert not visit(monkeypatch, HOST, logged_in=True, setting="nobody")
    assert "lets nobody" in rights.why_not()


def test_a_press_that_a_browser_sends_all_the_same_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def pressed(label: str, *, disabled: bool, **more: Any) -> bool:
        asked.append(disabled)
        return True

    place = SimpleNamespace(button=pressed)
    assert visit(monkeypatch, HOST)
    assert rights.change_button("Delete", place=place)
    assert not rights.change_button("Delete", place=place, disabled=True)
    assert not visit(monkeypatch, HOST, peer="192.168.1.7")
    assert not rights.change_button("Delete", place=place)
    assert asked == [False, True, True]
