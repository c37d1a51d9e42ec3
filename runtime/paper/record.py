"""What is known of a paper run, and the entries that its journal is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from alphastream.backtest import Definition, Outage
from alphastream.backtest.definition import names_in, renamed
from alphastream.backtest.own_code import AbsentStrategy, OwnCode, other_code, without_code
from alphastream.instruments import full
from alphastream.trading import Fill, FundingPayment, SpreadOrder

FORMAT: Final = 2
UNREAD: Final = "its line in the file could not be read"


class Begin(msgspec.Struct, tag="begin", frozen=True):
    """What runs: the definition, which trades it sees, and from when.

    Parameters
    ----------
    warm_ns : first bar that its series saw.
    format : 1 has no checksums, no venue and mostly bare symbols.
    venue, address : where its trades come from; "" where that was not known.
    strategy, symbols : its name and what it trades, for those who cannot make the strategy.
    code : the classes that AlphaStream does not bring itself.
    """

    definition: dict[str, Any]
    trades: str
    title: str
    begin_ns: int
    warm_ns: int
    format: int = FORMAT
    venue: str = ""
    address: str = ""
    strategy: str = ""
    symbols: tuple[str, ...] = ()
    code: tuple[OwnCode, ...] = ()


class Adopted(msgspec.Struct, tag="code", frozen=True):
    """Somebody let it go on with classes as their files have them now."""

    code: tuple[OwnCode, ...]


class Origin(msgspec.Struct, tag="origin", frozen=True):
    """Where its trades come from, for a run whose first line does not say so."""

    venue: str
    address: str


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


Entry = Begin | Adopted | Origin | Ordered | Filled | Paid | AccountState | Paused | Stopped


@dataclass(slots=True)
class RunRecord:
    """What a file says of a run.

    Parameters
    ----------
    definition : with full names, where the venue is known; of an ``AbsentStrategy`` while its code is not there.
    venue, address : where its trades come from; "" where that is not known.
    stopped : why it was ended; None while it is meant to run.
    ended : its account was liquidated, or had nothing left.
    left_out : what was wrong with lines of its file, a few words each.
    damage : why the run is known up to a damaged line only, so that it cannot go on; None where it is known whole.
    code : the classes of others that it goes on with.
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
    damage: str | None = None
    venue: str = ""
    address: str = ""
    code: tuple[OwnCode, ...] = ()

    @property
    def until_ns(self) -> int:
        """The tape was played up to here."""
        return self.begin.begin_ns if self.state is None else self.state.until_ns

    def lacks_code(self) -> str:
        """What of its code is missing or another version, in words; "" where it can go on, and its strategy is there.

        Raises
        ------
        AlphaStreamError : its strategy cannot be made though the code is what it was.
        """
        lacks = other_code(self.code)
        if not lacks and isinstance(self.definition.strategy, AbsentStrategy):
            self.definition = definition_of(self.begin, self.code, self.venue)
        return lacks

    def take(self, entry: Entry) -> None:
        """Add what an entry says."""
        match entry:
            case Adopted(code):
                self.code = code
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
            case Origin(venue, address):
                self.venue, self.address = venue, address


def definition_of(begin: Begin, code: Sequence[OwnCode], venue: str) -> Definition:
    """What runs, with full names; to look at only, while some of its code is not there as it was.

    Parameters
    ----------
    venue : of symbols that name none, where ``begin`` does not say it.

    Raises
    ------
    AlphaStreamError : it cannot be read.
    """
    if other_code(code):
        found = without_code(begin.definition, begin.strategy, begin.symbols)
    else:
        found = Definition.of(begin.definition)
    return found if begin.venue else renamed(found, {name: full(name, venue) for name in names_in(found)})
