"""How kernels are compiled, and where their machine code is kept."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile at the first call, without the interpreter lock, and keep the machine code on disk.

    numba's cache looks only at the file of the function itself. So a kernel and the compiled functions it calls live
    in one file; otherwise a change of the callee would leave old machine code in use.
    """
    return _compiled(function, {})


def summation(function: Function) -> Function:
    """Compile a function that sums over a whole window, in the order that suits the machine's vectors.

    The order is fixed when it is compiled and depends on the window alone, so the bits stay those of any split.
    """
    return _compiled(function, {"fastmath": {"reassoc"}})


def _compiled(function: Function, extra: dict[str, Any]) -> Function:
    options = {"error_model": "numpy", "nogil": True, **extra}
    try:
        return cast(Function, njit(cache=True, **options)(function))
    except RuntimeError:  # neither the package's folder nor the home folder can be written: compile in each process
        return cast(Function, njit(**options)(function))


def is_on_disk(file: str, name: str = "*") -> bool:
    """Whether an earlier process left machine code of the folder of a file; it may be older than the source, and then
    it is not used.

    Parameters
    ----------
    name : ``module.function-*`` of a kernel that is compiled last; any kernel unless given.
    """
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(file).parent / "__pycache__")
    return any(folder.rglob(f"{name}.nbi"))
