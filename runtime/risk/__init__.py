"""Watching what is held, every second."""
