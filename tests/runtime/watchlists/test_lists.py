"""Kept watchlists outlive the process, and a file that cannot be read is said, never replaced unasked."""

from pathlib import Path

import pytest

from alphastream.errors import ParameterError
from runtime.watchlists.lists import FILE, MAX_LISTS, Watchlist, Watchlists

MAJORS = Watchlist("ETHUSDT~BTCUSDT", {"window": 60, "model": "OLS"})


def test_a_list_is_there_after_a_start_and_gone_after_it_was_deleted(tmp_path: Path) -> None:
    lists = Watchlists(tmp_path)
    assert lists.keep("  my   majors ", MAJORS) == "my majors"
    lists.keep("Alts", Watchlist("SOLUSDT~BTCUSDT"))
    again = Watchlists(tmp_path)
    assert again.names == ("Alts", "my majors")
    assert again.get("my majors") == MAJORS
    again.delete("my majors")
    assert Watchlists(tmp_path).names == ("Alts",)
    assert Watchlists(tmp_path).get("my majors") is None


@pytest.mark.parametrize(("name", "why"), [("   ", "needs a name"), ("x" * 41, "41 characters")])
def test_a_name_is_short_and_not_empty(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        Watchlists(tmp_path).keep(name, MAJORS)


def test_there_is_a_most_of_lists_and_an_old_one_may_still_change(tmp_path: Path) -> None:
    lists = Watchlists(tmp_path)
    for number in range(MAX_LISTS):
        lists.keep(f"list {number}", MAJORS)
    with pytest.raises(ParameterError, match="delete one first"):
        lists.keep("one more", MAJORS)
    assert lists.keep("list 7", Watchlist("SOLUSDT~BTCUSDT")) == "list 7"


def test_a_broken_file_is_said_and_stays_until_something_is_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"lists": [', encoding="utf-8")
    lists = Watchlists(tmp_path)
    assert lists.names == ()
    assert lists.notice is not None
    assert "cannot be read" in lists.notice
    assert (tmp_path / FILE).read_text(encoding="utf-8") == '{"lists": ['
