"""Watchlists that were kept by name, for all who use the application."""
