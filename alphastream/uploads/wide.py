"""Prices of many instruments side by side: which columns they are, and of which instrument."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

import numpy as np

from alphastream.uploads.columns import ALIASES, BAR_ROLES, UNUSED, Role, listed
from alphastream.uploads.contents import price_like, same_prices
from alphastream.uploads.sampled import Sampled
from alphastream.uploads.symbols import distinct, is_full
from alphastream.uploads.words import Field, fields_of, fold

_CROWD: Final = 3  # so many columns without a known name are instruments, whatever stands beside them
_FEW: Final = 5  # fewer numbers are no evidence
_TICKER: Final = re.compile(r"[A-Z^$][A-Z0-9.^=\-]{0,5}")
_SYMBOL: Final = re.compile(r"[A-Za-z0-9^$][A-Za-z0-9/.^=-]{0,11}")
_DIGIT: Final = re.compile(r"[-+(]?[$€£]?\d")
_SECOND: Final = re.compile(r" \(\d+\)$|\.\d$")  # of a name that was there already, here or in pandas
_ROLE: Final[dict[Field, Role]] = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "adj_close": "adj_close",
    "price": "close",
    "volume": "volume",
    "quantity": "volume",
}


@dataclass(slots=True)
class Panel:
    """Symbol to role to column, what was left out, and what must be asked."""

    series: dict[str, dict[Role, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def is_panel(sampled: Sampled, free: Collection[str]) -> bool:
    """Whether short names in capitals are tickers, even those that are words for fields: LOW, OPEN, COIN, V.

    That is so where some of them are no words for fields, all hold numbers above zero, and those that would be open,
    high, low and close of one instrument are not.
    """
    free = set(free)
    numbers = [name for name in sampled.columns if name in free and sampled.kind(name) not in ("empty", "index")]
    unknown = [name for name in numbers if not fields_of(name)]
    if len(numbers) < 2 or not unknown or not all(_TICKER.fullmatch(name.strip()) for name in numbers):
        return False
    if not all(sampled.is_number(name) and _positive(sampled, name) for name in numbers):
        return False
    moving = sum(price_like(sampled.contents[name].values) for name in numbers)
    if moving < len(numbers) and len(numbers) < 2 * _CROWD:
        return False
    bars = [sampled.numbers(role, numbers) for role in ("open", "high", "low", "close")]
    first = [some[0] for some in bars if some]
    return len(first) < 4 or not same_prices([sampled.contents[name].values for name in first])


def panel_of(sampled: Sampled, free: Collection[str], all_tickers: bool) -> Panel:
    """The instruments of a wide file; nothing where the names do not look like it.

    Parameters
    ----------
    free : columns that have no role.
    all_tickers : whether words for fields are tickers here (``is_panel``).
    """
    panel, free = Panel(), set(free)
    columns = [name for name in sampled.columns if name in free and sampled.kind(name) != "empty"]
    numbers = [name for name in columns if _numeric(sampled, name) and sampled.kind(name) not in ("index", "percent")]
    known = [] if all_tickers else [name for name in numbers if sampled.fields[name]]
    split = {name: split_name(name) for name in numbers if name not in known}
    fielded = any(split.values())
    unknown = [name for name in numbers if name not in known]
    if not fielded and (not unknown or (len(unknown) < _CROWD and (known or any(map(_misspelt, unknown))))):
        if known and len(unknown) > 1 and all(_TICKER.fullmatch(name.strip()) for name in unknown):
            panel.questions.append(
                f"{listed(unknown)} look like instruments, and {listed(known)} beside them like something else: delete "
                "those columns, or choose one price by hand"
            )
        return panel
    _ask_twins(panel, sampled.columns, unknown)
    bare = {name for name in unknown if not split[name]} if fielded else set(unknown)
    if fielded and bare and not _are_closes(bare, split):
        bare = {name for name in bare if _SYMBOL.fullmatch(name.strip()) and _priced(sampled, name)}
        some = next(name for name, pair in split.items() if pair)
        if bare:
            panel.questions.append(
                f"{listed(sorted(bare))} name no field, and {some!r} does: name all prices alike, or delete the "
                "columns that are no prices of instruments"
            )
    chosen = {name: split[name] or (name, "close") for name in unknown if split[name] or name in bare}
    if not all_tickers and not fielded:
        chosen = {name: pair for name, pair in chosen.items() if _priced(sampled, name)}
        odd = [name for name in unknown if name not in chosen]
        if odd and len(odd) * 2 >= len(unknown):
            panel.questions.append(
                f"{listed(odd)} hold no prices (prices are above zero and move by little from row to row): if they are "
                "prices nevertheless, choose one of them by hand"
            )
    names = distinct([name for name, _ in chosen.values()])
    for column, (name, role) in chosen.items():
        if names[name] and role is not None and role not in panel.series.get(names[name], {}):
            panel.series.setdefault(names[name], {})[role] = column
    for name, roles in list(panel.series.items()):
        if "close" not in roles and "adj_close" in roles:
            roles["close"] = roles.pop("adj_close")
        if "close" not in roles:
            del panel.series[name]
        elif not set(BAR_ROLES) <= roles.keys():
            panel.series[name] = {role: at for role, at in roles.items() if role in ("close", "adj_close", "volume")}
    used = {column for roles in panel.series.values() for column in roles.values()}
    left = [name for name in sampled.columns if name in free and name not in used]
    if left and panel.series:
        panel.notes.append(f"{UNUSED}{listed(left)}")
    return panel


def _ask_twins(panel: Panel, columns: Sequence[str], unknown: Sequence[str]) -> None:
    """Ask where an instrument's name stands twice: the second column may hold its volumes, or another's prices."""
    twins = [name for name in unknown if (base := _SECOND.sub("", name)) != name and base in columns]
    if twins:
        first = _SECOND.sub("", twins[0])
        panel.questions.append(f"{first!r} names several columns: name what each holds, or delete those not needed")


def _are_closes(bare: Collection[str], split: Mapping[str, tuple[str, Role | None] | None]) -> bool:
    """Whether names without a field are closes of the instruments whose other fields are named (BTC, BTC_volume)."""
    pairs = [pair for pair in split.values() if pair]
    return {symbol for symbol, _ in pairs} <= set(bare) and not any(role == "close" for _, role in pairs)


def _numeric(sampled: Sampled, column: str) -> bool:
    """Whether cells are numbers, or begin like one under a name that says nothing: what is odd in them must be told."""
    if sampled.is_number(column):
        return True
    known = bool(sampled.fields[column]) or sampled.kind(column) not in ("text", "symbol")
    return not known and any(_DIGIT.match(cell) for cell in sampled.filled(column))


def split_name(column: str) -> tuple[str, Role | None] | None:
    """Symbol and role in one name; the role is None for a field nobody reads here.

    >>> split_name("BTCUSDT_close"), split_name("AAPL Adj Close"), split_name("('KO', 'Low')")
    (('BTCUSDT', 'close'), ('AAPL', 'adj_close'), ('KO', 'low'))
    >>> split_name("okx:BTC-USDT.price"), split_name("okx:BTC-USDT.volume")
    (('okx:BTC-USDT', 'close'), ('okx:BTC-USDT', 'volume'))
    """
    text = re.sub(r"[()'\"\[\]]", "", column).strip()
    name, _, own = text.rpartition(".")
    if is_full(name) and (fields := fields_of(own)).keys() & _SPLIT:
        return name, next((_ROLE[each] for each in _ROLE if each in fields), None)
    parts = re.split(r"([ _.:|,-]+)", text)
    for words in (3, 1):  # "Adj Close" before "Close"
        if len(parts) < words + 2:
            continue
        for field_text, symbol in (
            ("".join(parts[-words:]), "".join(parts[: -words - 1])),
            ("".join(parts[:words]), "".join(parts[words + 1 :])),
        ):
            if fold(field_text) in ("adj", "adjusted") and symbol.strip() and not fields_of(symbol).keys() & _SPLIT:
                return symbol.strip(), "adj_close"
            fields = fields_of(field_text)
            if (
                len(fold(field_text)) > 1
                and symbol.strip()
                and fields.keys() & _SPLIT
                and not fields_of(symbol).keys() & _SPLIT
            ):
                return symbol.strip(), next((_ROLE[name] for name in _ROLE if name in fields), None)
    return None


_SPLIT: Final = frozenset({*_ROLE, "adjusted", "bid", "ask", "average", "trades", "money"})


def _positive(sampled: Sampled, column: str) -> bool:
    values = sampled.contents[column].values
    values = values[np.isfinite(values)]
    return len(values) > 0 and bool((values > 0).all()) and sampled.kind(column) not in ("flag", "time", "date")


def _priced(sampled: Sampled, column: str) -> bool:
    """Whether numbers may be prices; a few rows alone are no evidence against it."""
    content = sampled.contents[column]
    values = content.values[np.isfinite(content.values)]
    if content.kind in ("signed", "percent") or not (values >= 0).all():
        return False
    if len(values) < _FEW or content.kind == "constant":
        return True
    ticker = _TICKER.fullmatch(column.strip()) is not None
    return content.kind not in ("flag", "index") and (ticker or price_like(values))


def _misspelt(column: str) -> bool:
    from_words = [word for role in ("price", "close", "open", "quantity") for word in _long(ALIASES[role])]
    name = "".join(letter for letter in column.lower() if letter.isalnum())
    return len(name) > 3 and bool(get_close_matches(name, from_words, 1, 0.79))


def _long(words: Sequence[str]) -> list[str]:
    return [word for word in words if len(word) > 3]
