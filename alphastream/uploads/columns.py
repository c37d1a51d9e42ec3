"""The roles columns can play, what a file's columns were proposed to mean, and a person's choice put on top."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final, Literal

from alphastream.errors import ParameterError
from alphastream.uploads.cells import looks_like_number
from alphastream.uploads.time_names import TIME_NAMES, ZONE_NAMES, Part
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import fold, phrases

Role = Literal[
    "time",
    "clock",
    "zone",
    "symbol",
    "suffix",
    "price",
    "quantity",
    "id",
    "buyer_is_maker",
    "bid",
    "ask",
    "event",
    "open",
    "high",
    "low",
    "close",
    "adj_close",
    "volume",
    "bid_open",
    "bid_high",
    "bid_low",
    "bid_close",
    "ask_open",
    "ask_high",
    "ask_low",
    "ask_close",
]
Kind = Literal["ticks", "bars"]
Shape = Literal["long", "wide", "single"]
Certainty = Literal["named", "likely", "guessed"]
Rows = Sequence[Sequence[str]]

_FEW: Final = 12  # names in a sentence
_NAME: Final = 60  # characters

BAR_ROLES: Final[tuple[Role, ...]] = ("open", "high", "low", "close")
QUOTE_ROLES: Final[tuple[Role, ...]] = ("bid", "ask")
BID_BARS: Final[tuple[Role, ...]] = ("bid_open", "bid_high", "bid_low", "bid_close")
ASK_BARS: Final[tuple[Role, ...]] = ("ask_open", "ask_high", "ask_low", "ask_close")
TICK_ROLES: Final[tuple[Role, ...]] = ("price", "quantity", "id", "buyer_is_maker", "bid", "ask", "event")
_BARS_ONLY: Final[tuple[Role, ...]] = (*BAR_ROLES, "adj_close", "volume", *BID_BARS, *ASK_BARS)
# Role to folded names, the better one first.
ALIASES: Final[Mapping[Role, tuple[str, ...]]] = {
    "time": TIME_NAMES,
    "clock": ("time", "timeutc", "clock", "timeofday"),
    "zone": ZONE_NAMES,
    "symbol": phrases("symbol"),
    "suffix": phrases("suffix"),
    "price": phrases("price"),
    "quantity": phrases("quantity"),
    "id": phrases("id"),
    "buyer_is_maker": (*phrases("maker"), *phrases("side")),
    "bid": phrases("bid"),
    "ask": phrases("ask"),
    "event": phrases("event"),
    "open": phrases("open"),
    "high": phrases("high"),
    "low": phrases("low"),
    "close": phrases("close"),
    "adj_close": phrases("adj_close"),
    "volume": phrases("volume"),
    **{role: phrases(role) for role in (*BID_BARS, *ASK_BARS)},  # type: ignore[arg-type]
}
ROLES: Final[tuple[Role, ...]] = tuple(ALIASES)
UNUSED: Final = "columns not used: "
_OF_PRICES: Final = ("prices are", "closes are", "one price a date", "order of the prices")  # so such notes begin
_OF_SIDES: Final = "the side is"


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
    time_is_end : whether the only time there is tells when a bar ends.
    side_is_makers : whether the side is that of the resting order (Coinbase), not of the taker.
    time_parts : year, month, day, hour and so on to columns, where these together are the time; it is called by the
        first of them then.
    price_scale : what prices are multiplied by: 1e-9 where they are written as whole billionths (Databento).
    sides_stay : whether an empty bid or ask is the one before it (MetaTrader).
    """

    roles: Mapping[Role, Match]
    series: Mapping[str, Mapping[Role, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str | None = None
    time_is_end: bool = False
    side_is_makers: bool = False
    price_scale: float = 1.0
    sides_stay: bool = False
    time_parts: Mapping[Part, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Bars where there is a close, ticks otherwise."""
        return "bars" if self.series or self.roles.keys() & {"close", "bid_close", "ask_close"} else "ticks"

    @property
    def shape(self) -> Shape:
        """Whether symbols stand in a column, in the header or nowhere."""
        if self.series:
            return "wide"
        return "long" if "symbol" in self.roles else "single"


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line names columns: it says time or date, or holds neither number nor time."""
    if any(len(cell.strip()) > 1 and fold(cell) in ALIASES["time"] for cell in cells):
        return True
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and not any(
        looks_like_number(cell) or looks_like_number(cell, ",") or looks_like_time(cell) for cell in filled
    )


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
            raise ParameterError(f"no column {column!r} for {role}: the file has {listed(columns)}{_hint(near)}")
    claimed = set(mapping.values())
    roles = {
        role: match for role, match in proposal.roles.items() if match.column not in claimed and role not in mapping
    }
    chosen: dict[Role, str] = {role: column for role in ROLES if (column := mapping.get(role)) is not None}
    roles |= {role: Match(column) for role, column in chosen.items()}
    if chosen.keys() & {"price", "bid", "ask"}:
        roles = {role: match for role, match in roles.items() if role not in _BARS_ONLY or role in chosen}
        if "price" in chosen:
            roles = {role: match for role, match in roles.items() if role not in QUOTE_ROLES or role in chosen}
    elif chosen.keys() & set(_BARS_ONLY) - {"volume"}:
        roles = {role: match for role, match in roles.items() if role not in TICK_ROLES or role in chosen}
    leading = {"price", "symbol", "bid", "ask", *_BARS_ONLY} - {"volume", "adj_close"}
    series = {} if roles.keys() & leading else proposal.series
    changed = {"time"} & mapping.keys()
    is_end = proposal.time_is_end and not changed
    makers = proposal.side_is_makers and "buyer_is_maker" not in mapping
    parts = proposal.time_parts
    time = proposal.roles.get("time")
    elsewhere = {column for role, column in mapping.items() if role != "time"}
    moved = "clock" in mapping or (time is not None and mapping.get("time", time.column) != time.column)
    if moved or elsewhere & set(parts.values()):
        parts = {}
    chosen_one = replace(
        proposal, roles=roles, series=series, time_is_end=is_end, side_is_makers=makers, time_parts=parts
    )
    return judge(replace(chosen_one, notes=_notes_after(proposal, chosen_one, columns)), columns)


def _notes_after(before: Proposal, after: Proposal, columns: Sequence[str]) -> tuple[str, ...]:
    """The notes that a person's choice leaves true, what the prices are now, and the columns that are left over."""
    was, now = ({match.column: role for role, match in each.roles.items()} for each in (before, after))
    moved = {column for column in {*was, *now} if was.get(column) != now.get(column)}
    moved_roles = {each[column] for each in (was, now) for column in moved if column in each}
    prices = moved_roles & {"time", "price", *QUOTE_ROLES, *_BARS_ONLY} or before.series != after.series
    notes = [
        note
        for note in before.notes
        if not note.startswith(UNUSED)
        and not any(repr(column) in note for column in moved)
        and not (prices and note.startswith(_OF_PRICES))
        and (after.side_is_makers or not note.startswith(_OF_SIDES))
    ]
    quotes = note_of_quotes(after.roles.keys())
    if quotes is not None and quotes not in notes:
        notes.append(quotes)
    used = {*now, *after.time_parts.values(), *(column for roles in after.series.values() for column in roles.values())}
    unused = [repr(column) for column in columns if column not in used]
    return (*notes, f"{UNUSED}{', '.join(unused)}") if unused else tuple(notes)


def note_of_quotes(roles: Collection[Role]) -> str | None:
    """What prices are made of where there are quotes and no trades; None where nothing is to be said."""
    for (bid, ask), price in ((QUOTE_ROLES, "price"), ((BID_BARS[3], ASK_BARS[3]), "close")):
        if price not in roles and (bid in roles or ask in roles):
            if bid in roles and ask in roles:
                return "prices are the middle of bid and ask"
            return f"prices are {'bids' if bid in roles else 'asks'} alone"
    return None


def judge(proposal: Proposal, columns: Sequence[str]) -> Proposal:
    """The proposal with its problem: what is missing, what was found, what comes close."""
    roles = proposal.roles.keys()
    missing: list[Role] = [] if "time" in roles else ["time"]
    bars = roles & set(BAR_ROLES)
    sides = [side for side in (BID_BARS, ASK_BARS) if roles & set(side)]
    if bars and bars != {"close"}:
        missing += [role for role in BAR_ROLES if role not in roles]
    elif not bars and sides:
        missing += [role for side in sides if roles & set(side) != {side[3]} for role in side if role not in roles]
    elif not proposal.series and not bars and not roles & {"price", "bid", "ask"}:
        missing.append("price")
    if not missing:
        return replace(proposal, problem=None)
    words = [word for role in missing for word in ALIASES[role] if len(word) > 3]
    used = {match.column for match in proposal.roles.values()}
    free = {fold(column): column for column in columns if column not in used}
    near = [free[name] for word in words for name in get_close_matches(word, free, 1, 0.75)]
    problem = (
        f"no column for {' and '.join(missing)}: found {listed(columns)}{_hint(near)}; needed are a time and a price "
        "(ticks), or a time, open, high, low and close (bars): rename the columns or choose them by hand"
    )
    return replace(proposal, problem=problem)


def listed(columns: Sequence[str]) -> str:
    """A few columns by name."""
    return few([repr(column if len(column) <= _NAME else f"{column[: _NAME - 3]}...") for column in columns])


def few(names: Sequence[str]) -> str:
    """Twelve names, and how many more there are."""
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW:,} more" if len(names) > _FEW else "")


def _hint(near: Sequence[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""
