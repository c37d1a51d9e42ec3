"""What a venue lists: the symbols of the tape and some more, with the rules of trading them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .events import Trade
from .tape import Tape

ENOUGH = 1_000
"""Trades of a symbol that tell its decimals."""
QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC")


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol as the venue spells it, and its rules in texts. ``is_live`` is False where it does not trade now."""

    symbol: str
    base: str
    quote: str
    tick_size: str
    step_size: str
    min_notional: str
    price_precision: int
    quantity_precision: int
    is_live: bool = True


def _known(base: str, *rules: str, precisions: tuple[int, int], is_live: bool = True) -> Listing:
    tick_size, step_size, min_notional = rules
    return Listing(f"{base}USDT", base, "USDT", tick_size, step_size, min_notional, *precisions, is_live)


KNOWN = (
    _known("BTC", "0.10", "0.001", "100", precisions=(2, 3)),
    _known("ETH", "0.01", "0.001", "20", precisions=(2, 3)),
    _known("SOL", "0.0100", "0.01", "5", precisions=(4, 2)),
    _known("BNB", "0.010", "0.01", "5", precisions=(3, 2)),
    _known("XRP", "0.0001", "0.1", "5", precisions=(4, 1)),
    _known("SRM", "0.0001", "1", "5", precisions=(4, 0), is_live=False),
)
"""Listed whether or not the tape has them; those it has not never trade."""


def base_and_quote(symbol: str) -> tuple[str, str]:
    """Take a symbol of a tape apart; a quote that is not known is "".

    >>> base_and_quote("BTCUSDT"), base_and_quote("ETH-USD"), base_and_quote("ABC")
    (('BTC', 'USDT'), ('ETH', 'USD'), ('ABC', ''))
    """
    plain = symbol.replace("-", "").replace("/", "").replace("_", "")
    quote = next((quote for quote in QUOTES if plain.endswith(quote) and plain != quote), "")
    return plain.removesuffix(quote), quote


def list_symbols(spelt: Callable[[str], str], tape: Tape) -> dict[str, Listing]:
    """Return what a venue that spells symbols so lists, by its spelling: `KNOWN`, and what the tape has besides.

    Where the tape has finer prices or quantities than are known, as spot has, its decimals tell the steps.
    """
    listings = {spelt(listing.symbol): replace(listing, symbol=spelt(listing.symbol)) for listing in KNOWN}
    for symbol, positions in tape.positions.items():
        trades = [tape.trades[position] for position in positions[:ENOUGH]]
        known = listings.get(symbol)
        listings[symbol] = _listing_of(trades[0]) if known is None else _refined(known, trades)
    return listings


def _refined(known: Listing, trades: Sequence[Trade]) -> Listing:
    price = max(_decimals(trade.price_text.rstrip("0")) for trade in trades)
    quantity = max(_decimals(trade.quantity_text.rstrip("0")) for trade in trades)
    if price > _decimals(known.tick_size.rstrip("0")):
        known = replace(known, tick_size=_smallest(price), price_precision=price)
    if quantity > _decimals(known.step_size.rstrip("0")):
        known = replace(known, step_size=_smallest(quantity), quantity_precision=quantity)
    return known


def _listing_of(trade: Trade) -> Listing:
    price, quantity = _decimals(trade.price_text), _decimals(trade.quantity_text)
    base, quote = base_and_quote(trade.symbol)
    return Listing(trade.symbol, base, quote, _smallest(price), _smallest(quantity), "5", price, quantity)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _smallest(decimals: int) -> str:
    return f"{10.0**-decimals:.{decimals}f}"
