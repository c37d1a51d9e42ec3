"""Trades on their way out of a process: batches of columns, buses that others read, databases.

Nothing here is loaded with the rest of the library, and a client package only by who opens its kind of address.
"""

from alphastream.sinks.batches import Batch, decode, encode, split
from alphastream.sinks.memory import MemoryBus
from alphastream.sinks.opening import open_bus, open_sink
from alphastream.sinks.protocols import Bus, Consumer, Sink

__all__ = ["Batch", "Bus", "Consumer", "MemoryBus", "Sink", "decode", "encode", "open_bus", "open_sink", "split"]
