"""``python -m tools.scenario laptop|server|cluster``: record, seal, scan, SQL, backtest, and what a dashboard shows.

Prints what each step came to and how long it took; the last word of the last line is a digest of all answers, which is
the same at every size.
"""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from alphastream.core.units import SECOND
from alphastream.history import open_tape
from alphastream.pairs import PairSpec
from pipelines import Pipeline
from tools.exchange import Fast, LocalExchange, Tape
from tools.scenario import answers, sizes
from tools.scenario.market import BEGIN_NS, SEALED_NS, SYMBOLS, market_tape


def run(name: sizes.Name, folder: Path) -> str:
    """Go the whole way at one size; the digest of all answers."""
    found = answers.Answers()
    clock = Clock()
    tape = market_tape()
    clock.lap(f"{len(tape):,} trades of {len(SYMBOLS)} symbols made")
    with sizes.size_of(name, folder) as size:
        clock.lap(f"size {name}: started")
        with LocalExchange(tape, pace=Fast(start_ns=BEGIN_NS)) as exchange:
            with sizes.recorder(size, exchange, folder / "recorder.log"), sizes.dashboard(size, exchange) as pipeline:
                sizes.wait_until(lambda: is_complete(pipeline, tape), f"{counts(pipeline)} of {len(tape)} trades came")
                clock.lap("recorded, and shown")
                legs = [f"binance-usdm:{symbol}" for symbol in SYMBOLS[:4:2]]
                spec = PairSpec(legs[0], legs[1], answers.INTERVAL_NS, window=60)
                answer = pipeline.engine.wait_for(spec, sizes.WAIT_S)
                if answer is None:
                    raise RuntimeError("the dashboard does not answer")
                clock.lap(f"dashboard {found.add('dashboard', *answers.seen(answer))}")
            sizes.seal(size, exchange, datetime.fromtimestamp(SEALED_NS // SECOND, UTC).isoformat())
        clock.lap("sealed")
        place = size.recorder.get("ALPHASTREAM_HISTORY", str(size.recording / "history"))
        held = open_tape(place, beside=size.recording)
        table = answers.scan(held, size.backend)
        clock.lap(f"scan {found.add('scan', *(table[column].to_numpy() for column in table))}")
        candles = answers.sql(held)
        clock.lap(f"SQL {found.add('sql', *(candles[column].to_numpy() for column in candles.column_names))}")
        clock.lap(f"backtest {found.add('backtest', *answers.best_pair(held, table))}")
    return found.digest


def is_complete(pipeline: Pipeline, tape: Tape) -> bool:
    """Whether a dashboard has every trade."""
    return counts(pipeline) == len(tape)


def counts(pipeline: Pipeline) -> int:
    """Trades that a dashboard has."""
    held = (pipeline.store.coverage(symbol) for symbol in pipeline.store.symbols())
    return sum(each.ticks for each in held if each is not None)


class Clock:
    """Prints what was done, and how long that took."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()

    def lap(self, what: str) -> None:
        """Print a line."""
        now_s = time.monotonic()
        sys.stdout.write(f"{now_s - self._since_s:6.1f} s  {what}\n")
        sys.stdout.flush()
        self._since_s = now_s


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tools.scenario", description=__doc__)
    parser.add_argument("size", choices=sizes.SIZES)
    chosen = parser.parse_args().size
    with tempfile.TemporaryDirectory(prefix="alphastream-scenario-") as folder:
        digest = run(chosen, Path(folder))
    sys.stdout.write(f"{chosen}: digest {digest}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
