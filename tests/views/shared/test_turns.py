"""Turns: one piece of work a visitor, a few in all, in the order in which they came."""

import threading
from collections.abc import Callable

from tests.runtime.connections.feed_runs import until
from views.shared.turns import Turn, Turns


class Work:
    """A piece of work in a thread of its own, which ends when told to."""

    def __init__(self, turns: Turns, owner: str, order: list[str]) -> None:
        self.turn, self.cancelled, self.finish = Turn(owner), threading.Event(), threading.Event()
        self.began, self.ended, self.was_its = threading.Event(), threading.Event(), False
        self._thread = threading.Thread(target=self._run, args=(turns, order), daemon=True)
        self._thread.start()

    def _run(self, turns: Turns, order: list[str]) -> None:
        with turns.taken(self.turn, self.cancelled) as self.was_its:
            if self.was_its:
                order.append(self.turn.owner)
                self.began.set()
                assert self.finish.wait(60)
        self.ended.set()


def begins(turns: Turns, order: list[str]) -> Callable[[str], Work]:
    """Start work that must begin at once."""

    def start(owner: str) -> Work:
        work = Work(turns, owner, order)
        assert work.began.wait(60)
        return work

    return start


def test_one_a_visitor_and_two_in_all() -> None:
    turns, order = Turns(2), list[str]()
    start = begins(turns, order)
    first = start("ann")
    again = Work(turns, "ann", order)
    until(lambda: again.turn.waits_for == "your other query")
    other = start("ben")  # past the one that waits for its own
    third = Work(turns, "cat", order)
    until(lambda: third.turn.waits_for == "queries of others")
    assert not again.began.is_set()
    other.finish.set()
    assert third.began.wait(60)
    first.finish.set()
    assert again.began.wait(60)
    assert order == ["ann", "ben", "cat", "ann"]
    for work in (again, third):
        work.finish.set()
        assert work.ended.wait(60)


def test_who_is_cancelled_waits_no_more() -> None:
    turns, order = Turns(1), list[str]()
    first = begins(turns, order)("ann")
    second, third = Work(turns, "ben", order), Work(turns, "cat", order)
    until(lambda: third.turn.waits_for == "queries of others")
    second.cancelled.set()
    assert second.ended.wait(60)
    assert not second.was_its
    first.finish.set()
    assert third.began.wait(60)
    third.finish.set()
    assert third.ended.wait(60)
    assert order == ["ann", "cat"]
