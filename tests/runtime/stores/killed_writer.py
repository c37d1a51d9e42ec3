"""A process that fills a tick store until it is killed: ``python -m tests.runtime.stores.killed_writer FILE SEED``.

It goes on from what the file holds, in bursts of many sizes, some of them out of order or partly twice, and prints
after a flush up to which trade all is durable.
"""

import random
import sys
from pathlib import Path

import numpy as np

from alphastream.core.types import Ints
from storage import TickStore
from tests.runtime.stores.known_tape import FIRST_ID, PENDING, RETAINED, STEP_NS, SYMBOLS, known

BURSTS = (1, 7, 60, 500, 3_000)


def main(path: Path, seed: int) -> None:
    """Write for ever."""
    draw = random.Random(seed)
    with TickStore(
        path,
        flush_s=draw.choice((0.001, 0.05)),
        batch_ticks=draw.choice((300, 5_000)),
        max_pending=PENDING,
        retention_ns=draw.choice((None, RETAINED * STEP_NS)),
    ) as store:
        for symbol in SYMBOLS:
            for gap in store.gaps(symbol):  # as a feed does
                store.take({symbol: known(np.arange(gap.first_id, gap.last_id + 1), symbol)})
            if store.last(symbol) is None:
                store.take(
                    {symbol: known(np.array([FIRST_ID]), symbol)}
                )  # else the first burst may begin in its middle
        store.flush(60)
        newest = [store.last(symbol) for symbol in SYMBOLS]
        start = min(0 if tick is None else tick.id - FIRST_ID + 1 for tick in newest)
        _say("open")
        while True:
            end = start + draw.choice(BURSTS) - 1
            for symbol in SYMBOLS:
                for numbers in _parts(np.arange(start, end + 1), draw):
                    store.take({symbol: known(FIRST_ID + numbers, symbol)})
            if draw.random() < 0.3:
                store.flush(60)
                _say(end)
            start = end + 1


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _parts(numbers: Ints, draw: random.Random) -> list[Ints]:
    half = len(numbers) // 2
    return draw.choice(([numbers], [numbers], [numbers, numbers[-5:]], [numbers[half:], numbers[:half]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
