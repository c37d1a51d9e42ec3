"""Symbols that a venue lists, and which of them a wrong name may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(symbol: str, listed: Iterable[str]) -> list[str]:
    """Return up to three listed symbols that a wrong one may have meant.

    Examples
    --------
    >>> suggest("BTC-USDT", ["BTCUSDT", "ETHUSDT", "BTCUSDC"])
    ['BTCUSDT', 'BTCUSDC', 'ETHUSDT']
    """
    plain = "".join(letter for letter in symbol.upper() if letter.isalnum())
    return get_close_matches(plain, list(listed), n=3, cutoff=0.7)
