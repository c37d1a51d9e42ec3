"""`python -m tools.exchange --port 8900`: the local exchange as a process, its tape looping until Ctrl-C."""

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from alphastream.errors import AlphaStreamError
from alphastream.feeds import FEEDS

from .faults import FAULTS, Fault, parse_fault
from .playback import Rate, RealTime
from .protocols import PROTOCOLS, SHORT, protocol_of
from .server import LocalExchange
from .tape import SPOT_TAPE_PATH, TAPE_PATH, Tape

log = logging.getLogger("tools.exchange")


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="TCP port on 127.0.0.1, 0 for a free one (default 8900)")
    parser.add_argument(
        "--tape", type=Path, help="Parquet file of trades (default the bundled ones, of futures and of spot)"
    )
    parser.add_argument(
        "--market",
        action="append",
        choices=sorted((*PROTOCOLS, *SHORT)),
        help="a venue to serve (default usdm); may be given again: their addresses then end in /<venue>",
    )
    parser.add_argument(
        "--symbols", type=int, default=0, help="this many: besides the recorded ones some that are made of them"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="times as fast as recorded (default 1)")
    parser.add_argument("--rate", type=float, help="a constant number of trades a second instead of the recorded times")
    parser.add_argument(
        "--already-played", type=int, default=0, help="trades that REST knows from the start (default 0)"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        help=f'"Drop(after=500)", for one venue "okx:Drop()"; many may be given: {", ".join(FAULTS)}',
    )
    return parser.parse_args(arguments)


def bundled_tape(venue: str) -> Path:
    """Return the tape of futures for a venue that has some, else that of spot: the same minutes, other prices."""
    market = FEEDS[protocol_of(venue).name].market
    return TAPE_PATH if market is None or market.has_funding else SPOT_TAPE_PATH


def faults_by_venue(texts: Sequence[str], venues: Sequence[str]) -> dict[str, list[Fault]]:
    """Read faults, ``Drop(after=5)`` for every venue that is served or ``okx:Drop(after=5)`` for one.

    Raises
    ------
    ParameterError : it is no fault, or the venue is not known.
    """
    faults: dict[str, list[Fault]] = {}
    for text in texts:
        venue, colon, fault = text.partition(":")
        named = colon and "(" not in venue
        for name in [venue.strip()] if named else venues:
            faults.setdefault(protocol_of(name).name, []).append(parse_fault(fault if named else text))
    return faults


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGINT or SIGTERM."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    venues = tuple(options.market or ("usdm",))
    try:
        tapes = {venue: Tape.read(options.tape or bundled_tape(venue)) for venue in venues}
        if options.symbols:
            tapes = {venue: tape.widened(options.symbols) for venue, tape in tapes.items()}
        exchange = LocalExchange(
            tapes,
            market=venues,
            pace=RealTime(options.speed) if options.rate is None else Rate(options.rate),
            loop=True,
            already_played=options.already_played,
            faults=faults_by_venue(options.fault, venues),
            port=options.port,
        )
        with exchange:
            log.info("ws=%s rest=%s", exchange.ws_url, exchange.rest_url)
            for name in exchange.venues:
                venue = exchange.at(name)
                log.info("venue=%s ws=%s symbols=%s", name, venue.ws_url, ",".join(venue.symbols))
            log.info("%s", " ".join(f"{name}={value}" for name, value in exchange.settings.items()))
            stop.wait()
    except (AlphaStreamError, OSError) as error:
        raise SystemExit(f"the exchange cannot open: {error}") from error


if __name__ == "__main__":
    main()
