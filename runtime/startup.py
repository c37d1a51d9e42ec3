"""What a process does first: how it logs, and how readily its threads make way for each other."""

import logging
import sys
import time
from typing import Final

SWITCH_INTERVAL_S: Final = 0.000_5


def hand_over_often() -> None:
    """Let a thread wait half a millisecond for the interpreter, not five, where others compute.

    Storing and reading ticks hands the interpreter over a few times a block; beside a busy thread each return costs
    this interval.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def configure_logging(level: str) -> None:
    """Log to standard error, one line an event, times in UTC."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
