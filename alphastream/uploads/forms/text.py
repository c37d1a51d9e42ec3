"""Bytes of a file as lines of text: encodings, line ends, and errors that name the line."""

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from alphastream.errors import UploadError
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.encodings import NAMES, encoding_of, foreign_words, utf16_of

HEAD_BYTES: Final = 2**18
_HEAD_LINES: Final = 8  # so many lines are looked at, however long they are
_MOST_HEAD_BYTES: Final = 2**22
MAX_LINE: Final = 2**21  # characters; 10,000 columns need a quarter of it
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UTF8: Final = ("utf-8", "utf-8-sig")
_BROKEN: Final = re.compile("[\\udc80-\\udcff]")
_SHOWN_WORDS: Final = 3
_SHOWN: Final = 40  # characters of each
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file.

    Parameters
    ----------
    encoding : how its bytes become text.
    note : what a person should know about that, where it is no UTF-8 and nothing declares it.
    lines : 1-based number and text of every line that holds something; a last one that may go on is left out.
    broken : number of a line to its first byte that no encoding explains; U+FFFD stands there.
    """

    encoding: str
    lines: list[tuple[int, str]]
    note: str | None = None
    broken: Mapping[int, int] = field(default_factory=dict)


def head_of(part: Part) -> Head:
    """Decode the beginning of a file.

    Raises
    ------
    UploadError
        The file is empty, no text, or not a line ends near its beginning.
    """
    with part.open() as stream:
        head = stream.read(HEAD_BYTES)
        while max(head.count(b"\n"), head.count(b"\r")) < _HEAD_LINES and len(head) < _MOST_HEAD_BYTES:
            more = stream.read(HEAD_BYTES)
            if not more:
                break
            head += more
        whole = not stream.read(1)
    encoding = _encoding(part.file, head, whole)
    text = _decode(part.file, head, encoding, whole)
    lines = _lines(part.file, text, whole)
    broken = {number: byte for number, line in lines if (byte := broken_byte(line)) is not None}
    if lines[0][0] in broken:
        raise not_utf8(part.file, lines[0][0], broken[lines[0][0]])
    if encoding in _UTF8 or encoding.startswith("utf-16"):
        shown = [(number, _BROKEN.sub("\ufffd", line)) for number, line in lines] if broken else lines
        return Head(encoding, shown, broken=broken)
    seen = ", ".join(repr(word[:_SHOWN]) for word in foreign_words(text, _SHOWN_WORDS))
    said = f"read as {NAMES[encoding]}, for it is not UTF-8" + f": see whether {seen} are right" * bool(seen)
    return Head(encoding, lines, said)


def utf8(stream: BinaryIO, encoding: str, file: str) -> BinaryIO:
    """The stream as UTF-8, whatever it is written in."""
    return stream if encoding in _UTF8 else io.BufferedReader(_Recoded(stream, encoding, file))


def numbered_lines(part: Part, encoding: str) -> Iterator[tuple[int, str]]:
    """All lines with their 1-based numbers, without line ends; bytes that are no UTF-8 come as surrogates."""
    with part.open() as stream:
        # What is no character of another encoding was refused where it was read; here it no more matters.
        errors = "surrogateescape" if encoding in _UTF8 else "replace"
        text = io.TextIOWrapper(stream, encoding, errors, newline=None)
        number, rest = 0, ""
        while some := text.read(HEAD_BYTES):  # twice as quick as line by line
            *lines, rest = (rest + some).split("\n")
            for line in lines:
                number += 1
                yield number, line
            if len(rest) > MAX_LINE:
                raise too_long(part.file, number + 1)
        if rest:
            yield number + 1, rest


def too_long(file: str, line: int) -> UploadError:
    """The error for a line that is longer than any table's."""
    return UploadError(f"the line has more than {MAX_LINE:,} characters: this is no table", file=file, line=line)


def undecodable(file: str, error: UnicodeDecodeError, encoding: str, lines: int = 0) -> UploadError:
    """The error for bytes that are no text.

    Parameters
    ----------
    encoding : in which they were decoded; the error itself calls all of Windows' "charmap".
    lines : how many end before the bytes that were decoded.
    """
    line = lines + count_lines(error.object[: error.start].decode(error.encoding)) + 1
    if encoding.startswith("utf-16"):
        advice = "download it again, or save it as CSV UTF-8"
        return UploadError(f"half a UTF-16 character: the file is cut off or damaged; {advice}", file=file, line=line)
    byte, what = error.object[error.start], NAMES.get(encoding)
    return not_utf8(file, line, byte, f"neither UTF-8 nor {what}" if what else "not UTF-8")


def count_lines(text: str) -> int:
    """How many lines end in a text."""
    return len(_LINE_END.findall(text))


def not_utf8(file: str, line: int, byte: int, what: str = "not UTF-8") -> UploadError:
    """The error for a byte that is no UTF-8."""
    return UploadError(f"byte 0x{byte:02X} is {what}: save the file as CSV UTF-8", file=file, line=line)


def broken_byte(line: str) -> int | None:
    """The first byte of a line that is no UTF-8, where such bytes came as surrogates."""
    found = _BROKEN.search(line)
    return ord(found[0]) - 0xDC00 if found else None


def _encoding(file: str, head: bytes, whole: bool) -> str:
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    if marked != "utf-16" and b"\0" in head:
        wide = utf16_of(head)
        if wide is None:
            raise UploadError("this is no text (it holds zero bytes): a CSV in UTF-8 is needed", file=file)
        return wide
    if marked is not None:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return encoding_of(head) or "utf-8"
    return "utf-8"


def _decode(file: str, head: bytes, encoding: str, whole: bool) -> str:
    errors = "surrogateescape" if encoding in _UTF8 else "strict"
    try:
        return codecs.getincrementaldecoder(encoding)(errors).decode(head, final=whole)
    except UnicodeDecodeError as error:
        raise undecodable(file, error, encoding) from None


def _lines(file: str, text: str, whole: bool) -> list[tuple[int, str]]:
    """Numbered lines that hold something; the last one is left out where it may go on."""
    lines = _LINE_END.split(text)
    if len(lines) == 1 and text.lstrip("\ufeff \t").startswith(("{", "[")):
        return [(1, text)]  # a JSON document, perhaps not to its end
    if not whole and len(lines.pop()) > MAX_LINE:
        raise too_long(file, len(lines) + 1)
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line]
    if not any(line.strip() for _, line in numbered):
        if whole:
            raise UploadError("the file is empty: rows of time and price are needed", file=file)
        raise UploadError(f"no line ends within the first {len(text):,} characters: this is no table", file=file)
    for number, line in numbered:
        if len(line) > MAX_LINE:
            raise too_long(file, number)
    while not numbered[0][1].strip():
        numbered.pop(0)
    return numbered


class _Recoded(io.RawIOBase):
    """Another encoding read as UTF-8; what is no character of it raises UploadError."""

    def __init__(self, stream: BinaryIO, encoding: str, file: str) -> None:
        self._stream = stream
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._lines = 0
        self._last = ""
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            some = self._stream.read(2**16)
            self._ended = not some
            try:
                text = self._decoder.decode(some, final=self._ended)
            except UnicodeDecodeError as error:
                raise undecodable(self._file, error, self._encoding, self._lines) from None
            self._lines += count_lines(text) - (self._last + text[:1] == "\r\n")
            self._last = text[-1:]
            self._rest = text.encode()
        chunk, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)
