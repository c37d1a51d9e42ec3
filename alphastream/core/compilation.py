"""How kernels are compiled, and where their machine code is kept.

numba keeps machine code with a stamp of the file a kernel stands in. That is not all a kernel is made of: constants
and compiled functions of other modules go into its machine code as well. The stamp here is one of every project source
that the kernel's module imports, so that machine code is never older than what it was made from.
"""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.registry import CPUDispatcher

Function = TypeVar("Function", bound=Callable[..., Any])

_LIBRARY: Final = Path(__file__).resolve().parent.parent
_only_load = ContextVar("only_load", default=False)


def kernel(function: Function) -> Function:
    """Compile at the first call, without the interpreter lock, and keep the machine code on disk.

    It is kept beside the source, in the user's cache folder where that cannot be written, or in ``NUMBA_CACHE_DIR``,
    and is used until a source that the function's module imports of its own package or of ``alphastream`` changes.
    """
    return _compiled(function, {})


def inlined(function: Function) -> Function:
    """Compile a function into those that call it: for what is short, and called where each nanosecond counts."""
    return _compiled(function, {"forceinline": True})


def summation(function: Function) -> Function:
    """Compile a function that sums over a whole window, in the order that suits the machine's vectors.

    The order is fixed when it is compiled and depends on the window alone, so the bits stay those of any split.
    """
    return _compiled(function, {"fastmath": {"reassoc"}})


def _compiled(function: Function, extra: dict[str, Any]) -> Function:
    options = {"nopython": True, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True, **extra}
    dispatcher = _Kernel(function, targetoptions=options)
    dispatcher.enable_caching()
    return cast(Function, dispatcher)


def loads_from_disk(call: Callable[[], object]) -> bool:
    """Whether a call finds the machine code of all its kernels on disk, made from the sources as they are now.

    The call is made, and what it finds is loaded; nothing is compiled. It ends at the first kernel that is missing.
    """
    token = _only_load.set(True)
    try:
        call()
    except _NotCompiledError:
        return False
    finally:
        _only_load.reset(token)
    return True


@cache
def source_files(file: Path, module: str) -> tuple[Path, ...]:
    """Return the project sources whose content can be in the machine code of a module, the module's own first.

    Parameters
    ----------
    file, module : where the module is, and its full name.

    Returns
    -------
    Every module that it imports, directly or not, of its own top-level package and of ``alphastream``; for a script
    also those of the files beside it.
    """
    package = module.count(".") + (file.name == "__init__.py")
    folders = {"alphastream": _LIBRARY.parent}
    if package:
        folders[module.partition(".")[0]] = file.parents[package]
    beside = None if package else file.parent
    found: dict[Path, None] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = None
        for name, member in _imports(path):
            top = name.partition(".")[0]
            folder = folders.get(top) or (beside if beside is not None and (beside / f"{top}.py").exists() else None)
            if folder is not None and (source := _source_of(folder, name, member)) is not None:
                waiting.append(source)
    return tuple(found)


class _NotCompiledError(Exception):
    """A kernel that is not on disk was called where nothing may be compiled."""


class _Kernel(CPUDispatcher):
    """numba's compiled function, with a cache of our own and one specialisation for all values of a number."""

    def enable_caching(self) -> None:
        """Keep machine code on disk; where no folder can be written it is compiled in each process."""
        self._cache: Any
        try:
            self._cache = _SourceCache(self.py_func)
        except RuntimeError:  # neither the package's folder nor the home folder can be written
            self._cache = _NoCache()

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Compile for the types of a call in another kernel, not for constants in it.

        numba takes a variable for a constant until it sees it change, and would compile the function, and all that it
        calls, for that constant first and then for any number.
        """
        unliteral: Any = types.unliteral
        named = {name: unliteral(argument) for name, argument in kws.items()}
        return super().get_call_template(tuple(map(unliteral, args)), named)


class _SourceCache(FunctionCache):
    """numba's cache on disk, with a stamp of all sources."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba has no types
        stamp = _stamp(source_files(Path(inspect.getfile(function)).resolve(), function.__module__))
        index: Any = IndexDataCacheFile
        self._cache_file = index(self.cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Machine code of a signature, None where there is none and it may be compiled."""
        return _found_or_allowed(super().load_overload(sig, target_context))  # type: ignore[no-untyped-call]


class _NoCache(NullCache):
    """Keeps nothing."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """None where it may be compiled."""
        return _found_or_allowed(None)


def _found_or_allowed(machine_code: Any) -> Any:
    if machine_code is None and _only_load.get():
        raise _NotCompiledError
    return machine_code


@cache
def _stamp(files: tuple[Path, ...]) -> str:
    """One value for the content of all files; the same wherever the project lies."""
    content = hashlib.sha256(np.__version__.encode())
    for digest in sorted(map(_digest, files)):
        content.update(digest)
    return content.hexdigest()


@cache
def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


@cache
def _imports(file: Path) -> tuple[tuple[str, str | None], ...]:
    """Modules that a file imports anywhere, each with the name taken from it, None for the module itself."""

    def names() -> Iterator[tuple[str, str | None]]:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((_absolute(file, node), alias.name) for alias in node.names)

    return tuple(names())


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    """The module of a ``from`` import; a relative one counts its dots from the file's folder."""
    if not node.level:
        return str(node.module)
    folder = file.parents[node.level - 1]
    parts = [node.module] if node.module else []
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _source_of(folder: Path, name: str, member: str | None) -> Path | None:
    """The file a name is read from: a module ``name.member``, or else the module ``name``."""
    dotted = [f"{name}.{member}", name] if member else [name]
    for each in dotted:
        base = folder.joinpath(*each.split("."))
        for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None
