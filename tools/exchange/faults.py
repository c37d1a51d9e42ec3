"""Faults a test can script, one frozen dataclass each.

A stream fault strikes a WebSocket connection after it was sent ``after`` events of the market (counted from the moment
the fault was injected, or from the handshake); 0 is at once. ``times`` is how many connections it strikes in all, None
every one. With ``on`` it is about one kind of events: it counts those alone and strikes when the next is due, so a
connection that carries none is never struck. Faults of single events are about trades unless they say otherwise.
A refusal answers ``times`` attempts (None: all) on the channels it names, for ``seconds`` (None: until healed).
"""

import ast
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from alphastream.errors import ParameterError

from .events import Kind
from .garbage import CONTAINED
from .garbage import Kind as GarbageKind

Channel = Literal["ws", "rest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFault:
    """What every fault of a connection says: when it strikes, how often, and which connections where not all."""

    on: Kind | None = None
    after: int = 0
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(StreamFault):
    """TCP reset, without a closing handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(StreamFault):
    """The socket stays open and pings and requests are answered, but no event comes, for ``seconds`` or for ever."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(StreamFault):
    """The socket stays open and nothing is ever read or written again: a dead peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFault(StreamFault):
    """What every fault of single events says: it is about one kind."""

    on: Kind = "trades"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(EventFault):
    """Each of the next ``count`` events is sent twice."""

    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder(EventFault):
    """The next ``count`` events of one symbol arrive newest first."""

    count: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipIds(EventFault):
    """The next ``count`` events are missing from the stream; REST has them."""

    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(StreamFault):
    """One symbol falls silent, for ``seconds`` or for ever, while the others trade on; REST has its trades.

    ``symbol`` None: that of the next event. ``on`` None: every kind of event of it, else that kind alone.
    """

    symbol: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpIds(EventFault):
    """Before the next event one more comes that never was: the same with an id that is ``by`` larger."""

    by: int = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfClose(StreamFault):
    """The server ends its side of the socket without a close frame, and answers nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(StreamFault):
    """One message of each kind between the trades, no trade lost (`garbage.GARBAGE` lists the kinds)."""

    kinds: Sequence[GarbageKind] = CONTAINED


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose(StreamFault):
    """A close frame is never answered and the socket never closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingFlood(StreamFault):
    """Pings without end, ``per_second`` of them."""

    per_second: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Close24h(StreamFault):
    """The end of a connection's 24 hours: close code 1001, on spot announced by serverShutdown ``notice_s`` before."""

    notice_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What every refusal says: where, how often, for how long, and with which status and body."""

    on: Sequence[Channel] = ("ws", "rest")
    times: int | None = None
    seconds: float | None = None
    status: ClassVar[int]
    body: ClassVar[str]

    @property
    def headers(self) -> dict[str, str]:
        """Headers beside the usual ones."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse451(Refusal):
    """The place this address is in may not be served."""

    status: ClassVar[int] = 451
    body: ClassVar[str] = '{"code":0,"msg":"Service unavailable from a restricted location."}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse403(Refusal):
    """The web firewall answers, with a page instead of JSON."""

    status: ClassVar[int] = 403
    body: ClassVar[str] = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse429(Refusal):
    """Too many requests; ``retry_after_s`` is how long to keep quiet."""

    retry_after_s: int = 1
    status: ClassVar[int] = 429
    body: ClassVar[str] = '{"code":-1003,"msg":"Too many requests; please use the websocket for live updates."}'

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": str(self.retry_after_s)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse418(Refuse429):
    """Banned for going on after 429; ``retry_after_s`` is what is left of the ban."""

    retry_after_s: int = 120
    status: ClassVar[int] = 418
    body: ClassVar[str] = '{"code":-1003,"msg":"Way too many requests; IP banned."}'


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """REST answers ``delay_s`` late, with what was so when it was asked: ``times`` answers, for ``seconds``.

    ``path`` is part of the paths it is about, "/depth"; all where it is empty.
    """

    path: str = ""
    delay_s: float = 1.0
    times: int | None = 1
    seconds: float | None = None


Fault = StreamFault | Refusal | LateAnswer
STREAM_FAULTS = (
    *(Drop, Stall, Silence, HalfClose, Mute, Duplicate, Reorder, SkipIds, JumpIds),
    *(Garbage, SlowClose, PingFlood, Close24h),
)
REFUSALS = (Refuse451, Refuse403, Refuse429, Refuse418)
FAULTS: dict[str, type[Fault]] = {fault.__name__: fault for fault in (*STREAM_FAULTS, *REFUSALS, LateAnswer)}


class Strikes:
    """A scripted fault and how many more times it strikes."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._left = math.inf if fault.times is None else fault.times
        lasts_s = None if isinstance(fault, StreamFault) else fault.seconds
        self._ends_s = math.inf if lasts_s is None else time.monotonic() + lasts_s

    @property
    def spent(self) -> bool:
        """True once it strikes no more."""
        return self._left <= 0 or time.monotonic() >= self._ends_s

    def spend(self) -> bool:
        """Use up one strike; False where none is left."""
        if self.spent:
            return False
        self._left -= 1
        return True

    def cancel(self) -> None:
        """Strike no more."""
        self._left = 0


class Script:
    """The faults in force."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._strikes: list[Strikes] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Strikes:
        """Take up a fault."""
        strikes = Strikes(fault)
        self._strikes = [old for old in self._strikes if not old.spent]
        self._strikes.append(strikes)
        return strikes

    def clear(self) -> None:
        """Forget every fault, also where a connection still waits for it."""
        for strikes in self._strikes:
            strikes.cancel()
        self._strikes.clear()

    def for_stream(self) -> list[Strikes]:
        """Stream faults that may strike a connection that opens now."""
        return [strikes for strikes in self._strikes if isinstance(strikes.fault, StreamFault) and not strikes.spent]

    def refusal(self, channel: Channel) -> Refusal | None:
        """Spend and give the first refusal that applies to an attempt on a channel."""
        for strikes in self._strikes:
            fault = strikes.fault
            if isinstance(fault, Refusal) and channel in fault.on and strikes.spend():
                return fault
        return None

    def delay_s(self, path: str) -> float:
        """Spend the first late answer that applies to a path, and give its delay; 0 where there is none."""
        for strikes in self._strikes:
            fault = strikes.fault
            if isinstance(fault, LateAnswer) and fault.path in path and strikes.spend():
                return fault.delay_s
        return 0.0


def parse_fault(text: str) -> Fault:
    """Read a fault from the words a test would use.

    >>> parse_fault("Stall(after=100, seconds=5)")
    Stall(on=None, after=100, times=1, seconds=5)
    """
    form = f'write it as in a test, "Drop(after=100)"; known faults: {", ".join(FAULTS)}'
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args):
            raise ParameterError(f"{text!r} is no fault: {form}")
        values = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
        return FAULTS[call.func.id](**values)
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"{text!r} is no fault ({error}): {form}") from error
