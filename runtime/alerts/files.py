"""Alerts on disk: the book of rules as one JSON file, replaced whole, and the history as JSON lines, rotated.

So neither is ever half written, and neither grows for ever. A book that cannot be read is kept aside, never lost.
"""

import logging
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from alphastream.alerts import Alert, Rule, RuleState
from alphastream.errors import AlphaStreamError, StorageError
from runtime.writer_lock import WriterLock

log = logging.getLogger(__name__)

Key = tuple[str, bool]  # rule id, and whether the trades are recorded: a replay does not disarm a rule for live trades

FORMAT: Final = 1
BOOK: Final = "alerts.json"
HISTORY: Final = "alerts.jsonl"
UNREADABLE: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside
ROTATE_BYTES: Final = 2**20  # a full history file becomes the older one of two


@dataclass(slots=True)
class AlertState:
    """What a book holds: rules by id, and states by rule and kind of trades."""

    rules: dict[str, Rule] = field(default_factory=dict)
    states: dict[Key, RuleState] = field(default_factory=dict)


class BookFile:
    """The file of rules and states. One process writes it at a time: for as long as it claims it, or for one ``save``.

    Parameters
    ----------
    folder : made when something is written.

    Attributes
    ----------
    notice : what was wrong with the file and what became of it, None where nothing was.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / BOOK
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
        """Everything that is sound in the file; a file with anything else is kept aside, which ``notice`` reports."""
        loaded = AlertState()
        self._blocked, self.notice, self._known = False, None, self._identity()
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return loaded
        except OSError as error:
            self._blocked = True
            self.notice = f"{self._path}: {error}: make the file readable and start again"
            return loaded
        try:
            entries, states = _parts(content)
        except UNREADABLE as error:
            self._set_aside(content, f"is not a book of alerts ({error})", loaded)
            return loaded
        bad = [why for entry in entries if (why := _take_rule(loaded, entry)) is not None]
        bad += [why for entry in states if (why := _take_state(loaded, entry)) is not None]
        if bad:
            self._set_aside(content, f"has {len(bad)} entries that cannot be read, the first: {bad[0]}", loaded)
        return loaded

    def save(self, rules: Mapping[str, Rule], states: Mapping[Key, RuleState]) -> None:
        """Replace the file, whole or not at all. Raises StorageError."""
        if self._blocked:
            raise StorageError(self.notice)
        content = {
            "format": FORMAT,
            "rules": [asdict(rule) for rule in rules.values()],
            "states": [
                {"rule": rule_id, "recorded": recorded, **asdict(state)}
                for (rule_id, recorded), state in states.items()
            ],
        }
        scratch = self._path.with_suffix(".json.new")
        try:
            with self._claimed():
                with scratch.open("wb") as file:
                    file.write(msgspec.json.format(msgspec.json.encode(content), indent=1))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(scratch, self._path)
                self._known = self._identity()
        except OSError as error:
            raise StorageError(
                f"{self._path}: {error}: name a folder that may be written in ALPHASTREAM_DATA_DIR"
            ) from error

    def _set_aside(self, content: bytes, why: str, loaded: AlertState) -> None:
        aside = self._path.with_name(f"{self._path.stem}-damaged-{time.time_ns() // 10**6}.json")
        try:
            aside.write_bytes(content)
        except OSError as error:
            self._blocked = True
            self.notice = f"{self._path} {why}, and cannot be kept aside ({error}): move it away and start again"
            return
        rules = f"{len(loaded.rules)} rules were kept" if loaded.rules else "The book begins empty"
        self.notice = (
            f"{self._path} {why}. It is kept as {aside.name}. {rules}: mend that file, or add the rules again."
        )
        log.error("%s", self.notice)


def _parts(content: bytes) -> tuple[list[Any], list[Any]]:
    document = msgspec.json.decode(content, type=dict[str, Any])
    if document.get("format") != FORMAT:
        raise ValueError(f"its format is {document.get('format')!r}, this version reads {FORMAT}")
    rules, states = document.get("rules"), document.get("states")
    if not isinstance(rules, list) or not isinstance(states, list):
        raise ValueError("it has no list of rules or no list of states")
    return rules, states


def _take_rule(loaded: AlertState, entry: Any) -> str | None:
    try:
        rule = msgspec.convert(entry, type=Rule)
    except (TypeError, ArithmeticError, AlphaStreamError, *UNREADABLE) as error:
        return str(error)
    loaded.rules[rule.id] = rule
    return None


def _take_state(loaded: AlertState, entry: Any) -> str | None:
    try:
        key = (str(entry["rule"]), bool(entry["recorded"]))
        state = msgspec.convert(entry, type=RuleState)
        _check_times(state.fired_ns)
    except (KeyError, TypeError, *UNREADABLE) as error:
        return f"{type(error).__name__}: {error}"
    if key[0] in loaded.rules:
        loaded.states[key] = state
    return None


class HistoryFile:
    """Alerts as JSON lines, in a file and one older one.

    Parameters
    ----------
    folder : where both are.
    rotate_bytes : a file beyond this becomes the older one.
    """

    def __init__(self, folder: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._path, self._older = folder / HISTORY, folder / f"older-{HISTORY}"
        self._rotate_bytes = rotate_bytes

    def append(self, alerts: Sequence[Alert]) -> None:
        """Add lines at the end. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > self._rotate_bytes:
            os.replace(self._path, self._older)
        lines = b"".join(msgspec.json.encode(asdict(alert)) + b"\n" for alert in alerts)
        with self._path.open("ab") as file:
            file.write(lines if self._ends_a_line() else b"\n" + lines)

    def newest(self, count: int) -> list[Alert]:
        """The newest alerts, oldest first; what cannot be read is left out and stays in the file. Raises OSError."""
        lines: list[bytes] = []
        for path in (self._older, self._path):
            if path.exists():
                lines += path.read_bytes().splitlines()
        alerts = [_alert_from(line) for line in lines[-count:] if line]
        if unread := alerts.count(None):
            log.warning("lines left out: file=%s lines=%d", self._path, unread)
        return [alert for alert in alerts if alert is not None]

    def _ends_a_line(self) -> bool:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _alert_from(line: bytes) -> Alert | None:
    try:
        entry = msgspec.json.decode(line, type=dict[str, Any])
        value = entry.get("value")  # null: infinite, which JSON does not know
        alert = msgspec.convert({**entry, "value": math.inf if value is None else value}, type=Alert)
        _check_times(alert.time_ns, alert.data_ns)
    except UNREADABLE:
        return None
    return alert


def _check_times(*times_ns: int) -> None:
    """Refuse times beyond 64 bits, which JSON can say and no page can show. Raises ValueError."""
    for time_ns in times_ns:
        if not 0 <= time_ns < 2**63:
            raise ValueError(f"{time_ns} is no time in ns")
