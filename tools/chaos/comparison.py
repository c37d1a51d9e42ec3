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


def played_trades(playback: Playback, symbol: str, first_id: int) -> TickColumns:
    """All trades of a symbol that were played from an id on, times in whole milliseconds; ``receive_ns`` is 0."""
    tape = playback.tape
    positions = np.array(tape.positions[symbol])
    nths = np.arange(first_id - tape.first_id(symbol), playback.count(symbol))
    laps, places = np.divmod(nths, len(positions))
    trades = [tape.trades[position] for position in positions]
    ordinals = laps * len(tape) + positions[places]
    return TickColumns(
        id=tape.first_id(symbol) + nths,
        price=np.array([float(trade.price_text) for trade in trades])[places],
        quantity=np.array([float(trade.quantity_text) for trade in trades])[places],
        time_ns=playback.beats(ordinals) // MS * MS,
        receive_ns=np.zeros(len(nths), dtype=np.int64),
        buyer_is_maker=np.array([trade.buyer_is_maker for trade in trades])[places],
    )


def compare(name: str, held: Callable[[int, int], TickColumns], truth: TickColumns) -> Comparison:
    """Compare a tape with the truth, whose times never fall.

    Parameters
    ----------
    held : gives what is kept with start_ns <= time < end_ns.
    """
    kept = duplicate = altered = 0
    for start_ns, end_ns in _windows(truth):
        true = truth.rows(slice(*np.searchsorted(truth.time_ns, [start_ns, end_ns])))
        found = held(start_ns, end_ns)
        ids, firsts = np.unique(found.id, return_index=True)
        duplicate += len(found.id) - len(ids)
        places = np.searchsorted(true.id, ids)
        known = np.isin(ids, true.id)
        kept += int(known.sum())
        places, firsts = places[known], firsts[known]
        same = [getattr(true, name)[places] == getattr(found, name)[firsts] for name in COMPARED]
        altered += int((~known).sum() + (~np.logical_and.reduce(same)).sum())
    return Comparison(name, len(truth.id), kept, len(truth.id) - kept, duplicate, altered)


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
                truth = truths.get(name, NOTHING)
                found[name] = compare(name, partial(store.columns, instrument), truth)
    return [found[name] for name in sorted(found)]


def full_name(path: Path, instrument: str, venues: Iterable[str]) -> str:
    """Name of an instrument with its venue, which the file's name tells where the instrument's does not."""
    if ":" in instrument:
        return instrument
    venue = next((venue for venue in venues if path.stem.startswith(venue)), path.stem)
    return f"{venue}:{instrument}"


def missing_in(folder: Path) -> int:
    """How many trades the files of a folder know to be missing."""
    missing = 0
    for path in folder.glob("*.db"):
        with TickStore(path, read_only=True) as store:
            missing += sum(gap.last_id - gap.first_id + 1 for name in store.symbols() for gap in store.gaps(name))
    return missing


def total(parts: Sequence[Comparison]) -> Comparison:
    """Return the sums."""
    counts = ("sent", "kept", "missing", "duplicate", "altered")
    return Comparison("total", *(sum(getattr(part, count) for part in parts) for count in counts))


def _windows(truth: TickColumns) -> Iterator[tuple[int, int]]:
    """All of time, in parts that are cut where trades are."""
    first_ns, last_ns = (int(truth.time_ns[0]), int(truth.time_ns[-1])) if len(truth.id) else (0, 0)
    cuts = [0, *range(first_ns + WINDOW_NS, last_ns, WINDOW_NS), INT64_MAX]
    return itertools.pairwise(cuts)
