"""Whether an indicator looks ahead: its rows up to a cut may not change when the rows after the cut become known."""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import LookAheadError, NotEnoughObservations, ParameterError
from alphastream.estimators.fold import Estimator, Fold
from alphastream.indicators.function_outputs import Outputs, outputs_of
from alphastream.indicators.function_signature import signature_of

_ROUNDING = 1e-10  # of the largest value: a function may sum in another order over another number of rows


def check_look_ahead(
    indicator: Estimator[Any] | Fold[Any] | Callable[..., Any],
    *inputs: ArrayLike,
    cuts: Iterable[int] | None = None,
    **parameters: Any,
) -> None:
    """Raise LookAheadError when rows change once later rows are known.

    The indicator runs over all rows, and over those before each cut: the last row but one, which finds a peek of one
    row, some in between, the first, which finds a warm-up that is filled from behind, and one after the first gap of an
    input, which finds such gaps. Functions without a state see more rows than one: the first again in place of others.

    Parameters
    ----------
    indicator : an estimator, or a function of arrays: one array, a tuple, a dict or a dataclass of arrays out.
    inputs : (T,) each, 4 rows at least.
    cuts : numbers of rows to run over, instead of those above.
    parameters : of the function, by name. One that takes a state needs a default for it.

    Raises
    ------
    LookAheadError
        Names the first row that changed with both values. Estimators are compared bit for bit, functions up to
        rounding.
    NotEnoughObservations
        Too few rows to cut.

    Examples
    --------
    >>> from alphastream.indicators import EMA
    >>> price = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    >>> check_look_ahead(EMA(window=3), price)
    >>> check_look_ahead(lambda x: x - x.mean(), price)
    Traceback (most recent call last):
    alphastream.errors.LookAheadError: <lambda>, column 'value' looks ahead: row 0 was ...
    """
    columns = [np.array(column) for column in inputs]
    lengths = {column.shape[0] if column.ndim == 1 else -1 for column in columns}
    if len(lengths) != 1 or -1 in lengths:
        shapes = ", ".join(str(column.shape) for column in columns) or "none"
        raise ParameterError(f"inputs need one length (T,), have {shapes}")
    (length,) = lengths
    if length < 4:
        raise NotEnoughObservations("check_look_ahead", 4, length)
    estimates = hasattr(indicator, "run") and hasattr(indicator, "progress")
    if estimates and parameters:
        raise ParameterError(f"{indicator!r} has its parameters already, got {', '.join(parameters)} as well")
    what = repr(indicator) if estimates else getattr(indicator, "__name__", repr(indicator))
    carries = not estimates and signature_of(indicator, parameters, what).takes_state  # type: ignore[arg-type]

    def outputs(rows: int) -> Outputs:
        alone = rows == 1 and not estimates and not carries  # many a function fails where it sees one row
        part = [np.repeat(column[:1], length) if alone else column[:rows].copy() for column in columns]
        if estimates:
            return columns_of_rows(indicator.run(*part)[0])  # type: ignore[union-attr]
        result = indicator(*part, **parameters)  # type: ignore[operator]
        found = outputs_of(result[0] if carries else result, len(part[0]), what)
        return Outputs(found.names, found.columns[:, :rows])

    whole = outputs(length)
    chosen = sorted(set(cuts_of(columns) if cuts is None else cuts))
    if not all(0 < cut < length for cut in chosen):
        raise ParameterError(f"cuts are {chosen}, need numbers of rows from 1 to {length - 1}")
    found: LookAheadError | None = None
    for cut in chosen:
        part = outputs(cut)
        changed = change_of(what, part, whole, (cut, length), exact=estimates)
        if changed is not None and (found is None or changed.row < found.row):
            found = changed
    if found is not None:
        raise found


def cuts_of(columns: list[Floats], first: int = 0) -> list[int]:
    """Numbers of rows, above ``first`` and below all, after which to look whether rows change."""
    length = len(columns[0])
    gaps = np.flatnonzero(np.any([~np.isfinite(column) for column in columns], axis=0))
    quarters = [first + (length - first) * part // 4 for part in (1, 2, 3)]
    chosen = [1, *quarters, length - 2, length - 1, *(1 + gaps[:1])]
    return sorted({int(cut) for cut in chosen if max(first, 0) < cut < length})


def columns_of_rows(rows: Any) -> Outputs:
    """The fields of an estimator's rows."""
    if not is_dataclass(rows) or isinstance(rows, type):
        raise ParameterError(f"rows are {type(rows).__name__}, need to be a dataclass of arrays (T,)")
    names = tuple(item.name for item in fields(rows))
    return Outputs(names, np.array([getattr(rows, name) for name in names]))


def change_of(
    what: str, before: Outputs, after: Outputs, known: tuple[int, int], *, exact: bool
) -> LookAheadError | None:
    """The first row that is not what it was, as the error to raise; None where there is none.

    Parameters
    ----------
    what : how a message calls the indicator.
    before, after : columns with fewer and with more rows known; those of ``before`` are compared.
    known : the numbers of rows that were known.
    exact : compare bit for bit, or up to rounding.
    """
    if before.names != after.names:
        raise ParameterError(
            f"{what} gives {', '.join(before.names)} for {known[0]} rows and {', '.join(after.names)} for {known[1]}: "
            "needs the same columns for any number of rows"
        )
    old, new = before.columns, after.columns[:, : before.columns.shape[1]]
    changed = differs(old, new) if exact else differs_much(old, new, _ROUNDING, new)
    if not changed.any():
        return None
    row = int(np.flatnonzero(changed.any(axis=0))[0])
    place = int(np.flatnonzero(changed[:, row])[0])
    values = (float(old[place, row]), float(new[place, row]))
    return LookAheadError(f"{what}, column {before.names[place]!r}", row, known, values)


def differs(old: Floats, new: Floats) -> Any:
    """Where bits differ; NaN is NaN."""
    old, new = np.ascontiguousarray(old), np.ascontiguousarray(new)
    return (old.view(np.int64) != new.view(np.int64)) & ~(np.isnan(old) & np.isnan(new))


def differs_much(old: Floats, new: Floats, share: float, column: Floats) -> Any:
    """Where values differ by more than a share of the largest of a column; NaN is NaN."""
    sizes = np.where(np.isfinite(column), np.abs(column), 0.0).max(axis=1, initial=0.0, keepdims=True)
    with np.errstate(invalid="ignore"):
        near = (old == new) | (np.abs(old - new) <= share * sizes) | (np.isnan(old) & np.isnan(new))
    return ~near
