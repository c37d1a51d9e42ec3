"""Lengths of time in nanoseconds: all times inside are int64 UTC nanoseconds."""

from typing import Final

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR

MAX_TIME_MS: Final = 2**63 // MS
"""From here on a time in ms is none that int64 nanoseconds hold."""
