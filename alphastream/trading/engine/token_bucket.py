"""How often something may be done."""

import asyncio

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Clock, monotonic_ns


class TokenBucketLimiter:
    """A bucket that fills with tokens at a steady rate; each use takes one, or tells how long to wait for it.

    Parameters
    ----------
    tokens_per_period : tokens that flow in during a period, and the most the bucket holds; above 0.
    period_duration : seconds of a period, above 0.
    initial_tokens : tokens at the beginning, 0 or more.
    clock : nanoseconds since any fixed moment.

    Notes
    -----
    A token may be taken before it is there: the bucket then owes it, and whoever takes the next one waits longer. So
    callers that wait as told keep the rate without a queue.

    Examples
    --------
    >>> limiter = TokenBucketLimiter(10, 1, initial_tokens=1, clock=lambda: 0)
    >>> limiter.consume(), limiter.consume(), limiter.consume()
    (0.0, 0.1, 0.2)
    """

    def __init__(
        self,
        tokens_per_period: float,
        period_duration: float,
        initial_tokens: float = 0,
        *,
        clock: Clock = monotonic_ns,
    ) -> None:
        if not (tokens_per_period > 0 and period_duration > 0 and initial_tokens >= 0):
            raise ParameterError(
                f"{tokens_per_period} tokens in {period_duration} s, {initial_tokens} to begin with: "
                "the rate and the period must be above 0, the beginning 0 or more"
            )
        self._tokens_per_period = tokens_per_period
        self._period_duration = period_duration
        self._tokens = float(initial_tokens)
        self._clock = clock
        self._last_ns = clock()

    @property
    def tokens(self) -> int:
        """Whole tokens that were left at the last use, 0 when the bucket owes some."""
        return max(int(self._tokens), 0)

    @property
    def tokens_per_period(self) -> float:
        """Tokens that flow in during a period."""
        return self._tokens_per_period

    @property
    def period_duration(self) -> float:
        """Seconds of a period."""
        return self._period_duration

    def consume(self) -> float:
        """Take a token; the result is how many seconds to wait before using it."""
        now_ns = self._clock()
        inflow = (now_ns - self._last_ns) / 1e9 / self._period_duration * self._tokens_per_period
        self._last_ns = now_ns
        self._tokens = min(self._tokens + inflow, self._tokens_per_period) - 1
        if self._tokens >= 0:
            return 0.0
        return -self._tokens / self._tokens_per_period * self._period_duration

    async def wait(self) -> None:
        """Take a token and sleep until it may be used."""
        await asyncio.sleep(self.consume())
