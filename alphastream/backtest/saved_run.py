"""A run that somebody keeps: what was asked, what came of it, and by which code, without its fills."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from alphastream.backtest.definition import Definition
from alphastream.backtest.own_code import OwnCode, code_now, own_code
from alphastream.backtest.result import RunResult
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.reports.thinning import thin_out

FORMAT: Final = 1
MOST_POINTS: Final = 1_000
"""Points of equity that are kept; first, last, and the lowest and highest of equal stretches."""
LONGEST_NAME: Final = 80
ROOMS: Final = ("backtest", "trading", "strategies", "estimators", "indicators", "bars", "graph", "pairs", "baskets")
"""Rooms of the library that decide what a run does with the same data and settings."""

Control: TypeAlias = str | int | float | bool | list[str] | None


class SavedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A run as it was.

    Parameters
    ----------
    id : 16 digits of hexadecimal, its own.
    name : as a person calls it.
    saved_ns : when it was kept.
    strategy, symbols, interval_ns, capital : of the run.
    data, extent : where its rows come from, and from when to when and how many, in words.
    start_ns, end_ns, rows : its first and last row, and their number.
    settings : name and value of everything it was asked for, in words.
    figures : name, value and unit or reason of each figure, in words.
    profit : equity at the end less the capital.
    time_ns, equity : (P,) thinned to at most ``MOST_POINTS``.
    definition : ``Definition.plain()``.
    controls : values of the page's controls by key, to set them again.
    code : registered classes of others that it was made of; ``library`` is the hash of the library's own code.
    """

    id: str
    name: str
    saved_ns: int
    strategy: str
    symbols: list[str]
    interval_ns: int
    capital: float
    data: str
    extent: str
    start_ns: int
    end_ns: int
    rows: int
    settings: list[tuple[str, str]]
    figures: list[tuple[str, str, str]]
    profit: float
    time_ns: list[int]
    equity: list[float]
    definition: dict[str, Any]
    controls: dict[str, Control] = {}
    code: list[OwnCode] = []
    library: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ParameterError(f"it is of format {self.format}, this version reads format {FORMAT}")
        if len(self.id) != 16 or set(self.id) - set("0123456789abcdef"):
            raise ParameterError(f"its id is {self.id[:20]!r}: 16 digits of hexadecimal are needed")
        if len(self.time_ns) != len(self.equity) or not self.time_ns:
            raise ParameterError(f"it has {len(self.time_ns)} times and {len(self.equity)} values of equity")
        if len(self.time_ns) > 2 * MOST_POINTS:
            raise ParameterError(f"it has {len(self.time_ns):,} points of equity, {MOST_POINTS:,} are kept at most")
        rising = all(before < after for before, after in zip(self.time_ns, self.time_ns[1:], strict=False))
        if not rising or not all(map(math.isfinite, self.equity)) or not 0.0 < self.capital < math.inf:
            raise ParameterError("its times do not rise, or its equity is no number")
        named(self.name)

    @property
    def growth(self) -> Floats:
        """Equity over the capital, less 1, (P,)."""
        return np.array(self.equity) / self.capital - 1.0

    @property
    def when(self) -> Ints:
        """Times as an array, (P,)."""
        return np.array(self.time_ns, dtype=np.int64)

    def as_json(self) -> bytes:
        """The run as a JSON object, with nothing but text, numbers, lists and dictionaries in it."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, text: bytes) -> "SavedRun":
        """Read what ``as_json`` wrote. Raises ParameterError."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (ValueError, RecursionError) as error:
            raise ParameterError(f"this is no saved run that can be read ({error})") from error


def saved_run(
    result: RunResult,
    definition: Definition,
    *,
    run_id: str,
    name: str,
    saved_ns: int,
    data: str,
    extent: str,
    settings: Sequence[tuple[str, str]],
    figures: Sequence[tuple[str, str, str]],
    controls: Mapping[str, Control],
) -> SavedRun:
    """Take what is kept of a run.

    Parameters
    ----------
    run_id : its ``id``; the others as in ``SavedRun``.

    Raises
    ------
    ParameterError : the definition has a part that cannot be written down, or there is no row.
    """
    if not len(result):
        raise ParameterError("the run has no row: there is nothing to keep")
    time_ns, equity = thin_out(np.asarray(result.time_ns), np.asarray(result.equity), MOST_POINTS)
    return SavedRun(
        id=run_id,
        name=named(name),
        saved_ns=saved_ns,
        strategy=result.name,
        symbols=[str(symbol) for symbol in result.symbols],
        interval_ns=result.interval_ns,
        capital=result.capital,
        data=data,
        extent=extent,
        start_ns=int(result.time_ns[0]),
        end_ns=int(result.time_ns[-1]),
        rows=len(result),
        settings=[(str(key), str(value)) for key, value in settings],
        figures=[(str(key), str(value), str(words)) for key, value, words in figures],
        profit=float(result.equity[-1] - result.capital),
        time_ns=time_ns.tolist(),
        equity=equity.tolist(),
        definition=as_written(definition.plain()),
        controls=dict(controls),
        code=list(own_code(definition)),
        library=library_code(),
    )


def as_written(plain: dict[str, Any]) -> dict[str, Any]:
    """A definition as it comes back from a file: names of instruments are text there."""
    return msgspec.json.decode(msgspec.json.encode(plain, enc_hook=str), type=dict[str, Any])


def named(name: str) -> str:
    """The name without spaces around it. Raises ParameterError where it is empty or too long."""
    found = " ".join(name.split())
    if not 0 < len(found) <= LONGEST_NAME:
        raise ParameterError(f"the name has {len(found)} characters: give 1 to {LONGEST_NAME}")
    return found


def changes_of_code(run: SavedRun) -> list[str]:
    """What of the code behind a run is not as it was, in sentences; none where all is."""
    said = []
    for then, now in zip(run.code, code_now(run.code), strict=True):
        if now is None:
            said.append(f"{then.home} with {then.words} is not loaded now: the run cannot be made again without it.")
        elif (then.version, then.code) != (now.version, now.code):
            has = now.words.removeprefix(now.name).strip() or "other code"
            said.append(f"The code of {then.words} has changed since: {now.home} now has {has}.")
    if run.library != library_code():
        said.append("AlphaStream's own code for runs has changed since: the same settings may come to another result.")
    return said


@cache
def library_code() -> str:
    """Hash of the source of ``ROOMS``."""
    found, home = hashlib.sha256(), Path(__file__).parent.parent
    for room in ROOMS:
        alone = home / f"{room}.py"
        for path in [alone] if alone.exists() else sorted((home / room).rglob("*.py")):
            found.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
