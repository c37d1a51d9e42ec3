"""Who may make this computer work hard, and when: one piece of work a visitor, a few in all. No Streamlit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_S = 0.05


class Turn:
    """A place in the queue.

    Attributes
    ----------
    waits_for : "" once it is this one's turn; until then why not.
    """

    def __init__(self, owner: str) -> None:
        self.owner, self.waits_for = owner, "its turn"


class Turns:
    """Lets visitors work in the order in which they came, none of them twice at once. Any thread may call.

    Parameters
    ----------
    most : pieces of work at once.
    """

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._waiting: list[Turn] = []
        self._working: list[Turn] = []

    @contextmanager
    def taken(self, turn: Turn, cancelled: threading.Event) -> Iterator[bool]:
        """Wait until it is the turn's time; the value is False where it was cancelled before."""
        with self._changed:
            self._waiting.append(turn)
            while not cancelled.is_set() and not self._is_next(turn):
                self._changed.wait(LOOK_S)
            self._waiting.remove(turn)
            if not cancelled.is_set():
                turn.waits_for = ""
                self._working.append(turn)
        try:
            yield not turn.waits_for
        finally:
            with self._changed:
                if turn in self._working:
                    self._working.remove(turn)
                self._changed.notify_all()

    def _is_next(self, turn: Turn) -> bool:
        owners = {each.owner for each in self._working}
        if turn.owner in owners or any(each.owner == turn.owner for each in self._waiting[: self._waiting.index(turn)]):
            turn.waits_for = "your other query"
            return False
        turn.waits_for = "queries of others"
        free = self._most - len(self._working)
        candidates = [each for each in self._waiting if each.owner not in owners]
        firsts = list({each.owner: each for each in reversed(candidates)}.values())  # the first of each owner
        return turn in sorted(firsts, key=self._waiting.index)[:free]
