"""The usual frame of a trade stream, read from a burst of frames by compiled code. All else is left to others.

Usual is a wrapped aggTrade in JSON without white space, with its keys in any order and each once, and plain values:
text of ASCII without escapes, digits, true, false or null. So a number is read exactly or not at all.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint16]

PADDING: Final = b"\n" * 10  # a line break is nowhere in a usual frame, so that no look ahead leaves the array
_BREAK: Final = PADDING[0]
_MOST_DIGITS: Final = 15  # of a decimal number: below 2^53, so that one division by a power of ten rounds correctly
_MOST_WHOLE_DIGITS: Final = 18  # below 2^63
_MOST_SYMBOLS: Final = 2**16
_TENS: Final = 10.0 ** np.arange(_MOST_DIGITS + 1)
_QUOTE, _COLON, _COMMA, _POINT, _ZERO, _NINE, _OPEN, _CLOSE = (ord(each) for each in '":,.09{}')
_A, _P, _Q, _LATE, _M, _S, _E, _F, _N, _TRUTH = (ord(each) for each in "apqTmsefnt")
_IS_PLAIN: Final = np.array([32 <= each < 127 and chr(each) not in '"\\' for each in range(256)])
_DATA, _AGG_TRADE, _TRUE, _FALSE, _NULL = (
    np.frombuffer(each, np.uint8) for each in (b'data"', b'"aggTrade"', b"true", b"false", b"null")
)


@kernel
def read_trades(data: Bytes, latest_ms: int, whole: Ints, decimal: Floats, sides: Bools) -> tuple[Numbers, Ints, Ints]:
    """Read frames, a line break after each but the last, into columns.

    Parameters
    ----------
    data : the frames and ``PADDING``.
    latest_ms : bound of times, exclusive.
    whole, decimal, sides : (2, n) ids and times in ms, (2, n) prices and quantities, (n,) whether the buyer was the
        maker; of n frames, to be written.

    Returns
    -------
    (n,) number of each frame's symbol, by first appearance; and where in ``data`` each symbol begins and ends. All are
    empty where a frame is not usual.
    """
    count = len(sides)
    which, starts, ends = np.empty(count, np.uint16), np.empty(count, np.int64), np.empty(count, np.int64)
    symbols, known, at = 0, 0, 0
    for row in range(count):
        at, start, end = _read_frame(data, at, latest_ms, row, whole, decimal, sides)
        if at < 0 or data[at] != _BREAK:
            return which[:0], starts[:0], ends[:0]
        if symbols == 0 or not _is_same(data, start, end, starts[known], ends[known]):
            known = 0
            while known < symbols and not _is_same(data, start, end, starts[known], ends[known]):
                known += 1
            if known == _MOST_SYMBOLS:
                return which[:0], starts[:0], ends[:0]
            if known == symbols:
                starts[symbols], ends[symbols] = start, end
                symbols += 1
        which[row] = known
        at += 1
    if at + len(PADDING) - 1 != len(data):  # a line break was part of a frame
        return which[:0], starts[:0], ends[:0]
    return which, starts[:symbols], ends[:symbols]


@kernel
def _read_frame(
    data: Bytes, at: int, latest_ms: int, row: int, whole: Ints, decimal: Floats, sides: Bools
) -> tuple[int, int, int]:
    """Where the frame ends that begins here, -1 if it is not usual; and where its symbol begins and ends."""
    start = end = -1
    if data[at] != _OPEN:
        return -1, start, end
    while True:
        key = at + 2  # behind a brace or comma and a quote
        at = _after_key(data, at + 1)
        if at < 0:
            return -1, start, end
        if _stands_at(data, key, _DATA):
            if start >= 0:
                return -1, start, end
            at, start, end = _read_event(data, at, latest_ms, row, whole, decimal, sides)
        else:
            at = _after_value(data, at)
        if at < 0:
            return -1, start, end
        if data[at] != _COMMA:
            break
    return (at + 1 if data[at] == _CLOSE and start >= 0 else -1), start, end


@kernel
def _read_event(
    data: Bytes, at: int, latest_ms: int, row: int, whole: Ints, decimal: Floats, sides: Bools
) -> tuple[int, int, int]:
    """Where the event ends that begins here, -1 if it is no usual trade; and where its symbol begins and ends."""
    start = end = -1
    found = 0
    if data[at] != _OPEN:
        return -1, start, end
    while True:
        name = data[at + 2]
        key = at + 2
        at = _after_key(data, at + 1)
        if at < 0:
            return -1, start, end
        bit = 0
        if at - key != 3:  # one letter, a quote and a colon
            at = _after_value(data, at)
        elif name == _A:
            bit = 1
            whole[0, row], at = _whole_number(data, at)
        elif name == _P:
            bit = 2
            decimal[0, row], at = _decimal_number(data, at)
        elif name == _Q:
            bit = 4
            decimal[1, row], at = _decimal_number(data, at)
        elif name == _LATE:
            bit = 8
            whole[1, row], at = _whole_number(data, at)
            if not 0 < whole[1, row] < latest_ms:
                return -1, start, end
        elif name == _M:
            bit = 16
            sides[row] = data[at] == _TRUTH
            at = _after_value(data, at) if data[at] == _TRUTH or data[at] == _F else -1
        elif name == _S:
            bit = 32
            start = at + 1
            at = _after_text(data, at)
            end = at - 1
        elif name == _E:
            bit = 64
            at = at + len(_AGG_TRADE) if _stands_at(data, at, _AGG_TRADE) else -1
        else:
            at = _after_value(data, at)
        if at < 0 or found & bit:
            return -1, start, end
        found |= bit
        if data[at] != _COMMA:
            break
    return (at + 1 if data[at] == _CLOSE and found == 127 else -1), start, end


@kernel
def _after_key(data: Bytes, at: int) -> int:
    """Where the value of a key begins, -1 where no plain key stands."""
    at = _after_text(data, at)
    return at + 1 if at >= 0 and data[at] == _COLON else -1


@kernel
def _after_text(data: Bytes, at: int) -> int:
    """Where plain text ends that begins here, its quotes included; -1 where none stands."""
    if data[at] != _QUOTE:
        return -1
    at += 1
    while _IS_PLAIN[data[at]]:
        at += 1
    return at + 1 if data[at] == _QUOTE else -1


@kernel
def _after_value(data: Bytes, at: int) -> int:
    """Where a plain value ends that begins here; -1 where none stands."""
    first = data[at]
    if first == _QUOTE:
        return _after_text(data, at)
    if _ZERO <= first <= _NINE:
        return _whole_number(data, at)[1]
    if first == _TRUTH:
        return at + len(_TRUE) if _stands_at(data, at, _TRUE) else -1
    if first == _F:
        return at + len(_FALSE) if _stands_at(data, at, _FALSE) else -1
    if first == _N:
        return at + len(_NULL) if _stands_at(data, at, _NULL) else -1
    return -1


@kernel
def _whole_number(data: Bytes, at: int) -> tuple[int, int]:
    """The number that begins here, and where it ends; -1 where none stands or it is too long."""
    begin, value = at, 0
    while _ZERO <= data[at] <= _NINE:
        value = 10 * value + int(data[at]) - _ZERO
        at += 1
        if at - begin > _MOST_WHOLE_DIGITS:
            return 0, -1
    if at == begin or (data[begin] == _ZERO and at - begin > 1):
        return 0, -1
    return value, at


@kernel
def _decimal_number(data: Bytes, at: int) -> tuple[float, int]:
    """The number above 0 that begins here, in quotes, and where that ends; -1 where none stands or it is too long."""
    value, begin = _whole_number(data, at + 1)
    if data[at] != _QUOTE or begin < 0:
        return 0.0, -1
    end, decimals = begin, 0
    if data[end] == _POINT:
        end += 1
        while _ZERO <= data[end] <= _NINE and end - at <= _MOST_DIGITS + 1:
            value = 10 * value + int(data[end]) - _ZERO
            end += 1
        decimals = end - begin - 1
        if decimals == 0:
            return 0.0, -1
    if data[end] != _QUOTE or value == 0 or end - at - 1 - (decimals > 0) > _MOST_DIGITS:
        return 0.0, -1
    return value / _TENS[decimals], end + 1


@kernel
def _stands_at(data: Bytes, at: int, wanted: Bytes) -> bool:
    place = 0
    while place < len(wanted) and data[at + place] == wanted[place]:
        place += 1
    return place == len(wanted)


@kernel
def _is_same(data: Bytes, start: int, end: int, other: int, other_end: int) -> bool:
    length, place = end - start, 0
    while place < length and data[start + place] == data[other + place]:
        place += 1
    return place == length == other_end - other
