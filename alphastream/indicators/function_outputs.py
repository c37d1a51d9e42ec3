"""What a function of arrays returns, as columns with names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, make_dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

FIRST: Final = "value"


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Columns that a function gave.

    Parameters
    ----------
    names : of the columns, in their order.
    columns : (columns, T).
    """

    names: tuple[str, ...]
    columns: Floats


def outputs_of(result: Any, length: int, what: str) -> Outputs:
    """Name and check what a function returned.

    Parameters
    ----------
    result : one array (T,), named ``value``; a tuple of them, named ``value``, ``value_2``, ``value_3``…; or a dict,
    a named tuple or a
        dataclass of them, named by its keys.
    length : T, the rows that the function was given.
    what : how a message calls the function.

    Raises
    ------
    ParameterError
        Something else, an array of another length, or one that holds no real numbers.
    """
    if isinstance(result, Mapping):
        named = {str(name): column for name, column in result.items()}
    elif is_dataclass(result) and not isinstance(result, type):
        named = {item.name: getattr(result, item.name) for item in fields(result)}
    elif isinstance(result, tuple) and hasattr(result, "_fields"):
        named = dict(zip(result._fields, result, strict=True))
    elif isinstance(result, tuple):
        named = {f"{FIRST}_{place}" if place > 1 else FIRST: column for place, column in enumerate(result, 1)}
    else:
        named = {FIRST: result}
    if not named:
        raise ParameterError(f"{what} returned nothing, needs one array (T,) at least")
    for name in named:
        if not name.isidentifier() or name.startswith("__"):
            raise ParameterError(f"{what} names a column {name!r}, needs a name as in Python: letters, digits and _")
    return Outputs(tuple(named), np.array([_column(named[name], name, length, what) for name in named]))


def _column(values: Any, name: str, length: int, what: str) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ParameterError(f"{what} gives {array.dtype} as {name!r}, needs real numbers, one for each row")
    if array.shape != (length,):
        raise ParameterError(
            f"{what} gives {name!r} of shape {array.shape} for {length} rows, needs ({length},): a value for each row, "
            "NaN where there is none yet"
        )
    return array.astype(np.float64)


@cache
def row_type(names: tuple[str, ...]) -> type[Any]:
    """A frozen dataclass with these columns; ``value`` is the first of them under any name.

    The type of the same names is the same type, and its rows pickle.
    """
    members: dict[str, Any] = {"__reduce__": _reduced, "__doc__": f"Each field has shape (T,): {', '.join(names)}."}
    if FIRST not in names:
        members[FIRST] = property(lambda rows: getattr(rows, names[0]))
    return make_dataclass("FunctionRows", [(name, Floats) for name in names], frozen=True, eq=False, namespace=members)


def _reduced(rows: Any) -> tuple[Callable[..., Any], tuple[tuple[str, ...], Sequence[Floats]]]:
    names = tuple(item.name for item in fields(rows))
    return _rows, (names, [getattr(rows, name) for name in names])


def _rows(names: tuple[str, ...], columns: Sequence[Floats]) -> Any:
    return row_type(names)(*columns)
