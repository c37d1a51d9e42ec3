"""The history of alerts on disk: JSON lines, each with its checksum, in a file and one older one."""

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from alphastream.alerts import Alert
from runtime.alerts.files import check_times
from runtime.checked_lines import (
    DamagedLine,
    append_whole,
    as_text,
    lines_of,
    set_aside,
    with_checksum,
    without_checksum,
)

log = logging.getLogger(__name__)

HISTORY: Final = "alerts.jsonl"
UNREADABLE: Final = (ValueError, KeyError, RecursionError)
ROTATE_BYTES: Final = 2**20  # a full history file becomes the older one of two
_WRITE: Final = msgspec.json.Encoder(enc_hook=as_text)


class HistoryFile:
    """Alerts as JSON lines, in a file and one older one.

    Parameters
    ----------
    folder : where both are.
    rotate_bytes : a file beyond this becomes the older one.

    Attributes
    ----------
    notice : what was damaged in the files when they were read last, and what became of it; None where nothing was.
    """

    def __init__(self, folder: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.notice: str | None = None
        self._damaged: list[Path] = []
        self._path, self._older = folder / HISTORY, folder / f"older-{HISTORY}"
        self._rotate_bytes = rotate_bytes

    def append(self, alerts: Sequence[Alert]) -> None:
        """Add lines at the end, all of them or none; what was damaged leaves the files. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for path in self._damaged:
            self._mend(path)
        self._damaged = []
        if self._path.exists() and self._path.stat().st_size > self._rotate_bytes:
            os.replace(self._path, self._older)
        lines = b"".join(_line(alert) + b"\n" for alert in alerts)
        append_whole(self._path, lines if self._ends_a_line() else b"\n" + lines)

    def newest(self, count: int) -> list[Alert]:
        """The newest alerts, oldest first; ``notice`` tells of lines that are damaged.

        Raises
        ------
        OSError : a file cannot be read.
        """
        self.notice, self._damaged = None, []
        alerts: dict[str, Alert] = {}  # by id: a line that is there twice is one alert
        for path in (self._older, self._path):
            if path.exists():
                found, _, damaged = _read(path)
                alerts |= {alert.id: alert for alert in found}
                if damaged:
                    self._tell(path, damaged)
        return list(alerts.values())[-count:]

    def _tell(self, path: Path, damaged: Sequence[DamagedLine]) -> None:
        self._damaged.append(path)
        first, more = damaged[0], f", and {len(damaged) - 1} more" * (len(damaged) > 1)
        beside = f"{path.name}.damaged"
        self.notice = (
            f"{path}: line {first.number} is damaged ({first.why}){more}. The other alerts are shown; with the next "
            f"alert the damaged ones move to {beside}, where you can look at them."
        )
        log.error("%s", self.notice)

    def _mend(self, path: Path) -> None:
        """Move what is damaged to the file beside."""
        _, sound, damaged = _read(path)
        set_aside(path, [each.text for each in damaged])
        scratch = path.with_suffix(".jsonl.new")
        scratch.write_bytes(b"".join(line + b"\n" for line in sound))
        os.replace(scratch, path)

    def _ends_a_line(self) -> bool:
        if not self._path.exists():
            return True
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _read(path: Path) -> tuple[list[Alert], list[bytes], list[DamagedLine]]:
    """Alerts of a file, their lines, and lines that are damaged. Raises OSError."""
    alerts, sound, damaged = [], [], []
    for number, line in enumerate(lines_of(path.read_bytes()), start=1):
        if not line:
            continue
        try:
            alerts.append(_alert_from(line))
            sound.append(line)
        except UNREADABLE as error:
            damaged.append(DamagedLine(number, line, str(error)))
    return alerts, sound, damaged


def _line(alert: Alert) -> bytes:
    return with_checksum(_WRITE.encode({"alert": asdict(alert)}))[0]


def _alert_from(line: bytes) -> Alert:
    """An alert; a line of earlier versions is one without a checksum. Raises ValueError, RecursionError."""
    if line.startswith(b'{"time_ns"'):
        entry = msgspec.json.decode(line, type=dict[str, Any])
    else:
        entry = msgspec.json.decode(without_checksum(line)[0], type=dict[str, dict[str, Any]])["alert"]
    value = entry.get("value")  # null: infinite, which JSON does not know
    alert = msgspec.convert({**entry, "value": math.inf if value is None else value}, type=Alert)
    check_times(alert.time_ns, alert.data_ns)
    return alert
