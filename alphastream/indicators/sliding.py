"""Sums and extremes of the newest rows, without a subtraction.

A block holds a ring of the window's values, the sum (or extreme) of those that came since the ring last turned, and for
each place of the ring the sum from there to its end at that turn. The window is always a head and a tail of those two,
so that a row costs one addition, nothing drifts, and a value that left the window leaves no trace.

Source: van Herk, M. (1992), "A fast algorithm for local minimum and maximum filters on rectangular and octagonal
kernels", Pattern Recognition Letters 13(7).
"""

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats

# Places in a block: the next place of the ring, what came since it turned; then the ring, then the tails.
AT, HEAD, RING = 0, 1, 2


def block_size(window: int) -> int:
    """Places that the block of a window takes in a state; it begins with zeros."""
    return RING + 2 * window


@kernel
def push_sum(block: Floats, value: float) -> float:
    """Put a value into the window and return the window's sum; it means something once the window is full."""
    window = (block.size - RING) // 2
    at = int(block[AT])
    head = value if at == 0 else block[HEAD] + value
    block[RING + at] = value
    block[HEAD] = head
    if at + 1 < window:
        block[AT] = at + 1
        return float(head + block[RING + window + at + 1])
    block[AT] = 0
    tail = 0.0
    for place in range(window - 1, -1, -1):
        tail += block[RING + place]
        block[RING + window + place] = tail
    return head


@kernel
def push_max(block: Floats, value: float) -> float:
    """Put a value into the window and return the window's maximum; it means something once the window is full."""
    window = (block.size - RING) // 2
    at = int(block[AT])
    head = value if at == 0 else max(block[HEAD], value)
    block[RING + at] = value
    block[HEAD] = head
    if at + 1 < window:
        block[AT] = at + 1
        return float(max(head, block[RING + window + at + 1]))
    block[AT] = 0
    tail = value
    for place in range(window - 1, -1, -1):
        tail = max(tail, block[RING + place])
        block[RING + window + place] = tail
    return head


@kernel
def push_lag(block: Floats, value: float) -> float:
    """Put a value into a ring, (1 + n,), and return the value n rows before; zero until there were n."""
    at = 1 + int(block[AT])
    old = block[at]
    block[at] = value
    block[AT] = at if at + 1 < block.size else 0
    return float(old)
