"""A tape of which every trade is known from its id, so that whatever a store holds can be compared with what it was."""

from functools import partial

import numpy as np

from alphastream.core.types import Ints
from alphastream.tape.columns import TickColumns
from storage import TickStore
from tests.runtime.stores.tape_files import until

SYMBOLS = ("BTCUSDT", "ETHUSDT", "ODDUSDT")
START_NS = 1_723_075_200_000_000_000
STEP_NS = 40_000_000
FIRST_ID = 3_000_000_000
RETAINED = 20_000  # trades of a symbol, where a test has retention
PENDING = 4_000  # trades that wait for the file at most


def known(ids: Ints, symbol: str) -> TickColumns:
    """The trades of these ids; those of ODDUSDT have prices that no power of ten makes whole."""
    turn = (ids * 2_654_435_761 + len(symbol) + ord(symbol[0])) % 1_000_003
    price = 60_000 + np.round(turn / 1_000_003 * 100, 2)
    return TickColumns(
        ids,
        price / 3 if symbol == "ODDUSDT" else np.round(price, 2),
        np.round(turn % 977 / 1_000 + 0.001, 3),
        START_NS + (ids - FIRST_ID) * STEP_NS,
        START_NS + (ids - FIRST_ID) * STEP_NS + turn,
        turn % 3 == 0,
    )


def stretch(first: int, last: int, symbol: str) -> TickColumns:
    """The trades number ``first`` to ``last``, both inclusive, counted from 0."""
    return known(FIRST_ID + np.arange(first, last + 1, dtype=np.int64), symbol)


def held(store: TickStore, symbol: str) -> TickColumns:
    """All that a store has of a symbol."""
    return store.columns(symbol, 0, 2**63 - 1)


def altered(found: TickColumns, symbol: str) -> list[int]:
    """Ids of trades that are not what they were, or were never there."""
    truth = known(found.id, symbol)
    same = [one == other for one, other in zip(found.arrays(), truth.arrays(), strict=True)]
    return [int(number) for number in found.id[~np.logical_and.reduce(same)]]


def check_honest(store: TickStore) -> dict[str, set[int]]:
    """Every trade held is as it was, none twice, and gaps are what is not held from the first to the last known id.

    Beyond those, gaps are what the file is known to have lost. Damage that a read has found becomes one a moment later.

    Returns
    -------
    The ids held, by symbol.
    """
    ids_of: dict[str, set[int]] = {}
    for symbol in store.symbols():
        found = held(store, symbol)
        assert altered(found, symbol) == []
        assert altered(store.since(symbol).columns, symbol) == []
        ids = found.id.tolist()
        ids_of[symbol] = set(ids)
        assert len(ids) == len(ids_of[symbol])
    for symbol, held_ids in ids_of.items():
        until(partial(_tells, store, symbol, held_ids))
    return ids_of


def _tells(store: TickStore, symbol: str, held_ids: set[int]) -> bool:
    coverage = store.coverage(symbol)
    assert coverage is not None
    gaps = {number for first, last in store.gaps(symbol) for number in range(first, last + 1)}
    known_ids = gaps | {coverage.first_id, coverage.last_id}  # damage may have taken the oldest and the newest
    return gaps == set(range(min(known_ids), max(known_ids) + 1)) - held_ids
