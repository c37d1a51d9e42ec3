"""Where a class was written, and a digest of the code that it was made of."""

import ast
import hashlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_DIGITS: Final = 16  # of a digest: two codes of one name never share so many by chance


def file_of(module: str) -> Path | None:
    """The source file of a module that is imported or being imported; None of a console or a notebook's cell."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return Path(path) if path is not None and Path(path).is_file() else None


def code_of(module: str) -> str:
    """Digest of a module's source and of those that it imports of its own package, as they are on disk now.

    Returns
    -------
    Sixteen hexadecimal digits, the same wherever the files lie; "" of a module without a file.
    """
    found: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = file_of(name)
        if name in found or path is None:
            continue
        found[name] = path.read_bytes()
        waiting += _imports(found[name], name)
    if module not in found:
        return ""
    digests = (name.encode() + b"\0" + hashlib.blake2b(source).digest() for name, source in sorted(found.items()))
    return hashlib.blake2b(b"".join(digests)).hexdigest()[:_DIGITS]


def place_of(error: BaseException, folder: Path) -> tuple[Path | None, int | None]:
    """File and line in a folder that an error came from: the innermost there; both None where none is there."""
    if isinstance(error, SyntaxError) and error.filename is not None and _is_in(Path(error.filename), folder):
        return Path(error.filename), error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_in(Path(frame.filename), folder)]
    return (Path(frames[-1].filename), frames[-1].lineno) if frames else (None, None)


def _is_in(path: Path, folder: Path) -> bool:
    return path.is_absolute() and path.is_relative_to(folder)


def _imports(source: bytes, module: str) -> Iterator[str]:
    """Modules of the same package that a source imports anywhere, as far as their names can be read from it."""
    top = module.partition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == top and top != "__main__")
