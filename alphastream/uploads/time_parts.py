"""Times in parts: year, month and day, or hour, minute and second, in columns of their own."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow.compute as pc

from alphastream.uploads.sampled import Sampled
from alphastream.uploads.time_names import Part
from alphastream.uploads.words import fold, tokens_of

_NAMES: Final[Mapping[Part, str]] = {
    "year": "year yyyy yr jahr annee ano anno 年",
    "month": "month mm mon mo monat mois mes mese 月",
    "day": "day dd dom tag jour dia giorno 日",
    "hour": "hour hh hr hrs hours h stunde heure hora ora 时 時",
    "minute": "minute mm mi min mins minutes minuto 分",
    "second": "second ss sec secs seconds sekunde seconde segundo 秒",
}
_WORDS: Final = {part: frozenset(fold(name) for name in names.split()) for part, names in _NAMES.items()}
_CELLS: Final[Mapping[Part, str]] = {
    "year": r"(19|20)\d{2}(\.0+)?",
    "month": r"(0?[1-9]|1[0-2])(\.0+)?|[^\W\d_]{3,}\.?",
    "day": r"(0?[1-9]|[12]\d|3[01])(\.0+)?",
    "hour": r"([01]?\d|2[0-4])(\.0+)?",
    "minute": r"[0-5]?\d(\.0+)?",
    "second": r"[0-5]?\d(\.\d*)?",
}
_DATE: Final[tuple[Part, ...]] = ("year", "month", "day")
_CLOCK: Final[tuple[Part, ...]] = ("hour", "minute", "second")


def find_parts(sampled: Sampled, date: str | None, clock: bool) -> dict[Part, str]:
    """Columns that together are a time, by their names and their cells; none where there is a better time.

    Parameters
    ----------
    date : the column of dates, where one was found; year, month and day are looked for otherwise.
    clock : whether a time of day was found.

    Returns
    -------
    dict
        Part to column, the largest part first.
    """
    found: dict[Part, str] = {}
    for part, names in _WORDS.items():
        for column in sampled.columns:
            named = "".join(tokens_of(column)) in names and column not in found.values()
            filled = sampled.filled(column)
            if named and filled and all(re.fullmatch(_CELLS[part], cell) for cell in filled):
                found.setdefault(part, column)
    days: dict[Part, str] = {"date": date} if date is not None else _leading(found, _DATE)
    if date is None and len(days) < 2:
        return {}
    clocks = {} if clock or (date is None and len(days) < len(_DATE)) else _leading(found, _CLOCK)
    return days | clocks if date is None or clocks else {}


def _leading(found: Mapping[Part, str], parts: tuple[Part, ...]) -> dict[Part, str]:
    """The parts that are there without one missing before them."""
    some: dict[Part, str] = {}
    for part in parts:
        if part not in found:
            break
        some[part] = found[part]
    return some


def put_together(parts: Mapping[Part, str], batch: Mapping[str, Any]) -> Any:
    """Times as text, shape (T,): 2024-08-07, 2024-08-07 09:30:00.5; what is no part stays as it is, to be refused."""
    cells = {part: _plain(batch[column], part) for part, column in parts.items()}
    days = [cells[part] for part in ("date", *_DATE) if part in cells]
    clocks = [cells[part] for part in _CLOCK if part in cells]
    if len(clocks) == 1:
        clocks.append("00")
    text = pc.binary_join_element_wise(*days, "-") if len(days) > 1 else days[0]
    return pc.binary_join_element_wise(text, pc.binary_join_element_wise(*clocks, ":"), " ") if clocks else text


def _plain(cells: Any, part: Part) -> Any:
    """Numbers of two digits, as clocks and dates have them."""
    cells = pc.utf8_trim_whitespace(cells)
    if part == "date":
        return pc.replace_substring_regex(cells, r"[T ]+0{1,2}:00(:00(\.0+)?)?$", "")
    if part != "second":
        cells = pc.replace_substring_regex(cells, r"\.0+$", "")
    return pc.replace_substring_regex(cells, r"^(\d)(\.\d*)?$", r"0\1\2")
