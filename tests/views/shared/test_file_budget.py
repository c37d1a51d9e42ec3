"""Files of visitors take a part of the memory that there is, and no more."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload
from views.shared.file_budget import FileBudget
from views.shared.kept_files import KeptFile, Shelf


class Machine:
    """Memory of 1,200 kB, of which files take what is alive of them."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.taken = 0
        self.waiting: list[tuple[str, bytes]] = []
        self._made: WeakSet[KeptFile] = WeakSet()
        self.budget = FileBudget(lambda: self.waiting, self.shelf.drop_one, self._free)

    def _free(self) -> int:
        held = {id(file.data): len(file.data) for file in self._made}
        return 1_200_000 - self.taken - sum(held.values()) - sum(len(data) for _, data in self.waiting)

    def bring(self, owner: str, kilobytes: int) -> KeptFile:
        file = KeptFile(owner, f"{owner}.csv", b"x" * (kilobytes * 1_000))
        self._made.add(file)
        self.budget.count(owner, file)
        return file


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    """What is counted must not hang on when a collection happens to run."""
    gc.disable()
    yield
    gc.enable()


def test_one_visitor_holds_a_third_at_most_and_is_told_so() -> None:
    machine = Machine()
    held = [machine.bring("me", 200)]
    with pytest.raises(UploadError, match=r"me\.csv: with this your files would take .* the most that one visitor"):
        machine.bring("me", 250)
    held.append(machine.bring("me", 190))
    held.append(machine.bring("you", 190))
    assert len(held) == 3


def test_all_together_hold_half_at_most() -> None:
    machine = Machine()
    held = [machine.bring(name, 250) for name in ("me", "you")]
    with pytest.raises(UploadError, match="files of all who are here would take"):
        machine.bring("third", 150)
    del held[0]
    machine.bring("third", 150)


def test_what_nobody_holds_any_more_is_not_counted_even_where_it_refers_to_itself() -> None:
    machine = Machine()

    def session() -> None:
        cycle: list[Any] = [machine.bring("me", 300)]
        cycle.append(cycle)

    for _ in range(5):
        session()


def test_versions_of_a_file_count_once_and_what_was_read_counts() -> None:
    machine = Machine()
    file = machine.bring("me", 300)
    versions = [replace(file, symbol=str(at)) for at in range(5)]
    for version in versions:
        machine.budget.count("me", version)
    rows = pd.DataFrame({"time_ns": np.arange(10_000), "price": np.ones(10_000)})
    with pytest.raises(UploadError, match="your files would take"):
        machine.budget.count("me", replace(file, result=Upload(("a",), "ticks", {"A": rows}, (), None)))
    machine.taken = 1_000_000  # memory that others took since
    machine.budget.keep("me", replace(file, result="no prices"))
    machine.taken = 0
    few = Upload(("a",), "ticks", {"A": rows.head(100).copy()}, (), None)
    machine.budget.count("me", replace(file, result=few))


def test_visits_that_nobody_has_open_make_room() -> None:
    machine = Machine()
    for name in ("first", "second"):
        machine.shelf.put(name, (machine.bring(name, 250),))
    kept = machine.bring("third", 200)
    assert machine.shelf.get("first") == ()
    assert machine.shelf.get("second")
    assert kept.data


def test_bytes_on_their_way_and_those_that_wait_count() -> None:
    machine = Machine()
    with machine.budget.arriving("me", "a.csv", 300_000):
        with pytest.raises(UploadError, match=r"b\.csv"), machine.budget.arriving("me", "b.csv", 200_000):
            raise AssertionError
        with machine.budget.arriving("you", "b.csv", 200_000):
            pass
    data = b"x" * 300_000
    machine.waiting.append(("me", data))
    with pytest.raises(UploadError), machine.budget.arriving("me", "b.csv", 200_000):
        raise AssertionError
    machine.budget.count("me", KeptFile("a", "a.csv", data))  # the same bytes
    machine.waiting.clear()
    with machine.budget.arriving("me", "b.csv", 50_000):
        pass
