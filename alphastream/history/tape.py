"""A history that is read: ticks and bars of months, wherever its files lie."""

from datetime import datetime
from pathlib import Path

from alphastream.errors import ParameterError
from alphastream.history import reading
from alphastream.history.layout import INT64_MAX, kind_of, moment
from alphastream.history.places import Place
from alphastream.history.tables import ticks_of
from alphastream.tape.columns import TickColumns

Moment = int | str | datetime | None
"""UTC ns, a datetime or ISO text (UTC where they name no zone); None for an open end."""


class Tape:
    """Reads a history; see ``open_tape``."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def instruments(self, kind: str = "ticks") -> list[str]:
        """Return what is held, ``venue:symbol`` (``venue@host:symbol`` of another host than the venue's), sorted."""
        return reading.instruments(self.place, kind_of(kind))

    def span(self, instrument: str, kind: str = "ticks") -> tuple[int, int]:
        """Return the first and the last time that is held of an instrument, UTC ns, both included.

        Raises
        ------
        ParameterError : nothing is held of it.
        """
        found = reading.span(self.place, kind_of(kind), instrument)
        if found is None:
            raise ParameterError(f"{self.place} has no {kind} of {instrument}: {self._what_it_has(kind)}")
        return found

    def ticks(self, instrument: str, start: Moment = None, end: Moment = None) -> TickColumns:
        """Return the ticks with start <= time < end, by time, then id; all of them are in memory then."""
        start_ns, end_ns = moment(start, 0), moment(end, INT64_MAX)
        return ticks_of(reading.read(self.place, "ticks", instrument, start_ns, end_ns))

    def _what_it_has(self, kind: str) -> str:
        held = self.instruments(kind)
        return f"it has {', '.join(held[:8])}{' and more' if len(held) > 8 else ''}" if held else "it is empty"


def open_tape(where: str | Path) -> Tape:
    """Open a history to read it.

    Parameters
    ----------
    where : a folder, or a URL such as ``s3://bucket/prefix``.
    """
    return Tape(Place(where))
