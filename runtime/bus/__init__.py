"""Trades on their way from the tape to a bus or a database."""
