"""Watches the quotes of one asset at several venues, with or without a browser."""
