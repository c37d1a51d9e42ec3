"""Plain functions in a definition: by the module and the name under which they can be found again."""

import sys
from types import FunctionType
from typing import Any, Final

from alphastream.errors import ParameterError
from alphastream.indicators import FunctionIndicator
from alphastream.indicators.code_identity import digest_of
from alphastream.registry import KINDS, registered

FUNCTION: Final = "function"
INDICATOR: Final = FunctionIndicator.__name__
USER: Final = "user"  # the package of a user's own files

_written: Final[set[str]] = set()  # references that code has vouched for


def reference_of(function: Any) -> str:
    """``module:name`` of a function that stands at the top of a module.

    Raises
    ------
    ParameterError
        A lambda, a function inside of another, one that was typed: nobody else could find it.
    """
    name = getattr(function, "__qualname__", type(function).__name__)
    module = getattr(function, "__module__", None)
    if module not in (None, "__main__"):
        found = getattr(sys.modules.get(str(module)), name, None)
        if found is function and isinstance(found, FunctionType):
            reference = f"{module}:{name}"
            vouch(reference)
            return reference
    raise ParameterError(
        f"{name} cannot be written down: only a function at the top of a module can be found again by its name; put "
        "it into a file of its own, such as one in user/, and import it"
    )


def vouch(reference: str) -> None:
    """Say that code, and no file, has named a function: ``function_at`` finds it from now on, wherever it stands."""
    _written.add(reference)


def function_at(reference: str) -> FunctionType:
    """The function of a reference.

    What a file says imports nothing, and calls nothing that others wrote for other ends: the function must stand in
    the user's folder, in a package that has registered something, or be one that code of this process has written down.

    Raises
    ------
    ParameterError
        The module is not loaded, has no such function of its own, or is none of these.
    """
    module, _, name = str(reference).partition(":")
    found = getattr(sys.modules.get(module), name, None)
    if isinstance(found, FunctionType) and found.__module__ == module and (reference in _written or _is_own(module)):
        return found
    raise ParameterError(
        f"{reference} is no function of yours that is loaded here: put its file back into user/, or let its package "
        "register something"
    )


def _is_own(module: str) -> bool:
    """Whether a module is the user's, or of a package that has registered something."""
    package = module.partition(".")[0]
    return package == USER or any(
        each.module.partition(".")[0] == package for kind in KINDS for each in registered(kind)
    )


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
