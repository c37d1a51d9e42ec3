"""Paper runs on disk: one file of JSON lines each, written to at its end only.

A line is a list of entries that belong together: an order with its fills and the state after them. A line that a crash
cut short is left out when the file is read again, so that an order never stands there without its fills. The first
line says what runs and since when.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from alphastream.backtest import Definition, Outage
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.trading import Fill, FundingPayment, SpreadOrder

log = logging.getLogger(__name__)

FORMAT: Final = 1
UNREAD: Final = "its line in the file could not be read"
UNREADABLE: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside
MAX_LOST: Final = 100_000  # orders that lines which cannot be read may have held in a row


class Begin(msgspec.Struct, tag="begin", frozen=True):
    """What runs: the definition, which trades it sees, and from when.

    Parameters
    ----------
    warm_ns : first bar that its series saw.
    """

    definition: dict[str, Any]
    trades: str
    title: str
    begin_ns: int
    warm_ns: int
    format: int = FORMAT


class Ordered(msgspec.Struct, tag="order", frozen=True):
    """An order as it stands; a later line of the same id replaces it."""

    order: SpreadOrder


class Filled(msgspec.Struct, tag="fill", frozen=True):
    """A fill."""

    fill: Fill


class Paid(msgspec.Struct, tag="funding", frozen=True):
    """A funding payment."""

    payment: FundingPayment


class AccountState(msgspec.Struct, tag="state", frozen=True):
    """Where the run stands: the tape was played up to ``until_ns``, where last prices were ``marks``."""

    until_ns: int
    direction: int
    round_trip: int = msgspec.field(name="trip")
    late: int
    marks: tuple[float | None, ...] = ()


class Paused(msgspec.Struct, tag="pause", frozen=True):
    """The run did not see the tape in this time."""

    from_ns: int
    to_ns: int
    why: str


class Stopped(msgspec.Struct, tag="stopped", frozen=True):
    """Somebody ended the run, or it could not go on.

    Parameters
    ----------
    ended : its account was liquidated, or had nothing left.
    """

    why: str
    ended: bool = False


Entry = Begin | Ordered | Filled | Paid | AccountState | Paused | Stopped
_READ: Final = msgspec.json.Decoder(list[Entry])
_WRITE: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class RunRecord:
    """What a file says of a run.

    Parameters
    ----------
    stopped : why it was ended; None while it is meant to run.
    ended : its account was liquidated, or had nothing left.
    left_out : what was wrong with lines of its file, one sentence each. They stay in the file.
    """

    begin: Begin
    definition: Definition
    orders: dict[int, SpreadOrder] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    state: AccountState | None = None
    stopped: str | None = None
    ended: bool = False
    left_out: list[str] = field(default_factory=list)

    @property
    def until_ns(self) -> int:
        """The tape was played up to here."""
        return self.begin.begin_ns if self.state is None else self.state.until_ns

    def take(self, entry: Entry) -> None:
        """Add what an entry says."""
        match entry:
            case Ordered(order):
                for lost in range(len(self.orders) + 1, order.id):
                    self.orders[lost] = SpreadOrder(lost, (), None, order.decided_ns, None, UNREAD, state="cancelled")
                self.orders[order.id] = order
            case Filled(fill):
                self.fills.append(fill)
            case Paid(payment):
                self.funding.append(payment)
            case AccountState():
                self.state = entry
                self.stopped, self.ended = None, False  # it went on
            case Paused(from_ns, to_ns, why):
                self.outages.append(Outage(from_ns, to_ns, why))
            case Stopped(why, ended):
                self.stopped, self.ended = why, ended


class RunFile:
    """The file of one run.

    Parameters
    ----------
    path : made with its folder at the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries to the end, all of them or none. Raises StorageError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # What a crash cut short stays a line of its own.
                cut = file.tell() and not _ends_a_line(self.path)
                file.write(b"\n" * bool(cut) + _WRITE.encode(entries) + b"\n")
        except OSError as error:
            raise StorageError(f"{self.path}: {error}: make the folder writable, or name another data_dir") from error

    def read(self) -> RunRecord:
        """Everything that is sound in the file.

        Raises
        ------
        StorageError : it cannot be read, or does not begin with a run that this version knows.
        """
        try:
            texts = self.path.read_bytes().splitlines()
            first = _READ.decode(texts[0] if texts else b"[]")
            if not first or not isinstance(first[0], Begin) or first[0].format != FORMAT:
                raise StorageError(f"it does not begin with a run of format {FORMAT}")
            record = RunRecord(first[0], Definition.of(first[0].definition))
            _check(first, record)
        except (OSError, *UNREADABLE, AlphaStreamError) as error:
            raise StorageError(f"{self.path} is no paper run that can be read ({error}): move it away") from error
        for number, text in enumerate(texts[1:], start=2):
            try:
                entries = _READ.decode(text) if text else []
                _check(entries, record)
            except UNREADABLE as error:
                log.warning("line left out: file=%s line=%d reason=%s", self.path, number, error)
                record.left_out.append(f"line {number} ({error})")
                continue
            for entry in entries:
                record.take(entry)
        traded = {fill.symbol for fill in record.fills} | {payment.symbol for payment in record.funding}
        strange = ", ".join(sorted(traded - {*record.definition.strategy.symbols}))
        if strange:
            raise StorageError(f"{self.path} has fills of {strange}, which its strategy does not trade: move it away")
        return record


def _check(entries: Sequence[Entry], record: RunRecord) -> None:
    """Refuse what JSON can say and a run cannot mean. Raises ValueError."""
    for entry in entries:
        if not _fits(entry):
            raise ValueError("a number has more than 64 bits")
        if isinstance(entry, Ordered) and not 1 <= entry.order.id <= len(record.orders) + MAX_LOST:
            raise ValueError(f"order {entry.order.id} follows after {len(record.orders)}")
        symbols = record.definition.strategy.symbols
        if isinstance(entry, AccountState) and len(entry.marks) not in (0, len(symbols)):
            raise ValueError(f"{len(entry.marks)} last prices of {len(symbols)} symbols")


def _fits(value: object) -> bool:
    """Whether every whole number in a struct fits into 64 bits, which JSON does not promise."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, msgspec.Struct):
        return all(map(_fits, msgspec.structs.astuple(value)))
    return not isinstance(value, tuple) or all(map(_fits, value))


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
