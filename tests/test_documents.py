"""What is written about the tree is true of the tree: the map, the picture's words, paths, links, decisions."""

import ast
import re
from pathlib import Path

import pytest

from scripts.draw_architecture import arrows, levels, shortest
from scripts.rooms import ROOT, Room, beside, homes, rooms
from scripts.write_map import with_map

DECISIONS = ROOT / "docs" / "decisions"
SPEAK_OF_THE_PAST = {"CHANGELOG.md"}  # names of earlier versions are meant
PATH = re.compile(r"(?<!`)`((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|md|js|css|toml|png|parquet)|/))`(?!`)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MADE_WHEN_RUN = {"user/", "user/breakout.py", "static/", "var/", "var/site/", "secrets.toml", "alerts.jsonl"}


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tools" / "exchange" / "README.md"]
    return sorted(path for path in found if path.name not in SPEAK_OF_THE_PAST)


def place_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", [*rooms(), *homes(), *beside()], ids=lambda room: room.place)
def test_every_room_says_what_it_is_for(room: Room) -> None:
    """The map and the picture print it: a whole sentence on the first line of the docstring."""
    assert 10 <= len(room.description) <= 117, f"{room.path}: begin it with a docstring of one line of 10 to 117 signs"
    assert room.path.read_text(encoding="utf-8").lstrip('"').partition("\n")[0].rstrip('"').endswith("."), (
        f"{room.path}: the first line of the docstring is not a whole sentence"
    )


def test_the_map_of_the_readme_is_that_of_the_tree() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_map(text) == text, "run: make map"


def test_the_picture_has_an_arrow_way_to_every_arrow_of_the_source() -> None:
    every, drawn = arrows(), shortest(arrows())

    def reached(name: str) -> set[str]:
        return set().union(*({target} | reached(target) for target in drawn[name]))

    depth = levels(every)
    for name, targets in every.items():
        assert targets <= reached(name)
        assert all(depth[target] < depth[name] for target in targets)
    assert {"views", "runtime", "system", "alphastream.graph"} <= every.keys()


@pytest.mark.parametrize("path", documents(), ids=place_of)
def test_files_that_a_document_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "\n\nSuperseded by " in text:
        return  # keeps the names of its time
    for name in set(PATH.findall(text)) - MADE_WHEN_RUN:
        somewhere = [ROOT / name, path.parent / name, *ROOT.glob(f"*/{name}"), *ROOT.glob(f"*/*/{name}")]
        assert any(place.exists() for place in somewhere), f"{place_of(path)} names {name}, which does not exist"
    for link in LINK.findall(text):
        if "://" not in link:
            assert (path.parent / link).exists(), f"{place_of(path)} links to {link}, which does not exist"


def test_the_index_of_decisions_is_complete() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    numbers = [path.name[:4] for path in files]
    assert len(set(numbers)) == len(numbers), "two decisions have one number"
    for path in files:
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert title.startswith(path.name[:4]), f"{path.name} begins with {title!r}"
        row = f"| [{title[:4]}]({path.name}) | {title[5:]} |"
        assert row in index, f"docs/decisions/README.md lacks the row {row!r} with a line of what was chosen"


TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
RUNS_WHAT_IT_READS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "eval", "exec"}


@pytest.mark.parametrize("path", documents(), ids=place_of)
def test_tests_that_a_document_names_exist(path: Path) -> None:
    for file, name in TEST_NAME.findall(path.read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{place_of(path)} names {file}::{name}"


def test_security_names_a_test_for_every_threat() -> None:
    lines = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("|") and not line.startswith(("| threat", "|---"))]
    assert len(rows) > 20
    assert [row for row in rows if not TEST_NAME.search(row)] == []


def test_nothing_that_is_read_can_run() -> None:
    """No code of the product unpickles or evaluates: what a file or the network brings stays data."""
    for path in [
        *ROOT.glob("*.py"),
        *(file for home in ("alphastream", "runtime", "views") for file in (ROOT / home).rglob("*.py")),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
            names |= {node.func.id} if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else set()
            assert not names & RUNS_WHAT_IT_READS, f"{place_of(path)} uses {names & RUNS_WHAT_IT_READS}"
            assert not (
                isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
            )
