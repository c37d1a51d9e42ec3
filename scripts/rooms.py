"""The rooms of the house and what each is for: the tree, and the first lines of its docstrings.

A room is a file at the root, or a file or a folder one step inside ``views``, ``runtime`` or ``alphastream``.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOMES: Final = ("views", "runtime", "alphastream")
BESIDE: Final = ("tools/exchange", "tools/chaos", "tests", "benchmarks", "calibration", "scripts")
"""Folders that the map names and the product does not import."""


@dataclass(frozen=True, slots=True)
class Room:
    """One room.

    Parameters
    ----------
    home : "views", "runtime", "alphastream", or "" at the root.
    name : of the file or folder, without ".py".
    path : the file, or the folder's ``__init__.py``.
    """

    home: str
    name: str
    path: Path

    @property
    def is_folder(self) -> bool:
        """Whether the room is a folder."""
        return self.path.name == "__init__.py"

    @property
    def place(self) -> str:
        """Where it is from the root: "storage.py", "runtime/paper/"."""
        found = self.path.parent if self.is_folder else self.path
        return found.relative_to(ROOT).as_posix() + ("/" if self.is_folder else "")

    @property
    def files(self) -> list[Path]:
        """Its Python files."""
        return sorted(self.path.parent.rglob("*.py")) if self.is_folder else [self.path]

    @property
    def description(self) -> str:
        """The first line of its docstring; "" where there is none."""
        return first_line(self.path)


def first_line(path: Path) -> str:
    """The first line of a module's docstring, without the full stop; "" where there is none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].removesuffix(".")


def rooms() -> list[Room]:
    """Every room of the product: the root, then home by home, by name."""
    found = [Room("", path.stem, path) for path in sorted(ROOT.glob("*.py"))]
    for home in HOMES:
        found += _inside(home)
    return found


def _inside(home: str) -> Iterator[Room]:
    for path in sorted((ROOT / home).iterdir()):
        if path.suffix == ".py" and not path.stem.startswith("__"):
            yield Room(home, path.stem, path)
        elif (path / "__init__.py").exists():
            yield Room(home, path.name, path / "__init__.py")


def homes() -> list[Room]:
    """The folders that hold rooms."""
    return [Room("", home, ROOT / home / "__init__.py") for home in HOMES]


def beside() -> list[Room]:
    """Folders for people who work on the project."""
    return [Room("", place, ROOT / place / "__init__.py") for place in BESIDE]
