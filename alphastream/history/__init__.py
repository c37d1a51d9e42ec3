"""Months of ticks, bars, books and what else was recorded, as Parquet files that any program reads."""

from alphastream.history.tape import Tape, open_tape

__all__ = ["Tape", "open_tape"]
