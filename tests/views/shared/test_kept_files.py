"""What is kept of visitors: bounded, for a while, each for himself."""

import threading
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd

from alphastream.uploads import Upload
from views.shared.kept_files import KeptFile, Shelf


def file(size: int, name: str = "a.csv") -> KeptFile:
    return KeptFile(name, name, b"x" * size)


def test_a_visitor_finds_what_he_brought_and_nobody_else_does() -> None:
    shelf, mine = Shelf(), (file(3), file(4, "b.csv"))
    assert shelf.put("me", mine) == ()
    assert shelf.get("me") == mine
    assert shelf.get("you") == ()
    shelf.put("me", ())
    assert shelf.get("me") == ()


def test_the_longest_unused_is_dropped_for_room() -> None:
    shelf = Shelf(max_bytes=100)
    for name in ("first", "second"):
        assert shelf.put(name, (file(40),)) == ()
    shelf.get("first")
    assert shelf.put("third", (file(40),)) == ()
    assert [bool(shelf.get(name)) for name in ("first", "second", "third")] == [True, False, True]


def test_what_there_is_no_room_for_is_named_and_drops_nobody_else() -> None:
    shelf = Shelf(max_bytes=100)
    shelf.put("me", (file(60),))
    large = file(101)
    assert shelf.put("you", (large,)) == (large,)
    assert shelf.get("you") == ()
    assert shelf.get("me")


def test_what_was_kept_stays_where_a_new_file_does_not_fit() -> None:
    shelf = Shelf(max_bytes=100)
    old, large, small = file(60, "old.csv"), file(41, "large.csv"), file(40, "small.csv")
    shelf.put("me", (old,))
    assert shelf.put("me", (large, old)) == (large,)
    assert shelf.get("me") == (old,)
    assert shelf.put("me", (large, old, small)) == (large,)
    assert shelf.get("me") == (old, small)
    assert shelf.put("me", (large, small)) == ()  # once there is room for it
    assert shelf.get("me") == (large, small)


def test_where_memory_is_short_less_is_kept() -> None:
    free = [400]
    shelf = Shelf(max_bytes=1_000, free=lambda: free[0])
    assert shelf.put("me", (file(100),)) == ()
    assert shelf.put("you", (file(201),))
    free[0] = 0
    assert shelf.put("you", (file(101),))
    assert shelf.put("you", (file(100),)) == ()  # in place of what was kept before
    assert shelf.get("me") == ()
    assert shelf.put("you", (file(100), file(1, "b.csv")))  # its own place is there for it again


def test_what_was_read_counts_as_well() -> None:
    frame = pd.DataFrame({"time_ns": np.arange(1_000), "price": np.ones(1_000)})
    read = Upload(("a.csv",), "ticks", {"A": frame, "B": frame}, (), None)
    held = KeptFile("a", "a.csv", b"x" * 50, result=read)
    assert held.held_bytes == 50 + 2 * 16_000
    assert replace(held, result=None).held_bytes == 50
    assert Shelf(max_bytes=32_000).put("me", (held,)) == (held,)


def test_a_visit_ends_after_its_time_and_lasts_while_it_is_used() -> None:
    now = [0.0]
    shelf = Shelf(max_age_s=10.0, clock=lambda: now[0])
    shelf.put("me", (file(1),))
    for now[0] in (9.0, 18.0):
        assert shelf.get("me")
    now[0] = 28.0
    assert shelf.get("me") == ()


def test_an_expired_visit_is_let_go_though_nobody_comes() -> None:
    now = [0.0]
    shelf = Shelf(max_age_s=10.0, clock=lambda: now[0])
    for name in ("gone", "here"):
        shelf.put(name, (file(1, name),))
    held = weakref.ref(shelf.get("gone")[0])
    for now[0] in (9.0, 18.0):
        shelf.sweep(present=["here", "never brought any"])
    assert held() is None
    assert shelf.get("gone") == ()
    assert shelf.get("here")


def test_who_is_here_gives_way_to_nobody() -> None:
    shelf = Shelf()
    for name in ("first", "here", "last"):
        shelf.put(name, (file(1),))
    assert [shelf.drop_one(["here"]) for _ in range(3)] == [True, True, False]
    assert [bool(shelf.get(name)) for name in ("first", "here", "last")] == [False, True, False]


def test_many_threads_keep_within_the_bound() -> None:
    shelf = Shelf(max_bytes=1_000)

    def work(who: int) -> None:
        for turn in range(200):
            shelf.put(f"{who}-{turn % 7}", (file(90),))
            shelf.get(f"{who}-{turn % 5}")

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [shelf.get(f"{who}-{turn}") for who in range(4) for turn in range(7)]
    assert 1 <= sum(map(bool, kept)) <= 11
