"""Pairs of currencies as people type them, and symbols as they may go to a venue."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from alphastream.errors import ParameterError
from alphastream.feeds.codec import WireSymbol
from alphastream.instruments import InstrumentId

QUOTES: Final = (
    *("FDUSD", "USDT", "USDC", "USDG", "USD", "EURC", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "BRL", "TRY"),
    *("AED", "SGD", "BTC", "XBT", "ETH", "BNB", "SOL", "DAI", "OKB"),
)
"""What a pair typed in one word is split at, the first that fits; no BUSD or TUSD, for BNBUSD and BATUSD's sake."""


def two_parts(symbol: str) -> tuple[str, str]:
    """Split a pair into base and quote, in capitals.

    Parameters
    ----------
    symbol : with "-", "/" or "_" between the two, or in one word that ends in a quote currency of ``QUOTES``.

    Returns
    -------
    base, quote : the quote is "" where nothing tells it from the base.

    Examples
    --------
    >>> two_parts(" btcusdt"), two_parts("ETH/BTC"), two_parts("btc_usd"), two_parts("KO")
    (('BTC', 'USDT'), ('ETH', 'BTC'), ('BTC', 'USD'), ('KO', ''))
    """
    text = symbol.strip().upper().replace("/", "-").replace("_", "-")
    base, dash, quote = text.partition("-")
    if not dash:
        quote = next((each for each in QUOTES if text.endswith(each) and text != each), "")
        base = text.removesuffix(quote)
    return base, quote


def joined(symbol: str, between: str, aliases: Mapping[str, str] | None = None) -> str:
    """Return a pair with something between its two parts; as it is, in capitals, where it is no pair.

    Parameters
    ----------
    aliases : what a venue calls by another name.

    Examples
    --------
    >>> joined("btcusdt", "-"), joined("XBTUSD", "/", {"XBT": "BTC"}), joined("ko", "/")
    ('BTC-USDT', 'BTC/USD', 'KO')
    """
    names = aliases or {}
    base, quote = (names.get(part, part) for part in two_parts(symbol))
    return base + between + quote if quote else base


def wire_symbols(
    venue: tuple[str, str], instruments: Collection[InstrumentId], most: int, example: str, between: str
) -> list[WireSymbol]:
    """Return what instruments are called in what goes to a venue, each once, in the order given.

    Parameters
    ----------
    venue : its name and its title.
    most : instruments that one connection carries.
    example : of a symbol, for errors.
    between : what a symbol may hold beside letters and digits.

    Raises
    ------
    ParameterError
        None, too many, one of another venue, or one that cannot be a symbol there.
    """
    unique = [wire_symbol(venue, instrument, example, between) for instrument in dict.fromkeys(instruments)]
    require_carried(venue[1], len(unique), most, example)
    return unique


def require_carried(title: str, count: int, most: int, example: str) -> None:
    """Raise ParameterError for no symbol, and for more than one connection carries.

    Parameters
    ----------
    title : of the venue.
    count : symbols that are asked for.
    most : symbols that one connection carries.
    example : of a symbol.
    """
    if not count:
        raise ParameterError(f"{title}: no symbol given, needs at least one, such as {example}")
    if count > most:
        raise ParameterError(
            f"{title}: {count} symbols given, one connection carries {most}: ask for fewer or open a second connection"
        )


def wire_symbol(venue: tuple[str, str], instrument: InstrumentId, example: str, between: str) -> WireSymbol:
    """Return what an instrument is called in what goes to a venue. Parameters and errors as in ``wire_symbols``."""
    name, title = venue
    if instrument.venue != name:
        raise ParameterError(f"{instrument} is not of {title}: needs a name such as {name}:{example}")
    parts: Sequence[str] = instrument.symbol.split(between)
    if not all(part.isascii() and part.isalnum() for part in parts):
        raise ParameterError(f"{instrument.symbol!r} cannot be a symbol of {title}: needs one such as {example}")
    return WireSymbol(instrument.symbol)
