"""Watching what is held."""
