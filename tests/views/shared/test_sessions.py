"""Sessions whose tab is gone are closed in time, and visitors who are here keep their files."""

import weakref
from collections.abc import Collection
from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.state import SafeSessionState, SessionState

from views.shared.kept_files import KeptFile, Shelf
from views.shared.sessions import LOOKS, WAITED, Sessions, _State, close_once


def test_a_session_ends_once_nobody_has_come_back_to_it_for_long() -> None:
    now, there = [0.0], {"stays", "returns"}
    sessions = Sessions(clock=lambda: now[0])
    states = {session: {"files": b"x"} for session in ("stays", "returns", "leaves")}
    for session in ("stays", "returns", "leaves"):
        sessions.note(session, f"who {session}", states[session])
    sessions.note("unknown", None, {})
    ended = []
    for now[0] in (0.0, 40.0, 80.0, 120.0):
        there ^= {"returns"}
        ended += sessions.ended(there.__contains__, 80.0)
    assert ended == ["leaves", "unknown"]
    assert states == {"stays": {"files": b"x"}, "returns": {"files": b"x"}, "leaves": {}}
    assert set(sessions.visitors()) == {"who stays", "who returns"}


def test_what_a_session_holds_is_taken_out_of_it() -> None:
    state = SafeSessionState(SessionState(), lambda: None)
    state["files"] = held = KeptFile("a", "a.csv", b"x")
    alive = weakref.ref(held)
    now, sessions = [0.0], Sessions(clock=lambda: now[0])
    sessions.note("mine", "me", _State(state))
    del held
    for now[0] in (0.0, 80.0):
        sessions.ended(lambda session: False, 80.0)
    assert state.filtered_state == {}
    assert alive() is None


def test_a_session_is_closed_while_streamlit_still_has_it() -> None:
    """Seen one look after it was lost, closed at the first look after the wait, both late by a tenth of a look."""
    assert (1 + 1 + 0.2) / LOOKS + WAITED < 1


def test_ended_sessions_are_closed_and_files_of_who_is_here_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    now, closed = [0.0], list[str]()
    server = SimpleNamespace(is_active_session={"mine"}.__contains__, close_session=closed.append)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    sessions, shelf = Sessions(clock=lambda: now[0]), Shelf(max_age_s=100.0, clock=lambda: now[0])
    for who in ("me", "you"):
        shelf.put(who, (KeptFile(who, who, b"x"),))
    sessions.note("mine", "me", {})
    sessions.note("yours", "you", {})
    swept: list[Collection[str]] = []

    def sweep(present: Collection[str]) -> None:
        swept.append(set(present))
        shelf.sweep(present)

    for now[0] in (0.0, 60.0, 120.0, 180.0):
        close_once(sessions, sweep, 60.0)
    assert closed == ["yours"]
    assert swept == [{"me", "you"}, {"me"}, {"me"}, {"me"}]
    assert shelf.get("you") == ()  # its time began when the session ended
    assert shelf.get("me")
