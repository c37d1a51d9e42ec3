"""Trades of one instrument as one block of bytes: five to seven bytes a trade where a row of a table takes seventy.

Prices and quantities become whole numbers of a power of ten where that gives the very same floats back, else they stay
floats. Ids, times and prices are kept as differences, all bytes of one rank together, compressed by zstd. What
``decode`` gives is bit for bit what ``encode`` was given.
"""

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphastream.core.types import Floats, Ints
from alphastream.errors import DamagedBlockError
from alphastream.tape.columns import TickColumns

_FORMAT: Final = 1
_HEADER: Final = struct.Struct("<BBBBI")  # format, price and quantity decimals, digits cut off times, ticks
FLOATS: Final = 255  # in place of decimals: the column holds the bits of its floats
DECIMALS: Final = {*range(13), FLOATS}
_EXACT: Final = 2**53  # whole numbers up to here are floats without loss
TIME_DIGITS: Final = (9, 6, 3, 0)
_COLUMNS: Final = 5  # of eight bytes: id, price, quantity, trade time, receive time
MOST_TICKS: Final = 2**20  # in one block
_CODEC: Final = pa.Codec("zstd", compression_level=1)

Bytes = npt.NDArray[np.uint8]


def encode(ticks: TickColumns) -> bytes:
    """Return ticks as a block: at least one, at most ``MOST_TICKS``."""
    price_decimals, prices = whole_numbers(ticks.price)
    quantity_decimals, quantities = whole_numbers(ticks.quantity)
    time_digits = next(digits for digits in TIME_DIGITS if not (ticks.time_ns % 10**digits).any())
    columns = (
        differences(ticks.id),
        differences(prices),
        quantities,
        differences(ticks.time_ns // 10**time_digits),
        differences(ticks.receive_ns),
    )
    sides = np.packbits(ticks.buyer_is_maker)
    planes = np.stack(columns).view(np.uint8).reshape(_COLUMNS, len(ticks), 8).transpose(0, 2, 1)
    packed: bytes = _CODEC.compress(planes.tobytes() + sides.tobytes(), asbytes=True)
    return _HEADER.pack(_FORMAT, price_decimals, quantity_decimals, time_digits, len(ticks)) + packed


def decode(block: bytes) -> TickColumns:
    """Return the ticks of a block.

    Raises
    ------
    DamagedBlockError : these bytes are no block that ``encode`` made.
    """
    try:
        form, price_decimals, quantity_decimals, time_digits, count = _HEADER.unpack_from(block)
        if form != _FORMAT:
            raise DamagedBlockError(f"a block of format {form}: this program knows format {_FORMAT}")
        if not {price_decimals, quantity_decimals} <= DECIMALS or time_digits not in TIME_DIGITS:
            raise DamagedBlockError("a block whose columns have no known form")
        if not 0 < count <= MOST_TICKS:
            raise DamagedBlockError(f"a block of {count} ticks: it holds 1 to {MOST_TICKS}")
        size = _COLUMNS * 8 * count
        raw = _CODEC.decompress(
            memoryview(block)[_HEADER.size :], decompressed_size=size + (count + 7) // 8, asbytes=True
        )
    except (struct.error, pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise DamagedBlockError(f"a block of {len(block)} bytes that cannot be unpacked: {error}") from error
    planes = np.frombuffer(raw, np.uint8, size).reshape(_COLUMNS, 8, count)
    ids, prices, quantities, times, received = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(np.int64)[..., 0]
    return TickColumns(
        sums(ids),
        numbers(sums(prices), price_decimals),
        numbers(quantities, quantity_decimals),
        sums(times) * 10**time_digits,
        sums(received),
        np.unpackbits(np.frombuffer(raw, np.uint8, offset=size), count=count).astype(np.bool_),
    )


def whole_numbers(values: Floats) -> tuple[int, Ints]:
    """Values as whole numbers of 10^-decimals, with the decimals; their bits where no power of ten is exact."""
    for decimals in sorted(DECIMALS - {FLOATS}):
        scaled = np.rint(values * 10.0**decimals)
        if not (np.abs(scaled) < _EXACT).all():
            break
        whole = scaled.astype(np.int64)
        if ((whole / 10.0**decimals).view(np.int64) == values.view(np.int64)).all():
            return decimals, whole
    return FLOATS, values.view(np.int64)


def numbers(whole: Ints, decimals: int) -> Floats:
    """Values whose ``whole_numbers`` these are."""
    return whole.view(np.float64) if decimals == FLOATS else whole / 10.0**decimals


def differences(values: npt.NDArray[Any]) -> Ints:
    """Differences from the value before, the sign in the lowest bit: small ones have zeros in their upper bytes."""
    steps = np.diff(values, prepend=np.int64(0))
    return (steps << 1) ^ (steps >> 63)


def sums(coded: Ints) -> Ints:
    """Values whose ``differences`` these are."""
    bits = coded.view(np.uint64)
    steps = (bits >> np.uint64(1)).view(np.int64) ^ -(coded & 1)
    return np.cumsum(steps)
