"""JSON objects, one a line, each with its checksum as its last entry; and the file beside for lines that are damaged.

``{"until_ns":1,"crc32":"0f3c9a1d"}`` remains a line of JSON for any other program. The checksum is the CRC-32 of the
object without it; where the order of lines matters, of that and of all lines before it, so that a line that is gone,
doubled or out of place is found as well as one that is altered.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

_CHECKSUM: Final = re.compile(rb',"crc32":"([0-9a-f]{8})"}')
_LENGTH: Final = 20  # of that


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that is not what was written.

    Parameters
    ----------
    number : from 1.
    text : its bytes as they are now.
    why : in words.
    """

    number: int
    text: bytes
    why: str


def with_checksum(text: bytes, before: int = 0) -> tuple[bytes, int]:
    """Return a JSON object with its checksum, and the checksum; ``before`` is that of the lines before it, if any."""
    of = crc32(text, before)
    return b'%b,"crc32":"%08x"}' % (text[:-1], of), of


def without_checksum(line: bytes, before: int = 0) -> tuple[bytes, int]:
    """Return the JSON object of a line and its checksum.

    Raises
    ------
    ValueError : it carries none, or another one.
    """
    found = _CHECKSUM.fullmatch(line, max(0, len(line) - _LENGTH))
    if found is None:
        raise ValueError("it has no checksum")
    text = line[: found.start()] + b"}"
    of = crc32(text, before)
    if of != int(found[1], 16):
        raise ValueError(f"its checksum is {found[1].decode()}, that of what it holds {of:08x}")
    return text, of


def lines_of(content: bytes) -> list[bytes]:
    """Lines as an editor counts them, without their ends; the last one is empty where the file ends with a line end."""
    return [line.removesuffix(b"\r") for line in content.split(b"\n")]


def append_whole(path: Path, text: bytes) -> int:
    """Add to the end of a file, all of it or, as long as it can be cut back, none; where the file ends now.

    Raises
    ------
    OSError : it cannot be written, for example because the disk is full.
    """
    with path.open("ab", buffering=0) as file:
        end, rest = file.tell(), memoryview(text)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(end)
            raise
    return end + len(text)


def set_aside(path: Path, pieces: Sequence[bytes]) -> Path:
    """Keep damaged pieces of a file in the file beside it, each once.

    Returns
    -------
    The file beside, such as ``alerts.json.damaged``.

    Raises
    ------
    OSError : it cannot be written.
    """
    beside = path.with_name(f"{path.name}.damaged")
    known = beside.read_bytes() if beside.exists() else b""
    fresh = [whole for whole in dict.fromkeys(piece + b"\n" for piece in pieces) if whole not in known]
    if fresh:
        append_whole(beside, b"".join(fresh))
    return beside


def as_text(value: object) -> str:
    """For encoders of JSON: what is more than text, such as an ``InstrumentId``, is written as its text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot be written down")
