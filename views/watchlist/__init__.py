"""The watchlist: many pairs in one table that moves."""
