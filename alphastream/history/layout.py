"""Where in a history a file lies: ``<kind>/venue=V/symbol=S/date=YYYY-MM-DD/<name>.parquet``.

Hive's way of naming partitions, which DuckDB, Polars, Spark and Arrow read. The date is the UTC day of the venue's
time. Symbols are percent-encoded. Trades that another host than the venue's own answered with lie under
``venue=V@host``: the ids of two hosts are not of one tape.
"""

import re
from datetime import UTC, date, datetime
from typing import Final, Literal, NamedTuple, Self
from urllib.parse import quote, unquote

from alphastream.errors import ParameterError
from alphastream.instruments import MAX_SYMBOL

Kind = Literal["ticks", "bars", "quotes", "books", "marks", "funding", "signals"]
KINDS: Final[tuple[Kind, ...]] = ("ticks", "bars", "quotes", "books", "marks", "funding", "signals")
HISTORY: Final = "history"
"""Name of the folder of a history beside the tape files that feed it."""
DAY_NS: Final = 86_400_000_000_000
INT64_MAX: Final = 2**63 - 1

_VENUE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(@[A-Za-z0-9._-]+)?")
_PATH: Final = re.compile(r"(?P<kind>[a-z]+)/venue=([^/]+)/symbol=([^/]+)/date=(\d{4}-\d\d-\d\d)/([^/]+)\.parquet")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+=-]*")


class Partition(NamedTuple):
    """One day of one kind of one instrument.

    Parameters
    ----------
    venue : with ``@host`` where another host than the venue's own answered.
    """

    kind: Kind
    venue: str
    symbol: str
    day: date

    @classmethod
    def of(cls, kind: str, instrument: str, day: date) -> Self:
        """Return the partition of an instrument, ``venue:symbol``, or ``venue@host:symbol``."""
        return cls(kind_of(kind), *parts(instrument), day)

    @property
    def instrument(self) -> str:
        """What lies there: ``venue:symbol``."""
        return f"{self.venue}:{self.symbol}"

    @property
    def folder(self) -> str:
        """Path below the history's root."""
        return f"{folder(self.kind, self.instrument)}/date={self.day.isoformat()}"

    def file(self, name: str) -> str:
        """Return the path of a file there, below the history's root; ParameterError for an unlawful name."""
        if not _NAME.fullmatch(name):
            raise ParameterError(f"file name {name!r}: needs letters, digits and . _ - @ + =, a letter or digit first")
        return f"{self.folder}/{name}.parquet"


def kind_of(text: str) -> Kind:
    """Return a kind of rows by its name; ParameterError for another."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise ParameterError(f"{text!r} is no kind of a history: take one of {', '.join(KINDS)}")


def parts(instrument: str) -> tuple[str, str]:
    """Return venue, with the host where one is named, and symbol.

    Examples
    --------
    >>> parts("binance-usdm@127.0.0.1:BTCUSDT"), parts("hyperliquid:xyz:XYZ100")
    (('binance-usdm@127.0.0.1', 'BTCUSDT'), ('hyperliquid', 'xyz:XYZ100'))
    """
    venue, _, symbol = instrument.partition(":")
    if not _VENUE.fullmatch(venue) or not 1 <= len(symbol) <= MAX_SYMBOL or not symbol.isprintable():
        raise ParameterError(f"{instrument!r} names no instrument: write venue:symbol, such as binance-usdm:BTCUSDT")
    return venue, symbol


def folder(kind: str, instrument: str) -> str:
    """Return the folder of all days of an instrument, below the history's root.

    Examples
    --------
    >>> folder("ticks", "kraken-spot:XBT/USD")
    'ticks/venue=kraken-spot/symbol=XBT%2FUSD'
    """
    venue, symbol = parts(instrument)
    return f"{kind_of(kind)}/venue={venue}/symbol={quote(symbol, safe='')}"


def symbol_in(folder_name: str) -> str:
    """Return the symbol that a folder ``symbol=…`` is of."""
    return unquote(folder_name.removeprefix("symbol="))


def partition_of(path: str) -> Partition | None:
    """Return where a file lies, given its path below the root; None where that is no file of a history."""
    match = _PATH.fullmatch(path)
    if match is None or match["kind"] not in KINDS:
        return None
    _, venue, symbol, day, _ = match.groups()
    try:
        return Partition.of(match["kind"], f"{venue}:{unquote(symbol)}", date.fromisoformat(day))
    except ValueError:
        return None


def day_of(time_ns: int) -> date:
    """Return the UTC day of a time."""
    return date.fromordinal(_EPOCH + time_ns // DAY_NS)


def first_ns_of(day: date) -> int:
    """Return when a UTC day begins."""
    return (day.toordinal() - _EPOCH) * DAY_NS


def moment(value: int | str | datetime | None, otherwise: int) -> int:
    """Return a time as UTC ns.

    Parameters
    ----------
    value : UTC ns, a datetime or ISO text (UTC where they name no zone); None for ``otherwise``.

    Examples
    --------
    >>> moment("2026-11-01", 0) == moment(datetime(2026, 11, 1), 0) == moment(1793491200000000000, 0)
    True
    """
    if value is None:
        return otherwise
    if isinstance(value, bool):
        raise ParameterError(f"{value!r} is no time: give UTC nanoseconds, a datetime or ISO text")
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
    if isinstance(value, str):
        try:
            return moment(datetime.fromisoformat(value), otherwise)
        except ValueError as error:
            raise ParameterError(f"{value!r} is no time: write such as 2026-11-01 or 2026-11-01T12:00:00Z") from error
    return int(value)


_EPOCH: Final = date(1970, 1, 1).toordinal()
