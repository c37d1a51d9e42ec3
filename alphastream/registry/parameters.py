"""Fields of a dataclass as a form shows them: type, default, range, unit and help."""

import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from inspect import getdoc
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from alphastream.errors import ParameterError

INSTRUMENT: Final = "instrument"
Symbol: TypeAlias = Annotated[str, INSTRUMENT]
"""The type of a field that names an instrument: forms offer those there are."""

_NUMPYDOC: Final = re.compile(r"^(\w+(?:, \w+)*) : (.+(?:\n {4}.+)*)", re.MULTILINE)


def parameter(
    default: Any = MISSING,
    *,
    help: str = "",  # noqa: A002 (the word that a form uses)
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """A field of a dataclass with what a form should know of it; all of it may be left out.

    ``field(metadata={"help": …, "unit": …, "min": …, "max": …, "step": …, "choices": …})`` says the same.

    Parameters
    ----------
    help : one or two sentences; without it, what the class's docstring says of the parameter.
    unit : behind the name, for example "bars" or "bps".
    minimum, maximum : both may be chosen; forms keep to them, a class that must hold checks in ``__post_init__``.
    choices : the only values that may be chosen, as ``Literal`` says it as well.
    """
    said = {"help": help, "unit": unit, "min": minimum, "max": maximum, "step": step, "choices": choices}
    return field(default=default, metadata={key: value for key, value in said.items() if value not in (None, "")})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field as a form shows it.

    Parameters
    ----------
    label : its name in words, with its unit.
    kind : its type, without ``None`` and without annotations.
    is_instrument : it names one, or with ``kind`` a tuple, several.
    is_optional : None may be chosen.
    default : what it begins with; MISSING where it has none.
    choices : the only values, () where there is no such list.
    """

    name: str
    label: str
    kind: Any
    is_instrument: bool
    is_optional: bool
    default: Any
    help: str
    minimum: float | None
    maximum: float | None
    step: float | None
    choices: tuple[Any, ...]

    @property
    def is_required(self) -> bool:
        """Whether there is nothing to begin with."""
        return self.default is MISSING


def parameters_of(cls: type[Any]) -> tuple[Parameter, ...]:
    """The fields of a dataclass that can be given, in their order.

    Raises
    ------
    ParameterError
        A type cannot be understood, or a default lies outside of its own range.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Pulse:
    ...     window: int = parameter(14, help="Bars that are looked back.", unit="bars", minimum=2)
    >>> found, = parameters_of(Pulse)
    >>> found.label, found.default, found.minimum, found.kind
    ('Window, bars', 14, 2, <class 'int'>)
    """
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise ParameterError(f"the types of {cls.__name__}'s fields cannot be read ({error})") from error
    docs = _documented(cls)
    return tuple(_parameter(cls, each, hints[each.name], docs) for each in fields(cls) if each.init)


def _parameter(cls: type[Any], item: Field[Any], hint: Any, docs: dict[str, str]) -> Parameter:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    is_optional = NoneType in parts
    kept = [part for part in parts if part is not NoneType]
    kind = kept[0] if len(kept) == 1 else Union[tuple(kept)]  # noqa: UP007 (made of a list)
    about = dict(item.metadata)
    choices = about.get("choices")
    if choices is None:
        choices = _literals(kind)
    default = item.default if item.default_factory is MISSING else item.default_factory()
    named = about.get("unit", "")
    words = item.name.replace("_", " ")
    found = Parameter(
        item.name,
        words[:1].upper() + words[1:] + (f", {named}" if named else ""),
        _bare(kind),
        _names_instrument(kind),
        is_optional,
        default,
        str(about.get("help", "") or docs.get(item.name, "")),
        about.get("min"),
        about.get("max"),
        about.get("step"),
        tuple(choices),
    )
    _check_default(cls, found)
    return found


def _check_default(cls: type[Any], found: Parameter) -> None:
    value, low, high = found.default, found.minimum, found.maximum
    where = f"{cls.__name__}.{found.name} begins with {value!r}"
    if found.choices and not found.is_required and value is not None and value not in found.choices:
        raise ParameterError(f"{where}, which is none of its choices: {', '.join(map(str, found.choices))}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and ((low is not None and value < low) or (high is not None and value > high)):
        raise ParameterError(f"{where}, outside of its range from {low} to {high}")


def _literals(kind: Any) -> tuple[Any, ...]:
    """Values of a Literal; () for any other type."""
    return get_args(kind) if get_origin(kind) is Literal else ()


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _names_instrument(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        return INSTRUMENT in get_args(kind)[1:]
    return get_origin(kind) is tuple and any(map(_names_instrument, get_args(kind)))


def _documented(cls: type[Any]) -> dict[str, str]:
    """What a numpydoc docstring says of each parameter."""
    _, _, section = (getdoc(cls) or "").partition("Parameters\n----------\n")
    found: dict[str, str] = {}
    for match in _NUMPYDOC.finditer(section.split("\n\n")[0]):
        words = " ".join(match[2].split())
        found |= dict.fromkeys(match[1].split(", "), words[:1].upper() + words[1:])
    return found
