"""The book of alert rules on disk: one JSON file, replaced whole, with a checksum on the line of every rule.

So it is never half written, and no rule that is not what was written is taken for one. What is damaged is kept in a
file beside; everything sound goes on.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from alphastream.alerts import Rule, RuleState
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.instruments import full
from runtime.checked_lines import as_text, lines_of, set_aside, with_checksum, without_checksum
from runtime.writer_lock import WriterLock

log = logging.getLogger(__name__)

Key = tuple[str, bool]  # rule id, and whether the trades are recorded: a replay does not disarm a rule for live trades

FORMAT: Final = 2
BOOK: Final = "alerts.json"
UNREADABLE: Final = (TypeError, ArithmeticError, KeyError, ValueError, RecursionError, AlphaStreamError)
_WRITE: Final = msgspec.json.Encoder(enc_hook=as_text)
_BRACKETS: Final = (b"", b"[", b"]")  # lines that make the whole a list in JSON, and hold nothing


@dataclass(slots=True)
class AlertState:
    """What a book holds: rules by id, and states by rule and kind of trades."""

    rules: dict[str, Rule] = field(default_factory=dict)
    states: dict[Key, RuleState] = field(default_factory=dict)


class BookFile:
    """The file of rules and states. One process writes it at a time: for as long as it claims it, or for one ``save``.

    A line holds a rule with its states, so that a rule never stands there without knowing that it has fired. Format 1,
    one document without checksums and mostly with bare symbols, is read as well.

    Parameters
    ----------
    folder : made when something is written.
    venue : of symbols that name none; "" leaves them as they are.

    Attributes
    ----------
    notice : what was wrong with the file and what became of it, None where nothing was.
    """

    def __init__(self, folder: Path, venue: str = "") -> None:
        self._path = folder / BOOK
        self._venue = venue
        self._lock: WriterLock | None = None
        self._known: tuple[int, ...] = ()  # which file was read or written last
        self._blocked = False  # a file that can neither be read nor kept aside is not overwritten
        self.notice: str | None = None

    def claim(self) -> None:
        """Keep other processes from writing until ``release``.

        Raises
        ------
        StorageError : another process has claimed it.
        OSError : the folder cannot be written.
        """
        if self._lock is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(self._path, "or change the rules there")

    def release(self) -> None:
        """Let other processes write. May be called twice."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    @property
    def is_claimed(self) -> bool:
        """Whether no other process may write."""
        return self._lock is not None

    @property
    def has_changed(self) -> bool:
        """Whether the file is another one than was read or written last."""
        return self._known != self._identity()

    def _identity(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        """For one write. Raises StorageError where another process has claimed the file, or changed it."""
        if self._lock is not None:
            yield
            return
        self.claim()
        try:
            if self.has_changed:
                raise StorageError(f"{self._path} was changed by another process: start this app again")
            yield
        finally:
            self.release()

    def load(self) -> AlertState:
        """Everything that is sound in the file; the rest is kept in a file beside, which ``notice`` reports."""
        loaded = AlertState()
        self._blocked, self.notice, self._known = False, None, self._identity()
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return loaded
        except OSError as error:
            self.block(f"{self._path}: {error}: make the file readable and start again")
            return loaded
        try:
            found = _sound_lines(content) or _first_format(content)
        except UNREADABLE as error:
            self._set_aside([content], f"is not a book of alerts ({error})", loaded)
            return loaded
        bad, pieces = found.bad, found.damaged
        for text, entry in found.entries:
            reasons = _take(loaded, entry, self._venue)
            bad += reasons
            pieces += [text] * bool(reasons)
        if bad:
            reason = f"has {len(bad)} entries that cannot be read, the first: {bad[0]}"
            self._set_aside(pieces or [content], reason, loaded)
        return loaded

    def block(self, why: str) -> None:
        """Overwrite nothing: what is in the file could not be seen."""
        self._blocked, self.notice = True, why
        log.error("%s", why)

    def save(self, rules: Mapping[str, Rule], states: Mapping[Key, RuleState]) -> None:
        """Replace the file, whole or not at all. Raises StorageError."""
        if self._blocked:
            raise StorageError(self.notice)
        lines = [_line({"format": FORMAT, "rules": len(rules)})]
        for rule in rules.values():
            kept = [{"recorded": key[1], **asdict(state)} for key, state in states.items() if key[0] == rule.id]
            lines.append(_line({"rule": asdict(rule), "states": kept}))
        scratch = self._path.with_suffix(".json.new")
        try:
            with self._claimed():
                with scratch.open("wb") as file:
                    file.write(b"[\n" + b",\n".join(lines) + b"\n]\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(scratch, self._path)
                self._known = self._identity()
        except OSError as error:
            raise StorageError(
                f"{self._path}: {error}: name a folder that may be written in ALPHASTREAM_DATA_DIR"
            ) from error

    def _set_aside(self, pieces: list[bytes], why: str, loaded: AlertState) -> None:
        try:
            aside = set_aside(self._path, pieces)
        except OSError as error:
            self.block(f"{self._path} {why}, and cannot be kept aside ({error}): move it away and start again")
            return
        rules = f"{len(loaded.rules)} rules were kept" if loaded.rules else "The book begins empty"
        self.notice = f"{self._path} {why}. That is kept in {aside.name}. {rules}: add again what is missing."
        log.error("%s", self.notice)


def _line(entry: Mapping[str, Any]) -> bytes:
    return with_checksum(_WRITE.encode(entry))[0]


@dataclass(slots=True)
class _Found:
    """Rules with their states, each with the bytes it stands in; what is wrong in words, and what is damaged."""

    entries: list[tuple[bytes, dict[str, Any]]]
    bad: list[str] = field(default_factory=list)
    damaged: list[bytes] = field(default_factory=list)


def _sound_lines(content: bytes) -> _Found | None:
    """What lines with a right checksum hold; None where no line has one. Raises ValueError for a newer format."""
    found = _Found([])
    expected: int | None = None
    for number, line in enumerate(lines_of(content), start=1):
        text = line.strip().removesuffix(b",")
        if text in _BRACKETS:
            continue
        try:
            entry = msgspec.json.decode(without_checksum(text)[0], type=dict[str, Any])
        except UNREADABLE as error:
            found.bad.append(f"line {number} is damaged ({error})")
            found.damaged.append(line)
            continue
        if "format" in entry:
            expected = _rules_in(entry)
        else:
            found.entries.append((text, entry))
    if expected is None and not found.entries:
        return None
    if expected is None and not found.damaged:
        found.bad.append("its first line is missing, and with it how many rules there were")
    missing = (expected or 0) - len({entry["rule"]["id"] for _, entry in found.entries})
    if missing > len(found.damaged):
        found.bad.append(f"{missing} of {expected} rules are missing")
    return found


def _rules_in(header: Mapping[str, Any]) -> int:
    if header["format"] != FORMAT:
        raise ValueError(f"its format is {header['format']!r}, this version reads 1 and {FORMAT}")
    return int(header["rules"])


def _first_format(content: bytes) -> _Found:
    """Entries of a document of format 1. Raises ValueError, RecursionError."""
    document = msgspec.json.decode(content, type=dict[str, Any])
    if document.get("format") != 1:
        raise ValueError(f"its format is {document.get('format')!r}, this version reads 1 and {FORMAT}")
    rules, states = document.get("rules"), document.get("states")
    if not isinstance(rules, list) or not isinstance(states, list):
        raise ValueError("it has no list of rules or no list of states")
    of_rules: dict[str, list[Any]] = {str(rule["id"]): [] for rule in rules if isinstance(rule, dict) and "id" in rule}
    found = _Found([(content, {"rule": rule, "states": []}) for rule in rules])
    for state in states:
        if isinstance(state, dict) and str(state.get("rule")) in of_rules:
            of_rules[str(state["rule"])].append(state)
        else:
            found.bad.append(f"{state!r:.80} is the state of no rule")
            found.damaged.append(content)
    for _, entry in found.entries:
        if isinstance(entry["rule"], dict):
            entry["states"] = of_rules.get(str(entry["rule"].get("id")), [])
    return found


def _take(loaded: AlertState, entry: Mapping[str, Any], venue: str) -> list[str]:
    """Add a rule and its states; what is wrong with them, in words."""
    try:
        rule = msgspec.convert(entry["rule"], type=Rule)
        if rule.spec is not None:
            y, x = full(rule.spec.y, venue), full(rule.spec.x, venue)
            rule = replace(rule, spec=replace(rule.spec, y=y, x=x))
    except UNREADABLE as error:
        return [str(error)]
    loaded.rules[rule.id] = rule
    reasons = []
    for each in entry["states"]:
        try:
            state = msgspec.convert(each, type=RuleState)
            check_times(state.fired_ns, state.beyond_ns)
            loaded.states[rule.id, bool(each["recorded"])] = state
        except UNREADABLE as error:
            reasons.append(f"{type(error).__name__}: {error}")
    return reasons


def check_times(*times_ns: int) -> None:
    """Refuse times beyond 64 bits, which JSON can say and no page can show. Raises ValueError."""
    for time_ns in times_ns:
        if not 0 <= time_ns < 2**63:
            raise ValueError(f"{time_ns} is no time in ns")
