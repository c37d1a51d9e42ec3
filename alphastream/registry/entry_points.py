"""What installed packages register: the entry points ``alphastream.strategies``, ``.indicators`` and so on."""

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from alphastream.registry.registered import KINDS, Kind, Trouble, loading, register

log = logging.getLogger(__name__)


@cache
def load_entry_points() -> tuple[Trouble, ...]:
    """Import what installed packages name, once a process.

    A package says in its pyproject.toml, for example::

        [project.entry-points."alphastream.strategies"]
        rsi_pulse = "my_package.rsi:RsiPulse"

    and what is named there is registered under that kind, if the module has not done so itself.

    Returns
    -------
    Those that could not be loaded. They harm nothing else.
    """
    return tuple(
        trouble
        for kind in KINDS
        for point in entry_points(group=f"alphastream.{kind}")
        if (trouble := _load(kind, point)) is not None
    )


def _load(kind: Kind, point: EntryPoint) -> Trouble | None:
    where = f"entry point {point.name} = {point.value} of alphastream.{kind}"
    try:
        with loading(where):
            found: Any = point.load()
            register(kind, found)
    except (Exception, SystemExit) as error:  # the edge of a package that somebody installed
        log.exception("not loaded: %s", where)
        return Trouble(where, None, f"{type(error).__name__}: {error}")
    return None
