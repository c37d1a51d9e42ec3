"""What a function of arrays takes: which of its arguments are inputs, which are parameters."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter
from typing import Any, Final

import numpy as np

from alphastream.errors import ParameterError

STATE: Final = "state"
_BY_PLACE: Final = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a function of arrays.

    Parameters
    ----------
    inputs : names of the arrays it takes, in order; empty where it takes any number.
    takes_state : whether it carries a state from rows to rows.
    begin : the state before the first row: the default of its argument ``state``.
    defaults : parameters that were not given, with their defaults.
    """

    inputs: tuple[str, ...]
    takes_state: bool
    begin: Any
    defaults: Mapping[str, Any]


def signature_of(function: Callable[..., Any], given: Mapping[str, Any], what: str) -> Signature:
    """Tell inputs from parameters: an argument without a default that is not given by name is an input.

    Parameters
    ----------
    function : whose arguments are looked at.
    given : parameters by name.
    what : how a message calls the function.

    Raises
    ------
    ParameterError
        A parameter that the function does not have, or one that it needs and that was not given.
    """
    if isinstance(function, np.ufunc):
        _refuse_unknown(given, {}, what)
        return Signature(tuple(f"x{place}" for place in range(1, function.nin + 1)), False, None, {})
    try:
        arguments = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{what} does not say which arguments it takes: wrap it in a function of Python"
        ) from error
    if not any(each.kind is Parameter.VAR_KEYWORD for each in arguments.values()):
        _refuse_unknown(given, arguments, what)
    inputs: list[str] = []
    defaults: dict[str, Any] = {}
    for name, argument in arguments.items():
        if name in given or name == STATE or argument.kind in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}:
            continue
        if argument.default is not Parameter.empty:
            defaults[name] = argument.default
        elif argument.kind in _BY_PLACE:
            inputs.append(name)
        else:
            raise ParameterError(f"{what} needs {name}: give it by name, {name}=…")
    takes_any = any(each.kind is Parameter.VAR_POSITIONAL for each in arguments.values())
    if not inputs and not takes_any:
        raise ParameterError(f"{what} takes no array: its first arguments need to be the inputs, without defaults")
    state = arguments.get(STATE)
    begin = None if state is None or state.default is Parameter.empty else state.default
    return Signature(() if takes_any else tuple(inputs), state is not None, begin, defaults)


def _refuse_unknown(given: Mapping[str, Any], arguments: Mapping[str, Parameter], what: str) -> None:
    for name in given:
        if name not in arguments or arguments[name].kind in {Parameter.VAR_POSITIONAL, Parameter.POSITIONAL_ONLY}:
            near = get_close_matches(name, list(arguments), 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(arguments) or 'none'}"
            raise ParameterError(f"{what} has no parameter {name!r}: {hint}")
        if name == STATE:
            raise ParameterError(
                f"{what} is given its state by the stream: give its beginning as the argument's default"
            )
