"""Which files of an exchange's public archive are which, by their names and the folders they were saved in.

The archive (data.binance.vision) keeps ``data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip``,
and with ``spot``, ``monthly``, and for bars the interval, ``…/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-08.zip``. A
file on its own does not say whether it is of the spot market or of a future: that is asked for, never guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from alphastream.core.units import DAY, HOUR, SECOND
from alphastream.errors import ParameterError, UploadError
from alphastream.feeds.binance import BINANCE_SPOT, BINANCE_US, BINANCE_USDM
from alphastream.instruments import InstrumentId
from alphastream.uploads.published import LAYOUTS

Content = Literal["aggTrades", "trades", "klines", "bookTicker", "fundingRate"]

CONTENTS: Final[tuple[Content, ...]] = ("aggTrades", "trades", "klines", "bookTicker", "fundingRate")
SPOT_VENUES: Final = (BINANCE_SPOT.name, BINANCE_US.name)
CHECKSUM: Final = ".CHECKSUM"  # ends the name of the file beside a file that says its SHA-256
VENUES: Final = (BINANCE_USDM.name, *SPOT_VENUES)
_UNITS_NS: Final = {"s": SECOND, "m": 60 * SECOND, "h": HOUR, "d": DAY, "w": 7 * DAY}
_LIKE_KLINES: Final = ("markPriceKlines", "indexPriceKlines", "premiumIndexKlines")  # files of the same names
_US_ARCHIVE: Final = "public_data"  # where Binance.US has what the others have under data
_NAME: Final = re.compile(
    r"(?P<symbol>[^-/\\]+)-"
    r"(?:(?P<content>aggTrades|trades|bookTicker|fundingRate)|(?P<interval>\d{1,2}(?:s|m|h|d|w|mo)))-"
    r"(?P<period>\d{4}-\d{2}(?:-\d{2})?)(?P<suffix>\.zip|\.csv|\.csv\.gz)"
)


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of the archive.

    Parameters
    ----------
    content : what is in it, as the archive calls it.
    instrument : whose.
    interval : of bars, as the archive spells it; "" for all else.
    start_ns, end_ns : the day or the month it is of, UTC ns, the end not included.
    """

    path: Path
    content: Content
    instrument: InstrumentId
    interval: str
    start_ns: int
    end_ns: int

    @property
    def period(self) -> str:
        """The day or the month, in words."""
        start = datetime.fromtimestamp(self.start_ns // SECOND, UTC)
        return f"the day {start:%Y-%m-%d}" if self.end_ns - self.start_ns == DAY else f"the month {start:%Y-%m}"

    @property
    def interval_ns(self) -> int:
        """Length of the bars, 0 for all else."""
        return _interval_ns(self.interval) if self.interval else 0

    @property
    def columns(self) -> tuple[str, ...]:
        """What its columns hold, in their order."""
        if self.content == "fundingRate":
            return "time", "interval_hours", "rate"
        market = "spot " if self.instrument.venue in SPOT_VENUES else "futures "
        name = f"Binance {market if self.content in ('aggTrades', 'trades') else ''}{self.content}"
        return next(layout.words for layout in LAYOUTS if layout.name == name)


def is_published(path: Path) -> bool:
    """Say whether a file is called as those of the archive are."""
    return _NAME.fullmatch(path.name) is not None


def recognise(path: Path, venue: str | None = None) -> PublishedFile:
    """Return what a file is, by its name and its folders.

    Parameters
    ----------
    venue : one of ``VENUES``, for files outside the folders of the archive.

    Raises
    ------
    UploadError : it is not called so, its folders say something else, they do not say which market it is of and no
        venue is given, or it is of a kind that is not imported.
    """
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise UploadError(
            "not called as a published file: needs SYMBOL-aggTrades-2024-08-08.zip, SYMBOL-1m-2024-08.zip or the like",
            file=path.name,
        )
    content: Content = found["content"] or "klines"  # type: ignore[assignment]
    symbol, interval = found["symbol"], found["interval"] or ""
    if interval:
        _interval_ns(interval, path.name)
    start, end = _period(path.name, found["period"])
    folders = path.resolve().parent.parts
    at = next((at for at in reversed(range(1, len(folders) - 2)) if folders[at] in ("daily", "monthly")), None)
    if at is not None and folders[at + 1] in (*CONTENTS, *_LIKE_KLINES):
        cadence = "daily" if end - start == timedelta(days=1) else "monthly"
        named = (cadence, content, symbol, *([interval] if interval else []))
        kept = folders[at : at + len(named)]
        if kept[1] in _LIKE_KLINES:
            raise UploadError(f"{kept[1]} are no bars of trades: only klines are imported", file=path.name)
        if kept != named:
            raise UploadError(
                f"its name says {'/'.join(named)}, its folders {'/'.join(kept)}: one of them is wrong", file=path.name
            )
        venue = _agreed(path.name, _venue_of(path.name, folders[:at]), venue)
    if venue is None:
        raise UploadError(
            f"its folders do not say which market it is of: give --venue {', '.join(VENUES[:-1])} or {VENUES[-1]}",
            file=path.name,
        )
    if venue not in VENUES:
        raise ParameterError(f"venue {venue!r}: published files are of {', '.join(VENUES[:-1])} or {VENUES[-1]}")
    if venue in SPOT_VENUES and content == "fundingRate":
        raise UploadError(f"{venue} is a spot market and pays no funding: give --venue {VENUES[0]}", file=path.name)
    try:
        instrument = InstrumentId(venue, symbol)
    except ParameterError as error:
        raise UploadError(str(error), file=path.name) from error
    return PublishedFile(path, content, instrument, interval, _ns(start), _ns(end))


def candidates(paths: Sequence[Path]) -> Iterator[Path]:
    """Give the files that are named, and those of folders that are called as published files are.

    Raises
    ------
    ParameterError : there is no such file or folder, or a folder holds none.
    """
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if is_published(each) and each.is_file())
            if not found:
                raise ParameterError(f"{path} holds no published file, such as BTCUSDT-aggTrades-2024-08-08.zip")
            yield from found
        elif path.exists():
            if not path.name.endswith(CHECKSUM):
                yield path
        else:
            raise ParameterError(f"there is no file or folder {path}")


def _interval_ns(text: str, file: str = "") -> int:
    count, unit = int(text.rstrip("smhdwo")), text.lstrip("0123456789")
    if unit not in _UNITS_NS or not count:
        raise UploadError(f"bars of {text} have no fixed length: import bars of 1s to 1w", file=file)
    return count * _UNITS_NS[unit]


def _period(file: str, text: str) -> tuple[date, date]:
    """The first day, and the first beyond."""
    try:
        start = date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError as error:
        raise UploadError(f"{text} is no date", file=file) from error
    if len(text) > 7:
        return start, start + timedelta(days=1)
    return start, (start + timedelta(days=31)).replace(day=1)


def _venue_of(file: str, folders: Sequence[str]) -> str | None:
    """The venue that the folders above daily or monthly speak of, None where they do not."""
    if folders[-2:] == ("futures", "um"):
        return BINANCE_USDM.name
    if folders[-2:] == ("futures", "cm"):
        raise UploadError("COIN-M futures count contracts, not coins: they are not imported", file=file)
    if folders[-1] == "spot":
        return BINANCE_US.name if folders[-2:-1] == (_US_ARCHIVE,) else BINANCE_SPOT.name
    return None


def _agreed(file: str, found: str | None, given: str | None) -> str | None:
    if found is not None and given is not None and found != given:
        raise UploadError(f"its folders say {found}, --venue says {given}: leave one of them out", file=file)
    return found if given is None else given


def _ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY
