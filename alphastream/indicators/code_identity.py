"""What a function is, as a text that is equal in every process: a digest of its code and of all that it reads.

Two functions have one digest when they have the same instructions, constants, defaults and closures, and refer to
functions, classes and constants of which the same holds. Names of functions, docstrings, annotations, files and lines
do not count. What is installed (the standard library, site-packages) counts by its name; the user's own modules by
their content.
"""

import dis
import functools
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path, PurePath
from types import (
    BuiltinFunctionType,
    CodeType,
    EllipsisType,
    FunctionType,
    GenericAlias,
    MethodType,
    ModuleType,
    NoneType,
    UnionType,
)
from typing import Any, Final

import numpy as np

from alphastream.errors import ParameterError

_BY_REPR: Final = (
    NoneType,
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    EllipsisType,
    range,
    slice,
    Decimal,
    Fraction,
    date,
    time,
    timedelta,
    tzinfo,
    PurePath,
    GenericAlias,
    UnionType,
    np.dtype,
)
_OWN_DUNDERS: Final = {"__init__", "__call__", "__post_init__"}
_BUILTINS: Final[Mapping[str, Any]] = vars(__import__("builtins"))


def digest_of(value: object, what: str) -> str:
    """Return 64 hexadecimal digits that say what a value is, in every process of one version of Python.

    Parameters
    ----------
    value : a function, or what functions read: numbers, texts, arrays, containers, dataclasses, classes, modules.
    what : how a message calls it.

    Raises
    ------
    ParameterError
        The value, or something it refers to, has no content that could be compared: an open file, a generator.

    Examples
    --------
    >>> first = digest_of(lambda x: x + 1, "first")
    >>> first == digest_of(lambda x: x + 1, "second"), first == digest_of(lambda x: x + 2, "third")
    (True, False)
    """
    return _Digests(what).of(value).hex()


class _Digests:
    """Digests of values that may refer to each other in circles."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._open: dict[int, int] = {}  # what is being looked at, by how deep it lies
        self._known: dict[int, bytes] = {}  # functions and classes that were looked at: many may refer to one

    def of(self, value: Any) -> bytes:
        """32 bytes; a value met again inside itself is its place."""
        if id(value) in self._open:
            return _hash("again", str(self._open[id(value)]).encode())
        if id(value) in self._known:
            return self._known[id(value)]
        self._open[id(value)] = len(self._open)
        found = self._of(value)
        del self._open[id(value)]
        if isinstance(value, FunctionType | type | ModuleType):
            self._known[id(value)] = found
        return found

    def _of(self, value: Any) -> bytes:
        if isinstance(value, Enum):
            return _hash("enum", _name(type(value)).encode(), self.of(value.value))
        if isinstance(value, _BY_REPR):
            return _hash("value", _name(type(value)).encode(), repr(value).encode())
        if isinstance(value, np.generic | np.ndarray):
            return self._of_array(np.asarray(value))
        if isinstance(value, tuple | list):
            return _hash("sequence", _name(type(value)).encode(), *map(self.of, value))
        if isinstance(value, set | frozenset):
            return _hash("set", *sorted(map(self.of, value)))
        if isinstance(value, Mapping):
            return _hash("mapping", *sorted(self.of(key) + self.of(item) for key, item in value.items()))
        return self._of_code(value)

    def _of_array(self, array: Any) -> bytes:
        if array.dtype.hasobject:
            return _hash("objects", str(array.shape).encode(), *map(self.of, array.ravel().tolist()))
        return _hash("array", str(array.dtype).encode(), str(array.shape).encode(), array.tobytes())

    def _of_code(self, value: Any) -> bytes:
        if isinstance(value, CodeType):
            return _hash("code", *self._of_instructions(value, None))
        if isinstance(value, functools.partial):
            return _hash("partial", *map(self.of, (value.func, value.args, value.keywords)))
        if isinstance(value, MethodType):
            return _hash("method", self.of(value.__func__), self.of(value.__self__))
        if isinstance(value, property):
            return _hash("property", self.of(value.fget))
        if isinstance(value, staticmethod | classmethod):
            return _hash("wrapped", _name(type(value)).encode(), self.of(value.__func__))
        if isinstance(value, FunctionType):
            return self._of_function(value)
        if isinstance(value, np.ufunc | BuiltinFunctionType):
            return _hash("builtin", _name(value).encode())
        if isinstance(value, ModuleType):
            return self._of_module(value)
        if isinstance(value, type):
            return self._of_class(value)
        if isinstance(compiled := getattr(value, "py_func", None), FunctionType):  # numba's
            return _hash("compiled", self.of(compiled))
        if hasattr(value, "__qualname__") and hasattr(value, "__module__"):  # functions written in C
            return _hash("builtin", _name(value).encode())
        return self._of_object(value)

    def _of_function(self, function: FunctionType) -> bytes:
        if _installed(function.__code__.co_filename):
            return _hash("installed", _name(function).encode())
        closure = [cell.cell_contents for cell in function.__closure__ or ()]
        read = []
        for name in sorted(set(_globals_of(function.__code__))):
            if name in function.__globals__:
                read.append(name.encode() + self.of(function.__globals__[name]))
            else:
                read.append(name.encode() + (b"builtin" if name in _BUILTINS else b"missing"))
        return _hash(
            "function",
            *self._of_instructions(function.__code__, function.__doc__),
            self.of(function.__defaults__),
            self.of(function.__kwdefaults__),
            self.of(closure),
            *read,
        )

    def _of_instructions(self, code: CodeType, docstring: str | None) -> Iterator[bytes]:
        constants: list[Any] = list(code.co_consts)
        if docstring is not None and constants and constants[0] == docstring:
            constants[0] = None  # as in a function without one
        yield code.co_code
        yield code.co_exceptiontable
        for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
            yield "\0".join(names).encode()
        numbers = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        yield repr(numbers).encode()
        yield from map(self.of, constants)

    def _of_module(self, module: ModuleType) -> bytes:
        file = getattr(module, "__file__", None)
        if file is None or _installed(file):
            return _hash("module", module.__name__.encode())
        return _hash("module", Path(file).read_bytes())

    def _of_class(self, kind: type) -> bytes:
        if kind.__module__ == "builtins" or _installed(_file_of(kind)):
            return _hash("class", _name(kind).encode())
        members = {name: member for name, member in vars(kind).items() if name in _OWN_DUNDERS or name[:2] != "__"}
        known = [name.encode() + self.of(member) for name, member in sorted(members.items()) if not _is_slot(member)]
        return _hash("class", kind.__name__.encode(), *map(self.of, kind.__bases__), *known)

    def _of_object(self, value: Any) -> bytes:
        if is_dataclass(value):
            content = {item.name: getattr(value, item.name) for item in fields(value)}
        elif not _installed(_file_of(type(value))):
            content = dict(vars(value)) if hasattr(value, "__dict__") else {}
        else:
            raise ParameterError(
                f"{self._what} reads a {type(value).__name__}, which says nothing of its content: "
                "pass what is needed of it as numbers, texts or arrays"
            )
        return _hash("object", self.of(type(value)), self.of(content))


def _hash(kind: str, *parts: bytes) -> bytes:
    content = hashlib.sha256(kind.encode())
    for part in parts:
        content.update(len(part).to_bytes(8, "little"))
        content.update(part)
    return content.digest()


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', getattr(value, '__name__', ''))}"


def _file_of(kind: type) -> str:
    """Where a class is written: "<typed>" for one that was typed, nothing for one written in C."""
    module = sys.modules.get(kind.__module__)
    typed = "<typed>" if module is None or kind.__module__ == "__main__" else ""
    return getattr(module, "__file__", None) or typed


def _is_slot(member: object) -> bool:
    return inspect.ismemberdescriptor(member) or inspect.isgetsetdescriptor(member)


def _globals_of(code: CodeType) -> Iterator[str]:
    """Names that a function's instructions, and those of the functions in it, look up outside of it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_of(constant)


@cache
def _installed(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package, and not to the user."""
    if not file or file.startswith("<frozen"):
        return True
    if file.startswith("<"):  # typed at a prompt, or in a notebook
        return False
    path = Path(file).resolve()
    return any(path.is_relative_to(folder) for folder in _folders())


@cache
def _folders() -> tuple[Path, ...]:
    kept = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({Path(folder).resolve() for name in kept if (folder := sysconfig.get_path(name))})
