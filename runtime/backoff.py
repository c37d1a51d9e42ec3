"""Waits before another attempt: they double up to a cap, and chance spreads many clients over time."""

import random


class Backoff:
    """Waits below a bound that doubles from failure to failure, up to a cap.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Parameters
    ----------
    base_s, cap_s : bound of the first wait and of all waits.
    jitter : the part of a wait that chance decides: 1 all of it ("full jitter"), 0.5 its upper half ("equal jitter"),
        0 nothing: each wait is its bound.
    seed : of the random numbers; None for an unforeseeable one.
    """

    def __init__(self, base_s: float, cap_s: float, *, jitter: float = 1.0, seed: int | None = None) -> None:
        self._base_s, self._cap_s, self._jitter = base_s, cap_s, jitter
        self._failures = 0
        self._random = random.Random(seed)

    def after_s(self, failures: int) -> float:
        """The wait after so many failures before the newest one, in seconds."""
        bound_s = min(self._cap_s, self._base_s * 2.0 ** min(failures, 60))
        return self._random.uniform((1.0 - self._jitter) * bound_s, bound_s)

    def next_s(self) -> float:
        """The wait after one failure more, in seconds."""
        wait_s = self.after_s(self._failures)
        self._failures += 1
        return wait_s

    def reset(self) -> None:
        """Begin again with short waits."""
        self._failures = 0
