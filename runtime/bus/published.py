"""What of a tape has been published to a sink: kept beside the tape, so that a recorder goes on where it was."""

import logging
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np

from alphastream.errors import ParameterError
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Coverage
from runtime.kept_choices import KeptChoices

log = logging.getLogger(__name__)


class Mark(msgspec.Struct):
    """What of one instrument has been acknowledged by the sink.

    Parameters
    ----------
    epoch : of its ids.
    runs : ids, as IdRuns gives them; empty where the venue's ids are not contiguous.
    newest_ns : trade time of the newest.
    """

    epoch: int
    runs: list[tuple[int, int]]
    newest_ns: int


class _Marks(msgspec.Struct):
    """The marks of a tape, by instrument."""

    instruments: dict[str, Mark]


class Published:
    """The marks of one tape and one sink.

    A file that is lost, or cannot be read, costs time and nothing else: all that is held is published again, and
    whoever receives it tells by its ids that he has it.

    Parameters
    ----------
    tape : file of the tape.
    sink : address without credentials.
    """

    def __init__(self, tape: Path, sink: str) -> None:
        path = tape.with_name(f"{tape.stem}.published-{crc32(sink.encode()):08x}.json")
        self._file = KeptChoices(
            path, _Marks({}), "all is published again", "after a restart what came since then is published again"
        )
        self._marks = self._file.load().instruments
        try:
            self._runs = {symbol: IdRuns(mark.runs) for symbol, mark in self._marks.items()}
        except ParameterError as error:
            log.error("%s contradicts itself (%s): all is published again", path, error)
            self._marks, self._runs = {}, {}
        self._is_saved = True

    def mark(self, symbol: str) -> Mark | None:
        """What is known of an instrument, None for nothing; its ids are ``runs``."""
        return self._marks.get(symbol)

    def runs(self, symbol: str) -> IdRuns:
        """Ids that have been published of the newest epoch."""
        return self._runs.get(symbol, IdRuns())

    def begin(self, symbol: str, coverage: Coverage) -> None:
        """Begin an epoch, of which nothing has been published."""
        self._marks[symbol] = Mark(coverage.epoch, [], coverage.first_ns)
        self._runs[symbol] = IdRuns()
        self._is_saved = False

    def add(self, symbol: str, ticks: TickColumns, coverage: Coverage) -> None:
        """Take note that trades of the newest epoch are there."""
        mark = self._marks[symbol]
        mark.newest_ns = max(mark.newest_ns, int(ticks.time_ns.max()))
        if coverage.is_known:
            runs = self._runs[symbol].union(IdRuns.of(np.unique(ticks.id)))
            runs.drop_below(coverage.first_id)
            self._runs[symbol] = runs
        self._is_saved = False

    def save(self) -> None:
        """Keep what was noted. Raises StorageError."""
        if not self._is_saved:
            for symbol, mark in self._marks.items():
                mark.runs = self._runs[symbol].pairs()
            self._file.save(_Marks(self._marks))
            self._is_saved = True
