"""Which column plays which role, by the names of a header (files without one: ``headerless``).

Sample rows have a say too, because names lie: a column called "time" may hold a time of day, and ``LOW`` may be a
company.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final, Literal

from alphastream.errors import ParameterError
from alphastream.uploads.cells import WHOLE, Decimal, looks_like_number
from alphastream.uploads.symbols import normalise
from alphastream.uploads.times import looks_like_clock, looks_like_time

Role = Literal[
    "time", "clock", "symbol", "price", "quantity", "id", "buyer_is_maker", "open", "high", "low", "close", "volume"
]
Kind = Literal["ticks", "bars"]
Shape = Literal["long", "wide", "single"]
Certainty = Literal["named", "likely", "guessed"]
Rows = Sequence[Sequence[str]]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Names without case, spaces and signs; the better one first, where a file has several.
ALIASES: Final[Mapping[Role, tuple[str, ...]]] = {
    "time": _words("""
        barstartutc barstart
        opentime transacttime tradetime unix unixtimestamp unixtime epoch epochtime startns timens timestampns
        timestampus timestampms timems timestamp timestamputc timestamps ts tsms tsns datetime datetimeutc time
        timeutc utctime gmttime date dateutc eventtime timeperiodstart starttime start snappedat localtime bartime t
        """),
    "clock": ("time", "timeutc", "clock", "timeofday"),
    "symbol": _words(
        "symbol ticker pair instrument instrumentname instrumentid productid market currencypair contract tic coin s"
    ),
    "price": _words("price tradeprice lastprice px rate priceusd mid midprice last value p"),
    "quantity": _words(
        "quantity qty size amount baseqty tradesize tradeqty tradequantity lastsize lastqty baseamount vol volume q"
    ),
    "id": _words("aggtradeid aggregatetradeid aggid tradeid id tid tradenumber a"),
    "buyer_is_maker": _words("isbuyermaker buyerismaker buyermaker isbuyerthemaker side takerside aggressorside m"),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "closingprice", "last", "price", "c"),
    "volume": _words("volume basevolume volumebase volumefrom tickvolume tickvol vol quantity qty size amount v"),
}
ROLES: Final[tuple[Role, ...]] = tuple(ALIASES)
BAR_ROLES: Final[tuple[Role, ...]] = ("open", "high", "low", "close")
_TICK_ROLES: Final = ("price", "quantity", "id", "buyer_is_maker")
_PRICE_WORDS: Final = ("price", "tradeprice", "lastprice", "px", "p")  # the others are tickers as well: VALUE, LAST
_CLOSE_WORDS: Final = ("close", "closeprice", "closingprice")
_CROWD: Final = 3  # so many number columns without a known name are symbols
_FIELD: Final = "open|high|low|close|adj[ _]?close|volume|vol|price|last|size|quantity|qty"
_SYMBOL_FIELD: Final = re.compile(rf"(?i)(?P<symbol>.+?)[ _.:|-]+(?P<field>{_FIELD})")
_FIELD_SYMBOL: Final = re.compile(rf"(?i)(?P<field>{_FIELD})[ _.:|-]+(?P<symbol>.+)")
_FIELD_ROLE: Final[Mapping[str, Role]] = {
    **{name: name for name in (*BAR_ROLES, "volume")},
    **dict.fromkeys(("price", "last"), "close"),
    **dict.fromkeys(("vol", "size", "quantity", "qty"), "volume"),
}


@dataclass(frozen=True, slots=True)
class Match:
    """A column that plays a role, and how sure that is: named by the header, likely by content, or guessed."""

    column: str
    certainty: Certainty = "named"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the columns seem to mean.

    Parameters
    ----------
    roles : role to column. A wide file has its time here and its prices in ``series``.
    series : symbol to role to column, for a wide file.
    problem : what is missing before the file can be read, or None.
    """

    roles: Mapping[Role, Match]
    series: Mapping[str, Mapping[Role, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def kind(self) -> Kind:
        """Bars where there is a close, ticks otherwise."""
        return "bars" if self.series or "close" in self.roles else "ticks"

    @property
    def shape(self) -> Shape:
        """Whether symbols stand in a column, in the header or nowhere."""
        if self.series:
            return "wide"
        return "long" if "symbol" in self.roles else "single"


def canonical(name: str) -> str:
    """A column's name without case, spaces and signs.

    >>> canonical(" Open Time"), canonical("<CLOSE>"), canonical("is_buyer_maker")
    ('opentime', 'close', 'isbuyermaker')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line names columns: it says time or date, or holds neither number nor time."""
    if any(canonical(cell) in ALIASES["time"][:-1] for cell in cells):
        return True
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and not any(
        looks_like_number(cell) or looks_like_number(cell, ",") or looks_like_time(cell) for cell in filled
    )


class Sample:
    """Sample rows, asked column by column. Most cells decide, so that one bad cell does not hide what a column is."""

    def __init__(self, columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal] | None = None) -> None:
        self._cells = {name: [row[at].strip() for row in rows if len(row) > at] for at, name in enumerate(columns)}
        self._decimals = decimals or {}

    def filled(self, column: str) -> list[str]:
        """The cells of a column that hold something."""
        return [cell for cell in self._cells[column] if cell]

    def mostly(self, column: str, test: Callable[[str], object]) -> bool:
        """Whether more than half of the filled cells pass a test; an empty column passes none."""
        cells = self.filled(column)
        return sum(bool(test(cell)) for cell in cells) * 2 > len(cells)

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers."""
        decimal = self._decimals.get(column, ".")
        return self.mostly(column, lambda cell: looks_like_number(cell, decimal))


def propose(
    columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal] | None = None, symbol: str | None = None
) -> Proposal:
    """Judge a header.

    Parameters
    ----------
    columns : names as the file has them, all different.
    rows : sample rows, as many cells each as there are columns.
    decimals : column to its decimal mark; a point where it is not named.
    symbol : the symbol the file's name speaks of; picks "Volume BTC" among several volumes.
    """
    sample = Sample(columns, rows, decimals)
    times = _times(columns, sample)
    rest = [column for column in columns if column not in {match.column for match in times.values()}]
    names = _Names(rest)
    who = names.find("symbol")
    if who is not None and sample.filled(who) and sample.is_number(who):
        who = None  # COIN is a company as well
    named = times if who is None else {**times, "symbol": Match(who)}
    prices = _bars(names, sample, _first_symbol(sample, who) or symbol) or _ticks(names, sample, _PRICE_WORDS)
    if prices is None and who is None:
        series, notes = _series(names, rest, sample)
        if series:
            return judge(Proposal(times, series, notes), columns)
    proposal = Proposal(named | (prices or _ticks(names, sample, ALIASES["price"]) or _partial(names)))
    used = {match.column for match in proposal.roles.values()}
    unused = [repr(column) for column in columns if column not in used]
    return judge(replace(proposal, notes=(f"columns not used: {', '.join(unused)}",) if unused else ()), columns)


def override(proposal: Proposal, mapping: Mapping[str, str | None], columns: Sequence[str]) -> Proposal:
    """A person's choice put on top of the proposal.

    Parameters
    ----------
    mapping : role to column; None takes the role away. A column that is claimed leaves its former role. Naming a
        price or a close of a wide file reads that one column.
    """
    for role, column in mapping.items():
        if role not in ROLES:
            raise ParameterError(f"role {role!r} is unknown: choose among {', '.join(ROLES)}")
        if column is not None and column not in columns:
            near = get_close_matches(column, columns, 1)
            raise ParameterError(f"no column {column!r} for {role}: the file has {_listed(columns)}{_hint(near)}")
    claimed = set(mapping.values())
    roles = {
        role: match for role, match in proposal.roles.items() if match.column not in claimed and role not in mapping
    }
    roles |= {role: Match(mapping[role]) for role in ROLES if mapping.get(role) is not None}  # type: ignore[arg-type]
    if "price" in mapping and mapping["price"] is not None:
        roles = {role: match for role, match in roles.items() if role not in (*BAR_ROLES, "volume")}
    elif any(mapping.get(role) is not None for role in BAR_ROLES):
        roles = {role: match for role, match in roles.items() if role not in _TICK_ROLES}
    series = {} if roles.keys() & {"price", "symbol", *BAR_ROLES} else proposal.series
    return judge(replace(proposal, roles=roles, series=series), columns)


def judge(proposal: Proposal, columns: Sequence[str]) -> Proposal:
    """The proposal with its problem: what is missing, what was found, what comes close."""
    roles = proposal.roles.keys()
    missing = [] if "time" in roles else ["time"]
    bars = roles & set(BAR_ROLES)
    if bars and bars != {"close"}:
        missing += [role for role in BAR_ROLES if role not in roles]
    elif not proposal.series and not bars and "price" not in roles:
        missing.append("price")
    if not missing:
        return replace(proposal, problem=None)
    words = [word for role in missing for word in ALIASES[role] if len(word) > 3]  # type: ignore[index]
    free = {
        canonical(column): column for column in columns if column not in {m.column for m in proposal.roles.values()}
    }
    near = [free[name] for word in words for name in get_close_matches(word, free, 1, 0.75)]
    problem = (
        f"no column for {' and '.join(missing)}: found {_listed(columns)}{_hint(near)}; needed are a time and a price "
        "(ticks), or a time, open, high, low and close (bars): rename the columns or choose them by hand"
    )
    return replace(proposal, problem=problem)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:12])
    return shown + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")


def _hint(near: Sequence[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""


class _Names:
    """Columns by canonical name. Single letters count only where most names are single letters: C is a company."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns: dict[str, str] = {}
        for column in columns:
            self._columns.setdefault(canonical(column), column)
        self._letters = sum(len(name) == 1 for name in self._columns) * 2 >= len(self._columns)

    def find(self, role: Role, words: Sequence[str] | None = None) -> str | None:
        """The column with the best alias of a role."""
        for word in ALIASES[role] if words is None else words:
            if word in self._columns and (len(word) > 1 or self._letters):
                return self._columns[word]
        return None

    def starting(self, word: str) -> list[tuple[str, str]]:
        """What follows a word, and the column: volumebtc gives ("btc", "Volume BTC")."""
        return [(name[len(word) :], column) for name, column in self._columns.items() if name.startswith(word)]


def _times(columns: Sequence[str], sample: Sample) -> dict[Role, Match]:
    by_name = {}
    for column in columns:
        if canonical(column) in ALIASES["time"]:
            by_name[column] = ALIASES["time"].index(canonical(column))
    ranked = sorted(by_name, key=by_name.__getitem__)
    timely = [column for column in ranked if sample.mostly(column, looks_like_time)]
    if timely or ranked:
        roles: dict[Role, Match] = {"time": Match((timely or ranked)[0])}
    elif columns and sample.mostly(columns[0], looks_like_time):
        roles = {"time": Match(columns[0], "guessed")}
    else:
        return {}
    for column in columns:
        if canonical(column) in ALIASES["clock"] and sample.mostly(column, looks_like_clock):
            if not sample.mostly(roles["time"].column, lambda cell: ":" in cell or len(cell) > 10):
                roles["clock"] = Match(column)
            break
    return roles


def _bars(names: _Names, sample: Sample, symbol: str | None) -> dict[Role, Match] | None:
    legs = {role: names.find(role) for role in BAR_ROLES}
    if None in legs.values():
        close = names.find("close", _CLOSE_WORDS)
        if close is None or any(legs[role] is not None for role in ("open", "high", "low")):
            return None
        legs = {"close": close}
    roles: dict[Role, Match] = {role: Match(column) for role, column in legs.items() if column is not None}
    volume = names.find("volume")
    if volume is not None and volume != legs["close"]:
        return roles | {"volume": Match(volume)}
    several = names.starting("volume")
    base = [column for coin, column in several if symbol is not None and symbol.lower().startswith(coin)]
    if several:
        roles["volume"] = Match(base[0], "likely") if base else Match(several[0][1], "guessed")
    return roles


def _ticks(names: _Names, sample: Sample, words: Sequence[str]) -> dict[Role, Match] | None:
    price = names.find("price", words)
    if price is None or sum(names.find(role) is not None for role in ("open", "high", "low")) > 1:
        return None
    roles: dict[Role, Match] = {"price": Match(price)}
    for role in ("quantity", "id", "buyer_is_maker"):
        column = names.find(role)
        if column is None or column == price or (role == "id" and not sample.mostly(column, WHOLE.fullmatch)):
            continue
        roles[role] = Match(column)
    return roles


def _partial(names: _Names) -> dict[Role, Match]:
    """What there is of an incomplete set, for the message and for a person to complete."""
    found = {role: names.find(role) for role in (*BAR_ROLES, "volume")}
    if not any(found[role] for role in BAR_ROLES):
        found = {role: names.find(role) for role in ("quantity", "id", "buyer_is_maker")}
    return {role: Match(column) for role, column in found.items() if column is not None}


def _series(
    names: _Names, columns: Sequence[str], sample: Sample
) -> tuple[dict[str, dict[Role, str]], tuple[str, ...]]:
    """Symbol to role to column of a wide file, and what was left out; nothing where the names do not look like it."""
    numbers = [column for column in columns if sample.is_number(column)]
    split = {column: _split(column) for column in numbers}
    known = {canonical(column) for column in numbers} & {
        word for words in ALIASES.values() for word in words if len(word) > 1
    }
    series: dict[str, dict[Role, str]] = {}
    left = [column for column in columns if column not in numbers]
    fielded = any(split.values())
    if not fielded and len(numbers) - len(known) < _CROWD and (known or any(map(_misspelt, numbers))):
        return {}, ()
    for column in numbers:
        name, role = split[column] or (column, "close")
        readable = role is not None and bool(normalise(name)) and (split[column] is not None or not fielded)
        if not readable or role in series.get(normalise(name), {}):
            left.append(column)
        elif role is not None:
            series.setdefault(normalise(name), {})[role] = column
    for name, roles in list(series.items()):
        if "close" not in roles:
            left += roles.values()
            del series[name]
        elif not set(BAR_ROLES) <= roles.keys():
            left += [column for role, column in roles.items() if role not in ("close", "volume")]
            series[name] = {role: column for role, column in roles.items() if role in ("close", "volume")}
    notes = (f"columns not used: {', '.join(map(repr, left))}",) if left else ()
    return series, notes


def _split(column: str) -> tuple[str, Role | None] | None:
    """Symbol and role in one name, BTCUSDT_close or Close BTC; the role is None for a field nobody reads here."""
    found = _SYMBOL_FIELD.fullmatch(column.strip()) or _FIELD_SYMBOL.fullmatch(column.strip())
    return (found["symbol"], _FIELD_ROLE.get(found["field"].lower())) if found else None


def _misspelt(column: str) -> bool:
    words = [word for role in ("price", "close", "open", "quantity") for word in ALIASES[role] if len(word) > 3]
    return len(canonical(column)) > 3 and bool(get_close_matches(canonical(column), words, 1, 0.79))


def _first_symbol(sample: Sample, column: str | None) -> str | None:
    return next((normalise(cell) for cell in sample.filled(column)), None) if column is not None else None
