"""Which column plays which role in a file without a header: by content, first what venues are known to publish.

What the content leaves open is a question: the proposal's problem names the columns, a cell of each, and what to do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.uploads.bar_order import USUAL, Order, fits, lie_still, ohlc_order
from alphastream.uploads.cells import TRUTH, CellError, Decimal
from alphastream.uploads.columns import BAR_ROLES, UNUSED, Match, Proposal, Role, Rows, few, judge
from alphastream.uploads.contents import (
    as_numbers,
    clock_digits,
    content_of,
    price_like,
    roughness,
    runs_one_way,
    same_prices,
    surely_times,
    unleaping,
)
from alphastream.uploads.lean import scaled
from alphastream.uploads.published import published
from alphastream.uploads.times import parse_times

_CALMER: Final = 4  # times: the price among two columns moves so much less than the amount
_STIR: Final = 0.02  # and the amount by more than this (log): another price may be as calm
_MANY: Final = 10  # rows, fewer of which may be calm by chance
_TIGHT: Final = 0.01  # a spread of bid and ask is smaller than this part of the price
_NARROW: Final = 5e-4  # a spread so small is one, however quiet the price is
_YEAR_NS: Final = 366 * 86_400 * 10**9
_DAY_MS: Final = 86_400_000
_CONTRACT_MONTH: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])")
_ADVICE: Final = "choose the columns by hand, or write a first line with their names"

Roles = dict[Role, str]


class _Question(Exception):
    """What the content leaves open, in words."""


def propose_bare(
    columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal] | None = None, symbol: str | None = None
) -> Proposal:
    """Judge a file without a header.

    Parameters
    ----------
    columns : made-up names, one a column.
    rows : sample rows.
    decimals : column to its decimal mark; a point where it is not named.
    symbol : the symbol the file's name speaks of; tells the column of symbols from other short words.
    """
    bare = _Bare(columns, rows, decimals or {}, symbol)
    known = published([bare.contents[column] for column in columns])
    if known is not None:
        found = {role: columns[at] for role, at in known.roles().items()}
        return _proposal(found, [f"no header: read as {known.name} ({_told(found)})"], columns)
    try:
        bare.find()
    except _Question as question:
        proposal = _proposal(bare.roles, bare.notes, columns)
        return replace(proposal, problem=f"no header, and the cells do not tell {question}: {_ADVICE}")
    told = f"no header: read by content as {_told(bare.roles)}"
    return scaled(_proposal(bare.roles, [told, *bare.notes], columns), bare.cells, bare.contents)


def _proposal(roles: Mapping[Role, str], notes: Iterable[str], columns: Sequence[str]) -> Proposal:
    matches = {role: Match(column, "likely") for role, column in roles.items()}
    return judge(Proposal(matches, notes=tuple(notes)), columns)


def _told(roles: Mapping[Role, str]) -> str:
    return ", ".join(f"{column} {role.replace('_', ' ')}" for role, column in roles.items())


class _Bare:
    """The columns of a file without a header, sorted out one after the other."""

    def __init__(self, columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal], symbol: str | None) -> None:
        whole = [row for row in rows if len(row) == len(columns)]
        self.columns = columns
        self.cells = {name: [row[at].strip() for row in whole] for at, name in enumerate(columns)}
        self.contents = {name: content_of(cells, decimals.get(name, ".")) for name, cells in self.cells.items()}
        self.roles: Roles = {}
        self.notes: list[str] = []
        self._symbol = symbol
        self._free = [name for name in columns if self.contents[name].kind != "empty"]
        self._order: Ints = np.arange(len(whole))
        self._groups: Ints = np.zeros(len(whole), dtype=np.int64)

    def find(self) -> None:
        """Fill ``roles`` and ``notes``.

        Raises
        ------
        _Question
            Several readings are possible.
        """
        self._find_time()
        self._find_symbol()
        bars = self._bar_columns()
        if bars:
            self._read_bars(bars)
        else:
            self._find_side()
            self._read_ticks()
        if self._free:
            self.notes.append(f"{UNUSED}{few(list(map(self._shown, self._free)))}")

    def _find_time(self) -> None:
        self._drop_strangers(self._of("time", "date"))
        times, dates, clocks = self._of("time"), self._of("date"), self._of("clock")
        if times:
            self._take("time", self._first_time(times))
        elif dates:
            self._take_date(dates, clocks)
        else:
            raise _Question(self._why_no_time())
        stamps = self._stamps(self.roles["time"], self.roles.get("clock"))
        if stamps is not None:
            self._order = np.argsort(stamps, kind="stable")

    def _take_date(self, dates: Sequence[str], clocks: Sequence[str]) -> None:
        if len(dates) > 1:
            moving = [name for name in dates if self.contents[name].distinct > 1] or dates
            if len(moving) > 1:
                raise _Question(f"which of {self._listed(moving)} is the date")
            dates = moving
        self._take("time", dates[0])
        if len(clocks) > 1:
            raise _Question(f"which of {self._listed(clocks)} is the time of day")
        beside = self.columns.index(dates[0]) + 1
        digits = [
            name
            for name in self.columns[beside : beside + 1]
            if name in self._free and clock_digits(self.cells[name], self.cells[dates[0]])
        ]
        for name in digits:
            if all(_CONTRACT_MONTH.fullmatch(cell) for cell in self.cells[name]):
                raise _Question(f"whether {self._shown(name)} is a time of day or the month of a contract")
        for clock in [*clocks, *digits][:1]:
            self._take("clock", clock)

    def _first_time(self, times: Sequence[str]) -> str:
        """The time among several: the same twice, or beginning and end of a bar."""
        if len(times) == 1:
            return times[0]
        stamps = [self._stamps(name) for name in times]
        known = [(name, stamp) for name, stamp in zip(times, stamps, strict=True) if stamp is not None]
        first, stamp = min(known, key=lambda pair: int(pair[1].min()), default=(times[0], None))
        later = [other - stamp for name, other in known if stamp is not None and name != first]
        unsteady = any((len(gaps) < 2 and gaps.any()) or np.ptp(gaps) > 10**9 for gaps in later)
        if len(known) < len(times) or unsteady:
            raise _Question(f"which of {self._listed(times)} is the time")
        others = ", ".join(repr(name) for name in times if name != first)
        same = all(not gaps.any() for gaps in later)
        self.notes.append(
            f"{others} {'says the same time as' if same else 'is as much later in each row as'} {first!r}: not used"
        )
        self._free = [name for name in self._free if name not in times or name == first]
        return first

    def _drop_strangers(self, names: Sequence[str]) -> None:
        """Let numbers that only look like times be numbers: an id or a volume of ten digits is years away from the
        dates, or from the times in milliseconds, of the same rows."""
        stamps = {name: stamp for name in names if (stamp := self._stamps(name)) is not None}
        surely = [name for name in stamps if surely_times(self.contents[name])]
        for name in names:
            doubtful = bool(surely) and name in stamps and name not in surely
            if doubtful and np.median(np.abs(stamps[name] - stamps[surely[0]])) > _YEAR_NS:
                self.contents[name] = as_numbers(self.contents[name])

    def _stamps(self, date: str, clock: str | None = None) -> Ints | None:
        """Times of the sample rows, or None where they cannot be read (the whole column will say why)."""
        clocks = self.cells[clock] if clock is not None else [""] * len(self.cells[date])
        cells = [f"{day} {time}".strip() for day, time in zip(self.cells[date], clocks, strict=True)]
        try:
            return parse_times(pa.array(cells, pa.string())).time_ns
        except CellError:
            return None

    def _why_no_time(self) -> str:
        first = self.columns[0]
        if self.contents[first].kind == "counter" and 1e6 < np.nanmax(self.contents[first].values) < _DAY_MS:
            return (
                f"the date: {self._shown(first)} may count milliseconds since midnight, as QuantConnect's LEAN writes "
                "them with the date in the file's name only; add a column with date and time"
            )
        return f"which column is the time: found {self._listed(self._free)}"

    def _find_symbol(self) -> None:
        found = self._of("symbol")
        if self._symbol is not None and len(found) > 1:
            speaking = [name for name in found if self._symbol in {cell.upper() for cell in self.cells[name]}]
            found = speaking or found
        if len(found) > 1:
            moving = [name for name in found if self.contents[name].distinct > 1]
            found = moving if len(moving) == 1 else found
        if len(found) > 1:
            raise _Question(f"which of {self._listed(found)} is the symbol")
        if found:
            self._take("symbol", found[0])
            self._groups = np.unique(self.cells[found[0]], return_inverse=True)[1]

    def _find_side(self) -> None:
        sides = [
            name
            for name in self._of("side")
            if all(cell.lower() in TRUTH and not cell.isdigit() for cell in self.cells[name] if cell)
        ]
        if len(sides) == 1:
            self._take("buyer_is_maker", sides[0])

    def _bar_columns(self) -> list[str]:
        """The largest set of columns with prices of one magnitude, where it has four or more."""
        positive = [name for name in self._numbers() if self._positive(name) and self.contents[name].kind != "index"]
        sets = [
            [name for name in positive if same_prices([self._values(name), self._values(other)])] for other in positive
        ]
        largest = max(sets, key=len, default=[])
        if len(largest) > 4:
            kept = unleaping([self._values(name) for name in largest])
            largest = [largest[at] for at in kept]
        if len(largest) < 4:
            return []
        at = self.columns.index
        between = [name for name in positive if at(largest[0]) <= at(name) <= at(largest[3])]
        if len(between) > 4:
            raise _Question(f"which of {self._listed(between)} are open, high, low and close")
        return largest

    def _read_bars(self, prices: list[str]) -> None:
        at = self.columns.index
        others = [name for name in self._numbers() if name not in prices and not self._negative(name)]
        after = [name for name in others if at(name) > at(prices[3])]
        before = [name for name in others if at(name) < at(prices[0])]
        volume = next(iter([*after, *before[::-1]]), None)
        chosen, order = self._bar_order(prices, volume in before)
        for role, position in zip(BAR_ROLES, order, strict=True):
            self._take(role, chosen[position])
        if order != USUAL:
            self.notes.append(f"order of the prices by their highs, lows and gaps: {', '.join(map(str, BAR_ROLES))}")
        if volume is not None:
            self._take("volume", volume)
        more = [name for name in prices if name in self._free]
        if more:
            self.notes.append(
                f"{', '.join(map(self._shown, more))} near the prices too (an adjusted close, an average?): not used"
            )
            self._free = [name for name in self._free if name not in more]

    def _bar_order(self, prices: list[str], volume_first: bool) -> tuple[list[str], Order]:
        for start in range(len(prices) - 3):
            some = prices[start : start + 4]
            values = [self._values(name) for name in some]
            if len(prices) > 4 and not fits(values):
                continue
            found = ohlc_order(values, groups=self._groups[self._order], volume_first=volume_first)
            if found.orders and lie_still(values, found.orders[0]):
                raise _Question(f"whether {self._listed(some)} are bars, instruments or levels of an order book")
            if len(found.orders) == 1:
                return some, found.orders[0]
            if found.orders:
                ends = sorted({some[order[at]] for order in found.orders for at in (0, 3)})
                raise _Question(f"which of {self._listed(ends)} is the open and which the close")
        raise _Question(f"which of {self._listed(prices)} are open, high, low and close")

    def _read_ticks(self) -> None:
        numbers = [name for name in self._numbers() if self.contents[name].kind not in ("flag", "index", "signed")]
        ids = [name for name in numbers if self._is_id(name)]
        numbers = [name for name in numbers if name not in ids]
        several = [name for name in numbers if self._positive(name) and not self.contents[name].whole]
        if len(several) > 3:
            raise _Question(f"what {self._listed(several)} are")
        quotes = [
            (one, other)
            for one in numbers
            for other in numbers
            if one != other and self._positive(one) and self._is_spread(one, other)
        ]
        if quotes:
            self._read_quotes(quotes, numbers)
        else:
            price = self._price_of(numbers)
            self._take("price", price)
            amounts = [name for name in numbers if name != price and not self._negative(name)]
            after = [name for name in amounts if self.columns.index(name) > self.columns.index(price)]
            for name in (after or amounts[-1:])[:1]:
                self._take("quantity", name)
        if len(ids) > 1:
            raise _Question(f"which of {self._listed(ids)} is the id of a trade")
        for name in ids:
            if len(set(self.cells[name])) == len(self.cells[name]):
                self._take("id", name)
        trade_like = self.roles.keys() & {"id", "buyer_is_maker"}
        if "price" in self.roles and not trade_like and self._is_one_a_date():
            self.notes.append("one price a date: read as bars")
            renamed: dict[Role, Role] = {"price": "close", "quantity": "volume"}
            self.roles = {renamed.get(role, role): name for role, name in self.roles.items()}

    def _is_one_a_date(self) -> bool:
        """Whether each date has one row, of a symbol: a market of that day had no one bid and ask."""
        if "clock" in self.roles:
            return False
        time = self.roles["time"]
        rows = list(zip(self.cells[time], self._groups, strict=True))
        return self.contents[time].kind == "date" and len(rows) > 1 and len(set(rows)) == len(rows)

    def _read_quotes(self, quotes: Sequence[tuple[str, str]], numbers: Sequence[str]) -> None:
        """Bid and ask, where nothing else has prices of their magnitude."""
        bid, ask = quotes[0]
        prices = [name for name in numbers if name == bid or same_prices([self._values(name), self._values(bid)])]
        if len(prices) > 2:
            raise _Question(f"which of {self._listed(prices)} are price, bid and ask")
        levels = np.stack([self._levels(bid), self._levels(ask)])
        levels = levels[:, np.isfinite(levels).all(axis=0)]
        spread, steps = levels[1] - levels[0], np.abs(np.diff(levels[0]))
        wide = len(spread) < 2 or np.median(spread) > 3 * np.median(steps) + _NARROW
        if wide or self._is_one_a_date():
            raise _Question(f"whether {self._listed((bid, ask))} are bid and ask")
        self._take("bid", bid)
        self._take("ask", ask)

    def _price_of(self, numbers: list[str]) -> str:
        positive = [name for name in numbers if self._positive(name)]
        if not positive:
            raise _Question(f"which column is the price: found {self._listed(self._free)}")
        beside = [name for name in self._numbers() if name not in numbers]
        if len(positive) == 1 and len(numbers) == 1 and (not beside or self._is_calm(positive[0])):
            return positive[0]
        calm = [name for name in positive if self._is_calm(name)]
        if len(calm) == 1:
            return calm[0]
        rough = {name: roughness(self._values(name)) for name in calm}
        ranked = sorted((name for name in calm if rough[name] > 0), key=rough.__getitem__)
        enough = len(self._order) >= _MANY and len(ranked) == len(calm) > 1
        if enough and rough[ranked[1]] > max(_CALMER * rough[ranked[0]], _STIR):
            return ranked[0]
        raise _Question(f"which of {self._listed(calm or numbers)} is the price and which the quantity")

    def _is_calm(self, name: str) -> bool:
        """Whether a column moves like a price, or stays where it is with decimals that show a price."""
        return price_like(self._values(name)) or (self.contents[name].distinct == 1 and not self.contents[name].whole)

    def _is_id(self, name: str) -> bool:
        return self.contents[name].whole and runs_one_way(self._values(name))

    def _is_spread(self, bid: str, ask: str) -> bool:
        if not same_prices([self._values(bid), self._values(ask)]):
            return False
        gap = self._levels(ask) - self._levels(bid)
        gap = gap[np.isfinite(gap)]
        return bool((gap >= 0).all() and (gap > 0).any() and np.median(gap) < _TIGHT)

    def _of(self, *kinds: str) -> list[str]:
        return [name for name in self._free if self.contents[name].kind in kinds]

    def _numbers(self) -> list[str]:
        return [name for name in self._free if self.contents[name].is_number]

    def _values(self, name: str) -> Floats:
        """The numbers of a column in the order of time; rows without one are left out of every comparison as NaN."""
        return self.contents[name].values[self._order]

    def _levels(self, name: str) -> Floats:
        """The logs of a column in the order of time; NaN where it is not above zero."""
        values = self._values(name)
        return np.log(np.where(values > 0, values, np.nan))

    def _positive(self, name: str) -> bool:
        some = self._finite(name)
        return len(some) > 0 and bool(np.mean(some > 0) > 0.9)

    def _negative(self, name: str) -> bool:
        return bool((self._finite(name) < 0).any())

    def _finite(self, name: str) -> NDArray[np.float64]:
        values = self.contents[name].values
        return values[np.isfinite(values)]

    def _take(self, role: Role, name: str) -> None:
        self.roles[role] = name
        self._free = [other for other in self._free if other != name]

    def _shown(self, name: str) -> str:
        cell = next((cell for cell in self.cells[name] if cell), "")
        return f"{name!r} ({cell if len(cell) <= 30 else cell[:27] + '...'})"

    def _listed(self, names: Iterable[str]) -> str:
        return " and ".join(map(self._shown, names)) or "nothing"
