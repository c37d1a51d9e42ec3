"""What names a piece of work: a function of a module, and a chunk of text and numbers that names its data."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Number
from pathlib import Path
from typing import Any, Final, TypeVar

from alphastream.core.compilation import source_files
from alphastream.errors import ParameterError

Chunk = TypeVar("Chunk")

MOST_CHARACTERS: Final = 1 << 16  # of a chunk in words: names of some thousand symbols, and no array in disguise


def name_of(code: str, chunk: object) -> str:
    """Digest of code and chunk: the same for the same work, today and on another machine."""
    return hashlib.blake2b(f"{code} {chunk!r}".encode(), digest_size=16).hexdigest()


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


def checked(chunk: Chunk) -> Chunk:
    """Return a chunk, or raise ParameterError where it carries its data."""
    _refuse_data(chunk, type(chunk).__name__)
    if len(repr(chunk)) > MOST_CHARACTERS:
        raise ParameterError(f"a chunk of {len(repr(chunk)):,} characters: write its data to a file and name that")
    return chunk


def _refuse_data(value: object, where: str) -> None:
    """A chunk that carries its data is sent to a worker, and again when that worker has died."""
    if isinstance(value, tuple):
        for each in value:
            _refuse_data(each, where)
    elif is_dataclass(value) and getattr(value, "__dataclass_params__").frozen:  # noqa: B009 - typeshed has it not
        for field in fields(value):
            _refuse_data(getattr(value, field.name), f"{where}.{field.name}")
    elif not (value is None or isinstance(value, str | Number)):
        raise ParameterError(
            f"{where} is a {type(value).__name__}: a chunk names its data by text and numbers in a frozen dataclass; "
            "write the data to a file, or use named_arrays, and give the name"
        )
