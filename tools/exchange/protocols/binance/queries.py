"""Parameters of a request to Binance's REST, and its errors."""

from collections.abc import Mapping

from ...protocol import PlayedMarket

HOUR_MS = 3_600_000


class RestError(Exception):
    """A request the venue answers with its own error code."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def listed_symbol(query: Mapping[str, str], market: PlayedMarket) -> str:
    """Return the symbol a request is about. Raises RestError where it names none, or none that is listed."""
    symbol = query.get("symbol", "")
    if not symbol:
        raise RestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if symbol not in market.listings:
        raise RestError(-1121, "Invalid symbol.")
    return symbol


def integer(query: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a number, None where it was not sent. Raises RestError where it is none."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise RestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def limit_of(query: Mapping[str, str], usual: int, most: int) -> int:
    """Return how many rows are asked for. Raises RestError for none or too many."""
    limit = integer(query, "limit")
    if limit is None:
        return usual
    if not 1 <= limit <= most:
        raise RestError(-1130, "Data sent for parameter 'limit' is not valid.")
    return limit
