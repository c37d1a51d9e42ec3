"""Finding the columns that say when and what: the time, the time of day beside a date, the symbol."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from alphastream.core.types import Ints
from alphastream.uploads.cells import CellError
from alphastream.uploads.columns import Match, Role, listed
from alphastream.uploads.contents import are_fields, question_of_fields
from alphastream.uploads.sampled import Sampled
from alphastream.uploads.time_names import Part, is_end, says_utc, time_rank, zone_rank
from alphastream.uploads.time_parts import find_parts
from alphastream.uploads.times import looks_like_time, parse_times
from alphastream.uploads.words import fold, word_set
from alphastream.uploads.zones import is_zone

QUOTE_SIDES: Final = word_set("bid ask offer bids asks")
_CLOCK_DIGITS: Final = re.compile(r"([01]?\d|2[0-3])?[0-5]?\d[0-5]\d(\.\d+)?")
_MIDNIGHT: Final = re.compile(r".*[T ]0{1,2}:00(:00(\.0+)?)?(Z|[+-]\d{2}:?\d{2}| ?UTC)?")
_NAMELESS: Final = {"index"}  # a row's number by its name: pandas and R write an index of times without one
_SECOND: Final = 1_000_000_000
_ENDS: Final = 3  # ``time_names.time_rank``: ends of bars, and what comes behind them
_VENUES: Final = word_set(
    """
    spot futures future perp swap linear inverse nasdaq nyse amex arca bats lse xetra binance coinbase kraken bybit okx
    usd usdt eur gbp jpy chf btc us stock stocks equity crypto forex eq be index
    """
)


@dataclass(slots=True)
class Found:
    """Roles that were found, what is said about them, and what must be asked."""

    roles: dict[Role, Match] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    time_parts: dict[Part, str] = field(default_factory=dict)


def find_times(sampled: Sampled) -> Found:
    """The time, and the time of day where it stands in a column of its own.

    All columns are looked at. Names say what a time is the time of; among those, cells decide: a date that does not
    tell the rows of a symbol apart is no time while another column has more.
    """
    found = Found()
    ranks = {name: rank for name in sampled.columns if (rank := time_rank(name)) is not None}
    timely = [name for name in sampled.columns if _is_timely(sampled, name, name in ranks)]
    named = sorted((name for name in timely if name in ranks), key=lambda name: ranks[name])
    nameless = set() if ranks else _NAMELESS  # beside a named time, cells are one too many
    guessed = [name for name in timely if name not in ranks and sampled.fields[name].keys() <= nameless]
    clocks = _clocks(sampled, ranks, [name for name in ranks if name not in timely])
    best = _finest(sampled, named, bool(clocks))
    if best is not None and (utc := _in_utc(sampled, named, best, ranks)) is not None:
        found.notes.append(f"times taken from {utc!r}, which says UTC, not from {best!r}")
        best = utc
    if best is None and guessed:
        best = _finest(sampled, guessed, bool(clocks))
        found.roles["time"] = Match(str(best), "guessed")
        found.notes.append(f"column {best!r} taken for the time, by its cells")
    elif best is None:
        untimely = sorted((name for name in ranks if name not in clocks), key=lambda name: ranks[name])
        some = [*untimely, *clocks]
        if some:
            found.roles["time"] = Match(some[0])
        _find_parts(sampled, found, None, clocks)
        return found
    else:
        found.roles["time"] = Match(best)
    time = found.roles["time"].column
    if clocks and is_date(sampled, time):
        found.roles["clock"] = Match(clocks[0])
        found.notes.append(f"time of day taken from column {clocks[0]!r}")
        _ask_fractions(sampled, found, clocks[0])
    elif is_date(sampled, time):
        _find_parts(sampled, found, time, clocks)
    finer = _not_cut(sampled, found, named, ranks)
    if finer is not None:
        found = Found({"time": Match(finer)}, [f"times taken from {finer!r}: those of {time!r} are cut to seconds"])
    _find_zone(sampled, found)
    return found


def _find_parts(sampled: Sampled, found: Found, date: str | None, clocks: Sequence[str]) -> None:
    """Year, month, day, hour and so on in columns of their own, where no column is the time alone."""
    parts = find_parts(sampled, date, bool(clocks))
    if not parts:
        return
    found.time_parts = parts
    found.roles["time"] = Match(next(iter(parts.values())))
    found.notes.append(f"time put together from columns {listed(list(parts.values()))}")
    if date is None:
        if clocks and "day" in parts:
            found.roles["clock"] = Match(clocks[0])
            found.notes.append(f"time of day taken from column {clocks[0]!r}")
        _find_zone(sampled, found)
    if "second" in parts or "clock" in found.roles:
        _ask_fractions(sampled, found, parts.get("second") or found.roles["clock"].column)


def _find_zone(sampled: Sampled, found: Found) -> None:
    """The column of the times' zone: a place, which knows summer time, rather than an offset."""
    if says_utc(found.roles["time"].column):
        return
    ranked = [(rank, name) for name in sampled.columns if (rank := zone_rank(name)) is not None]
    known = [(rank, name) for rank, name in ranked if name not in _columns(found) and _holds_zones(sampled, name)]
    places = [(rank, name) for rank, name in known if any("/" in cell for cell in sampled.filled(name))]
    if known:
        found.roles["zone"] = Match(min(places or known)[1])


def _holds_zones(sampled: Sampled, column: str) -> bool:
    """Whether cells are zones, or the name leaves no doubt that they should be."""
    filled = sampled.filled(column)
    return bool(filled) and (fold(column) != "zone" or any(map(is_zone, set(filled))))


def _columns(found: Found) -> set[str]:
    return {match.column for match in found.roles.values()}


def _is_timely(sampled: Sampled, column: str, named: bool) -> bool:
    if sampled.kind(column) in ("time", "date"):
        return True
    filled = sampled.filled(column)
    return named and sum(looks_like_time(cell) for cell in filled) * 2 > len(filled)


def is_date(sampled: Sampled, column: str) -> bool:
    """Whether a column of times has dates without a time of day, or midnights alone."""
    filled = sampled.filled(column)
    return sampled.kind(column) == "date" or (
        sampled.kind(column) == "time" and bool(filled) and all(_MIDNIGHT.fullmatch(cell) for cell in filled)
    )


def find_symbol(sampled: Sampled, free: Collection[str], priced: bool) -> Found:
    """The column that names the instrument of a row.

    Parameters
    ----------
    free : columns that may.
    priced : whether other columns are prices; without them a column of numbers may be a company's.
    """
    found = Found()
    ranked = [(sampled.fields[name]["symbol"], name) for name in sampled.named("symbol", free)]
    ranked += [(1_000 + sampled.fields[name]["name"], name) for name in sampled.named("name", free)]
    fit = [(rank, name) for rank, name in ranked if _names_instruments(sampled, name, rank, priced)]
    if not fit:
        return found
    rank, name = min(fit, key=lambda pair: pair[0])
    found.roles["symbol"] = Match(name, "named" if rank < _SURE else "guessed")
    others = [other for place, other in fit if place == rank and sampled.cells[other] != sampled.cells[name]]
    if others:
        found.questions.append(
            f"{listed([name, *others])} may each name the instrument: choose the column that is the symbol"
        )
    cells = list(dict.fromkeys(sampled.filled(name)))
    if are_fields(cells) and not (rank <= _TICKER_NAMES and all(cell.isupper() for cell in cells)):  # LOW, OPEN
        found.questions.append(question_of_fields(name, cells))
    suffixes = [column for column in sampled.named("suffix", free) if sampled.kind(column) != "time"]
    if suffixes:
        found.roles["suffix"] = Match(suffixes[0])
    _find_expiry(sampled, found, free, name)
    return found


_TICKER_NAMES: Final = 3  # symbol, ticker, sym: taken whatever they hold
_SURE: Final = 48  # phrases of the table before "market id": others may be constant words


def _names_instruments(sampled: Sampled, name: str, rank: int, priced: bool) -> bool:
    content = sampled.contents[name]
    if content.kind == "date" and rank < 1_000:
        return True  # BTC-27SEP24-60000-C
    if content.kind in ("empty", "time", "date", "clock", "truth", "side", "percent", "list", "duration", "signed"):
        return False
    filled = sampled.filled(name)
    if content.is_number:
        letter = len(name.strip()) == 1
        whole = content.whole and all(re.fullmatch(r"\d{1,12}", cell) for cell in filled)
        if not whole or letter or not priced:
            return False
        repeats = len(set(filled)) < len(filled) or len(filled) < 2
        return repeats or (rank < 1_000 and content.kind not in ("index",))
    return rank <= _TICKER_NAMES or fold(name) == "coin" or not all(cell.lower() in _VENUES for cell in filled)


def fields_in_rows(sampled: Sampled, free: Collection[str]) -> list[str]:
    """What to ask where one row has the open, and the next one the close; sides of a book are asked about elsewhere."""
    words = {name: list(dict.fromkeys(sampled.filled(name))) for name in free if "" not in sampled.cells[name]}
    return [
        question_of_fields(name, some)
        for name, some in words.items()
        if are_fields(some) and not {cell.lower() for cell in some} <= QUOTE_SIDES
    ]


def _find_expiry(sampled: Sampled, found: Found, free: Collection[str], symbol: str) -> None:
    """Contracts of one symbol: what tells them apart belongs to the symbol."""
    varying = []
    for column in sampled.named("expiry", free):
        cells: dict[str, set[str]] = {}
        for name, cell in zip(sampled.cells[symbol], sampled.cells[column], strict=True):
            cells.setdefault(name, set()).add(cell)
        if any(len(some) > 1 for some in cells.values()):
            varying.append(column)
    if len(varying) == 1 and "suffix" not in found.roles:
        found.roles["suffix"] = Match(varying[0], "likely")
        found.notes.append(f"symbols are those of {symbol!r} with {varying[0]!r} behind them")
    elif varying:
        found.questions.append(
            f"{listed(varying)} vary within one {symbol!r}: these are several contracts; keep the rows of one, or "
            "write one column that names the contract"
        )


def _clocks(sampled: Sampled, ranks: dict[str, tuple[int, int]], untimely: Sequence[str]) -> list[str]:
    """Columns of times of day: by their cells, and where names speak of a time by digits such as 153000 too."""
    clocks = [name for name in sampled.columns if sampled.kind(name) == "clock"]
    for name in untimely:
        filled = sampled.filled(name)
        if name not in clocks and filled and all(_CLOCK_DIGITS.fullmatch(cell) for cell in filled):
            clocks.append(name)
    return sorted(clocks, key=lambda name: ranks.get(name, (5, 0)))


def _finest(sampled: Sampled, ranked: Sequence[str], clock: bool) -> str | None:
    """The first column that has the time of day, if any has; the first of all otherwise."""
    if not ranked:
        return None
    best = ranked[0]
    dates = is_date(sampled, best)
    stuck = len(sampled.cells[best]) > 2 and sampled.changes(best) == 0
    if not (dates and not clock) and not stuck:
        return best
    for other in ranked[1:]:
        same_symbols = [
            column
            for column in sampled.columns
            if column not in ranked and sampled.fields[column].keys() & {"symbol", "name"}
        ]
        finer = not is_date(sampled, other) or stuck
        if finer and sampled.changes(other) and (stuck or not sampled.unique_rows(best, *same_symbols)):
            return other
    return best


def _in_utc(sampled: Sampled, named: Sequence[str], best: str, ranks: dict[str, tuple[int, int]]) -> str | None:
    """A column of the same kind of time that says UTC, where it stands beside one that does not."""
    if says_utc(best):
        return None
    twins = [
        name
        for name in named
        if says_utc(name) and ranks[name][0] == ranks[best][0] and is_date(sampled, name) == is_date(sampled, best)
    ]
    return next((name for name in twins if sampled.cells[name] != sampled.cells[best]), None)


def _not_cut(sampled: Sampled, found: Found, named: Sequence[str], ranks: dict[str, tuple[int, int]]) -> str | None:
    """A column that says the same times more exactly: in every row it is less than a second later."""
    time, clock = found.roles["time"].column, found.roles.get("clock")
    if is_date(sampled, time) and clock is None:
        return None
    base = _stamps(sampled, time, clock.column if clock else None)
    if base is None or (base % _SECOND).any():
        return None
    for other in named:
        if other != time and ranks[other][0] <= max(1, ranks.get(time, (0, 0))[0]) and ranks[other][0] < _ENDS:
            later = _stamps(sampled, other, None)
            if later is not None and (later > base).any() and ((later >= base) & (later < base + _SECOND)).all():
                return other
    return None


def _stamps(sampled: Sampled, date: str, clock: str | None) -> Ints | None:
    """Times of the sample rows in nanoseconds, shape (T,); None where one cannot be read."""
    clocks = sampled.cells[clock] if clock is not None else [""] * len(sampled.cells[date])
    cells = [f"{day} {time}".strip() for day, time in zip(sampled.cells[date], clocks, strict=True)]
    try:
        return parse_times(pa.array(cells, pa.string())).time_ns if cells else None
    except CellError:
        return None


def _ask_fractions(sampled: Sampled, found: Found, clock: str) -> None:
    for column in sampled.named("fraction", sampled.columns):
        if sampled.contents[column].is_number and set(sampled.cells[column]) - {"", "0"}:
            found.questions.append(
                f"column {column!r} seems to hold parts of the seconds in {clock!r}: write them behind the seconds, or "
                "choose the columns of the time by hand to leave them out"
            )


def ends_only(time: str | None) -> bool:
    """Whether the time that was found tells the end of a bar."""
    return time is not None and is_end(time)
