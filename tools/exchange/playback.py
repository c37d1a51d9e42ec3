"""When each trade of a tape is sent, and the times it then carries."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from alphastream.errors import ParameterError

from .events import Trade
from .tape import Tape

SECOND_NS = 1_000_000_000
MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class RealTime:
    """As it was received, ``speed`` times as fast, from now on; T and E stay close to the clock on the wall."""

    speed: float = 1.0

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise ParameterError(f"speed is {self.speed}, needs to be above 0")


@dataclass(frozen=True, slots=True)
class Rate:
    """A constant number of trades a second; T and E are the moment each trade is due, so latency can be read off."""

    per_second: float

    def __post_init__(self) -> None:
        if not self.per_second > 0:
            raise ParameterError(f"rate is {self.per_second} trades a second, needs to be above 0")


@dataclass(frozen=True, slots=True)
class Fast:
    """As fast as the slowest client reads, from the first subscription on.

    ``start_ns`` is T of the first trade; None puts the first lap's end at now. Spacing is that of the recording.
    """

    start_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """Only when `LocalExchange.step` is called; times as in `Fast`."""

    start_ns: int | None = None


Pace = RealTime | Rate | Fast | Stepped


class Playback:
    """A tape being played: what is due, what was played, and nothing later than that.

    Parameters
    ----------
    loop : begin again at the end, ids and times going on.
    already_played : trades that count as played before the start: history for REST.
    now_ns : when it starts, for tapes that start together; None is now.
    beside : tapes that are played at the same time by the same pace. Those recorded in the same minutes keep the
        distance in time that they had.
    """

    def __init__(
        self,
        tape: Tape,
        pace: Pace,
        *,
        loop: bool,
        already_played: int,
        now_ns: int | None = None,
        beside: Sequence[Tape] = (),
    ) -> None:
        if already_played < 0 or (already_played > len(tape) and not loop):
            raise ParameterError(
                f"already_played is {already_played}, needs 0…{len(tape)} on a tape that does not loop"
            )
        self.tape = tape
        self.pace = pace
        self.played = already_played
        self.end = None if loop else len(tape)
        self._already = already_played
        self._anew: list[int] = [0]  # ordinals at which ids began anew
        now_ns = time.time_ns() if now_ns is None else now_ns
        together = [tape, *(each for each in beside if each.begins_with(tape))]
        match pace:
            case RealTime(speed=speed):
                self._speed = speed
                self._origin_ns, self._base_ns = tape.at(already_played).receive_ns + tape.skew_ns, now_ns
                if not already_played:
                    self._origin_ns = min(each.trades[0].receive_ns + each.skew_ns for each in together)
            case Rate():
                self._speed, self._origin_ns, self._base_ns = 1.0, 0, now_ns
            case Fast(start_ns=start_ns) | Stepped(start_ns=start_ns):
                self._speed, self._origin_ns = 1.0, min(each.trades[0].time_ns for each in together)
                period_ns = max(each.period_ns for each in together)
                self._base_ns = now_ns - period_ns if start_ns is None else start_ns

    @property
    def ended(self) -> bool:
        """True when a tape that does not loop has been played to its end."""
        return self.end is not None and self.played >= self.end

    def restart_ids(self) -> None:
        """Count anew from here: ids begin where those of the tape do, in a millisecond that no earlier trade is in."""
        start = self.played
        while start and self._time_ns(start) // MS_NS == self._time_ns(start - 1) // MS_NS:
            start += 1
        self._anew.append(start)

    @property
    def epochs(self) -> tuple[int, ...]:
        """Ordinals at which ids began anew, 0 the first."""
        return tuple(self._anew)

    def nth_of(self, symbol: str, trade_id: int) -> int:
        """Which trade of a symbol, from 0, an id names since ids last began anew; those before have no id any more."""
        before = self.tape.count(symbol, min(self._anew[-1], self.played))
        return max(trade_id - self.tape.first_id(symbol), 0) + before

    def finish(self) -> None:
        """End here."""
        self.end = self.played

    def due_ns(self) -> int:
        """Wall-clock moment of the next trade; 0 ("at once") where the pace has no clock."""
        match self.pace:
            case RealTime():
                return self._shift(self.tape.at(self.played).receive_ns + self.tape.skew_ns)
            case Rate():
                return self._beat(self.played)
            case _:
                return 0

    def advance(self) -> Trade:
        """Play the next trade and return it with its shifted times."""
        trade = self.trade(self.played)
        self.played += 1
        return trade

    def trade(self, ordinal: int) -> Trade:
        """Give the trade at an ordinal as it is (or was) sent."""
        trade = self.tape.at(ordinal)
        start = self._anew[bisect_right(self._anew, ordinal) - 1]
        number = trade.id - (self.tape.count(trade.symbol, start) if start else 0)
        event_ns = self._beat(ordinal) if isinstance(self.pace, Rate) else self._shift(trade.event_ns)
        return msgspec.structs.replace(trade, id=number, time_ns=self._time_ns(ordinal), event_ns=event_ns)

    def now_ns(self) -> int:
        """Time at the venue: the wall clock, or the last trade played where the pace has no clock."""
        if isinstance(self.pace, RealTime | Rate):
            return time.time_ns()
        return self.trade(self.played - 1).event_ns if self.played else self._base_ns

    def count(self, symbol: str) -> int:
        """Count the played trades of a symbol."""
        return self.tape.count(symbol, self.played)

    def of_symbol(self, symbol: str, start: int, stop: int) -> list[Trade]:
        """Give the played trades ``start`` … ``stop`` − 1 of a symbol, counted from 0; bounds are clipped."""
        wanted = range(max(start, 0), min(stop, self.count(symbol)))
        return [self.trade(self.tape.ordinal(symbol, nth)) for nth in wanted]

    def nth_at(self, symbol: str, time_ms: int) -> int:
        """Count the played trades of a symbol with T before ``time_ms``."""
        return bisect_left(
            range(self.count(symbol)),
            time_ms,
            key=lambda nth: self.trade(self.tape.ordinal(symbol, nth)).time_ns // 1_000_000,
        )

    def _time_ns(self, ordinal: int) -> int:
        return self._beat(ordinal) if isinstance(self.pace, Rate) else self._shift(self.tape.at(ordinal).time_ns)

    def _shift(self, tape_ns: int) -> int:
        return self._base_ns + round((tape_ns - self._origin_ns) / self._speed)

    def moved(self, tape_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Times of the recording, whole laps added, as trades carry them where the pace is no `Rate`."""
        past_ns = tape_ns - self._origin_ns
        return self._base_ns + (past_ns if self._speed == 1.0 else np.rint(past_ns / self._speed).astype(np.int64))

    def beats(self, ordinals: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Times in ns of the trades at these ordinals of a tape that is played at a `Rate`."""
        assert isinstance(self.pace, Rate), f"{self.pace} has no beat"
        return self._base_ns + np.rint((ordinals - self._already) * SECOND_NS / self.pace.per_second).astype(np.int64)

    def _beat(self, ordinal: int) -> int:
        assert isinstance(self.pace, Rate)
        return self._base_ns + round((ordinal - self._already) * SECOND_NS / self.pace.per_second)
