"""A folder of a user's files under pages of a test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime import user_folder
from runtime.user_folder import UserFolder
from tests.views.running import ROOT

EXAMPLE = (ROOT / "examples" / "user_strategy.py").read_text(encoding="utf-8")

ONE = '''
"""Strategy on one instrument."""
from dataclasses import dataclass, field
from typing import Any
from alphastream.bar_rows import BarsSpec
from alphastream.registry import Symbol, parameter, register
from alphastream.strategies import Table, pair_table
from alphastream.trading import Target


@dataclass(frozen=True)
class Part:
    """A part."""
    size: float = parameter(1.0, minimum=0.0)


@register
@dataclass(frozen=True)
class UpBars:
    """Long after a bar that rose.

    It is an example.

    Parameters
    ----------
    bars : what is read.
    hold : bars that it holds on.
    """

    bars: BarsSpec
    hold: int = parameter(1, unit="bars", minimum=1)
    stop: float | None = parameter(None, unit="**%**", help="$x$ and *y*.")
    fast: bool = False
    part: Part = Part()
    other: Symbol = ""
    seen: list[int] = field(default_factory=list, hash=False, compare=False)

    @property
    def name(self) -> str:
        return f"up bars {self.bars.symbols[0]}"

    @property
    def pairs(self) -> tuple[Any, ...]:
        return (self.bars,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.bars.symbols

    def series(self, spec: Any) -> dict[str, Any]:
        return {"open": spec.source["open"], "close": spec.source["close"]}

    def table(self, found: Any, state: Any) -> tuple[Table, Any]:
        FAULT
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        return 0

    def decide(self, row: Any, account: Any) -> Any:
        return Target((1.0 if row.close > row.open else 0.0,), int(row.close > row.open), "bar")
'''


@contextmanager
def user_files(folder: Path, **files: str) -> Iterator[UserFolder]:
    """A folder with these files, loaded as that of the process while the context lasts."""
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_folder, "_current", None)
        opened = user_folder.open_user_folder(folder)
        try:
            yield opened
        finally:
            shutil.rmtree(folder)
            opened.load()
