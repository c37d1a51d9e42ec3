"""What names a piece of work: a function of a module, and a chunk of text and numbers that names its data."""

import hashlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Number
from pathlib import Path
from typing import Any, Final

from alphastream.core.compilation import source_files
from alphastream.errors import ParameterError

MOST_CHARACTERS: Final = 1 << 18  # of a chunk in words: ten thousand names, a thousand rules, no array in disguise
_PLAIN: Final = {str, int, float, bool, type(None)}


def names_of(code: str, chunks: Iterable[object]) -> list[str]:
    """Digest of code and chunk, for each: the same for the same work, today and on another machine.

    Raises
    ------
    ParameterError : a chunk that carries its data: it would be sent to a worker, and again when that worker has died.
    """
    parts: dict[int, str] = {}
    return [hashlib.blake2b(f"{code} {_named(chunk, parts)}".encode(), digest_size=16).hexdigest() for chunk in chunks]


@cache
def code_of(function: Callable[..., Any]) -> str:
    """Digest of the name of a function and of all project sources that its module imports.

    Raises
    ------
    ParameterError : it is not a plain function of a module: what else can be called may carry data.
    """
    plain = inspect.isfunction(function) and function.__closure__ is None and function.__qualname__.isidentifier()
    if not plain:
        raise ParameterError(
            f"{function!r} is no plain function of a module: give one, and name its data in the chunks"
        )
    name, code = f"{function.__module__}.{function.__qualname__}", [inspect.getsource(function).encode()]
    if function.__module__ != "__main__":
        code = [path.read_bytes() for path in source_files(Path(inspect.getfile(function)), function.__module__)]
    return hashlib.blake2b(b"\0".join((name.encode(), *code)), digest_size=16).hexdigest()


def _named(chunk: object, parts: dict[int, str]) -> str:
    words = _words(chunk, type(chunk).__name__, parts)
    if len(words) > MOST_CHARACTERS:
        raise ParameterError(f"a chunk of {len(words):,} characters: write its data to a file and name that")
    return words


def _words(value: object, where: str, parts: dict[int, str]) -> str:
    """A value in words; what many chunks share is written once, in ``parts`` under its identity."""
    if type(value) in _PLAIN or isinstance(value, (str, Number)):  # first what is quickly told
        return repr(value)
    if (known := parts.get(id(value))) is not None:
        return known
    if isinstance(value, tuple):
        inner = [_words(each, where, parts) for each in value]
    elif is_dataclass(value) and not isinstance(value, type) and value.__dataclass_params__.frozen:  # type: ignore
        inner = [_words(getattr(value, name), name, parts) for name in _fields(type(value))]
    else:
        raise ParameterError(
            f"{where} of a chunk is a {type(value).__name__}: a chunk names its data by text and numbers in a frozen "
            "dataclass; write the data to a file, or use named_arrays, and give the name"
        )
    parts[id(value)] = words = f"{type(value).__qualname__}({', '.join(inner)})"
    return words


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
