"""What rings begin with when a tick file is opened, once damage that stands in the way was set aside."""

from alphastream.errors import AlphaStreamError, StorageError
from alphastream.tape.columns import TickColumns
from alphastream.tape.ring import Series
from runtime.stores.connections import ERRORS
from runtime.stores.rings import SymbolRings
from runtime.stores.sqlite import TickFile


def restore(file: TickFile, rings: SymbolRings, ring_ticks: int, *, read_only: bool) -> None:
    """Fill the ring of each symbol with its newest ticks.

    Raises
    ------
    StorageError : the file cannot be read, or what it holds contradicts itself.
    """
    try:
        for series, (newest, first_ns) in _sound(file, ring_ticks, read_only=read_only).items():
            rings.restore(series, file.runs[series].copy(), file.lost[series].copy(), newest, first_ns)
    except AlphaStreamError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise StorageError(file.explain(error)) from error


def _sound(file: TickFile, ring_ticks: int, *, read_only: bool) -> dict[Series, tuple[TickColumns, int]]:
    while True:
        try:
            held = file.newest_of_each(ring_ticks)
            if not file.has_damage:
                return held
            if read_only:
                file.leave_damage_out()
            else:
                file.set_damage_aside()
        except (*ERRORS, StorageError) as error:
            if read_only or not file.is_broken:
                raise StorageError(file.explain(error)) from error
            file.salvage()
