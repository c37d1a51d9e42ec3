"""A process that fills a tick store and seals it until it is killed: ``python -m tests.….killed_sealer FILE SEED``.

It goes on from what the file holds, some ticks come a day late, and it prints up to which trade all is durable.
"""

import random
import sys
import threading
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.core.types import Ints
from alphastream.errors import StorageError
from alphastream.tape.columns import TickColumns
from storage import Origin, TickStore

ORIGIN: Final = Origin("binance-usdm", "fstream.binance.com")
NAMES: Final = ("binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT")
FIRST_ID: Final = 1_000
STEP_NS: Final = 20 * 10**9  # 4,320 trades a day
DAY_NS: Final = 86_400 * 10**9
BEGIN_NS: Final = 19_700 * DAY_NS + 5 * STEP_NS


def known(ids: Ints, name: str) -> TickColumns:
    """Return the trades of these ids, which everybody can compute."""
    times = BEGIN_NS + (ids - FIRST_ID) * STEP_NS
    price = (1 + NAMES.index(name)) * np.asarray(100.0 + ids % 977, np.float64)
    return TickColumns(ids, price, ids / 7.0, times, times + ids % 13, ids % 3 == 0)


def main(path: Path, seed: int) -> None:
    """Write and seal for ever."""
    draw = random.Random(seed)
    with TickStore(path, origin=ORIGIN, flush_s=0.002, history=path.parent / "history") as store:
        newest = [store.last(name) for name in NAMES]
        start = min(FIRST_ID if tick is None else tick.id + 1 for tick in newest)
        for name in NAMES:  # as a feed does
            for gap in store.gaps(name):
                store.take({name: known(np.arange(gap.first_id, gap.last_id + 1), name)})
        until = [start]
        threading.Thread(target=_seal, args=(store, until), daemon=True).start()
        while True:
            ids = np.arange(start, start + draw.choice((60, 900, 5_000)))
            is_late = ids % 41 == 0
            for name in NAMES:
                store.take({name: known(ids[~is_late], name)})
            start = int(ids[-1]) + 1
            if draw.random() < 0.7:
                store.flush(60)
                until[0] = start
            for name in NAMES:  # after those beside them were sealed, perhaps
                store.take({name: known(ids[is_late], name)})
            store.flush(60)
            _say(start - 1)


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _seal(store: TickStore, until: list[int]) -> None:
    _say("open")
    while True:
        try:
            store.seal((BEGIN_NS + (until[0] - FIRST_ID) * STEP_NS) // DAY_NS * DAY_NS)
        except StorageError as error:
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
