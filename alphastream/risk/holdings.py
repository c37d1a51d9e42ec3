"""What is held: by accounts such as paper runs, and by a file of positions."""

import csv
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from alphastream.errors import ParameterError
from alphastream.instruments import InstrumentId

MOST_ROWS: Final = 10_000
MOST: Final = 1e15
"""Of a quantity and of a price: what is held of more would add up to no number."""
_NEEDED: Final = ("symbol", "quantity")
_KNOWN: Final = (*_NEEDED, "price", "pair")


@dataclass(frozen=True, slots=True)
class Holding:
    """Units of one instrument.

    Parameters
    ----------
    account : whose it is.
    instrument : full name, or bare where a file says no venue.
    units : in units of base; negative is short.
    price : paid on average, in quote units; NaN where it is not known, so that no profit can be told.
    pair : the pair it is a leg of; "" where it is of none.
    """

    account: str
    instrument: str
    units: float
    price: float = math.nan
    pair: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What an account says of itself, in quote units.

    Parameters
    ----------
    equity : cash and positions at the last prices.
    maintenance : equity at which everything is closed.
    began_with : equity at the beginning.
    peak : highest equity that was seen.
    """

    name: str
    equity: float
    maintenance: float
    began_with: float
    peak: float

    @property
    def drawdown(self) -> float:
        """What was lost since the highest equity, in quote units."""
        return self.peak - self.equity

    @property
    def margin_use(self) -> float:
        """Share of the equity that must stay, 1 at the end of the account; NaN without equity."""
        return self.maintenance / self.equity if self.equity > 0.0 else math.nan


def closed(holdings: Iterable[Holding], which: Callable[[Holding], bool]) -> tuple[Holding, ...]:
    """Return what would be held without those."""
    return tuple(each for each in holdings if not which(each))


def doubled(holdings: Iterable[Holding], which: Callable[[Holding], bool]) -> tuple[Holding, ...]:
    """Return what would be held with those twice."""
    return tuple(replace(each, units=2.0 * each.units) if which(each) else each for each in holdings)


@dataclass(slots=True)
class AveragePrices:
    """Average price of what is open, from purchases and sales as they come. Reducing a position leaves it as it is."""

    units: dict[str, float] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)

    def take(self, instrument: str, units: float, price: float) -> None:
        """Count a purchase, or a sale with negative units."""
        before = self.units.get(instrument, 0.0)
        after = before + units
        if before == 0.0 or (after != 0.0 and (after > 0.0) != (before > 0.0)):
            self.prices[instrument] = price
        elif abs(after) > abs(before):
            self.prices[instrument] = (before * self.prices[instrument] + units * price) / after
        self.units[instrument] = after


def read_positions(text: str, account: str = "file") -> tuple[Holding, ...]:
    """Read positions from CSV with the columns symbol, quantity and, where known, price and pair.

    Parameters
    ----------
    text : comma, semicolon or tab between cells, a point before decimals, a header first.
    account : what the holdings are called.

    Raises
    ------
    ParameterError : naming the line, what was seen and what is needed.

    Examples
    --------
    >>> read_positions("symbol,quantity\\nokx:BTC-USDT,-0.5\\n")[0].units
    -0.5
    """
    lines = text.removeprefix("\ufeff").splitlines()
    head = next((line for line in lines if line.strip()), "")
    cut = next((mark for mark in (";", "\t") if mark in head), ",")
    rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=cut)
    found: list[Holding] = []
    names: list[str] | None = None
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if names is None:
            names = _header(cells)
            continue
        if len(cells) != len(names):
            raise ParameterError(f"line {number} has {len(cells)} cells, the header {len(names)}: give one a column")
        found.append(_holding(dict(zip(names, cells, strict=True)), number, account))
        if len(found) > MOST_ROWS:
            raise ParameterError(f"more than {MOST_ROWS:,} positions: sum them up by symbol first")
    if names is None:
        raise ParameterError("the file is empty: needs a header with symbol and quantity, and a line a position")
    return tuple(found)


def _header(cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        raise ParameterError(
            f"the header has {', '.join(cells)}: needs {' and '.join(lacking)} too, and may have price and pair"
        )
    repeated = {name for name in names if names.count(name) > 1 and name in _KNOWN}
    if repeated:
        raise ParameterError(f"the header has {', '.join(sorted(repeated))} more than once: leave one of them")
    return names


def _holding(cells: dict[str, str], number: int, account: str) -> Holding:
    if not cells["symbol"]:
        raise ParameterError(f"line {number} names no symbol")
    try:
        InstrumentId.parse(cells["symbol"], "file")
    except ParameterError as error:
        raise ParameterError(f"line {number}: {error}") from error
    units = _number(cells["quantity"], number, "quantity")
    price = _number(cells["price"], number, "price") if cells.get("price") else math.nan
    if price <= 0.0:
        raise ParameterError(f"line {number}: price {cells['price']} must be above 0, or empty where it is not known")
    return Holding(account, cells["symbol"], units, price, cells.get("pair", ""))


def _number(text: str, number: int, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"line {number}: {what} {text!r} is no number: write it as -1234.5")
    if abs(value) > MOST:
        raise ParameterError(f"line {number}: {what} {text} is out of range: give at most {MOST:g}")
    return value
