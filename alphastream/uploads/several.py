"""Several instruments in what was taken for one: how it shows, and which column may tell them apart.

Bars that share a start but not their prices, or prices that leap to and fro, belong to more than one instrument (or
kind of row). Which column separates them is found by content, and asked: nothing is guessed here.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.uploads.forms import Table
from alphastream.uploads.notes import Notes
from alphastream.uploads.words import fields_of, fold, tokens_of, word_set

LEAP: Final = float(np.log(1.5))  # one price to the next; seldom in one instrument, usual between two
_LEAPING: Final = 0.05  # share of leaps that one instrument does not have
_MIXED: Final = 0.5  # within groups of the right column, at most this share of the leaps is left
_MOST_GROUPS: Final = 100_000
_MOST_COLUMNS: Final = 100
_SHOWN: Final = 4
_VENUES: Final = word_set(
    """
    binance binanceus bitstamp bitfinex bitmex bittrex bybit coinbase coinbasepro gdax deribit gemini huobi htx kraken
    kucoin okx okex gate gateio mexc ftx poloniex upbit bithumb hitbtc bitget cryptocom itbit lmax bitflyer phemex
    """
)
_BLOCK: Final = 2**18


def leaps(price: Floats) -> int:
    """How many steps of a price, in the order of time, leap so far that they hint at several instruments; else 0.

    Parameters
    ----------
    price : above zero, shape (T,).

    Examples
    --------
    >>> leaps(np.array([64000.0, 3200, 64010, 3210, 64020])), leaps(np.array([10.0, 10.1, 10.0, 10.2]))
    (4, 0)
    """
    up = down = 0
    for begin in range(0, len(price) - 1, _BLOCK):  # a whole column's steps would be a column more in memory
        steps = np.diff(np.log(price[begin : begin + _BLOCK + 1]))
        up += int(np.count_nonzero(steps > LEAP))
        down += int(np.count_nonzero(steps < -LEAP))
    return up + down if up and down and up + down > _LEAPING * (len(price) - 1) else 0


def that_part_times(table: Table, columns: Sequence[str], first: Ints, second: Ints) -> list[str]:
    """Columns whose cells differ wherever two rows share a time, each with a few of its values in words.

    Parameters
    ----------
    columns : those that play no role.
    first, second : 0-based rows of the file, pairs that share a time; shape (P,) each.
    """
    found = []
    for column, codes, names in _grouped(table, columns):
        if (codes[first] != codes[second]).all():
            found.append(_shown(column, names))
    return found


def that_part_prices(table: Table, columns: Sequence[str], rows: Ints, price: Floats) -> list[str]:
    """Columns within whose groups a price hardly leaps, each with a few of its values in words.

    Parameters
    ----------
    columns : those that play no role.
    rows : 0-based rows of the file in the order of time, shape (T,).
    price : their prices, shape (T,).
    """
    steps = np.log(price)
    all_far = np.count_nonzero(np.abs(np.diff(steps)) > LEAP)
    found = []
    for column, codes, names in _grouped(table, columns):
        if len(names) < 2:
            continue
        own = codes[rows]
        order = np.argsort(own, kind="stable")
        same = own[order][1:] == own[order][:-1]
        far = np.count_nonzero((np.abs(np.diff(steps[order])) > LEAP) & same)
        if far <= _MIXED * all_far:
            found.append(_shown(column, names))
    return found


def venues(table: Table, columns: Sequence[str], symbols: Ints | None) -> str | None:
    """The question where rows of one symbol are of several venues, whose trades and bars are series of their own.

    Parameters
    ----------
    columns : those that play no role.
    symbols : number of the symbol of each row of the file, shape (T,); None where there is one.
    """
    named = [column for column in columns if "venue" in fields_of(column) or fold(column) in ("market", "platform")]
    for column, codes, names in _grouped(table, named):
        known = [at for at, name in enumerate(names) if tokens_of(name)[:1] and tokens_of(name.lower())[0] in _VENUES]
        rows = np.isin(codes, known)
        owners = np.zeros(len(codes), dtype=np.int64) if symbols is None else np.asarray(symbols, dtype=np.int64)
        pairs = np.unique(np.stack([owners[rows], codes[rows]]), axis=1)
        if len(pairs[0]) > len(np.unique(pairs[0])):
            return (
                f"{_shown(column, names)} names several venues for one symbol, whose prices are not one series: keep "
                "the rows of one venue, or write venue and symbol into one column and choose it as symbol"
            )
    return None


def question(seen: str, candidates: Sequence[str]) -> str:
    """What was seen, and the column to choose."""
    if not candidates:
        return (
            f"{seen}: several instruments, or several kinds of rows, seem to be in one file, and no column tells them "
            "apart: keep the rows of one"
        )
    return (
        f"{seen}: several instruments, or several kinds of rows, seem to be in one file. If "
        f"{' or '.join(candidates)} tells them apart, choose it as symbol; if not, keep the rows of one"
    )


def _grouped(table: Table, columns: Sequence[str]) -> list[tuple[str, Ints, list[str]]]:
    """Columns that sort rows into groups: neither constant nor another value in (nearly) every row."""
    columns = columns[:_MOST_COLUMNS]
    coded: dict[str, list[Any]] = {column: [] for column in columns}
    if not columns:
        return []
    for batch in table.batches(columns, Notes()):
        for column in list(coded):
            coded[column].append(pc.dictionary_encode(batch[column]))
            if len(coded[column][-1].dictionary) > _MOST_GROUPS:
                del coded[column]
    grouped = []
    for column, chunks in coded.items():
        encoded = pa.chunked_array(chunks).unify_dictionaries().combine_chunks()
        names = encoded.dictionary.to_pylist()
        codes: NDArray[np.int64] = np.asarray(encoded.indices).astype(np.int64)
        few = len(names) <= max(2, len(codes) // 2)
        if len(names) > 1 and few:
            grouped.append((column, codes, names))
    return grouped


def _shown(column: str, names: Sequence[str]) -> str:
    some = ", ".join(repr(name[:40]) for name in names[:_SHOWN])
    return f"column {column!r} ({some}{', ...' if len(names) > _SHOWN else ''})"
