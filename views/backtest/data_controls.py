"""What a backtest runs over: the tape that this app records, or files that people bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from alphastream.backtest import BarMarket, Market, TickMarket
from alphastream.carry import paid_between
from alphastream.core.types import Ints
from alphastream.core.units import HOUR
from alphastream.feeds.market import FundingPayment
from alphastream.tape.columns import TickColumns
from alphastream.trading.broker.costs import Contract
from alphastream.uploads import Upload
from alphastream.uploads.cutting import rows_between
from alphastream.uploads.series import bars_together, common_bars
from pipelines import Pipeline
from system import System
from views.shared.clock_controls import chosen_zone, moment_words
from views.shared.cost_controls import RowKind, venue_contracts
from views.shared.instruments import labels
from views.shared.notices import no_feed, origin
from views.shared.recorded import played_once
from views.shared.recordings import BUNDLED, FILES, TAPE, in_order
from views.shared.rows_controls import RowChoice, first_and_last
from views.shared.uploads import choose_upload, is_paired, session_cached

HOURS: Final = (1, 3, 6, 12, 24, 48, 168)
MAX_NAMED: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Rows that somebody chose, as they were at one moment.

    Parameters
    ----------
    symbols : what can be traded.
    kind : trades, or bars of ``interval_ns``.
    title : where they come from, in a few words.
    venue : of a symbol that is written without one; "" where names have none.
    contracts : steps of price and quantity, where the venue publishes them.
    """

    symbols: tuple[str, ...]
    kind: RowKind
    interval_ns: int | None
    title: str
    venue: str = ""
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    @property
    def has_books(self) -> bool:
        """Whether books were recorded beside the trades."""
        return False

    def market(self, symbols: Sequence[str]) -> Market:
        """These symbols as a market, with recorded books if there are any; the same object for the same symbols."""
        raise NotImplementedError

    def funding(self, symbols: Sequence[str]) -> dict[str, Sequence[FundingPayment]] | None:
        """What the venue paid in the time of the data; None where that was not recorded."""
        return None

    def describe(self, symbols: Sequence[str]) -> str:
        """From when to when, how many rows, and whether all of them are there."""
        raise NotImplementedError

    def span_ns(self) -> tuple[int, int]:
        """From when to when rows may be."""
        raise NotImplementedError

    def times(self, symbols: Sequence[str]) -> list[Ints]:
        """Times of the rows of these symbols, UTC ns."""
        raise NotImplementedError

    def within(self, rows: RowChoice) -> "Data":
        """The part between two dates."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class TapeData(Data):
    """The newest hours of the tape, up to ``until_ns``; ``said`` is why not all of them, where that is so."""

    pipeline: Pipeline | None = None
    from_ns: int = 0
    until_ns: int = 0
    said: str = ""
    columns: dict[str, TickColumns] = field(default_factory=dict)
    markets: dict[tuple[str, ...], Market] = field(default_factory=dict)

    @property
    def has_books(self) -> bool:
        """Whether books are recorded."""
        return self.pipeline is not None and self.pipeline.market is not None

    def market(self, symbols: Sequence[str]) -> Market:
        """Read the trades of these symbols, those that were not read before."""
        key = tuple(symbols)
        if key not in self.markets:
            read = {symbol: self._read(symbol) for symbol in symbols}
            self.markets.clear()  # one strategy at a time: others' would only hold memory
            self.markets[key] = TickMarket(
                {symbol: ticks for symbol, ticks in read.items() if len(ticks)},
                self.until_ns,
                None if self.pipeline is None else self.pipeline.market,
            )
        return self.markets[key]

    def funding(self, symbols: Sequence[str]) -> dict[str, Sequence[FundingPayment]] | None:
        """Payments of these symbols in the hours of the tape."""
        history = None if self.pipeline is None else self.pipeline.market_history
        if history is None:
            return None
        return {symbol: paid_between(history, symbol, self.from_ns, self.until_ns) for symbol in symbols}

    def describe(self, symbols: Sequence[str]) -> str:
        """Trades of each symbol and whether ids are missing among them."""
        names = labels(symbols, self.venue)
        return "; ".join(
            completeness(name, self._read(symbol), is_numbered=self._is_numbered(symbol))
            for symbol, name in names.items()
        )

    def span_ns(self) -> tuple[int, int]:
        """The hours that were asked for."""
        return self.from_ns, self.until_ns

    def times(self, symbols: Sequence[str]) -> list[Ints]:
        """Times of the trades."""
        return [self._read(symbol).time_ns for symbol in symbols]

    def within(self, rows: RowChoice) -> Data:
        """The trades between two dates."""
        from_ns = max(self.from_ns, rows.start_ns or 0)
        until_ns = self.until_ns if rows.end_ns is None else min(self.until_ns, rows.end_ns + 1)
        return replace(self, from_ns=from_ns, until_ns=until_ns, columns={}, markets={})

    def _is_numbered(self, symbol: str) -> bool:
        assert self.pipeline is not None
        held = self.pipeline.store.coverage(symbol)
        return held is None or held.is_known

    def _read(self, symbol: str) -> TickColumns:
        if symbol not in self.columns:
            assert self.pipeline is not None
            self.columns[symbol] = self.pipeline.store.columns(symbol, self.from_ns, self.until_ns)
        return self.columns[symbol]


@dataclass(frozen=True, slots=True, eq=False)
class _Trades:
    time_ns: Any
    price: Any
    quantity: Any


@dataclass(frozen=True, slots=True, eq=False)
class FileData(Data):
    """An upload; ``key`` is what tells it from others."""

    upload: Upload | None = None
    key: Any = None

    def market(self, symbols: Sequence[str]) -> Market:
        """All symbols of the upload; of bars these symbols, in bars of one length."""
        assert self.upload is not None
        upload = self.upload
        asked = upload.symbols if upload.kind == "ticks" else tuple(dict.fromkeys(symbols))
        return session_cached("backtest_market", [self.key, asked], lambda: market_of(upload, asked))

    def describe(self, symbols: Sequence[str]) -> str:
        """Rows of each symbol, and how many times of bars they share."""
        assert self.upload is not None
        frames = {symbol: self.upload.frames[symbol] for symbol in symbols if symbol in self.upload.frames}
        unit = "trades" if self.kind == "ticks" else "bars"
        names = labels(frames, self.venue)
        described = [
            f"{names[symbol]} {len(frame):,} {unit}, {period(int(times[0]), int(times[-1]))}"
            for symbol, frame in frames.items()
            if len(times := frame["time_ns"].to_numpy())
        ]
        if self.kind == "bars" and len(frames) > 1:
            met = common_bars(self.upload, frames)
            described.append(f"{met.fresh:,} of {met.rows:,} bar times in common")
        return "; ".join(described)

    def span_ns(self) -> tuple[int, int]:
        """Of all symbols."""
        assert self.upload is not None
        return first_and_last(self.upload)

    def times(self, symbols: Sequence[str]) -> list[Ints]:
        """Times of trades, or starts of bars."""
        assert self.upload is not None
        return [self.upload.frames[symbol]["time_ns"].to_numpy() for symbol in symbols if symbol in self.upload.frames]

    def within(self, rows: RowChoice) -> Data:
        """The rows between two dates; symbols that have none are left out."""
        assert self.upload is not None
        part = rows_between(self.upload, rows.start_ns, rows.end_ns)
        return replace(self, symbols=tuple(in_order(part)), upload=part, key=part)


def choose_data(row: Any, system: System) -> Data | None:
    """Ask what to run over, in a row of controls; None, and a sentence on the page, while there is nothing."""
    chosen = row.segmented_control(
        "Data",
        [TAPE, FILES],
        default=TAPE,
        required=True,
        key="data",
        bind="query-params",
        help="Recorded tape: trades that this app has recorded. Files: ticks or bars that you bring.",
    )
    return _tape(row, system) if chosen == TAPE else _files()


def market_of(upload: Upload, symbols: Sequence[str]) -> Market:
    """Ticks or bars of symbols of an upload; bars all of one length."""
    if upload.kind == "ticks":
        names = ("time_ns", "price", "quantity")
        trades = {symbol: _Trades(*(upload.frames[symbol][name].to_numpy() for name in names)) for symbol in symbols}
        last_ns = max((int(each.time_ns[-1]) for each in trades.values() if len(each.time_ns)), default=0)
        return TickMarket(trades, until_ns=last_ns)  # nobody knows what else happened in the last bar
    return BarMarket(*bars_together(upload, symbols, None))


def completeness(name: str, ticks: TickColumns, *, is_numbered: bool = True) -> str:
    """Trades of what is printed as ``name`` from when to when, and how many are missing between them."""
    if not len(ticks):
        return f"{name}: no trade"
    span = f"{name} {len(ticks):,} trades, {period(int(ticks.time_ns.min()), int(ticks.time_ns.max()))}"
    if not is_numbered:
        return f"{span}, whether complete cannot be known"
    missing = int(ticks.id[-1] - ticks.id[0]) + 1 - len(np.unique(ticks.id))
    holes = int(np.count_nonzero(np.diff(ticks.id) > 1))
    whole = "complete" if not missing else f"{missing:,} missing in {holes:,} gap{'s'[: holes != 1]}"
    return f"{span}, {whole}"


def period(first_ns: int, last_ns: int) -> str:
    """For example ``2024-08-08 00:00:01 to 00:04:59 UTC``."""
    first, last = (pd.Timestamp(moment, unit="ns", tz=chosen_zone()) for moment in (first_ns, last_ns))
    end = moment_words(last_ns, "%H:%M:%S" if first.date() == last.date() else "%Y-%m-%d %H:%M:%S")
    return f"{first.strftime('%Y-%m-%d %H:%M:%S')} to {end}"


def _tape(row: Any, system: System) -> Data | None:
    pipeline = system.pipeline
    if pipeline is None:
        no_feed(system.failure, "No tape").show()
        return None
    names = {f"{hours} h": hours for hours in HOURS}
    hours = row.selectbox(
        "Last",
        list(names),
        2,
        key="tape_hours",
        bind="query-params",
        width=100,
        help="How far back from now, as far as trades were recorded.",
    )
    renew = row.button(
        "Take newest trades",
        icon=":material/refresh:",
        key="tape_renew",
        help="A result stays on the same trades until you ask for newer ones.",
    )
    symbols = tuple(pipeline.store.symbols())
    if len(symbols) < 2:
        st.info(
            "Fewer than two symbols are recorded: wait a moment, or look at the live page.", icon=":material/database:"
        )
        return None
    asked = (pipeline.title, names[str(hours)])
    before, data = st.session_state.get("backtest_tape", (None, None))
    if renew or before != asked or not isinstance(data, TapeData):
        until_ns = pipeline.now_ns()
        once = played_once(pipeline, until_ns - asked[1] * HOUR, until_ns)
        data = TapeData(
            symbols=symbols,
            kind="ticks",
            interval_ns=None,
            title=origin(pipeline),
            venue=pipeline.venue,
            contracts=venue_contracts(pipeline),
            pipeline=pipeline,
            from_ns=once.start_ns,
            until_ns=once.end_ns,
            said=once.words,
        )
        st.session_state["backtest_tape"] = asked, data
    if data.said:
        st.caption(data.said)
    return data


def _files() -> Data | None:
    upload = choose_upload("Ticks or bars: one file with all symbols, or one for each", own_tape=False)
    if upload is None or not is_paired(upload):
        return None
    named = ", ".join(upload.files[:MAX_NAMED]) + (" and others" if len(upload.files) > MAX_NAMED else "")

    # The recording is read anew in every run, the same each time.
    key = BUNDLED if st.session_state.get("source") == BUNDLED else upload

    def make() -> FileData:
        return FileData(
            tuple(in_order(upload)), upload.kind, upload.interval_ns, named, upload.venue, upload=upload, key=key
        )

    return session_cached("backtest_file", [key], make)
