"""Which column plays which role, by the names of a header and the cells beneath it (without one: ``headerless``).

Names lie: "time" may hold a time of day, LOW may be a company, "value" may be money. So both must agree, and what they
leave open is a question: the proposal's problem names the columns.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from alphastream.uploads.cells import TRUTH, WHOLE, Decimal
from alphastream.uploads.codes import BOOK_SIDES
from alphastream.uploads.columns import (
    ASK_BARS,
    BAR_ROLES,
    BID_BARS,
    UNUSED,
    Match,
    Proposal,
    Role,
    Rows,
    judge,
    listed,
    note_of_quotes,
)
from alphastream.uploads.finding import QUOTE_SIDES, Found, fields_in_rows, find_symbol, find_times, is_date
from alphastream.uploads.habits import is_end, with_habits
from alphastream.uploads.sampled import Sampled
from alphastream.uploads.symbols import normalise
from alphastream.uploads.time_names import time_rank
from alphastream.uploads.wide import is_panel, panel_of
from alphastream.uploads.words import Field, fold, is_ambiguous, tokens_of

_HUNDREDTHS: Final = re.compile(r"(?i)\b(cents?|pence|penny|centavos|agorot)\b")
_ITS_OWN: Final = (2, 0)  # ranks of times of rows; behind them come ends of bars, and times of receipt
_HALVES: Final = frozenset({"am", "pm", "a.m.", "p.m."})


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
    sampled = Sampled(columns, rows, decimals)
    found = find_times(sampled)
    times = _used(found.roles) | set(found.time_parts.values())
    free = [column for column in columns if column not in times]
    if is_panel(sampled, free):
        return _wide(sampled, found, free, all_tickers=True)
    priced = _priced(sampled, free)
    who = find_symbol(sampled, free, priced)
    free = [column for column in free if column not in _used(who.roles)]
    told = _first_symbol(sampled, who) or symbol
    standing: str | None = None
    prices = _bars(sampled, free, told) or _quote_bars(sampled, free) or _ticks(sampled, free)
    if prices is None and not who.roles:
        wide = _wide(sampled, found, free, all_tickers=False)
        if wide.series or (wide.problem is not None and "hold no prices" in wide.problem):
            return _asked(
                wide, [question for columns in wide.series.values() for question in _hundredths(columns.values())]
            )
        standing = wide.problem if wide.problem is not None and "look like instruments" in wide.problem else None
    prices = prices or _weak(sampled, free) or _partial(sampled, free)
    roles = {**found.roles, **who.roles, **prices.roles}
    notes = [*found.notes, *who.notes, *prices.notes]
    questions = [*fields_in_rows(sampled, free), *found.questions, *who.questions, *prices.questions]
    roles = _daily(sampled, roles, found, notes)
    questions += _left_open(sampled, roles)
    proposal = Proposal(roles, time_parts=found.time_parts)
    proposal = with_habits(sampled, proposal, notes, questions)
    unused = [column for column in columns if column not in _used(roles) | times]
    if unused:
        notes.append(f"{UNUSED}{listed(unused)}")
    judged = judge(replace(proposal, notes=tuple(notes)), columns)
    if standing is not None and judged.problem is not None:
        return replace(judged, problem=standing)
    return _asked(judged, questions)


def _asked(proposal: Proposal, questions: Sequence[str]) -> Proposal:
    if proposal.problem is None and questions:
        return replace(proposal, problem=questions[0])
    return proposal


def _wide(sampled: Sampled, found: Found, free: Collection[str], all_tickers: bool) -> Proposal:
    panel = panel_of(sampled, free, all_tickers)
    notes = (*found.notes, *panel.notes)
    proposal = judge(Proposal(found.roles, panel.series, notes, time_parts=found.time_parts), sampled.columns)
    proposal = replace(proposal, time_is_end=is_end(proposal))
    questions = [*fields_in_rows(sampled, free), *_own_dates(sampled, found, free), *panel.questions]
    if questions and "time" in found.roles:
        return replace(proposal, problem=questions[0])
    return _asked(proposal, found.questions)


def _own_dates(sampled: Sampled, found: Found, free: Collection[str]) -> list[str]:
    """The question where columns of prices have dates of their own beside them."""
    if "time" not in found.roles:
        return []
    time = found.roles["time"].column
    others = [
        name
        for name in free
        if sampled.kind(name) in ("time", "date")
        and sampled.cells[name] != sampled.cells[time]
        and (time_rank(name) or _ITS_OWN)[0] <= _ITS_OWN[0]
    ]
    if not others:
        return []
    return [
        f"{listed([time, *others])} hold different dates, and columns beside each other cannot have dates of their "
        "own: save each instrument as a file of its own, or all under one column of dates"
    ]


def _used(roles: Mapping[Role, Match]) -> set[str]:
    return {match.column for match in roles.values()}


def _priced(sampled: Sampled, free: Collection[str]) -> bool:
    """Whether a column of a known name holds prices."""
    return any(sampled.numbers(name, free) for name in ("close", "price", "bid", "bid_close", "adj_close"))


def _first_symbol(sampled: Sampled, who: Found) -> str | None:
    if "symbol" not in who.roles:
        return None
    return next((normalise(cell) for cell in sampled.cells[who.roles["symbol"].column] if cell), None)


def _plausible(sampled: Sampled, name: str) -> bool:
    """Whether numbers may be prices at all: no flags, no truths."""
    return sampled.kind(name) not in ("flag", "index", "percent") or sampled.contents[name].distinct > 3


def _take(sampled: Sampled, found: Found, role: Role, word: Field, free: Collection[str]) -> str | None:
    """The best column for a role; a question where two are equally good."""
    columns = [name for name in sampled.numbers(word, free) if name not in _used(found.roles)]
    if not columns:
        return None
    found.roles[role] = Match(columns[0])
    twins = sampled.twins(word, columns)
    if twins:
        found.questions.append(f"{listed([columns[0], *twins])} may each be the {role}: choose one by hand")
    return columns[0]


def _bars(sampled: Sampled, free: Collection[str], symbol: str | None) -> Found | None:
    found = Found()
    for role in ("open", "high", "low"):
        _take(sampled, found, role, role, free)
    three = {"open", "high", "low"} <= found.roles.keys()
    if not three:
        if found.roles or _has_sides(sampled, free):
            return None
        names = [name for name in sampled.numbers("close", free) if not is_ambiguous(name)]
        if sampled.numbers("price", free):
            names = [name for name in names if fold(name) != "c"]  # a letter alone is no better than a word
        close = next((name for name in names if _plausible(sampled, name)), next(iter(names), None))
        if close is None:
            return _only_adjusted(sampled, free, symbol)
        found.roles["close"] = Match(close)
        twins = sampled.twins("close", [close, *(name for name in names if name != close)])
        if twins:
            found.questions.append(f"{listed([close, *twins])} may each be the close: choose one by hand")
    else:
        close = _take(sampled, found, "close", "close", free)
        adjusted = sampled.numbers("adj_close", free)
        if close is None and adjusted:
            found.roles["close"] = Match(adjusted[0], "likely")
            found.questions.append(
                f"{adjusted[0]!r} is adjusted, and there is no unadjusted close beside open, high and low: choose it "
                "as close alone, or add the close"
            )
        if close is None and not adjusted:
            return None
        if close is not None and is_ambiguous(close):
            found.notes.append(f"column {close!r} taken for the close")
    if "close" in found.roles:
        adjusted = [name for name in sampled.numbers("adj_close", free) if name not in _used(found.roles)]
        if adjusted:
            found.roles["adj_close"] = Match(adjusted[0])
    _volume(sampled, found, free, symbol)
    return found


def _only_adjusted(sampled: Sampled, free: Collection[str], symbol: str | None) -> Found | None:
    adjusted = sampled.numbers("adj_close", free)
    if not adjusted:
        return None
    found = Found({"close": Match(adjusted[0])}, ["closes are adjusted ones: there are no others"])
    _volume(sampled, found, free, symbol)
    return found


def _has_sides(sampled: Sampled, free: Collection[str]) -> bool:
    """Whether rows say who bought or sold: these are trades, however they are spaced."""
    return any(_is_side(sampled, name) and sampled.kind(name) == "side" for name in sampled.named("side", free))


def _volume(sampled: Sampled, found: Found, free: Collection[str], symbol: str | None) -> None:
    used = _used(found.roles)
    volumes = [name for name in sampled.named("volume", free) if name not in used and sampled.kind(name) in _AMOUNTS]
    if volumes:
        traded = [name for name in volumes if np.nan_to_num(sampled.contents[name].values).any()]
        best = (traded or volumes)[0]
        found.roles["volume"] = Match(_number_of(sampled, found, best, traded))
        return
    several = [name for name in free if tokens_of(name)[:1] in (("volume",), ("vol",)) and len(tokens_of(name)) == 2]
    several = [
        name for name in several if sampled.is_number(name) and not sampled.fields[name].keys() & {"other", "money"}
    ]
    base = [name for name in several if symbol is not None and symbol.lower().startswith(tokens_of(name)[1])]
    if several:
        found.roles["volume"] = Match(base[0], "likely") if base else Match(several[0], "guessed")


def _number_of(sampled: Sampled, found: Found, volume: str, others: Sequence[str]) -> str:
    """The column of the numbers traded, where the one named volume is them times the price."""
    if "close" not in found.roles:
        return volume
    close = sampled.contents[found.roles["close"].column].values
    for other in others:
        worth = sampled.contents[other].values * close
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = sampled.contents[volume].values / worth
        ratios = ratios[np.isfinite(ratios)]
        if other != volume and len(ratios) > 1 and bool((np.abs(ratios - 1) < 0.1).all()):
            found.notes.append(f"column {volume!r} is {other!r} times the price: volumes are those of {other!r}")
            return other
    return volume


_AMOUNTS: Final = ("price", "amount", "constant", "flag", "index", "counter", "empty", "signed", "text")


def _quote_bars(sampled: Sampled, free: Collection[str]) -> Found | None:
    """Bars of bids and asks."""
    found = Found()
    for role in (*BID_BARS, *ASK_BARS):
        _take(sampled, found, role, role, free)  # type: ignore[arg-type]
    if not found.roles.keys() & {"bid_close", "ask_close"}:
        return None
    found.notes.append(str(note_of_quotes(found.roles.keys())))
    _volume(sampled, found, free, None)
    return found


def _ticks(sampled: Sampled, free: Collection[str], weak: bool = False) -> Found | None:
    """Trades, or quotes where there is no price."""
    if sum(bool(sampled.numbers(role, free)) for role in ("open", "high", "low")) > 1:
        return None
    found = Found()
    prices = sampled.numbers("price", free)
    prices = [name for name in prices if _plausible(sampled, name)] or prices
    quoted = all(sampled.numbers(role, free) for role in ("bid", "ask"))  # beside quotes, "last" is a price
    sure = [name for name in prices if weak or quoted or not _is_ticker(name)]
    if sure:
        found.roles["price"] = Match(sure[0])
        twins = sampled.twins("price", sure)
        if twins:
            found.questions.append(f"{listed([sure[0], *twins])} may each be the price: choose one by hand")
    else:
        for role in ("bid", "ask"):
            _take(sampled, found, role, role, free)
        if not found.roles:
            return None
        found.notes.append(str(note_of_quotes(found.roles.keys())))
    _trade_details(sampled, found, free)
    return found


def _hundredths(columns: Iterable[str]) -> list[str]:
    """Prices in cents or pence, by the names of their columns."""
    return [
        f"{column!r} is in hundredths: write prices in one unit for all files"
        for column in columns
        if _HUNDREDTHS.search(column)
    ]


def _left_open(sampled: Sampled, roles: Mapping[Role, Match]) -> list[str]:
    """What would alter times or prices if it were not read: halves of a day, hundredths, sides of an order book."""
    used = _used(roles)
    questions = _hundredths(match.column for role, match in roles.items() if role in (*BAR_ROLES, "price"))
    for name in (name for name in sampled.columns if name not in used):
        values = {cell.lower() for cell in sampled.filled(name)}
        if values and values <= _HALVES:
            questions.append(f"{name!r} says am or pm: write it behind the time of day, in the same column")
        if "price" in roles and len(values) > 1 and values <= QUOTE_SIDES:
            questions.append(f"{name!r} says bid or ask: rows are quotes, not trades; write bid and ask side by side")
    return questions


def _trade_details(sampled: Sampled, found: Found, free: Collection[str]) -> None:
    rest = [name for name in free if name not in _used(found.roles)]
    amounts = [name for name in sampled.named("quantity", rest) if sampled.kind(name) in _AMOUNTS]
    if {"q", "s"} <= {name.strip() for name in amounts}:
        amounts = [name for name in amounts if name.strip() != "q"]  # Polygon: the size, and a sequence number
    if amounts and "price" in found.roles:
        found.roles["quantity"] = Match(amounts[0])
    rest = [name for name in rest if name not in _used(found.roles)]
    ids = [name for name in sampled.named("id", rest) if _is_whole(sampled, name)]
    if ids and "price" in found.roles:
        found.roles["id"] = Match(ids[0])
    for word in ("maker", "side"):
        sides = [name for name in sampled.named(word, rest) if _is_side(sampled, name)]
        if sides and "price" in found.roles and "buyer_is_maker" not in found.roles:
            found.roles["buyer_is_maker"] = Match(sides[0])
    rest = [name for name in rest if name not in _used(found.roles)]
    events = [
        name
        for name in rest
        if ("event" in sampled.fields[name] or fold(name) in ("type", "tradetype"))
        and sampled.kind(name) in ("symbol", "text", "side")
    ]
    if events:
        found.roles["event"] = Match(events[0], "likely")


def _is_whole(sampled: Sampled, name: str) -> bool:
    filled = sampled.filled(name)
    return bool(filled) and sum(bool(WHOLE.fullmatch(cell)) for cell in filled) * 2 > len(filled)


def _is_side(sampled: Sampled, name: str) -> bool:
    filled = [cell.lower() for cell in sampled.filled(name)]
    if fold(name) == BOOK_SIDES and filled and set(filled) <= QUOTE_SIDES:
        return True
    return bool(filled) and sum(cell in TRUTH for cell in filled) * 2 > len(filled)


def _is_ticker(name: str) -> bool:
    """VALUE, LAST and RATE are companies, too: by these names alone a price is not found before a panel."""
    return fold(name) in ("last", "value", "rate", "mid", "spot")


def _weak(sampled: Sampled, free: Collection[str]) -> Found | None:
    return _ticks(sampled, free, weak=True)


def _partial(sampled: Sampled, free: Collection[str]) -> Found:
    """What there is of an incomplete set, for the message and for a person to complete."""
    found = Found()
    for role in BAR_ROLES:
        _take(sampled, found, role, role, free)  # type: ignore[arg-type]
    if found.roles:
        _volume(sampled, found, free, None)
        return Found(found.roles)
    _take(sampled, found, "quantity", "quantity", free)
    return Found(found.roles)


def _daily(sampled: Sampled, roles: dict[Role, Match], found: Found, notes: list[str]) -> dict[Role, Match]:
    """One price a date is a bar of one price, no trade."""
    if "price" not in roles or "time" not in roles or roles.keys() & {"clock", "id", "buyer_is_maker", "event"}:
        return roles
    time = roles["time"].column
    parts = found.time_parts
    keys = [*(parts.values() or [time]), *(roles[role].column for role in ("symbol", "suffix") if role in roles)]
    dated = "hour" not in parts if parts else is_date(sampled, time)
    if len(sampled.cells[time]) < 2 or not dated or not sampled.unique_rows(*keys):
        return roles
    notes.append("one price a date: read as bars")
    renamed: dict[Role, Role] = {"price": "close", "quantity": "volume"}
    return {renamed.get(role, role): match for role, match in roles.items()}
