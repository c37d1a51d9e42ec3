"""The name of everything that trades: which venue, and what it is called there."""

import re
from collections.abc import Iterable
from typing import Final, Self

from alphastream.errors import ParameterError

MAX_SYMBOL: Final = 64
_VENUE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")  # small letters: "BINANCE:BTCUSDT" in a file names no venue
_HOSTED: Final = re.compile(
    rf"{_VENUE.pattern}(@[A-Za-z0-9._-]+)?"
)  # as a history names it where another host answered

_NAMED: Final = re.compile(r"(?<![\w-])([a-z][a-z0-9]*(?:-[a-z0-9]+)*):(?=[^\s/:])")  # a venue before a symbol


class InstrumentId(str):
    """An instrument: its text is ``venue:symbol``, which it equals, hashes and sorts as, and is kept as.

    The text is split at its first colon, so a symbol may hold colons of its own. No case is changed.

    Parameters
    ----------
    venue : small letters, digits and single hyphens, as in ``FEEDS``.
    symbol : the venue's own spelling, up to 64 printable characters.

    Raises
    ------
    ParameterError : one of them cannot be a venue or a symbol.

    Examples
    --------
    >>> InstrumentId("binance-usdm", "BTCUSDT")
    InstrumentId('binance-usdm', 'BTCUSDT')
    >>> str(InstrumentId.parse("BTCUSDT", "binance-spot")), InstrumentId.parse("okx:BTC-USDT-SWAP").symbol
    ('binance-spot:BTCUSDT', 'BTC-USDT-SWAP')
    """

    __slots__ = ()

    def __new__(cls, venue: str, symbol: str) -> Self:
        """Check the two parts and join them."""
        if not _VENUE.fullmatch(venue):
            raise ParameterError(
                f"venue {venue!r}: needs small letters, digits and single hyphens, such as binance-usdm"
            )
        if not 1 <= len(symbol) <= MAX_SYMBOL or symbol != symbol.strip() or not symbol.isprintable():
            raise ParameterError(
                f"symbol {symbol!r}: needs 1 to {MAX_SYMBOL} printable characters without space around them"
            )
        return super().__new__(cls, f"{venue}:{symbol}")

    @classmethod
    def parse(cls, text: str, default_venue: str | None = None) -> "InstrumentId":
        """Read an id from its text; a bare symbol belongs to the default venue.

        Raises
        ------
        ParameterError : it names no venue and there is no default, or a part is not lawful.
        """
        text = text.strip()
        venue, colon, symbol = text.partition(":")
        if colon and _VENUE.fullmatch(venue):
            return cls(venue, symbol)
        if default_venue is None:
            raise ParameterError(f"{text!r} names no venue: write venue:symbol, such as binance-usdm:BTCUSDT")
        return cls(default_venue, text)

    @property
    def venue(self) -> str:
        """Where it trades."""
        return self.partition(":")[0]

    @property
    def symbol(self) -> str:
        """What it is called there."""
        return self.partition(":")[2]

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Give pickle and copy the two parts."""
        return type(self), (self.venue, self.symbol)

    def __repr__(self) -> str:
        """Show the two parts."""
        return f"InstrumentId({self.venue!r}, {self.symbol!r})"


def bare(name: str, venue: str = "") -> str:
    """Return what a name is called at its venue, where that is ``venue`` or none is given; else the whole name.

    Examples
    --------
    >>> bare("binance-usdm:BTCUSDT"), bare("okx:BTC-USDT", "binance-usdm"), bare("KO")
    ('BTCUSDT', 'okx:BTC-USDT', 'KO')
    """
    of, symbol = split(name)
    return symbol if venue in ("", of) else name


def full(name: str, venue: str = "") -> str:
    """Return the whole name of what is called so at a venue; a name that is whole, or without a venue, as it is.

    Raises
    ------
    ParameterError : it cannot be a symbol.

    Examples
    --------
    >>> full("BTCUSDT", "binance-usdm"), full("okx:BTC-USDT", "binance-usdm"), full("KO")
    ('binance-usdm:BTCUSDT', 'okx:BTC-USDT', 'KO')
    """
    return str(InstrumentId.parse(name, venue)) if venue else name


def venue_of(names: Iterable[str]) -> str:
    """Return the venue of all these names; "" where one of them has none, or another.

    Examples
    --------
    >>> venue_of(["okx:ETH-USDT", "okx:BTC-USDT"]), venue_of(["okx:KO", "binance-spot:KO"]), venue_of(["KO"])
    ('okx', '', '')
    """
    venues = {split(name)[0] for name in names}
    return venues.pop() if len(venues) == 1 else ""


def in_words(text: object, venue: str) -> str:
    """Return a sentence, or what an error says, with bare symbols where all that it names is of ``venue``.

    Examples
    --------
    >>> in_words("binance-usdm:KO is not traded", "binance-usdm"), in_words("binance-usdm: no answer", "binance-usdm")
    ('KO is not traded', 'binance-usdm: no answer')
    >>> in_words("okx:KO on binance-usdm:KO", "binance-usdm"), in_words("okx:KO is old", "")
    ('okx:KO on binance-usdm:KO', 'okx:KO is old')
    """
    words = str(text)
    return _NAMED.sub("", words) if {*_NAMED.findall(words)} == {venue} else words


def split(name: str) -> tuple[str, str]:
    """Return the venue, "" where the name has none, and the symbol.

    Examples
    --------
    >>> split("hyperliquid:xyz:XYZ100"), split("KO"), split("BINANCE:BTCUSDT"), split("okx@recording:BTC-USDT")
    (('hyperliquid', 'xyz:XYZ100'), ('', 'KO'), ('', 'BINANCE:BTCUSDT'), ('okx@recording', 'BTC-USDT'))
    """
    venue, colon, symbol = name.partition(":")
    return (venue, symbol) if colon and symbol and _HOSTED.fullmatch(venue) else ("", name)
