"""Runs that were kept: side by side, and each opened again with its settings."""
