"""Recorders under every fault at once, and a count of what their tape lacks: ``make chaos MINUTES=60``."""
