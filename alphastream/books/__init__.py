"""Order books: kept in sequence from what a venue sends, sampled as columns, and what an order would get in one."""

from alphastream.books.columns import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.filling import Fill, fill
from alphastream.books.health import InstrumentMarketHealth, MarketHealth
from alphastream.books.order_book import OrderBook
from alphastream.books.venues import VenueMarkets
from alphastream.books.view import BookView, MarketHistory, MarketKeeper, MarketView

__all__ = [
    "BookColumns",
    "BookView",
    "Fill",
    "InstrumentMarketHealth",
    "MarkColumns",
    "MarketHealth",
    "MarketHistory",
    "MarketKeeper",
    "MarketView",
    "OrderBook",
    "QuoteColumns",
    "VenueMarkets",
    "fill",
]
