"""Paper runs on disk: one file of JSON lines each, written to at its end only.

A line is a list of entries that belong together: an order with its fills and the state after them. A line that a crash
cut short is left out when the file is read again, so that an order never stands there without its fills. The first
line says what runs, where and since when.

Every line carries the checksum of all lines up to it. What a run did rests on everything before, so the first line
that is damaged, gone, doubled or out of place is where a run ends: what stands before it is sound.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from alphastream.errors import AlphaStreamError, StorageError
from alphastream.instruments import full
from runtime.checked_lines import (
    DamagedLine,
    append_whole,
    as_text,
    lines_of,
    set_aside,
    with_checksum,
    without_checksum,
)
from runtime.paper.record import (
    FORMAT,
    AccountState,
    Adopted,
    Begin,
    Entry,
    Filled,
    Ordered,
    Origin,
    Paid,
    RunRecord,
    definition_of,
)

log = logging.getLogger(__name__)

UNREADABLE: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside
MAX_LOST: Final = 100_000  # orders that lines which cannot be read may have held in a row


class _Line(msgspec.Struct):
    entries: list[Entry]


_READ: Final = msgspec.json.Decoder(_Line)
_READ_FIRST_FORMAT: Final = msgspec.json.Decoder(list[Entry])
_WRITE: Final = msgspec.json.Encoder(enc_hook=as_text)


@dataclass(slots=True)
class _Content:
    """Lines of a file up to the first that is damaged.

    Parameters
    ----------
    lines : by number: what each holds.
    checksum : of these lines.
    end : where they end, in bytes.
    ends_line : whether a line end stands there.
    damaged : the line after them that is not sound, with lines beyond it.
    cut : a last line that a crash cut short.
    left_out : lines without checksums that an earlier crash cut short.
    """

    lines: dict[int, list[Entry]] = field(default_factory=dict)
    checksum: int = 0
    end: int = 0
    ends_line: bool = True
    damaged: DamagedLine | None = None
    cut: DamagedLine | None = None
    left_out: list[str] = field(default_factory=list)


def _content_of(content: bytes) -> _Content:
    found, lines, place = _Content(), lines_of(content), 0
    checked = False  # from the first line with a checksum on, every line needs one
    for number, line in enumerate(lines, start=1):
        place = len(content) if number == len(lines) else content.index(b"\n", place) + 1
        if not line:
            found.end = place
            continue
        try:
            if line.startswith(b"[") and not checked:
                entries, of = _READ_FIRST_FORMAT.decode(line), crc32(line, found.checksum)
                if any(isinstance(entry, Begin) and entry.format != 1 for entry in entries):
                    raise ValueError("it has no checksum")
            else:
                text, of = without_checksum(line, found.checksum)
                entries, checked = _READ.decode(text).entries, True
            _check_bits(entries)
        except UNREADABLE as error:
            damaged = DamagedLine(number, line, str(error))
            if number == len(lines):
                found.cut = damaged
                break
            if checked or not line.startswith(b"[") or "truncated" not in str(error):
                found.damaged = damaged
                break
            of = crc32(line, found.checksum)
            found.left_out.append(f"line {number} ({error})")
        else:
            found.lines[number] = entries
        found.checksum, found.end, found.ends_line = of, place, number < len(lines)
    return found


class RunFile:
    """The file of one run.

    Parameters
    ----------
    path : made with its folder at the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: _Content | None = None
        self._failed = False  # the last write did, and may have left a part of it behind

    def append(self, entries: Sequence[Entry]) -> None:
        """Write a line to the end. Raises StorageError."""
        self.append_all([entries])

    def append_all(self, lines: Sequence[Sequence[Entry]]) -> None:
        """Write lines to the end, all of them or none.

        Raises
        ------
        StorageError : they cannot be written, or the file is damaged, or is not what was written to it.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            known = self._known()
            if known.damaged is not None:
                raise StorageError(f"{self.path} is damaged in line {known.damaged.number}: nothing is added to it")
            texts, checksum = [b"" if known.ends_line else b"\n"], known.checksum
            for entries in lines:
                text, checksum = with_checksum(_WRITE.encode(_Line(list(entries))), checksum)
                texts.append(text + b"\n")
            self.mend()
            self._check_end(known.end)
            self._failed = True
            known.end = append_whole(self.path, b"".join(texts))
        except OSError as error:
            if not self._known().end:  # a file without a first line is no run
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)
            raise StorageError(f"{self.path}: {error}: make the folder writable, or name another data_dir") from error
        known.checksum, known.ends_line, self._failed = checksum, True, False

    def mend(self) -> None:
        """Move a last line that a crash cut short to the file beside, and keep a copy of a damaged one there.

        Raises
        ------
        OSError : one of the two cannot be written.
        """
        known = self._known()
        if known.damaged is not None:
            set_aside(self.path, [known.damaged.text])
        if known.cut is not None:
            set_aside(self.path, [known.cut.text])
            os.truncate(self.path, known.end)
            known.cut = None

    def _known(self) -> _Content:
        if self._content is None:
            self._content = _content_of(self.path.read_bytes() if self.path.exists() else b"")
        return self._content

    def _check_end(self, end: int) -> None:
        """Cut off what a failed write left behind. Raises StorageError, OSError."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size > end and self._failed:
            os.truncate(self.path, end)
        elif size != end:
            raise StorageError(f"{self.path} was changed by something else: start the app again")

    def read(self, venue: str = "") -> RunRecord:
        """Everything that is sound in the file.

        Parameters
        ----------
        venue : of symbols that name none, where the file does not say it; "" leaves them as they are.

        Raises
        ------
        StorageError : it cannot be read, or does not begin with a run that this version knows.
        """
        self._content, self._failed = None, False
        try:
            known = self._known()
            record = _begun(known, venue)
        except (OSError, *UNREADABLE, AlphaStreamError) as error:
            raise StorageError(f"{self.path} is no paper run that can be read ({error}): move it away") from error
        for number, entries in known.lines.items():
            try:
                _check(entries, record)
            except ValueError as error:
                known.damaged = DamagedLine(number, _WRITE.encode(entries), str(error))
                break
            for entry in entries:
                record.take(_with_full_names(entry, "" if record.begin.venue else record.venue))
        known.lines.clear()
        traded = {fill.symbol for fill in record.fills} | {payment.symbol for payment in record.funding}
        strange = ", ".join(sorted(traded - {*record.definition.strategy.symbols}))
        if strange:
            raise StorageError(f"{self.path} has fills of {strange}, which its strategy does not trade: move it away")
        self._tell(record, known)
        return record

    def _tell(self, record: RunRecord, known: _Content) -> None:
        """Say in the record and in the log what is wrong with the file."""
        record.left_out += known.left_out
        beside = f"{self.path.name}.damaged"
        if known.cut is not None:
            record.left_out.append(f"line {known.cut.number}, which is cut short and moves to {beside}")
        for words in record.left_out:
            log.warning("line left out: file=%s %s", self.path, words)
        if known.damaged is not None:
            record.damage = (
                f"line {known.damaged.number} of its file is damaged ({known.damaged.why}), so nothing from there on "
                f"can be trusted; what stands before it is shown. {self.path} stays as it is, a copy of the line is in "
                f"{beside}: put the file back from a backup and start the app again, or begin a new run"
            )
            record.stopped = record.damage
            log.error("paper run is damaged: file=%s %s", self.path, record.damage)


def _begun(known: _Content, venue: str) -> RunRecord:
    """The record that the first line begins, with full names. Raises StorageError, AlphaStreamError."""
    if not known.lines:
        wrong = known.damaged or known.cut
        raise StorageError("it is empty" if wrong is None else f"its first line is damaged: {wrong.why}")
    first = next(iter(known.lines.values()))
    if not first or not isinstance(first[0], Begin) or first[0].format not in (1, FORMAT):
        raise StorageError(f"it does not begin with a run of format 1 or {FORMAT}")
    begin = first[0]
    entries = [entry for line in known.lines.values() for entry in line]
    code = next((entry.code for entry in reversed(entries) if isinstance(entry, Adopted)), begin.code)
    origin = Origin(begin.venue, begin.address)
    if not begin.venue:
        origin = next((entry for entry in entries if isinstance(entry, Origin)), Origin(venue, ""))
    definition = definition_of(begin, code, origin.venue)
    return RunRecord(begin, definition, venue=origin.venue, address=origin.address, code=code)


def _with_full_names(entry: Entry, venue: str) -> Entry:
    match entry:
        case Ordered(order):
            for leg in order.legs:
                leg.symbol = full(leg.symbol, venue)
        case Filled(fill):
            return Filled(msgspec.structs.replace(fill, symbol=full(fill.symbol, venue)))
        case Paid(payment):
            return Paid(msgspec.structs.replace(payment, symbol=full(payment.symbol, venue)))
    return entry


def _check(entries: Sequence[Entry], record: RunRecord) -> None:
    """Refuse what JSON can say and a run cannot mean. Raises ValueError."""
    for entry in entries:
        if isinstance(entry, Ordered) and not 1 <= entry.order.id <= len(record.orders) + MAX_LOST:
            raise ValueError(f"order {entry.order.id} follows after {len(record.orders)}")
        symbols = record.definition.strategy.symbols
        if isinstance(entry, AccountState) and len(entry.marks) not in (0, len(symbols)):
            raise ValueError(f"{len(entry.marks)} last prices of {len(symbols)} symbols")


def _check_bits(entries: Sequence[Entry]) -> None:
    if not all(map(_fits, entries)):
        raise ValueError("a number has more than 64 bits")


def _fits(value: object) -> bool:
    """Whether every whole number in a struct fits into 64 bits, which JSON does not promise."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, msgspec.Struct):
        return all(map(_fits, msgspec.structs.astuple(value)))
    return not isinstance(value, tuple) or all(map(_fits, value))
