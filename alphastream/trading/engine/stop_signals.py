"""Signals that stop a run."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from alphastream.trading.engine.errors import DispatchError

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stopping_on(
    stop_signals: Iterable[int], loop: asyncio.AbstractEventLoop, stop: Callable[[], None]
) -> Iterator[None]:
    """Call stop on signals while inside; what handled them before handles them after. Windows has no such signals."""
    before: dict[int, Any] = {}
    try:
        for number in stop_signals if sys.platform != "win32" else ():
            handled = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, stop)
            except (RuntimeError, ValueError) as error:
                raise DispatchError(
                    f"cannot stop on signal {number} here ({error}): outside the main thread call run(stop_signals=[])"
                ) from error
            before[number] = handled
        yield
    finally:
        for number, handled in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL if handled is None else handled)
