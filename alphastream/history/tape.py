"""A history that is read: ticks, bars and SQL over months, wherever its files lie and what is in none of them yet."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from alphastream.bars import Bars
from alphastream.errors import ParameterError
from alphastream.history import bar_folds, reading, views
from alphastream.history.amounts import Amount, amount
from alphastream.history.apart import USUAL, ApartLimits, run_apart
from alphastream.history.hot import Hot, HotOfKinds, HotSnapshot
from alphastream.history.layout import HISTORY, INT64_MAX, KINDS, Kind, kind_of, moment
from alphastream.history.market_files import MarketFiles
from alphastream.history.places import Place
from alphastream.history.sql import Answer, Sandbox
from alphastream.history.tables import SCHEMAS, named, ticks_of, times_of
from alphastream.history.tape_files import TapeFiles
from alphastream.tape.columns import TickColumns

Moment = int | str | datetime | None
"""UTC ns, a datetime or ISO text (UTC where they name no zone); None for an open end."""


class Tape:
    """Reads a history; see ``open_tape``. Safe to use from many threads.

    Parameters
    ----------
    hot : what was recorded and is in no file yet.
    """

    def __init__(self, place: Place, hot: Hot | None = None) -> None:
        self.place = place
        self._hot = hot
        self._sandbox = Sandbox(place)

    @contextmanager
    def _moment(self) -> Iterator[HotSnapshot | None]:
        if self._hot is None:
            yield None
            return
        with self._hot.snapshot() as snapshot:
            yield snapshot

    def instruments(self, kind: str = "ticks") -> list[str]:
        """Return what is held, ``venue:symbol`` (``venue@host:symbol`` of another host than the venue's), sorted."""
        with self._moment() as hot:
            return reading.instruments(self.place, kind_of(kind), hot)

    def span(self, instrument: str, kind: str = "ticks") -> tuple[int, int]:
        """Return the first and the last time that is held of an instrument, UTC ns, both included.

        Raises
        ------
        ParameterError : nothing is held of it.
        """
        with self._moment() as hot:
            found = reading.span(self.place, kind_of(kind), instrument, hot)
        if found is None:
            held = self.instruments(kind)
            has = (
                f"it has {', '.join(held[:8])}{' and more' if len(held) > 8 else ''}" if held else "it has none at all"
            )
            raise ParameterError(f"{self.place} has no {kind} of {instrument}: {has}")
        return found

    def about(self, instrument: str, start: Moment = None, end: Moment = None) -> Amount:
        """Return how many ticks with start <= time < end are held, more or less, without reading them."""
        with self._moment() as hot:
            return amount(self.place, instrument, moment(start, 0), moment(end, INT64_MAX), hot)

    def rows(self, kind: str, instrument: str, start: Moment = None, end: Moment = None) -> pa.Table:
        """Return the rows of a kind with start <= time < end, by time, with its own columns; all are in memory then."""
        with self._moment() as hot:
            return reading.read(
                self.place, kind_of(kind), instrument, moment(start, 0), moment(end, INT64_MAX), hot=hot
            )

    def ticks(self, instrument: str, start: Moment = None, end: Moment = None) -> TickColumns:
        """Return the ticks with start <= time < end, by time, then id; all of them are in memory then."""
        return ticks_of(self.rows("ticks", instrument, start, end))

    def bars(self, instrument: str, every: str | int = "1m", start: Moment = None, end: Moment = None) -> Bars:
        """Return bars of the ticks with start <= time < end: those of ``alphastream.bars``, bit for bit.

        On UTC days of which no ticks are held, but bars are, the longest of them that divide ``every`` are taken.

        Parameters
        ----------
        every : how long a bar lasts: "1s", "5m", "1h", "1d", or nanoseconds. No memory but a part of a day is needed.
        """
        interval_ns = bar_folds.interval(every)
        start_ns, end_ns = moment(start, 0), moment(end, INT64_MAX)
        with self._moment() as hot:
            within = (instrument, start_ns, end_ns)
            ticks = reading.pieces(self.place, "ticks", *within, columns=bar_folds.COLUMNS, hot=hot)
            bars = reading.pieces(self.place, "bars", *within, hot=hot)
            return bar_folds.filled(bar_folds.from_ticks(ticks, interval_ns), bars, interval_ns)

    def closes(
        self, instruments: Sequence[str], every: str | int = "1m", start: Moment = None, end: Moment = None
    ) -> pd.DataFrame:
        """Return the last price of each bar, for scans: a column an instrument, a row a bar in which one traded.

        Returns
        -------
        prices : indexed by the start of the bar, UTC; NaN where an instrument did not trade in it.
        """
        columns = {}
        for instrument in instruments:
            bars = self.bars(instrument, every, start, end)
            columns[instrument] = pd.Series(bars.close, bars.start_ns)
        starts = np.unique(
            np.concatenate([series.index.to_numpy() for series in columns.values()] or [np.empty(0, int)])
        )
        frame = pd.DataFrame({name: series.reindex(starts) for name, series in columns.items()}, index=starts)
        frame.index = pd.DatetimeIndex(starts, tz="UTC", name="time")
        return frame

    def sql(self, query: str, start: Moment = None, end: Moment = None) -> pa.Table:
        """Run one query of DuckDB's SQL over all that is held with start <= time < end.

        Parameters
        ----------
        query : over the views ticks, bars, books, quotes, marks, funding and signals, each with venue, symbol and the
            columns of ``SCHEMAS``; times are UTC. It can read nothing else and change nothing.
        start, end : what lies outside is not read at all: a query of the last minutes is quick by them.

        Raises
        ------
        ParameterError : the query cannot be run.
        StorageError : DuckDB is not installed, or a file cannot be read.
        """
        with self._views(query, start, end) as (tables, texts):
            return self._sandbox.run(query, tables, texts)

    def sql_apart(
        self,
        query: str,
        start: Moment = None,
        end: Moment = None,
        *,
        limits: ApartLimits = USUAL,
        cancelled: threading.Event | None = None,
    ) -> Answer:
        """Run one query as ``sql`` does, within limits and in a process of its own: for queries of strangers.

        Raises
        ------
        QueryError : it cannot be run, passed a limit or was cancelled.
        StorageError : as ``sql``.
        """
        with self._views(query, start, end) as (tables, texts):
            where = self.place.url("") if not self.place.is_local else self.place.root
            return run_apart(query, tables, texts, where=where, limits=limits, cancelled=cancelled)

    @contextmanager
    def _views(self, query: str, start: Moment, end: Moment) -> Iterator[tuple[dict[str, pa.Table], dict[str, str]]]:
        """Tables and queries of views for a query, while the files that they read are held."""
        start_ns, end_ns = moment(start, 0), moment(end, INT64_MAX)
        asked = [kind for kind in KINDS if re.search(rf"\b{kind}\b", query, re.IGNORECASE)] or list(KINDS)
        texts: dict[str, str] = {}
        tables: dict[str, pa.Table] = {}
        with self._moment() as hot:
            for kind in asked:
                files = views.files_of(self.place, kind, start_ns, end_ns)
                beside = None
                if hot is not None:
                    files = hot.counting(files)
                    rows = _hot_table(hot, kind, start_ns, end_ns)
                    if rows.num_rows:
                        times_ns = times_of(rows["time"])
                        beside = f"hot_{kind}", int(times_ns.min()), int(times_ns.max())
                        tables[beside[0]] = rows
                texts[kind] = views.view(self.place, kind, files, start_ns, end_ns, beside)
            yield tables, texts


def _hot_table(hot: HotSnapshot, kind: Kind, start_ns: int, end_ns: int) -> pa.Table:
    parts = [
        named(instrument, rows)
        for instrument in hot.instruments(kind)
        for _, rows in hot.parts(kind, instrument, start_ns, end_ns)
    ]
    return pa.concat_tables([named("", SCHEMAS[kind].empty_table()), *parts])


def _hot(folder: Path) -> Hot:
    return HotOfKinds(TapeFiles(folder), MarketFiles(folder))


def open_tape(where: str | Path, beside: str | Path | None = None) -> Tape:
    """Open a history to read it.

    Parameters
    ----------
    where : a folder, or a URL such as ``s3://bucket/prefix``. Of a folder in which an app or a recorder keeps its tape
        files, or has kept them, the history is in ``history`` below; what is in none of its files yet is read from the
        tape files.
    beside : a folder of tape files that feed a history elsewhere, such as in a bucket.
    """
    place = Place(where)
    if beside is not None:
        return Tape(place, _hot(Path(beside)))
    if place.is_local:
        folder = Path(place.root)
        for data in (folder, folder.parent) if folder.name == HISTORY else (folder,):
            if TapeFiles(data) or MarketFiles(data):
                return Tape(Place(data / HISTORY), _hot(data))
        if (folder / HISTORY).is_dir() and not any((folder / kind).is_dir() for kind in KINDS):
            return Tape(Place(folder / HISTORY))
    return Tape(place)
