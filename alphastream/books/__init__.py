"""Order books: kept in sequence from what a venue sends, sampled as columns, and what an order would get in one."""

from alphastream.books.columns import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.filling import Fill, fill
from alphastream.books.order_book import OrderBook
from alphastream.books.view import BookView, MarketHistory, MarketView

__all__ = [
    "BookColumns",
    "BookView",
    "Fill",
    "MarkColumns",
    "MarketHistory",
    "MarketView",
    "OrderBook",
    "QuoteColumns",
    "fill",
]
