"""The tape that a store kept beside the tape that an exchange played, trade by trade."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from alphastream.tape.columns import INT64_MAX, TickColumns, empty
from storage import TickStore
from tools.exchange import LocalExchange
from tools.exchange.playback import Playback

WINDOW_NS = 300 * 10**9  # of the tape compared at once
MS = 10**6
COMPARED = ("price", "quantity", "time_ns", "buyer_is_maker")
NOTHING = empty()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a kept tape differs from the one that was played; counts of trades.

    Parameters
    ----------
    sent : played since the first trade that a client was sent.
    kept : ids of those that the store has, right or not.
    missing : those that it has not.
    duplicate : rows beyond the first of an id.
    altered : kept with another price, quantity, time or side, or under an id that was never played.
    """

    name: str
    sent: int
    kept: int
    missing: int
    duplicate: int
    altered: int

    @property
    def equal(self) -> bool:
        """Whether nothing is missing, there twice or altered, of at least one trade."""
        return self.sent == self.kept > 0 and not (self.missing or self.duplicate or self.altered)


def played_trades(playback: Playback, symbol: str, first_id: int) -> list[TickColumns]:
    """All trades of a symbol that were played, a part each time that ids began anew.

    Parameters
    ----------
    first_id : in the first part, where to begin.

    Returns
    -------
    Parts with at least one trade, times in whole milliseconds; ``receive_ns`` is 0.
    """
    tape = playback.tape
    positions = np.array(tape.positions[symbol])
    trades = [tape.trades[position] for position in positions]
    prices, quantities = (
        np.array([float(getattr(trade, name)) for trade in trades]) for name in ("price_text", "quantity_text")
    )
    sides = np.array([trade.buyer_is_maker for trade in trades])
    parts = []
    for start, end in itertools.pairwise((*playback.epochs, playback.played)):
        before = tape.count(symbol, start)
        begin = before if start else first_id - tape.first_id(symbol)
        nths = np.arange(begin, tape.count(symbol, min(end, playback.played)))
        laps, places = np.divmod(nths, len(positions))
        times = playback.beats(laps * len(tape) + positions[places]) // MS * MS
        ids = tape.first_id(symbol) + nths - before
        part = TickColumns(ids, prices[places], quantities[places], times, np.zeros_like(times), sides[places])
        parts += [part] if len(part) else []
    return parts


def compare(name: str, held: Callable[[int, int], TickColumns], truth: Sequence[TickColumns]) -> Comparison:
    """Compare a tape with the truth, whose times never fall.

    Parameters
    ----------
    held : gives what is kept with start_ns <= time < end_ns.
    truth : parts in which an id comes once; no two parts share a time.
    """
    sent = kept = duplicate = altered = 0
    for true, start_ns, end_ns in _windows(truth):
        found = held(start_ns, end_ns)
        ids, firsts = np.unique(found.id, return_index=True)
        sent += len(true)
        duplicate += len(found.id) - len(ids)
        places = np.searchsorted(true.id, ids)
        known = np.isin(ids, true.id)
        kept += int(known.sum())
        places, firsts = places[known], firsts[known]
        same = [getattr(true, column)[places] == getattr(found, column)[firsts] for column in COMPARED]
        altered += int((~known).sum() + (~np.logical_and.reduce(same)).sum())
    return Comparison(name, sent, kept, sent - kept, duplicate, altered)


def compare_all(folder: Path, exchanges: Mapping[str, LocalExchange]) -> list[Comparison]:
    """Compare what the tick files of a folder hold with what the exchange of each venue played.

    An instrument that no exchange traded counts as altered in all of its trades.
    """
    truths = {
        f"{venue}:{symbol}": played_trades(exchange.playback, symbol, first_id)
        for venue, exchange in exchanges.items()
        for symbol, first_id in exchange.first_sent.items()
    }
    found = {name: compare(name, lambda *_: NOTHING, truth) for name, truth in truths.items()}
    for path in sorted(folder.glob("*.db")):
        with TickStore(path, read_only=True) as store:
            for instrument in store.symbols():
                name = full_name(path, instrument, exchanges)
                found[name] = compare(name, partial(store.columns, instrument), truths.get(name, []))
    return [found[name] for name in sorted(found)]


def full_name(path: Path, instrument: str, venues: Iterable[str]) -> str:
    """Name of an instrument with its venue, which the file's name tells where the instrument's does not."""
    if ":" in instrument:
        return instrument
    venue = next((venue for venue in venues if path.stem.startswith(venue)), path.stem)
    return f"{venue}:{instrument}"


def missing_in(folder: Path) -> int:
    """How many trades the files of a folder know to be missing."""
    return sum(
        gap.last_id - gap.first_id + 1
        for store in _stores_in(folder)
        for name in store.symbols()
        for gap in store.gaps(name)
    )


def behind_ns(folder: Path, now_ns: int) -> int:
    """How long ago the newest trade of the instrument that is furthest behind was made."""
    return max(
        (
            now_ns - coverage.last_ns
            for store in _stores_in(folder)
            for name in store.symbols()
            if (coverage := store.coverage(name)) is not None
        ),
        default=0,
    )


def _stores_in(folder: Path) -> Iterator[TickStore]:
    for path in sorted(folder.glob("*.db")):
        with TickStore(path, read_only=True) as store:
            yield store


def total(parts: Sequence[Comparison]) -> Comparison:
    """Return the sums."""
    counts = ("sent", "kept", "missing", "duplicate", "altered")
    return Comparison("total", *(sum(getattr(part, count) for part in parts) for count in counts))


def _windows(truth: Sequence[TickColumns]) -> Iterator[tuple[TickColumns, int, int]]:
    """All of time, in stretches cut where trades are and ids begin anew, and what was played in each."""
    begins = [int(part.time_ns[0]) for part in truth]
    for part, begin_ns, end_ns in zip(truth, [0, *begins[1:]], [*begins[1:], INT64_MAX], strict=True):
        cuts = [begin_ns, *range(int(part.time_ns[0]) + WINDOW_NS, int(part.time_ns[-1]), WINDOW_NS), end_ns]
        for start_ns, stop_ns in itertools.pairwise(cuts):
            yield part.rows(slice(*np.searchsorted(part.time_ns, [start_ns, stop_ns]))), start_ns, stop_ns
    if not truth:
        yield NOTHING, 0, INT64_MAX
