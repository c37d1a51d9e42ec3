"""What is done with the blocks of an instrument as they age: looked through, deleted, put together."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from alphastream.core.units import SECOND
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files import block_rows
from alphastream.tape_files.block_rows import BLOCK_TICKS, Keys

_PRUNE_BLOCKS: Final = 100  # one transaction deletes at most, so that a long absence does not stall the tape
_BLOCKS_AT_ONCE: Final = 50  # in memory, while all of an instrument are looked through
SMALL_BLOCKS: Final = 32  # of one instrument are put together
_SMALL_TICKS: Final = BLOCK_TICKS // 2
_LONGEST_BLOCK_NS: Final = 3_600 * SECOND  # retention deletes whole blocks


def read_ids(connection: sqlite3.Connection, instrument: int) -> tuple[IdRuns, list[int]]:
    """Ids in an instrument's blocks, and the bodies that are not what was written."""
    held, unreadable = IdRuns(), list[int]()
    blocks = block_rows.keys_of(connection, instrument)
    for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
        parts, damaged = block_rows.read(connection, instrument, blocks[start : start + _BLOCKS_AT_ONCE])
        ids = TickColumns.merged([*parts, empty()]).id
        if len(ids) and not held.extend(ids):
            held = held.union(IdRuns.of(ids))
        unreadable += damaged
    return held, unreadable


def ticks_in(connection: sqlite3.Connection, instrument: int, body_ids: list[int]) -> int:
    """How many ticks some blocks hold, by their keys."""
    wanted = frozenset(body_ids)
    return sum(block.ticks for block in block_rows.keys_of(connection, instrument) if block.body_id in wanted)


def delete_old(connection: sqlite3.Connection, instrument: int, cutoff_ns: int) -> tuple[int, int] | None:
    """Delete blocks older than a time from the low end of the ids, but for the last one.

    Returns
    -------
    id and time of the first tick kept; None where nothing went.
    """
    blocks = block_rows.keys_of(connection, instrument, most=_PRUNE_BLOCKS + 1)
    young = next((n for n, block in enumerate(blocks) if block.last_ns >= cutoff_ns), len(blocks) - 1)
    floor = blocks[young].first_id
    old = [block for block in blocks if block.last_id < floor]
    if not old:
        return None
    block_rows.delete(connection, instrument, [block.body_id for block in old])
    first = next(block for block in blocks if block.last_id >= floor)
    parts, damaged = block_rows.read(connection, instrument, [first])
    return first.first_id, first.first_ns if damaged else int(parts[0].time_ns[0])


def mergeable(blocks: list[Keys]) -> Iterator[list[Keys]]:
    """Groups of small blocks that follow each other and make one."""
    group: list[Keys] = []
    for block in [*blocks, None]:
        if block is not None and block.ticks < _SMALL_TICKS:
            whole = [*group, block]
            if sum(each.ticks for each in whole) <= BLOCK_TICKS and _span_ns(whole) <= _LONGEST_BLOCK_NS:
                group = whole
                continue
        if len(group) > 1:
            yield group
        group = [] if block is None or block.ticks >= _SMALL_TICKS else [block]


def _span_ns(blocks: list[Keys]) -> int:
    return max(block.last_ns for block in blocks) - min(block.first_ns for block in blocks)
