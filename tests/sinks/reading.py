"""A reader in a process of its own, to be killed: takes batches into a store, and acknowledges what is durable.

``python -m tests.sinks.reading ADDRESS FILE TICKS`` reads a bus until so many ticks are held, and prints how many are.
With ``memory:TAPE`` in place of the address the bus is in this process, and what the tape holds is published on it.
"""

import sys
from pathlib import Path

from alphastream.errors import BusError
from alphastream.sinks import Bus, Consumer, MemoryBus, open_bus
from runtime.bus.publisher import Publisher
from storage import Origin, TickStore
from tests.sinks.trades import BTC

ORIGIN = Origin("binance-usdm", "fstream.binance.com")


def subscribed(bus: Bus) -> Consumer:
    """Subscribe, again where brokers are choosing a leader."""
    for _ in range(20):
        try:
            return bus.subscribe(BTC.venue, "reader")
        except BusError:
            continue
    raise BusError("the bus could not be read")


def main(address: str, path: Path, ticks: int) -> None:
    """Read until so many ticks are held."""
    bus: Bus = MemoryBus() if address.startswith("memory:") else open_bus(address)
    with TickStore(path, origin=ORIGIN) as store:
        consumer = subscribed(bus)
        if address.startswith("memory:"):
            tape = TickStore(address.removeprefix("memory:"), origin=ORIGIN)
            Publisher(tape, BTC.venue, "", "memory", lambda: bus).start()
        while True:
            for batch in consumer.receive(0.1):
                store.take({batch.instrument: batch.ticks})
            store.flush(60)
            held = store.coverage(BTC)
            print(held.ticks if held is not None else 0, flush=True)  # noqa: T201 (who may kill it waits for a word)
            consumer.ack()
            if held is not None and held.ticks >= ticks:
                break
        bus.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
