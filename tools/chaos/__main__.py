"""``python -m tools.chaos --minutes 60``: two venues, two recorders, a fault every twenty seconds; is the tape whole?

The last lines say of each instrument how many trades were sent, kept, missing, duplicate and altered. The exit code is
0 where the last three are 0, else 1. The same seed draws the same faults at the same moments.
"""

import argparse
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tools.chaos.comparison import Comparison, behind_ns, compare_all, missing_in, total
from tools.chaos.recorder import Recorder
from tools.chaos.script import Event, events
from tools.exchange import LocalExchange, Rate

log = logging.getLogger("tools.chaos")

VENUES = ("binance-usdm", "binance-spot")
BEGIN_S = 10.0  # for the first trades to be durable: nobody can know of what was lost before them
SETTLE_S = 8.0  # for a recorder that was killed just now to come back and to see what it lacks
FRESH_S = 10.0  # a recorder that keeps up has no older newest trade, one that waits for a ban to end has
QUIET_S = 3.0  # for the last trades to be durable
LOOK_S = 0.1
SWAP_S = 10.0  # for a second process to say that it will not do


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0, help="of faults (default 3); healing comes after")
    parser.add_argument("--rate", type=float, default=5_000.0, help="trades a second of both venues (default 5000)")
    parser.add_argument("--every", type=float, default=20.0, help="seconds from fault to fault (default 20)")
    parser.add_argument("--heal", type=float, default=900.0, help="longest healing in seconds (default 900)")
    parser.add_argument("--seed", type=int, help="of faults and moments (default: of the clock)")
    parser.add_argument("--keep", type=Path, help="a new folder for the tape and the recorders' logs")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for chatty in ("tools.exchange", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    seed = options.seed if options.seed is not None else time.time_ns() % 10**6
    log.info("SEED=%d minutes=%g rate=%g every=%g", seed, options.minutes, options.rate, options.every)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="alphastream-chaos-"))
    (folder / "tape").mkdir(parents=True)
    with ExitStack() as stack:
        pace = Rate(options.rate / len(VENUES))
        exchanges = {venue: stack.enter_context(LocalExchange(market=venue, pace=pace, loop=True)) for venue in VENUES}
        recorders = {
            venue: Recorder(venue, exchange, folder / "tape", folder / f"{venue}.log")
            for venue, exchange in exchanges.items()
        }
        for recorder in recorders.values():
            stack.callback(recorder.abandon)
        script = events(seed, options.minutes * 60, options.every, VENUES)
        play(script, folder / "tape", exchanges, recorders, options.heal)
        settle(folder / "tape", exchanges, recorders, options.heal)
        for exchange in exchanges.values():
            exchange.close_market()
        time.sleep(QUIET_S)
        codes = {venue: recorder.stop() for venue, recorder in recorders.items()}
        rows = compare_all(folder / "tape", exchanges)
    equal = report(rows, recorders) and not any(codes.values())
    if equal and options.keep is None:
        shutil.rmtree(folder)
    else:
        log.info("tape and logs are kept in %s", folder)
    return 0 if equal else 1


def play(
    script: Sequence[Event],
    folder: Path,
    exchanges: dict[str, LocalExchange],
    recorders: dict[str, Recorder],
    longest_s: float,
) -> None:
    """Let everything happen when it is due, ``folder`` and ``longest_s`` as in `settle`."""
    begin_s = time.monotonic() + BEGIN_S
    for event in script:
        wait(begin_s + event.at_s - time.monotonic(), recorders)
        log.info("%6.1f s %s %s %s", event.at_s, event.venue, event.deed, " ".join(map(str, event.faults)))
        recorder, exchange = recorders[event.venue], exchanges[event.venue]
        match event.deed:
            case "kill":
                recorder.kill()
            case "full disk":
                recorder.fill_disk(True)
            case "room again":
                recorder.fill_disk(False)
            case "swap":
                recorder.swap(SWAP_S)
            case "ids anew":
                began_s = time.monotonic()
                settle(folder, exchanges, recorders, longest_s)  # what is missing now has no id any more after it
                exchange.restart_ids()
                begin_s += time.monotonic() - began_s
            case "fault":
                exchange.heal()
                for fault in event.faults:
                    exchange.inject(fault)


def settle(folder: Path, exchanges: dict[str, LocalExchange], recorders: dict[str, Recorder], longest_s: float) -> None:
    """Trade on without faults until the files of a folder are up to date and know of nothing missing, or for so long.

    A recorder that was turned away by a firewall keeps away for five minutes, as the venue wants it. One that was told
    its place is refused asks again in an hour, so it is started anew, as a person would. What was missed comes at the
    pace that the venue's weights allow, 1,600 trades a second of futures.
    """
    for exchange in exchanges.values():
        exchange.heal()
    for recorder in recorders.values():
        recorder.fill_disk(False)
        if recorder.is_refused:
            recorder.kill()
    log.info("no faults: healing")
    begun_s = time.monotonic()
    wait(SETTLE_S, recorders)
    while time.monotonic() < begun_s + longest_s:
        missing, behind_s = missing_in(folder), behind_ns(folder, time.time_ns()) / 1e9
        log.info("known to be missing: %d; the newest trades are %.1f s old", missing, behind_s)
        if not missing and behind_s < FRESH_S:
            return
        wait(2.0, recorders)


def wait(seconds: float, recorders: dict[str, Recorder]) -> None:
    """Wait, and start again what has ended meanwhile."""
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        for recorder in recorders.values():
            recorder.tend()
        time.sleep(min(left_s, LOOK_S))


def report(rows: Sequence[Comparison], recorders: dict[str, Recorder]) -> bool:
    """Print how every tape differs, and return whether none does."""
    for venue, recorder in recorders.items():
        print(f"{venue}: killed {recorder.kills} times, ended by itself with codes {recorder.exits}")
    print(f"{'':24}{'sent':>12}{'kept':>12}{'missing':>10}{'duplicate':>11}{'altered':>9}")
    for row in (*rows, total(rows)):
        print(f"{row.name:24}{row.sent:12,}{row.kept:12,}{row.missing:10,}{row.duplicate:11,}{row.altered:9,}")
    return bool(rows) and all(row.equal for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
