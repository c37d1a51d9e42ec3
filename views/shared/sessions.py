"""Sessions whose tab is gone: closed after a while, so that what they hold is free though nobody else comes.

Streamlit keeps a session for some time after its connection is lost, since it may come back. After that it looks at
it only when another one is lost: on a quiet server never.
"""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, MutableMapping
from typing import Any, Final

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, get_script_run_ctx
from streamlit.runtime.state import SafeSessionState

from views.shared.visitor import visitor

logger = logging.getLogger(__name__)

WAITED: Final = 0.6  # of the time that Streamlit gives a lost connection: after all of it a session cannot be closed
LOOKS: Final = 8  # within that time


class Sessions:
    """Sessions that were seen, whose they are, and since when nobody is there. Any thread may call.

    Parameters
    ----------
    clock : seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._visitors: dict[str, str | None] = {}
        self._away_s: dict[str, float] = {}
        self._states: dict[str, MutableMapping[str, Any]] = {}
        self._lock = threading.Lock()

    def note(self, session: str, who: str | None, state: MutableMapping[str, Any]) -> None:
        """A session is there, of a visitor (None if unknown), with what it holds."""
        with self._lock:
            self._visitors[session] = who
            self._states[session] = state

    def visitors(self) -> Collection[str]:
        """Who has a session."""
        with self._lock:
            return {who for who in self._visitors.values() if who is not None}

    def owner(self, session: str) -> str:
        """Whose files a session's are: its visitor's, or its own where the visitor is unknown."""
        return self._visitors.get(session) or session

    def ended(self, is_there: Callable[[str], bool], patience_s: float) -> list[str]:
        """Sessions that nobody has come back to for so long; they are named once, and hold nothing any more."""
        now_s = self._clock()
        with self._lock:
            for session in self._visitors:
                if is_there(session):
                    self._away_s.pop(session, None)
                else:
                    self._away_s.setdefault(session, now_s)
            ended = [session for session, since_s in self._away_s.items() if now_s - since_s >= patience_s]
            for session in ended:
                del self._visitors[session], self._away_s[session]
                self._states.pop(session).clear()
        return ended


class _State(MutableMapping[str, Any]):
    """A session's own values, from any thread."""

    def __init__(self, state: SafeSessionState) -> None:
        self._state = state

    def __getitem__(self, name: str) -> Any:
        return self._state[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._state[name] = value

    def __delitem__(self, name: str) -> None:
        del self._state[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.filtered_state)

    def __len__(self) -> int:
        return len(self._state.filtered_state)

    def clear(self) -> None:
        """Take everything out: Streamlit's loop refers to the session that it served last, closed or not."""
        for name in list(self):
            del self[name]


def note_session(sessions: Sessions) -> None:
    """Note the session of the page that runs."""
    context = _context()
    sessions.note(context.session_id, visitor(), _State(context.session_state))


def session_id() -> str:
    """The session of the page that runs."""
    return _context().session_id


def _context() -> ScriptRunContext:
    context = get_script_run_ctx()
    assert context is not None
    return context


async def close_ended(sessions: Callable[[], Sessions], sweep: Callable[[Collection[str]], None]) -> None:
    """Look for sessions that have ended, as long as the server runs. For the server's own event loop.

    Parameters
    ----------
    sessions : those that were seen.
    sweep : lets go what else is kept of visitors, but for those given to it, who are here.
    """
    while True:
        ttl_s = float(st.get_option("server.disconnectedSessionTTL"))
        await asyncio.sleep(max(ttl_s / LOOKS, 1.0))
        try:
            close_once(sessions(), sweep, WAITED * ttl_s)
        except Exception:  # the server runs on, and the next look may succeed
            logger.exception("sessions could not be closed")


def close_once(sessions: Sessions, sweep: Callable[[Collection[str]], None], patience_s: float) -> None:
    """Close sessions that nobody has come back to for so long."""
    server = runtime.get_instance()
    ended = sessions.ended(server.is_active_session, patience_s)
    for session in ended:
        server.close_session(session)
    sweep(sessions.visitors())
    if ended:
        gc.collect()  # a session refers to itself
