"""Plain functions in a definition: by the module and the name under which they can be found again."""

import sys
from types import FunctionType
from typing import Any, Final

from alphastream.errors import ParameterError
from alphastream.indicators import FunctionIndicator
from alphastream.indicators.code_identity import digest_of

FUNCTION: Final = "function"
INDICATOR: Final = FunctionIndicator.__name__


def reference_of(function: Any) -> str:
    """``module:name`` of a function that stands at the top of a module.

    Raises
    ------
    ParameterError
        A lambda, a function inside of another, one that was typed: nobody else could find it.
    """
    name = getattr(function, "__qualname__", type(function).__name__)
    module = getattr(function, "__module__", None)
    if isinstance(function, FunctionType) and module not in (None, "__main__"):
        found = getattr(sys.modules.get(str(module)), name, None)
        if found is function:
            return f"{module}:{name}"
    raise ParameterError(
        f"{name} cannot be written down: only a function at the top of a module can be found again by its name; put "
        "it into a file of its own, such as one in user/, and import it"
    )


def function_at(reference: str) -> FunctionType:
    """The function of a reference. Its module must have been imported by somebody: what a file says imports nothing.

    Raises
    ------
    ParameterError
        The module is not there, or has no such function of its own.
    """
    module, _, name = reference.partition(":")
    found = getattr(sys.modules.get(module), name, None)
    if module.partition(".")[0] in sys.stdlib_module_names or not isinstance(found, FunctionType):
        raise ParameterError(
            f"{reference} is no function that is loaded here: put its file back into user/, or import it"
        )
    return found


def plain_function(function: FunctionType) -> dict[str, Any]:
    """A function as data."""
    return {"kind": FUNCTION, "name": reference_of(function)}


def plain_indicator(indicator: FunctionIndicator, parameters: dict[str, Any]) -> dict[str, Any]:
    """A function's indicator as data; ``parameters`` are plain already."""
    return {
        "kind": INDICATOR,
        "function": plain_function(indicator.function),  # type: ignore[arg-type]
        "look_back": None if indicator.implied else indicator.look_back,
        "parameters": parameters,
    }


def made_indicator(function: FunctionType, look_back: int | None, parameters: dict[str, Any]) -> FunctionIndicator:
    """The indicator of such data."""
    return FunctionIndicator.of(function, look_back=look_back, **parameters)


def code_of_function(function: FunctionType) -> str:
    """Digest of what a function does."""
    return digest_of(function, function.__qualname__)
