"""A pair of legs while they trade."""
