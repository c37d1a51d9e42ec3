"""Arrays under a name, so that chunks can name them: in memory for threads, in an Arrow file for everyone else."""

import hashlib
import json
import platform
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alphastream.compute.engines import LOCAL
from alphastream.compute.files import place, write
from alphastream.errors import ComputeError

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_held: dict[str, Arrays] = {}
_numbers = count()
_users = Counter[str]()  # jobs by file: the same job may run twice in one folder
_counting = threading.Lock()
_SHAPES = b"shapes"


@contextmanager
def named_arrays(arrays: Arrays, backend: object, folder: str | None = None) -> Iterator[str]:
    """Give arrays a name that lasts until the block ends, and that workers of a backend can open.

    Parameters
    ----------
    arrays : of numbers, any shapes.
    backend : as ``run`` has it. Threads see the arrays themselves, unless there is a folder.
    folder : of the job: the arrays are written there and have the same name at a restart; the last job of this process
        that uses them deletes them. None: into a temporary folder, which processes of this machine can open.
    """
    if folder is None and isinstance(backend, str) and backend in LOCAL:
        name = f"memory:{next(_numbers)}"
        _held[name] = MappingProxyType(dict(arrays))
        try:
            yield name
        finally:
            del _held[name]
        return
    with tempfile.TemporaryDirectory(prefix="alphastream-") if folder is None else nullcontext(str(folder)) as kept:
        name = write(kept, f"{digest_of(arrays)}.arrow", _packed(arrays))
        with _counting:
            _users[name] += 1
        try:
            yield name
        finally:
            with _counting:
                _users[name] -= 1
                if not _users[name]:
                    del _users[name]
                    system, path = place(name)
                    with suppress(FileNotFoundError):  # another process has done the same job
                        system.delete_file(path)


def open_arrays(name: str) -> Arrays:
    """The arrays of a name, read-only; those of a file on this machine are mapped, not read."""
    return _held[name] if name in _held else _mapped(name)


@lru_cache(maxsize=2)
def _mapped(name: str) -> Arrays:
    import pyarrow as pa
    import pyarrow.fs

    system, path = place(name)
    local = isinstance(system, pyarrow.fs.LocalFileSystem)
    try:
        source = pa.memory_map(path) if local else system.open_input_file(path).read_buffer()
    except FileNotFoundError as error:
        raise ComputeError(f"{name} cannot be seen from {platform.node()}: give a folder all workers share") from error
    table = pa.ipc.open_file(source).read_all()
    shapes = json.loads(table.schema.metadata[_SHAPES])
    columns = {each: table.column(each).chunk(0).values.to_numpy() for each in table.column_names}
    return MappingProxyType({each: column.reshape(shapes[each]) for each, column in columns.items()})


def digest_of(arrays: Arrays) -> str:
    """Digest of names, types, shapes and values."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()


def _packed(arrays: Arrays) -> Any:
    """One row, a list a column: arrays of any length in one Arrow file."""
    import pyarrow as pa

    columns = {}
    for name, array in arrays.items():
        values = pa.array(np.ascontiguousarray(array).reshape(-1))
        columns[name] = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    table = pa.table(columns).replace_schema_metadata(
        {_SHAPES: json.dumps({name: array.shape for name, array in arrays.items()})}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    return sink.getvalue()
