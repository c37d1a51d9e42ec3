"""Positions over several pairs or symbols, from the bars that have closed."""
